// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the lines are for bash, which reads ${} itself
// The commands of AWS that the deployment guide tells people to type, typed: by Amazon's own command line, against an emulator that holds what
// Terraform would have made. Each is read back, so that a command which does nothing fails. The emulator (moto) is not AWS: what AWS checks beyond the
// form of a request (rights, quotas, whether a class exists in a zone) is not seen here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type EmulatedAws, startEmulatedAws, whyNoEmulatedAws } from './aws/emulated-aws.ts'

const missing = whyNoEmulatedAws()
if (missing !== null) console.warn(`The commands of AWS are not run: ${missing}`)

const VERSION = '1.4.0'
/** On a machine that has other things to do the tools are made in many minutes, once. */
const FIRST_TIME_MS = 1_200_000

/** What Terraform makes before anybody types these commands, as far as they need it. */
const TERRAFORMS_WORK = `
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET_A=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId --output text)
SUBNET_B=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.2.0/24 --availability-zone us-east-1b --query Subnet.SubnetId --output text)
GROUP=$(aws ec2 create-security-group --vpc-id $VPC --group-name database --description database --query GroupId --output text)
aws eks create-cluster --name borrow-rate-engine-$ENV --role-arn arn:aws:iam::123456789012:role/cluster --resources-vpc-config subnetIds=$SUBNET_A,$SUBNET_B
aws rds create-db-subnet-group --db-subnet-group-name borrow-rate-engine-$ENV --db-subnet-group-description data --subnet-ids $SUBNET_A $SUBNET_B
aws rds create-db-parameter-group --db-parameter-group-name borrow-rate-engine-$ENV-postgres15 --db-parameter-group-family postgres15 --description parameters
aws rds create-db-instance --db-instance-identifier borrow-rate-engine-$ENV --db-instance-class db.r5.xlarge --engine postgres --allocated-storage 100 \
  --master-username engine_owner --master-user-password not-a-password --multi-az --storage-encrypted \
  --db-subnet-group-name borrow-rate-engine-$ENV --vpc-security-group-ids $GROUP --db-parameter-group-name borrow-rate-engine-$ENV-postgres15
aws ec2 create-launch-template --launch-template-name nodes --launch-template-data '{"InstanceType":"m5.large"}'
aws autoscaling create-auto-scaling-group --auto-scaling-group-name eks-services-1 --min-size 3 --max-size 20 --desired-capacity 3 \
  --launch-template LaunchTemplateName=nodes --vpc-zone-identifier $SUBNET_A,$SUBNET_B --tags Key=eks:cluster-name,Value=borrow-rate-engine-$ENV
aws ecr create-repository --repository-name borrow-rate-engine --image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true
`

const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
  config: { mediaType: 'application/vnd.docker.container.image.v1+json', size: 2, digest: `sha256:${'a'.repeat(64)}` },
  layers: [],
})

