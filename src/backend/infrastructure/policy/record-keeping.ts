// How long what happened is kept, and that nobody can make it unhappen: trails, logs, keys, backups.
import type { PlannedEnvironment } from './planned-environment.ts'
import { isGiven, numberAt, textAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { statementsOf } from './policy-statements.ts'
import { differs, every, missing, type PolicyRule, whereThereIs } from './rule.ts'

/** FINRA rule 4511 asks for six years where no other period is given: docs/audit.md. */
export const AUDIT_RECORD_YEARS = 6
const LOG_DAYS_MIN = { dev: 30, staging: 30, prod: 365 }
const BACKUP_DAYS = 30
const KEY_WAIT_DAYS = 30
/** A lock that can be taken off again is none: after these days nobody can. */
const VAULT_LOCK_GRACE_DAYS_MIN = 3

/** Conditions that keep a right for everybody within our account. */
const WITHIN_THE_ACCOUNT = [
  'kms:CallerAccount',
  'aws:PrincipalAccount',
  'aws:PrincipalOrgID',
  'aws:SourceAccount',
  'aws:PrincipalArn',
]

export const RECORD_KEEPING_RULES: readonly PolicyRule[] = [
  {
    id: 'CloudTrail.1',
    alsoKnownAs: ['CIS 3.1'],
    title: 'What anybody does in the account is on a trail, in every region',
    remedy: 'Set is_multi_region_trail, include_global_service_events and enable_logging.',
    appliesTo: ['aws_cloudtrail'],
    check: (planned) =>
      trails(
        planned,
        (trail) =>
          differs('is_multi_region_trail', valueAt(trail, 'is_multi_region_trail'), true) ??
          differs('include_global_service_events', valueAt(trail, 'include_global_service_events'), true) ??
          (valueAt(trail, 'enable_logging') === false ? 'enable_logging is false' : null),
      ),
  },
  {
    id: 'CloudTrail.4',
    alsoKnownAs: ['CIS 3.2'],
    title: 'A trail that was changed afterwards is found out',
    remedy: 'Set enable_log_file_validation.',
    appliesTo: ['aws_cloudtrail'],
    check: (planned) =>
      trails(planned, (trail) =>
        differs('enable_log_file_validation', valueAt(trail, 'enable_log_file_validation'), true),
      ),
  },
  {
    id: 'CloudTrail.2',
    alsoKnownAs: ['CIS 3.5'],
    title: 'The trail is encrypted with a key of ours',
    remedy: 'Set kms_key_id.',
    appliesTo: ['aws_cloudtrail'],
    check: (planned) => trails(planned, (trail) => (isGiven(trail, 'kms_key_id') ? null : 'it names no key')),
  },
  {
    id: 'CloudTrail.5',
    title: 'The trail is in CloudWatch too, where alarms see it',
    remedy: 'Set cloud_watch_logs_group_arn and cloud_watch_logs_role_arn.',
    appliesTo: ['aws_cloudtrail'],
    check: (planned) =>
      trails(planned, (trail) =>
        isGiven(trail, 'cloud_watch_logs_group_arn') && isGiven(trail, 'cloud_watch_logs_role_arn')
          ? null
          : 'it writes to no log group',
      ),
  },
  {
    id: 'CloudWatch.16',
    title: 'Logs are kept for a stated time: a year in production, 30 days elsewhere, or longer',
    remedy: 'Set retention_in_days; without it they are kept, and paid for, for ever.',
    appliesTo: ['aws_cloudwatch_log_group'],
    check: (planned) =>
      every(planned.all('aws_cloudwatch_log_group'), 'aws_cloudwatch_log_group', (group) => {
        const days = numberAt(group, 'retention_in_days') ?? 0
        if (days === 0) return 'retention_in_days is not given'
        return days < LOG_DAYS_MIN[planned.name] && `it keeps ${days} days, not ${LOG_DAYS_MIN[planned.name]}`
      }),
  },
  {
    id: 'BRE-31',
    title: 'Logs are encrypted with a key of ours',
    remedy: 'Set kms_key_id on the log group.',
    appliesTo: ['aws_cloudwatch_log_group'],
    check: (planned) =>
      every(planned.all('aws_cloudwatch_log_group'), 'aws_cloudwatch_log_group', (group) =>
        isGiven(group, 'kms_key_id') ? null : 'it names no key',
      ),
  },
  {
    id: 'CloudWatch.15',
    alsoKnownAs: ['CloudWatch.17', 'SNS.1'],
    title: 'Every alarm tells somebody, by a topic that is encrypted',
    remedy: 'Set alarm_actions to a topic, and kms_master_key_id on the topic.',
    appliesTo: ['aws_cloudwatch_metric_alarm', 'aws_sns_topic'],
    check: (planned) => [
      ...every(planned.all('aws_cloudwatch_metric_alarm'), 'aws_cloudwatch_metric_alarm', (alarm) => {
        if (valueAt(alarm, 'actions_enabled') === false) return 'its actions are off'
        return isGiven(alarm, 'alarm_actions') ? null : 'it tells nobody'
      }),
      ...whereThereIs(
        planned.all('aws_sns_topic'),
        (topic) => !isGiven(topic, 'kms_master_key_id') && 'it names no key',
      ),
    ],
  },
  {
    id: 'KMS.4',
    alsoKnownAs: ['CIS 3.6'],
    title: 'Keys change every year',
    remedy: 'Set enable_key_rotation.',
    appliesTo: ['aws_kms_key'],
    check: (planned) =>
      every(
        planned.all('aws_kms_key').filter((key) => !isAsymmetric(key)),
        'aws_kms_key',
        (key) => differs('enable_key_rotation', valueAt(key, 'enable_key_rotation'), true),
      ),
  },
  {
    id: 'KMS.3',
    title: `A key that is to be deleted can be kept for ${KEY_WAIT_DAYS} days`,
    remedy: `Set deletion_window_in_days to ${KEY_WAIT_DAYS}: what a deleted key has encrypted is lost.`,
    appliesTo: ['aws_kms_key'],
    check: (planned) =>
      every(planned.all('aws_kms_key'), 'aws_kms_key', (key) =>
        differs('deletion_window_in_days', numberAt(key, 'deletion_window_in_days'), KEY_WAIT_DAYS),
      ),
  },
  {
    id: 'KMS.5',
    title: 'Keys serve our account and no other',
    remedy: 'Name the principals, or give everybody a condition of the account (kms:CallerAccount).',
    appliesTo: ['aws_kms_key'],
    check: (planned) =>
      every(planned.all('aws_kms_key'), 'aws_kms_key', (key) => {
        const statements = statementsOf(planned, key, 'policy')
        if (statements === null) return 'the plan does not show its policy'
        const open = statements.find(
          ({ effect, principals, conditions }) =>
            effect === 'Allow' &&
            Object.entries(principals).some(([kind, names]) => kind !== 'Service' && names.includes('*')) &&
            !Object.entries(conditions).some(
              ([operator, keys]) =>
                /^(?:String|Arn)(?:Equals|Like)$/.test(operator) &&
                Object.keys(keys).some((name) => WITHIN_THE_ACCOUNT.includes(name)),
            ),
        )
        return open && `the statement ${open.sid} serves everybody`
      }),
  },
  {
    id: 'Backup.1',
    title: 'Backups are made every day, kept 30 days in a vault with a key of ours, and cannot be deleted before',
    remedy:
      'Add aws_backup_plan, aws_backup_selection, a vault with kms_key_arn and aws_backup_vault_lock_configuration; in production with changeable_for_days.',
    appliesTo: ['aws_backup_vault', 'aws_backup_vault_lock_configuration', 'aws_backup_plan', 'aws_backup_selection'],
    check: (planned) => [
      ...every(planned.all('aws_backup_vault'), 'aws_backup_vault', (vault) => {
        if (!isGiven(vault, 'kms_key_arn')) return 'it names no key'
        const [lock] = planned.leadingTo(vault, 'aws_backup_vault_lock_configuration', 'backup_vault_name')
        if (lock === undefined) return 'it has no lock'
        const days = numberAt(lock, 'min_retention_days') ?? 0
        if (days < BACKUP_DAYS) return `its lock keeps ${days} days, not ${BACKUP_DAYS}`
        const grace = numberAt(lock, 'changeable_for_days') ?? 0
        return planned.isProduction && grace < VAULT_LOCK_GRACE_DAYS_MIN && 'its lock can be taken off at any time'
      }),
      ...every(planned.all('aws_backup_plan'), 'aws_backup_plan', (plan) => {
        const days = numberAt(plan, 'rule.lifecycle.delete_after') ?? 0
        if (!/^cron\(\d+ \d+ (?:\? \* \*|\* \* \?) \*\)$/.test(textAt(plan, 'rule.schedule') ?? '')) {
          return `its schedule ${textAt(plan, 'rule.schedule') ?? 'is not given'} is not of every day`
        }
        return days < BACKUP_DAYS && `it keeps ${days} days, not ${BACKUP_DAYS}`
      }),
      ...(planned.all('aws_backup_selection').length === 0 ? [missing('aws_backup_selection')] : []),
    ],
  },
]

function trails(planned: PlannedEnvironment, verdict: Parameters<typeof every>[2]) {
  return every(planned.all('aws_cloudtrail'), 'aws_cloudtrail', verdict)
}

/** Keys that sign cannot be changed by AWS. */
function isAsymmetric(key: PlannedResource): boolean {
  const kind = textAt(key, 'customer_master_key_spec')
  return kind !== undefined && kind !== 'SYMMETRIC_DEFAULT'
}
