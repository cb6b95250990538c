// What recovery does on RDS, done by Amazon's own command line on an emulated AWS: every word is one that it takes, and a restored instance
// has the network, the groups and the parameters of its source. The emulator restores nothing: times and data are AWS's own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rdsRecovery } from '../../tools/recovery/rds.ts'
import type { Recovery } from '../../tools/recovery/recovery.ts'
import { type EmulatedAws, startEmulatedAws, whyNoEmulatedAws } from './aws/emulated-aws.ts'

const missing = whyNoEmulatedAws()
if (missing !== null) console.warn(`Nothing is restored on RDS: ${missing}`)

const INSTANCE = 'borrow-rate-engine-staging'
/** On a machine that has other things to do the tools are made in many minutes, once. */
const FIRST_TIME_MS = 1_200_000
const RUN_MS = 180_000

const TERRAFORMS_WORK = `
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET_A=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId --output text)
SUBNET_B=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.2.0/24 --availability-zone us-east-1b --query Subnet.SubnetId --output text)
GROUP=$(aws ec2 create-security-group --vpc-id $VPC --group-name database --description database --query GroupId --output text)
aws rds create-db-subnet-group --db-subnet-group-name data --db-subnet-group-description data --subnet-ids $SUBNET_A $SUBNET_B
aws rds create-db-parameter-group --db-parameter-group-name encrypted --db-parameter-group-family postgres15 --description parameters
aws rds create-db-instance --db-instance-identifier ${INSTANCE} --db-instance-class db.r5.large --engine postgres --allocated-storage 100 \\
  --master-username engine_owner --master-user-password not-a-password --multi-az --storage-encrypted \\
  --db-subnet-group-name data --vpc-security-group-ids $GROUP --db-parameter-group-name encrypted
`

interface Described {
  readonly DBSubnetGroup: { readonly DBSubnetGroupName: string }
  readonly VpcSecurityGroups: readonly { readonly VpcSecurityGroupId: string }[]
  readonly DBParameterGroups: readonly { readonly DBParameterGroupName: string }[]
}

describe.skipIf(missing !== null)('on an emulated RDS', () => {
  let aws: EmulatedAws
  let recovery: Recovery

  beforeAll(async () => {
    aws = await startEmulatedAws()
    const { status, output } = await aws.run(TERRAFORMS_WORK)
    expect(status, output).toBe(0)
    recovery = rdsRecovery({
      instance: INSTANCE,
      url: 'postgres://migrator_user:secret@source.example.com:5432/borrow_rate_engine',
      isDrill: true,
      now: () => new Date('2026-11-29T18:45:01Z'),
      environment: { ...aws.environment },
    })
  }, FIRST_TIME_MS)
  afterAll(() => aws?.close())

  const described = async (name: string): Promise<Described> => {
    const { output } = await aws.run(
      'aws rds describe-db-instances --db-instance-identifier "$NAME" --query "DBInstances[0]"',
      {
        NAME: name,
      },
    )
    return JSON.parse(output) as Described
  }

  test(
    'a snapshot, a server restored from it with everything of its source, and that one removed',
    async () => {
      // RDS took one by itself when the instance was made.
      expect((await recovery.newestBackup())?.id).toMatch(/^rds:/)
      const { id } = await recovery.takeBackup()
      expect((await recovery.newestBackup())?.id).toBe(id)
      const restored = await recovery.restore({ kind: 'backup', id }, 'drill-1')
      expect(restored.url).toMatch(/^postgres:\/\/migrator_user:secret@drill-1\..*:5432\/borrow_rate_engine$/)
      const [source, copy] = [await described(INSTANCE), await described('drill-1')]
      expect(copy.DBSubnetGroup.DBSubnetGroupName).toBe(source.DBSubnetGroup.DBSubnetGroupName)
      expect(copy.VpcSecurityGroups[0]?.VpcSecurityGroupId).toBe(source.VpcSecurityGroups[0]?.VpcSecurityGroupId)
      expect(copy.DBParameterGroups[0]?.DBParameterGroupName).toBe('encrypted')
      await recovery.remove('drill-1')
      expect((await aws.run('aws rds describe-db-instances --db-instance-identifier drill-1')).output).toContain(
        'DBInstanceNotFound',
      )
      expect((await described(INSTANCE)).DBSubnetGroup.DBSubnetGroupName).toBe('data')
    },
    RUN_MS,
  )

  test(
    'a restore to a moment, and a snapshot that is not there',
    async () => {
      await recovery.restore({ kind: 'moment', moment: new Date('2026-11-24T15:30:00Z') }, 'as-of')
      expect((await described('as-of')).DBSubnetGroup.DBSubnetGroupName).toBe('data')
      await expect(recovery.restore({ kind: 'backup', id: 'no-such-snapshot' }, 'drill-2')).rejects.toThrow(
        /^aws rds restore-db-instance-from-db-snapshot failed: .*DBSnapshotNotFound/,
      )
    },
    RUN_MS,
  )
})
