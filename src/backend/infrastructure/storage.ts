// Buckets and container images. Three buckets: records of the audit log, which nobody can remove before their time; logs of the account;
// and access logs, which AWS's load balancers and S3 itself can only write where S3's own keys encrypt.
import { EcrLifecyclePolicy } from '@cdktn/provider-aws/lib/ecr-lifecycle-policy/index.js'
import { EcrRepository } from '@cdktn/provider-aws/lib/ecr-repository/index.js'
import { EcrRepositoryPolicy } from '@cdktn/provider-aws/lib/ecr-repository-policy/index.js'
import type { IamRole } from '@cdktn/provider-aws/lib/iam-role/index.js'
import { S3Bucket } from '@cdktn/provider-aws/lib/s3-bucket/index.js'
import {
  S3BucketLifecycleConfiguration,
  type S3BucketLifecycleConfigurationRule,
} from '@cdktn/provider-aws/lib/s3-bucket-lifecycle-configuration/index.js'
import { S3BucketLoggingA } from '@cdktn/provider-aws/lib/s3-bucket-logging/index.js'
import { S3BucketObjectLockConfigurationA } from '@cdktn/provider-aws/lib/s3-bucket-object-lock-configuration/index.js'
import { S3BucketOwnershipControls } from '@cdktn/provider-aws/lib/s3-bucket-ownership-controls/index.js'
import { S3BucketPolicy } from '@cdktn/provider-aws/lib/s3-bucket-policy/index.js'
import { S3BucketPublicAccessBlock } from '@cdktn/provider-aws/lib/s3-bucket-public-access-block/index.js'
import { S3BucketServerSideEncryptionConfigurationA } from '@cdktn/provider-aws/lib/s3-bucket-server-side-encryption-configuration/index.js'
import { S3BucketVersioningA } from '@cdktn/provider-aws/lib/s3-bucket-versioning/index.js'
import { Construct } from 'constructs'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { policyDocument, refuseUnencrypted, type Statement } from './policy_documents.ts'
import type { DeclaredSettings } from './settings.ts'

interface BucketRequest {
  /** Part of its name, and the end of its address. */
  readonly purpose: string
  /** Absent: S3's own key. */
  readonly kmsKeyArn?: string
  readonly objectLock?: true
  readonly statements?: readonly Statement[]
  readonly lifecycle: readonly S3BucketLifecycleConfigurationRule[]
}

const UNFINISHED_UPLOADS_DAYS = 7

export class Storage extends Construct {
  readonly audit: S3Bucket
  readonly logs: S3Bucket
  readonly accessLogs: S3Bucket
  readonly #policies = new Map<string, S3BucketPolicy>()
  /** Images of the services, and of the pooler. */
  readonly repositories: readonly EcrRepository[]

