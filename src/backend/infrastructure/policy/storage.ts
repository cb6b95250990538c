// Buckets and container images.

import type { PlannedEnvironment } from './planned-environment.ts'
import { isGiven, numberAt, textAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { statementsOf } from './policy-statements.ts'
import { AUDIT_RECORD_YEARS } from './record-keeping.ts'
import { differs, every, missing, type PolicyRule, type Verdict } from './rule.ts'

const BLOCKS = ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets']
const YEAR_DAYS = 365.25

export const STORAGE_RULES: readonly PolicyRule[] = [
  {
    id: 'S3.8',
    alsoKnownAs: ['S3.2', 'S3.3', 'CIS 2.1.4'],
    title: 'No bucket can be made public',
    remedy: `Add aws_s3_bucket_public_access_block with ${BLOCKS.join(', ')}, all true.`,
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_public_access_block'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const [block] = planned.leadingTo(bucket, 'aws_s3_bucket_public_access_block', 'bucket')
        if (block === undefined) return 'nothing blocks public access'
        const open = BLOCKS.find((setting) => valueAt(block, setting) !== true)
        return open && `${open} is not true`
      }),
  },
  {
    id: 'S3.1',
    title: 'No bucket of the whole account can be made public',
    remedy: `Add aws_s3_account_public_access_block with ${BLOCKS.join(', ')}, all true.`,
    appliesTo: ['aws_s3_account_public_access_block'],
    check: (planned) =>
      every(planned.all('aws_s3_account_public_access_block'), 'aws_s3_account_public_access_block', (block) => {
        const open = BLOCKS.find((setting) => valueAt(block, setting) !== true)
        return open && `${open} is not true`
      }),
  },
  {
    id: 'S3.14',
    title: 'Buckets keep the versions that were written over',
    remedy: 'Add aws_s3_bucket_versioning with the status Enabled.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_versioning'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const [versioning] = planned.leadingTo(bucket, 'aws_s3_bucket_versioning', 'bucket')
        if (versioning === undefined) return 'versions are not kept'
        return differs('its versioning', valueAt(versioning, 'versioning_configuration.status'), 'Enabled')
      }),
  },
  {
    id: 'S3.17',
    title: 'Buckets are encrypted with a key of ours; those that AWS writes access logs to, with a key of S3',
    remedy:
      'Add aws_s3_bucket_server_side_encryption_configuration with aws:kms and kms_master_key_id. Access logs cannot be delivered to such a bucket: AES256 there.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_server_side_encryption_configuration'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const type = 'aws_s3_bucket_server_side_encryption_configuration'
        const [encryption] = planned.leadingTo(bucket, type, 'bucket')
        if (encryption === undefined) return 'nothing says how it is encrypted'
        const by = 'rule.apply_server_side_encryption_by_default'
        const algorithm = textAt(encryption, `${by}.sse_algorithm`)
        if (takesAccessLogs(planned, bucket) && algorithm === 'AES256') return null
        if (algorithm !== 'aws:kms') return `its algorithm is ${algorithm ?? 'not given'}, not aws:kms`
        return isGiven(encryption, `${by}.kms_master_key_id`) ? null : 'it names no key'
      }),
  },
  {
    id: 'S3.5',
    alsoKnownAs: ['CIS 2.1.1'],
    title: 'Buckets refuse whoever comes without TLS',
    remedy: 'Deny s3:* to everybody on the bucket and its objects where aws:SecureTransport is false.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_policy'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const [policy] = planned.leadingTo(bucket, 'aws_s3_bucket_policy', 'bucket')
        if (policy === undefined) return 'it has no policy'
        const statements = statementsOf(planned, policy, 'policy')
        if (statements === null) return `the plan does not show the text of ${policy.address}`
        const refusal = statements.find(
          ({ effect, actions, principals, conditions }) =>
            effect === 'Deny' &&
            actions.includes('s3:*') &&
            Object.values(principals).flat().includes('*') &&
            conditions.Bool?.['aws:SecureTransport']?.includes('false'),
        )
        if (refusal === undefined) return 'its policy does not'
        const covers =
          refusal.resources.some((arn) => arn.endsWith('/*')) && refusal.resources.some((arn) => !arn.endsWith('/*'))
        return !covers && 'the refusal covers the bucket or its objects, not both'
      }),
  },
  {
    id: 'S3.15',
    title: `Nobody can change or delete audit records, in production for ${AUDIT_RECORD_YEARS} years`,
    remedy: `Give the audit bucket object_lock_enabled, and a default retention in the mode COMPLIANCE of ${AUDIT_RECORD_YEARS} years or more; other environments a day or more.`,
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_object_lock_configuration'],
    check: (planned) =>
      every(planned.all('aws_s3_bucket').filter(isAuditBucket), 'aws_s3_bucket of audit records', (bucket) => {
        if (valueAt(bucket, 'object_lock_enabled') !== true) return 'object_lock_enabled is not true'
        const [lock] = planned.leadingTo(bucket, 'aws_s3_bucket_object_lock_configuration', 'bucket')
        if (lock === undefined) return 'it has no retention'
        const retention = 'rule.default_retention'
        const days = numberAt(lock, `${retention}.days`) ?? (numberAt(lock, `${retention}.years`) ?? 0) * YEAR_DAYS
        const mode = differs('its mode', valueAt(lock, `${retention}.mode`), 'COMPLIANCE')
        if (mode) return mode
        const wanted = planned.isProduction ? Math.floor(AUDIT_RECORD_YEARS * YEAR_DAYS) : 1
        return days < wanted && `it keeps ${days} days, not ${wanted}`
      }),
  },
  {
    id: 'S3.9',
    alsoKnownAs: ['CloudTrail.7', 'CIS 3.4'],
    title: 'Who reads or writes a bucket is logged',
    remedy: 'Add aws_s3_bucket_logging to the bucket of access logs. That one itself needs none.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_logging'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const logs = planned.leadingTo(bucket, 'aws_s3_bucket_logging', 'bucket')
        return logs.length > 0 || takesAccessLogs(planned, bucket) ? null : 'access to it is not logged'
      }),
  },
  {
    id: 'S3.12',
    title: 'Only policies say who may use a bucket: access lists are off',
    remedy: 'Add aws_s3_bucket_ownership_controls with BucketOwnerEnforced.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_ownership_controls'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const [controls] = planned.leadingTo(bucket, 'aws_s3_bucket_ownership_controls', 'bucket')
        const ownership = controls && textAt(controls, 'rule.object_ownership')
        return differs('object_ownership', ownership, 'BucketOwnerEnforced')
      }),
  },
  {
    id: 'S3.13',
    alsoKnownAs: ['S3.10'],
    title: 'Every bucket says what becomes of what is old',
    remedy: 'Add aws_s3_bucket_lifecycle_configuration.',
    appliesTo: ['aws_s3_bucket', 'aws_s3_bucket_lifecycle_configuration'],
    check: (planned) =>
      buckets(planned, (bucket) => {
        const rules = planned.leadingTo(bucket, 'aws_s3_bucket_lifecycle_configuration', 'bucket')
        return rules.length > 0 ? null : 'it has no lifecycle'
      }),
  },
  {
    id: 'ECR.1',
    alsoKnownAs: ['Inspector.2'],
    title: 'Container images are scanned when they come, and again when new faults become known',
    remedy:
      'Set scan_on_push, and aws_ecr_registry_scanning_configuration ENHANCED with CONTINUOUS_SCAN; enable Inspector for ECR.',
    appliesTo: ['aws_ecr_repository', 'aws_ecr_registry_scanning_configuration', 'aws_inspector2_enabler'],
    check: (planned) => [
      ...repositories(planned, (repository) =>
        differs('scan_on_push', valueAt(repository, 'image_scanning_configuration.scan_on_push'), true),
      ),
      ...every(
        planned.all('aws_ecr_registry_scanning_configuration'),
        'aws_ecr_registry_scanning_configuration',
        (scanning) =>
          differs('scan_type', valueAt(scanning, 'scan_type'), 'ENHANCED') ??
          differs('scan_frequency', valueAt(scanning, 'rule.scan_frequency'), 'CONTINUOUS_SCAN'),
      ),
      ...every(planned.all('aws_inspector2_enabler'), 'aws_inspector2_enabler', (inspector) =>
        [valueAt(inspector, 'resource_types')].flat().includes('ECR') ? null : 'it does not look at ECR',
      ),
    ],
  },
  {
    id: 'ECR.2',
    title: 'A tag of an image means one image for ever',
    remedy: 'Set image_tag_mutability to IMMUTABLE.',
    appliesTo: ['aws_ecr_repository'],
    check: (planned) =>
      repositories(planned, (repository) =>
        differs('image_tag_mutability', valueAt(repository, 'image_tag_mutability'), 'IMMUTABLE'),
      ),
  },
  {
    id: 'ECR.3',
    alsoKnownAs: ['ECR.5'],
    title: 'Images are encrypted with a key of ours, and old ones go',
    remedy: 'Set encryption_configuration to KMS with kms_key, and add aws_ecr_lifecycle_policy.',
    appliesTo: ['aws_ecr_repository', 'aws_ecr_lifecycle_policy'],
    check: (planned) =>
      repositories(planned, (repository) => {
        if (textAt(repository, 'encryption_configuration.encryption_type') !== 'KMS')
          return 'it is not encrypted with KMS'
        if (!isGiven(repository, 'encryption_configuration.kms_key')) return 'it names no key'
        const policies = planned.leadingTo(repository, 'aws_ecr_lifecycle_policy', 'repository')
        return policies.length > 0 ? null : 'nothing removes old images'
      }),
  },
]

function buckets(planned: PlannedEnvironment, verdict: (bucket: PlannedResource) => Verdict) {
  return every(planned.all('aws_s3_bucket'), 'aws_s3_bucket', verdict)
}

function repositories(planned: PlannedEnvironment, verdict: (repository: PlannedResource) => Verdict) {
  const repositories = planned.all('aws_ecr_repository')
  return repositories.length === 0
    ? [missing('aws_ecr_repository')]
    : every(repositories, 'aws_ecr_repository', verdict)
}

function isAuditBucket(bucket: PlannedResource): boolean {
  return /(^|[-_.])audit($|[-_.\d[])/.test(textAt(bucket, 'bucket') ?? bucket.name)
}

/** S3 and load balancers deliver their access logs to buckets with a key of S3 only. */
function takesAccessLogs(planned: PlannedEnvironment, bucket: PlannedResource): boolean {
  return (
    planned.leadingTo(bucket, 'aws_s3_bucket_logging', 'target_bucket').length > 0 ||
    planned.leadingTo(bucket, 'aws_lb', 'access_logs.bucket').length > 0
  )
}
