// A second copy of the database, every day, in a vault that keeps it whatever happens to the database, to its own snapshots or to whoever
// may delete those. A restore to any second comes from RDS's own log, which AWS Backup would take over if it were asked for it here.
import { BackupPlan } from '@cdktn/provider-aws/lib/backup-plan/index.js'
import { BackupSelection } from '@cdktn/provider-aws/lib/backup-selection/index.js'
import { BackupVault } from '@cdktn/provider-aws/lib/backup-vault/index.js'
import { BackupVaultLockConfiguration } from '@cdktn/provider-aws/lib/backup-vault-lock-configuration/index.js'
import { BackupVaultNotifications } from '@cdktn/provider-aws/lib/backup-vault-notifications/index.js'
import { Construct } from 'constructs'
import type { Monitoring } from './cloudwatch.ts'
import { number } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { trustedService } from './policy_documents.ts'
import type { Database } from './rds.ts'
import { role } from './roles.ts'
import type { DeclaredSettings } from './settings.ts'

/** A copy is kept as long as the database's own snapshots, and never less. */
const KEPT_DAYS_MIN = 30
const KEPT_DAYS_MAX = 366

export class Backups extends Construct {
  readonly vault: BackupVault

  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    database: Database,
    monitoring: Monitoring,
  ) {
    super(scope, 'backup')
    this.vault = new BackupVault(this, 'aws_backup_vault.main', {
      name: naming.name,
      kmsKeyArn: keys.data.arn,
      forceDestroy: false,
    })
    new BackupVaultLockConfiguration(this, 'aws_backup_vault_lock_configuration.main', {
      backupVaultName: this.vault.name,
      minRetentionDays: KEPT_DAYS_MIN,
      maxRetentionDays: KEPT_DAYS_MAX,
      changeableForDays: number('var.backup_vault_lock_grace_days > 0 ? var.backup_vault_lock_grace_days : null'),
    })
    new BackupVaultNotifications(this, 'aws_backup_vault_notifications.main', {
      backupVaultName: this.vault.name,
      snsTopicArn: monitoring.topic.arn,
      backupVaultEvents: ['BACKUP_JOB_FAILED', 'RESTORE_JOB_COMPLETED', 'COPY_JOB_FAILED'],
    })
    const plan = new BackupPlan(this, 'aws_backup_plan.daily', {
      name: naming.named('daily'),
      rule: [
        {
          ruleName: 'daily',
          targetVaultName: this.vault.name,
          schedule: naming.maintenance('dailyBackup'),
          scheduleExpressionTimezone: 'Etc/UTC',
          startWindow: 60,
          completionWindow: 240,
          lifecycle: { deleteAfter: settings.backup_retention_days },
        },
      ],
    })
    const backups = role(this, naming, 'backup', {
      description: 'Takes the daily copies, and brings them back',
      trust: trustedService('backup.amazonaws.com'),
      managedPolicies: [
        'service-role/AWSBackupServiceRolePolicyForBackup',
        'service-role/AWSBackupServiceRolePolicyForRestores',
      ],
    })
    new BackupSelection(this, 'aws_backup_selection.daily', {
      name: naming.named('daily'),
      planId: plan.id,
      iamRoleArn: backups.arn,
      resources: [database.instance.arn],
    })
  }
}