describe.skipIf(missing !== null)('the guide’s commands of AWS', () => {
  let aws: EmulatedAws
  /** Runs the lines and wants them to succeed. */
  const typed = async (lines: string, variables: Record<string, string> = {}): Promise<string> => {
    const { status, output } = await aws.run(lines, { ENV: 'prod', VERSION, ...variables })
    expect(status, output).toBe(0)
    return output
  }
  const instance = async (name: string) => {
    const line = 'aws rds describe-db-instances --db-instance-identifier "$NAME" --query "DBInstances[0]"'
    return JSON.parse(await typed(line, { NAME: name }))
  }

  beforeAll(async () => {
    aws = await startEmulatedAws()
    await typed(TERRAFORMS_WORK)
  }, FIRST_TIME_MS)
  afterAll(() => aws?.close())

  test('update-kubeconfig writes an access that asks AWS for a token each time, and none into the file', async () => {
    await typed('aws eks update-kubeconfig --name borrow-rate-engine-${ENV} --region us-east-1')
    const access = parse(readFileSync(join(aws.environment.HOME!, '.kube/config'), 'utf8'))
    expect(access['current-context']).toBe('arn:aws:eks:us-east-1:123456789012:cluster/borrow-rate-engine-prod')
    const [{ user }] = access.users
    expect(user.exec).toMatchObject({
      command: 'aws',
      args: expect.arrayContaining(['get-token', 'borrow-rate-engine-prod']),
    })
    expect(user.token).toBeUndefined()
  })

  test('a secret is created by the guide’s words; under a name that is there it is refused, and its value is put', async () => {
    const create = `aws secretsmanager create-secret --name borrow-rate-engine/\${ENV}/database-credentials --secret-string '{"username":"admin","password":"REDACTED","host":"db.example.com","port":5432,"database":"borrow_rate_engine"}'`
    const read =
      'aws secretsmanager get-secret-value --secret-id borrow-rate-engine/${ENV}/database-credentials --query SecretString --output text'
    await typed(create)
    expect(Object.keys(JSON.parse(await typed(read)))).toEqual(['username', 'password', 'host', 'port', 'database'])
    const again = await aws.run(create, { ENV: 'prod' })
    expect(again.status).not.toBe(0)
    expect(again.output).toContain('ResourceExistsException')
    await typed(
      `${read} | jq '.host = "other.example.com"' | aws secretsmanager put-secret-value --secret-id borrow-rate-engine/\${ENV}/database-credentials --secret-string file:///dev/stdin`,
    )
    expect(JSON.parse(await typed(read))).toMatchObject({ host: 'other.example.com', database: 'borrow_rate_engine' })
  })

  test('the registry gives a password for docker', async () => {
    expect(await typed('aws ecr get-login-password --region us-east-1')).toMatch(/^\S+$/)
  })

  test('an image that is not there fails the look-up before a deployment, one that is there passes', async () => {
    const look =
      'aws ecr describe-images --repository-name borrow-rate-engine --image-ids imageTag=${VERSION} --query "imageDetails[0].imageTags" --output text'
    const absent = await aws.run(look, { VERSION })
    expect(absent.status).not.toBe(0)
    expect(absent.output).toContain('ImageNotFoundException')
    await typed(
      'aws ecr put-image --repository-name borrow-rate-engine --image-tag ${VERSION} --image-manifest "$MANIFEST"',
      { MANIFEST },
    )
    expect(await typed(look)).toBe(VERSION)
  })

  test('the findings of a scan are counted by how bad they are', async () => {
    const image = '--repository-name borrow-rate-engine --image-id imageTag=${VERSION}'
    await typed(`aws ecr start-image-scan ${image} && aws ecr wait image-scan-complete ${image}`)
    const counts = JSON.parse(
      await typed(`aws ecr describe-image-scan-findings ${image} --query imageScanFindings.findingSeverityCounts`),
    )
    expect(counts.CRITICAL ?? 0).toBe(0)
  })

  test('the deployed version is kept and read, with the versions before it', async () => {
    const read =
      "aws ssm get-parameter --name /borrow-rate-engine/${ENV}/deployed-version --query 'Parameter.Value' --output text"
    const put =
      'aws ssm put-parameter --name /borrow-rate-engine/${ENV}/deployed-version --value "${VERSION}" --type String --overwrite'
    const unknown = await aws.run(read, { ENV: 'staging' })
    expect(unknown.status).not.toBe(0)
    expect(unknown.output).toContain('ParameterNotFound')
    await typed(put, { VERSION: '1.3.2' })
    await typed(put)
    expect(await typed(read)).toBe(VERSION)
    const history =
      "aws ssm get-parameter-history --name /borrow-rate-engine/${ENV}/deployed-version --query 'Parameters[].Value' --output text"
    expect((await typed(history)).split(/\s+/)).toEqual(['1.3.2', VERSION])
  })

  test('what a rollback reads, under the guide’s name for production', async () => {
    await typed(
      'aws ssm put-parameter --name /borrow-rate-engine/production/deployed-version --value "${VERSION}" --type String --overwrite',
    )
    const lines = `PREV_VERSION=$(aws ssm get-parameter --name /borrow-rate-engine/production/deployed-version --query 'Parameter.Value' --output text)
      echo "back to $PREV_VERSION"`
    expect(await typed(lines)).toBe(`back to ${VERSION}`)
  })

  test('staging’s version is compared with the one to be deployed', async () => {
    const compare = `test "$(aws ssm get-parameter --name /borrow-rate-engine/staging/deployed-version --query Parameter.Value --output text)" = "\${VERSION}"`
    await typed(
      'aws ssm put-parameter --name /borrow-rate-engine/staging/deployed-version --value 1.3.2 --type String --overwrite',
    )
    expect((await aws.run(compare, { VERSION })).status).toBe(1)
    await typed(
      'aws ssm put-parameter --name /borrow-rate-engine/staging/deployed-version --value "${VERSION}" --type String --overwrite',
    )
    await typed(compare)
  })

  test('a snapshot before a deployment is made and waited for, and a database comes back of it where the old one was', async () => {
    await typed(`SNAPSHOT_ID=borrow-rate-engine-\${ENV}-before-\${VERSION//./-}
      aws rds create-db-snapshot --db-instance-identifier borrow-rate-engine-\${ENV} --db-snapshot-identifier \${SNAPSHOT_ID}
      aws rds wait db-snapshot-available --db-snapshot-identifier \${SNAPSHOT_ID}`)
    const snapshots =
      'aws rds describe-db-snapshots --db-instance-identifier borrow-rate-engine-${ENV} --query "DBSnapshots[].[DBSnapshotIdentifier,Status]"'
    expect(JSON.parse(await typed(snapshots))).toContainEqual(['borrow-rate-engine-prod-before-1-4-0', 'available'])

    const original = await instance('borrow-rate-engine-prod')
    const [{ VpcSecurityGroupId: group }] = original.VpcSecurityGroups
    await typed(
      `aws rds restore-db-instance-from-db-snapshot \\
  --db-instance-identifier borrow-rate-engine-\${ENV}-restored \\
  --db-snapshot-identifier \${SNAPSHOT_ID} \\
  --db-subnet-group-name borrow-rate-engine-\${ENV} --vpc-security-group-ids \${GROUP} --db-parameter-group-name borrow-rate-engine-\${ENV}-postgres15`,
      { SNAPSHOT_ID: 'borrow-rate-engine-prod-before-1-4-0', GROUP: group },
    )
    await typed('aws rds wait db-instance-available --db-instance-identifier borrow-rate-engine-${ENV}-restored')
    const restored = await instance('borrow-rate-engine-prod-restored')
    expect(restored).toMatchObject({ Engine: 'postgres', DBInstanceStatus: 'available', StorageEncrypted: true })
    expect(restored.DBSubnetGroup.DBSubnetGroupName).toBe('borrow-rate-engine-prod')
    expect(restored.VpcSecurityGroups[0].VpcSecurityGroupId).toBe(group)
    expect(restored.DBParameterGroups[0].DBParameterGroupName).toBe('borrow-rate-engine-prod-postgres15')
  })

  test('a restore of a snapshot that is not there is refused', async () => {
    const lines =
      'aws rds restore-db-instance-from-db-snapshot --db-instance-identifier other --db-snapshot-identifier no-such-snapshot'
    const { status, output } = await aws.run(lines)
    expect(status).not.toBe(0)
    expect(output).toContain('DBSnapshotNotFound')
  })

  test('the group of nodes is widened', async () => {
    const find =
      "aws autoscaling describe-auto-scaling-groups --filters Name=tag:eks:cluster-name,Values=borrow-rate-engine-${ENV} --query 'AutoScalingGroups[0].AutoScalingGroupName' --output text"
    const NODE_GROUP_NAME = await typed(find)
    expect(NODE_GROUP_NAME).toBe('eks-services-1')
    await typed(
      `aws autoscaling update-auto-scaling-group \\
  --auto-scaling-group-name \${NODE_GROUP_NAME} \\
  --min-size 5 --max-size 30`,
      { NODE_GROUP_NAME },
    )
    const sizes = "aws autoscaling describe-auto-scaling-groups --query 'AutoScalingGroups[0].[MinSize,MaxSize]'"
    expect(JSON.parse(await typed(sizes))).toEqual([5, 30])
  })

  test('the database gets a larger class', async () => {
    await typed(`aws rds modify-db-instance \\
  --db-instance-identifier borrow-rate-engine-\${ENV} \\
  --db-instance-class db.r5.2xlarge \\
  --apply-immediately`)
    expect((await instance('borrow-rate-engine-prod')).DBInstanceClass).toBe('db.r5.2xlarge')
  })
})
