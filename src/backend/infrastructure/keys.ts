// The keys that everything at rest is encrypted with: one for each kind of thing, so that a right to one opens no other. They are renewed
// once a year, and what an old one has encrypted stays readable.
import { KmsAlias } from '@cdktn/provider-aws/lib/kms-alias/index.js'
import { KmsKey } from '@cdktn/provider-aws/lib/kms-key/index.js'
import { Construct } from 'constructs'
import type { Naming } from './naming.ts'
import { policyDocument, type Statement } from './policy_documents.ts'

const ENCRYPT_AND_DECRYPT = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey']

export class Keys extends Construct {
  /** The database, the cache and their backups. */
  readonly data: KmsKey
  /** Secrets Manager, and Kubernetes' own secrets. */
  readonly secrets: KmsKey
  /** Disks of nodes and of the bastion. */
  readonly volumes: KmsKey
  /** CloudWatch logs, CloudTrail, notifications of alarms. */
  readonly logs: KmsKey
  /** Buckets and container images. */
  readonly storage: KmsKey

  constructor(scope: Construct, naming: Naming) {
    super(scope, 'keys')
    const key = (purpose: string, description: string, ...statements: Statement[]) =>
      this.#key(naming, purpose, description, statements)

    this.data = key('data', 'Database, cache and their backups')
    this.secrets = key('secrets', 'Secrets Manager and secrets of the cluster')
    this.volumes = key('volumes', 'Disks of nodes and of the bastion', {
      // Auto Scaling starts instances with a role of its own, which is made with the first group and cannot be named before. This is how
      // AWS's own key for disks is shared: with whoever in this account comes through EC2.
      sid: 'ThroughEc2',
      actions: [...ENCRYPT_AND_DECRYPT, 'kms:CreateGrant'],
      resources: ['*'],
      principals: { AWS: ['*'] },
      conditions: {
        StringEquals: {
          'kms:CallerAccount': naming.accountId,
          'kms:ViaService': 'ec2.${var.aws_region}.amazonaws.com',
        },
      },
    })
    this.logs = key(
      'logs',
      'Logs, trails and notifications',
      {
        sid: 'CloudWatchLogs',
        actions: ENCRYPT_AND_DECRYPT,
        resources: ['*'],
        principals: { Service: ['logs.${var.aws_region}.amazonaws.com'] },
        conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': naming.arn('logs', 'log-group:*') } },
      },
      {
        sid: 'CloudTrail',
        actions: ['kms:GenerateDataKey*', 'kms:DescribeKey'],
        resources: ['*'],
        principals: { Service: ['cloudtrail.amazonaws.com'] },
        conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
      },
      {
        sid: 'Alarms',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        principals: { Service: ['cloudwatch.amazonaws.com', 'events.amazonaws.com', 'backup.amazonaws.com'] },
        conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
      },
    )
    this.storage = key('storage', 'Buckets and container images')
  }

  #key(naming: Naming, purpose: string, description: string, statements: readonly Statement[]): KmsKey {
    const key = new KmsKey(this, `aws_kms_key.${purpose}`, {
      description: `borrow-rate-engine \${var.environment}: ${description}`,
      enableKeyRotation: true,
      deletionWindowInDays: 30,
      // Without the first statement nobody could ever change the key again. What it allows is up to the policies of roles.
      policy: policyDocument(
        {
          sid: 'Account',
          actions: ['kms:*'],
          resources: ['*'],
          principals: { AWS: [naming.accountRoot] },
        },
        ...statements,
      ),
    })
    new KmsAlias(this, `aws_kms_alias.${purpose}`, {
      name: `alias/${naming.named(purpose)}`,
      targetKeyId: key.keyId,
    })
    return key
  }
}
