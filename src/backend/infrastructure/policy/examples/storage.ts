// Plans of buckets and repositories of images.
import { but, type Examples, inEnvironment, planned, unknownArn, without } from './example.ts'

const of = (bucket: string) => ({ bucket: `aws_s3_bucket.${bucket}.id` })
const PUBLIC_ACCESS_BLOCKED = {
  block_public_acls: true,
  block_public_policy: true,
  ignore_public_acls: true,
  restrict_public_buckets: true,
}

const refusal = (bucket: string, resources = ['', '/*'].map((part) => unknownArn(`aws_s3_bucket.${bucket}`, part))) =>
  JSON.stringify({
    Statement: [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: resources,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  })

const encryption = (bucket: string, algorithm: string) =>
  planned(
    `aws_s3_bucket_server_side_encryption_configuration.${bucket}`,
    { rule: [{ apply_server_side_encryption_by_default: [{ sse_algorithm: algorithm }] }] },
    {
      ...of(bucket),
      ...(algorithm === 'AES256'
        ? {}
        : { 'rule.0.apply_server_side_encryption_by_default.0.kms_master_key_id': 'aws_kms_key.storage.arn' }),
    },
  )

/** A bucket with all that a bucket needs. */
const bucket = (name: string, algorithm: string, values: object = {}) => [
  planned(`aws_s3_bucket.${name}`, { bucket: `borrow-rate-engine-prod-${name}-123456789012`, ...values }),
  planned(`aws_s3_bucket_public_access_block.${name}`, PUBLIC_ACCESS_BLOCKED, of(name)),
  planned(`aws_s3_bucket_versioning.${name}`, { versioning_configuration: [{ status: 'Enabled' }] }, of(name)),
  planned(`aws_s3_bucket_policy.${name}`, { policy: refusal(name) }, of(name)),
  planned(
    `aws_s3_bucket_ownership_controls.${name}`,
    { rule: [{ object_ownership: 'BucketOwnerEnforced' }] },
    of(name),
  ),
  planned(`aws_s3_bucket_lifecycle_configuration.${name}`, {}, of(name)),
  encryption(name, algorithm),
]

const LOCK = planned(
  'aws_s3_bucket_object_lock_configuration.audit',
  { rule: [{ default_retention: [{ mode: 'COMPLIANCE', days: 2557 }] }] },
  of('audit'),
)
const BUCKETS = [
  ...bucket('audit', 'aws:kms', { object_lock_enabled: true }),
  LOCK,
  planned('aws_s3_bucket_logging.audit', {}, { ...of('audit'), target_bucket: 'aws_s3_bucket.access.id' }),
  ...bucket('access', 'AES256'),
]
const lock = (retention: object) => but(BUCKETS, LOCK.address, { rule: [{ default_retention: [retention] }] })

const IMAGES = [
  planned(
    'aws_ecr_repository.engine',
    {
      image_scanning_configuration: [{ scan_on_push: true }],
      image_tag_mutability: 'IMMUTABLE',
      encryption_configuration: [{ encryption_type: 'KMS' }],
    },
    { 'encryption_configuration.0.kms_key': 'aws_kms_key.storage.arn' },
  ),
  planned('aws_ecr_lifecycle_policy.engine', {}, { repository: 'aws_ecr_repository.engine.name' }),
  planned('aws_ecr_registry_scanning_configuration.main', {
    scan_type: 'ENHANCED',
    rule: [{ scan_frequency: 'CONTINUOUS_SCAN' }],
  }),
  planned('aws_inspector2_enabler.main', { resource_types: ['ECR', 'EC2'] }),
]

export const STORAGE_EXAMPLES: Examples = {
  'S3.8': {
    keeps: { 'four switches on every bucket': BUCKETS },
    breaks: {
      'one switch off': but(BUCKETS, 'aws_s3_bucket_public_access_block.audit', { restrict_public_buckets: false }),
      'a bucket without': without(BUCKETS, 'aws_s3_bucket_public_access_block.access'),
    },
  },
  'S3.1': {
    keeps: { 'four switches': [planned('aws_s3_account_public_access_block.main', PUBLIC_ACCESS_BLOCKED)] },
    breaks: { none: BUCKETS, three: [planned('aws_s3_account_public_access_block.main', { block_public_acls: true })] },
  },
  'S3.14': {
    keeps: { 'every bucket': BUCKETS },
    breaks: {
      suspended: but(BUCKETS, 'aws_s3_bucket_versioning.audit', {
        versioning_configuration: [{ status: 'Suspended' }],
      }),
      'not said': without(BUCKETS, 'aws_s3_bucket_versioning.access'),
    },
  },
  'S3.17': {
    keeps: { 'a key of ours, but where access logs go': BUCKETS },
    breaks: {
      'a key of S3': [
        ...without(BUCKETS, 'aws_s3_bucket_server_side_encryption_configuration.audit'),
        encryption('audit', 'AES256'),
      ],
      'the key of AWS': but(
        BUCKETS,
        'aws_s3_bucket_server_side_encryption_configuration.audit',
        {},
        {
          'rule.0.apply_server_side_encryption_by_default.0.kms_master_key_id': undefined,
        },
      ),
      'not said': without(BUCKETS, 'aws_s3_bucket_server_side_encryption_configuration.access'),
    },
  },
  'S3.5': {
    keeps: { 'bucket and objects': BUCKETS },
    breaks: {
      'objects only': but(BUCKETS, 'aws_s3_bucket_policy.audit', {
        policy: refusal('audit', [unknownArn('aws_s3_bucket.audit', '/*')]),
      }),
      'only a few may not': but(BUCKETS, 'aws_s3_bucket_policy.audit', {
        policy: refusal('audit').replace('"Principal":"*"', '"Principal":{"AWS":"arn:aws:iam::123456789012:root"}'),
      }),
      'a policy that nobody can read': but(BUCKETS, 'aws_s3_bucket_policy.audit', { policy: undefined }),
      'no policy': without(BUCKETS, 'aws_s3_bucket_policy.access'),
    },
  },
  'S3.15': {
    keeps: {
      'seven years': BUCKETS,
      'six years': lock({ mode: 'COMPLIANCE', years: 6 }),
      'days in development': inEnvironment('dev', lock({ mode: 'COMPLIANCE', days: 1 })),
    },
    breaks: {
      'five years': lock({ mode: 'COMPLIANCE', years: 5 }),
      'who has the right may': lock({ mode: 'GOVERNANCE', years: 6 }),
      'no retention': without(BUCKETS, LOCK.address),
      'no lock': but(BUCKETS, 'aws_s3_bucket.audit', { object_lock_enabled: false }),
    },
  },
  'S3.9': {
    keeps: { 'each, but the one that takes the logs': BUCKETS },
    breaks: { none: without(BUCKETS, 'aws_s3_bucket_logging.audit') },
  },
  'S3.12': {
    keeps: { 'on every bucket': BUCKETS },
    breaks: {
      'the writer owns': but(BUCKETS, 'aws_s3_bucket_ownership_controls.audit', {
        rule: [{ object_ownership: 'ObjectWriter' }],
      }),
      'not said': without(BUCKETS, 'aws_s3_bucket_ownership_controls.audit'),
    },
  },
  'S3.13': {
    keeps: { 'every bucket': BUCKETS },
    breaks: { 'one does not': without(BUCKETS, 'aws_s3_bucket_lifecycle_configuration.access') },
  },
  'ECR.1': {
    keeps: { 'when they come and later': IMAGES },
    breaks: {
      'only later': but(IMAGES, 'aws_ecr_repository.engine', {
        image_scanning_configuration: [{ scan_on_push: false }],
      }),
      'only when they come': but(IMAGES, 'aws_ecr_registry_scanning_configuration.main', { scan_type: 'BASIC' }),
      'nobody looks': without(IMAGES, 'aws_inspector2_enabler.main'),
    },
  },
  'ECR.2': {
    keeps: { 'immutable tags': IMAGES },
    breaks: { 'tags that move': but(IMAGES, 'aws_ecr_repository.engine', { image_tag_mutability: 'MUTABLE' }) },
  },
  'ECR.3': {
    keeps: { 'a key and a policy': IMAGES },
    breaks: {
      'no policy': without(IMAGES, 'aws_ecr_lifecycle_policy.engine'),
      'no key': but(IMAGES, 'aws_ecr_repository.engine', {}, { 'encryption_configuration.0.kms_key': undefined }),
      'another encryption': but(IMAGES, 'aws_ecr_repository.engine', { encryption_configuration: undefined }),
    },
  },
}