  constructor(scope: Construct, settings: DeclaredSettings, naming: Naming, keys: Keys) {
    super(scope, 'storage')
    this.accessLogs = this.#bucket(naming, {
      purpose: 'access-logs',
      statements: accessLogWriters(naming),
      lifecycle: [expire('access-logs', settings.log_retention_days)],
    })
    this.logs = this.#bucket(naming, {
      purpose: 'logs',
      kmsKeyArn: keys.logs.arn,
      statements: trailWriter(naming),
      lifecycle: [expire('logs', 2557, 90)],
    })
    this.audit = this.#bucket(naming, {
      purpose: 'audit',
      kmsKeyArn: keys.storage.arn,
      objectLock: true,
      lifecycle: [archive('audit', 90)],
    })
    new S3BucketObjectLockConfigurationA(this, 'aws_s3_bucket_object_lock_configuration.audit', {
      bucket: this.audit.id,
      objectLockEnabled: 'Enabled',
      // The audit service gives each object the day its records are over; this is for what comes without one.
      rule: { defaultRetention: { mode: 'COMPLIANCE', days: settings.audit_lock_days } },
    })
    this.repositories = ['borrow-rate-engine', 'borrow-rate-engine-pgbouncer'].map((name) =>
      this.#repository(name, keys),
    )
  }

  /** Who relies on being let in depends on it. */
  get logsPolicy(): S3BucketPolicy {
    return this.#policies.get('logs')!
  }

  /** Who takes images out and puts them in. A policy can only name roles that there are. */
  letIn(roles: { readonly pulling: IamRole; readonly pushing: IamRole }): void {
    for (const repository of this.repositories) {
      new EcrRepositoryPolicy(this, `aws_ecr_repository_policy.${repository.friendlyUniqueId}`, {
        repository: repository.name,
        policy: policyDocument(
          { sid: 'NodesPull', actions: PULL_IMAGES, principals: { AWS: [roles.pulling.arn] } },
          { sid: 'DeploymentsPush', actions: PUSH_IMAGES, principals: { AWS: [roles.pushing.arn] } },
        ),
      })
    }
  }

  #bucket(naming: Naming, request: BucketRequest): S3Bucket {
    const { purpose, kmsKeyArn, objectLock } = request
    const name = purpose.replaceAll('-', '_')
    const bucket = new S3Bucket(this, `aws_s3_bucket.${name}`, {
      bucket: naming.bucket(purpose),
      ...(objectLock ? { objectLockEnabled: true } : {}),
      forceDestroy: false,
      tags: { Name: naming.named(purpose) },
    })
    const block = new S3BucketPublicAccessBlock(this, `aws_s3_bucket_public_access_block.${name}`, {
      bucket: bucket.id,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    })
    new S3BucketOwnershipControls(this, `aws_s3_bucket_ownership_controls.${name}`, {
      bucket: bucket.id,
      rule: { objectOwnership: 'BucketOwnerEnforced' },
    })
    const versioning = new S3BucketVersioningA(this, `aws_s3_bucket_versioning.${name}`, {
      bucket: bucket.id,
      versioningConfiguration: { status: 'Enabled' },
    })
    new S3BucketServerSideEncryptionConfigurationA(this, `aws_s3_bucket_server_side_encryption_configuration.${name}`, {
      bucket: bucket.id,
      rule: [
        kmsKeyArn === undefined
          ? { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }
          : {
              applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: kmsKeyArn },
              bucketKeyEnabled: true,
            },
      ],
    })
    new S3BucketLifecycleConfiguration(this, `aws_s3_bucket_lifecycle_configuration.${name}`, {
      bucket: bucket.id,
      rule: [...request.lifecycle],
      dependsOn: [versioning],
    })
    const policy = new S3BucketPolicy(this, `aws_s3_bucket_policy.${name}`, {
      bucket: bucket.id,
      policy: policyDocument(
        refuseUnencrypted([bucket.arn, `${bucket.arn}/*`], ['s3:*']),
        ...(request.statements ?? []).map((statement) => ({
          ...statement,
          resources: (statement.resources ?? []).map((path) => `${bucket.arn}${path}`),
        })),
      ),
      dependsOn: [block],
    })
    this.#policies.set(purpose, policy)
    // The first bucket to be made is the one that these logs go to.
    if (this.accessLogs !== undefined) {
      new S3BucketLoggingA(this, `aws_s3_bucket_logging.${name}`, {
        bucket: bucket.id,
        targetBucket: this.accessLogs.id,
        targetPrefix: `s3/${purpose}/`,
      })
    }
    return bucket
  }

  #repository(name: string, keys: Keys): EcrRepository {
    const address = name.replaceAll('-', '_')
    const repository = new EcrRepository(this, `aws_ecr_repository.${address}`, {
      name,
      // A version is one image for ever.
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      encryptionConfiguration: [{ encryptionType: 'KMS', kmsKey: keys.storage.arn }],
      forceDelete: false,
    })
    new EcrLifecyclePolicy(this, `aws_ecr_lifecycle_policy.${address}`, {
      repository: repository.name,
      policy: JSON.stringify({
        rules: [
          {
            rulePriority: 1,
            description: 'Layers that no tag names any more',
            selection: { tagStatus: 'untagged', countType: 'sinceImagePushed', countUnit: 'days', countNumber: 14 },
            action: { type: 'expire' },
          },
          {
            rulePriority: 2,
            description: 'More versions than anybody goes back',
            selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 200 },
            action: { type: 'expire' },
          },
        ],
      }),
    })
    return repository
  }
}

const PULL_IMAGES = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']
export const PUSH_IMAGES = [
  ...PULL_IMAGES,
  'ecr:CompleteLayerUpload',
  'ecr:DescribeImageScanFindings',
  'ecr:DescribeImages',
  'ecr:InitiateLayerUpload',
  'ecr:PutImage',
  'ecr:UploadLayerPart',
]

/** Resources are given below the bucket's own ARN. */
function accessLogWriters(naming: Naming): Statement[] {
  return [
    {
      sid: 'LoadBalancers',
      actions: ['s3:PutObject'],
      resources: [`/alb/AWSLogs/${naming.accountId}/*`],
      principals: { Service: ['logdelivery.elasticloadbalancing.amazonaws.com'] },
      conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
    },
    {
      sid: 'Buckets',
      actions: ['s3:PutObject'],
      resources: ['/s3/*'],
      principals: { Service: ['logging.s3.amazonaws.com'] },
      conditions: { StringEquals: { 'aws:SourceAccount': naming.accountId } },
    },
  ]
}

function trailWriter(naming: Naming): Statement[] {
  const conditions = { StringEquals: { 'aws:SourceArn': naming.arn('cloudtrail', `trail/${naming.name}`) } }
  const principals = { Service: ['cloudtrail.amazonaws.com'] }
  return [
    { sid: 'TrailLooks', actions: ['s3:GetBucketAcl'], resources: [''], principals, conditions },
    {
      sid: 'TrailWrites',
      actions: ['s3:PutObject'],
      resources: [`/cloudtrail/AWSLogs/${naming.accountId}/*`],
      principals,
      conditions,
    },
  ]
}

function expire(id: string, days: number, archiveAfterDays?: number): S3BucketLifecycleConfigurationRule {
  return {
    id,
    status: 'Enabled',
    filter: [{ prefix: '' }],
    abortIncompleteMultipartUpload: [{ daysAfterInitiation: UNFINISHED_UPLOADS_DAYS }],
    ...(archiveAfterDays === undefined ? {} : { transition: [{ days: archiveAfterDays, storageClass: 'GLACIER_IR' }] }),
    expiration: [{ days }],
    noncurrentVersionExpiration: [{ noncurrentDays: 30 }],
  }
}

/** Nothing is ever removed by a rule: when an object may go is said by its lock, and then somebody decides. */
function archive(id: string, afterDays: number): S3BucketLifecycleConfigurationRule {
  return {
    id,
    status: 'Enabled',
    filter: [{ prefix: '' }],
    abortIncompleteMultipartUpload: [{ daysAfterInitiation: UNFINISHED_UPLOADS_DAYS }],
    transition: [{ days: afterDays, storageClass: 'GLACIER_IR' }],
  }
}
