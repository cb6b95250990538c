// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the lines are for bash, which reads ${} itself
// The accounts of staging and production in the emulated AWS, with what Terraform makes in them as far as a deployment sees it; and what GitHub's identity
// gets there: credentials of the role that a workflow names.
import type { EmulatedAws } from '../aws/emulated-aws.ts'

export const ACCOUNTS = { staging: '222222222222', prod: '333333333333' } as const
export type AccountName = keyof typeof ACCOUNTS

export interface Accounts {
  /** For the environment of a step. @throws Error for a role that is not there */
  credentials(roleArn: string): Promise<Record<string, string>>
  /** Runs lines of bash in an account. @throws Error when they fail */
  typed(account: AccountName, lines: string, variables?: Readonly<Record<string, string>>): Promise<string>
}

const TERRAFORMS_WORK = `
VPC=$(aws ec2 create-vpc --cidr-block 10.0.0.0/16 --query Vpc.VpcId --output text)
SUBNET=$(aws ec2 create-subnet --vpc-id $VPC --cidr-block 10.0.1.0/24 --availability-zone us-east-1a --query Subnet.SubnetId --output text)
aws eks create-cluster --name borrow-rate-engine-$ENV --kubernetes-version 1.35 --role-arn arn:aws:iam::$ACCOUNT:role/cluster --resources-vpc-config subnetIds=$SUBNET >/dev/null
aws rds create-db-instance --db-instance-identifier borrow-rate-engine-$ENV --db-instance-class db.r5.large --engine postgres --allocated-storage 100 \\
  --master-username engine_owner --master-user-password not-a-password >/dev/null
aws ec2 run-instances --image-id ami-12c6146b --instance-type t3.micro --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=borrow-rate-engine-$ENV-bastion}]" >/dev/null
for name in borrow-rate-engine borrow-rate-engine-pgbouncer; do
  aws ecr create-repository --repository-name $name --image-tag-mutability IMMUTABLE >/dev/null
done
`

export async function makeAccounts(aws: EmulatedAws): Promise<Accounts> {
  const known = new Map<string, Promise<Record<string, string>>>()
  const assumed = async (roleArn: string) => {
    const line =
      'aws sts assume-role --role-arn "$ROLE" --role-session-name workflow --query "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]" --output text'
    const { status, output } = await aws.run(line, { ROLE: roleArn })
    if (status !== 0) throw new Error(output)
    const [id = '', secret = '', token = ''] = output.split(/\s+/)
    return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token, AWS_REGION: 'us-east-1' }
  }
  const accounts: Accounts = {
    credentials(roleArn) {
      const there = Object.entries(ACCOUNTS).some(
        ([env, account]) => roleArn === `arn:aws:iam::${account}:role/borrow-rate-engine-${env}-deploy`,
      )
      if (!there) throw new Error(`there is no role ${roleArn}`)
      const found = known.get(roleArn) ?? assumed(roleArn)
      known.set(roleArn, found)
      return found
    },
    async typed(account, lines, variables = {}) {
      const role = `arn:aws:iam::${ACCOUNTS[account]}:role/borrow-rate-engine-${account}-deploy`
      const given = await accounts.credentials(role)
      const { status, output } = await aws.run(lines, {
        ...given,
        ENV: account,
        ACCOUNT: ACCOUNTS[account],
        ...variables,
      })
      if (status !== 0) throw new Error(output)
      return output
    },
  }
  for (const account of Object.keys(ACCOUNTS) as AccountName[]) await accounts.typed(account, TERRAFORMS_WORK)
  return accounts
}

/** An image in an account's registry. Of the same content it has the same digest everywhere. */
export function pushed(
  accounts: Accounts,
  account: AccountName,
  tags: readonly string[],
  content = 'a',
  name = 'borrow-rate-engine',
) {
  const config = {
    mediaType: 'application/vnd.docker.container.image.v1+json',
    size: 2,
    digest: `sha256:${content.repeat(64).slice(0, 64)}`,
  }
  const MANIFEST = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
    config,
    // The emulator makes an image's digest of its layers'.
    layers: [{ mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', size: 2, digest: config.digest }],
  })
  return accounts.typed(
    account,
    `for tag in $TAGS; do aws ecr put-image --repository-name $NAME --image-tag $tag --image-manifest "$MANIFEST" >/dev/null; done`,
    { MANIFEST, TAGS: tags.join(' '), NAME: name },
  )
}
