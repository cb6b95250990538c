// Plans of trails, logs, keys and backups.
import { but, type Examples, inEnvironment, planned, without } from './example.ts'

const TRAIL = [
  planned(
    'aws_cloudtrail.main',
    { is_multi_region_trail: true, include_global_service_events: true, enable_log_file_validation: true },
    {
      kms_key_id: 'aws_kms_key.logs.arn',
      cloud_watch_logs_group_arn: 'aws_cloudwatch_log_group.trail.arn',
      cloud_watch_logs_role_arn: 'aws_iam_role.trail.arn',
    },
  ),
]
const trail = (values: object, references = {}) => but(TRAIL, 'aws_cloudtrail.main', { ...values }, references)

const log = (days: number | undefined) => [
  planned('aws_cloudwatch_log_group.cluster', { retention_in_days: days }, { kms_key_id: 'aws_kms_key.logs.arn' }),
]

const ALARM = [
  planned('aws_cloudwatch_metric_alarm.cpu', {}, { alarm_actions: 'aws_sns_topic.alarms.arn' }),
  planned('aws_sns_topic.alarms', {}, { kms_master_key_id: 'aws_kms_key.logs.id' }),
]

const keyPolicy = (principal: object | string, condition?: object) =>
  JSON.stringify({
    Statement: [
      { Sid: 'Test', Effect: 'Allow', Principal: principal, Action: 'kms:*', Resource: '*', Condition: condition },
    ],
  })
const KEY = [
  planned('aws_kms_key.data', {
    enable_key_rotation: true,
    deletion_window_in_days: 30,
    policy: keyPolicy({ AWS: 'arn:aws:iam::123456789012:root' }),
  }),
]

const LOCK = 'aws_backup_vault_lock_configuration.main'
const BACKUP = [
  planned('aws_backup_vault.main', {}, { kms_key_arn: 'aws_kms_key.data.arn' }),
  planned(
    LOCK,
    { min_retention_days: 30, changeable_for_days: 3 },
    { backup_vault_name: 'aws_backup_vault.main.name' },
  ),
  planned('aws_backup_plan.daily', { rule: [{ schedule: 'cron(0 5 ? * * *)', lifecycle: [{ delete_after: 30 }] }] }),
  planned('aws_backup_selection.daily'),
]

export const RECORD_KEEPING_EXAMPLES: Examples = {
  'CloudTrail.1': {
    keeps: { 'every region': TRAIL },
    breaks: {
      'one region': trail({ is_multi_region_trail: false }),
      'not what is of no region': trail({ include_global_service_events: undefined }),
      'switched off': trail({ enable_logging: false }),
      'no trail': [],
    },
  },
  'CloudTrail.4': {
    keeps: { validated: TRAIL },
    breaks: { 'not validated': trail({ enable_log_file_validation: false }) },
  },
  'CloudTrail.2': {
    keeps: { 'a key of ours': TRAIL },
    breaks: { 'a key of S3': trail({}, { kms_key_id: undefined }) },
  },
  'CloudTrail.5': {
    keeps: { 'a log group': TRAIL },
    breaks: {
      none: trail({}, { cloud_watch_logs_group_arn: undefined }),
      'one that it may not write to': trail({}, { cloud_watch_logs_role_arn: undefined }),
    },
  },
  'CloudWatch.16': {
    keeps: { 'a year in production': log(365), '30 days in development': inEnvironment('dev', log(30)) },
    breaks: {
      '90 days in production': log(90),
      'a week in development': inEnvironment('dev', log(7)),
      'for ever': log(undefined),
      'for ever, said as 0': log(0),
    },
  },
  'BRE-31': {
    keeps: { 'a key of ours': log(365) },
    breaks: { 'the key of AWS': but(log(365), 'aws_cloudwatch_log_group.cluster', {}, { kms_key_id: undefined }) },
  },
  'CloudWatch.15': {
    keeps: { 'a topic': ALARM },
    breaks: {
      nobody: but(ALARM, 'aws_cloudwatch_metric_alarm.cpu', {}, { alarm_actions: undefined }),
      'switched off': but(ALARM, 'aws_cloudwatch_metric_alarm.cpu', { actions_enabled: false }),
      'a topic that anybody can read': but(ALARM, 'aws_sns_topic.alarms', {}, { kms_master_key_id: undefined }),
      'no alarm': without(ALARM, 'aws_cloudwatch_metric_alarm.cpu'),
    },
  },
  'KMS.4': {
    keeps: {
      'every year': KEY,
      'a key that signs': [...KEY, planned('aws_kms_key.sign', { customer_master_key_spec: 'ECC_NIST_P256' })],
    },
    breaks: { never: but(KEY, 'aws_kms_key.data', { enable_key_rotation: false }) },
  },
  'KMS.3': {
    keeps: { '30 days': KEY },
    breaks: { 'a week': but(KEY, 'aws_kms_key.data', { deletion_window_in_days: 7 }) },
  },
  'KMS.5': {
    keeps: {
      'our account': KEY,
      'everybody of our account': but(KEY, 'aws_kms_key.data', {
        policy: keyPolicy({ AWS: '*' }, { StringEquals: { 'kms:CallerAccount': '123456789012' } }),
      }),
    },
    breaks: {
      everybody: but(KEY, 'aws_kms_key.data', { policy: keyPolicy('*') }),
      'everybody but one': but(KEY, 'aws_kms_key.data', {
        policy: keyPolicy({ AWS: '*' }, { StringNotEquals: { 'kms:CallerAccount': '123456789012' } }),
      }),
      'whoever AWS lets': but(KEY, 'aws_kms_key.data', { policy: undefined }),
    },
  },
  'Backup.1': {
    keeps: {
      'locked for good': BACKUP,
      'a lock that may come off in development': inEnvironment(
        'dev',
        but(BACKUP, LOCK, { changeable_for_days: undefined }),
      ),
    },
    breaks: {
      'a lock that may come off in production': but(BACKUP, LOCK, { changeable_for_days: undefined }),
      'a week': but(BACKUP, LOCK, { min_retention_days: 7 }),
      'no lock': without(BACKUP, LOCK),
      'once a week': but(BACKUP, 'aws_backup_plan.daily', {
        rule: [{ schedule: 'cron(0 5 ? * SUN *)', lifecycle: [{ delete_after: 30 }] }],
      }),
      'kept for a week': but(BACKUP, 'aws_backup_plan.daily', {
        rule: [{ schedule: 'cron(0 5 ? * * *)', lifecycle: [{ delete_after: 7 }] }],
      }),
      'of nothing': without(BACKUP, 'aws_backup_selection.daily'),
      'the key of AWS': but(BACKUP, 'aws_backup_vault.main', {}, { kms_key_arn: undefined }),
    },
  },
}
