// The database: one PostgreSQL with a standby in another zone where that is asked for, and read replicas, each in a zone of its own.

import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { DbInstance } from '@cdktn/provider-aws/lib/db-instance/index.js'
import { DbParameterGroup } from '@cdktn/provider-aws/lib/db-parameter-group/index.js'
import { DbSubnetGroup } from '@cdktn/provider-aws/lib/db-subnet-group/index.js'
import { TerraformLocal } from 'cdktn'
import { Construct } from 'constructs'
import { DATABASE_FAMILY, DATABASE_PARAMETERS } from './database_parameters.ts'
import { addressOf, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { trustedService } from './policy_documents.ts'
import { role } from './roles.ts'
import type { InitialPasswords } from './secrets.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Network } from './vpc.ts'

export const DATABASE_NAME = 'borrow_rate_engine'
/** Who makes the roles of the services. RDS does not let it be called admin. */
export const DATABASE_ADMINISTRATOR = 'borrow_rate_admin'
export const DATABASE_PORT = 5432
const LOG_EXPORTS = ['postgresql', 'upgrade']

export class Database extends Construct {
  readonly instance: DbInstance
  readonly replicas: DbInstance
  /** The replicas' addresses, with commas between. */
  readonly replicaHosts: string
  readonly subnetGroup: DbSubnetGroup
  readonly parameterGroup: DbParameterGroup

  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    groups: SecurityGroups,
    passwords: InitialPasswords,
  ) {
    super(scope, 'rds')
    this.subnetGroup = new DbSubnetGroup(this, 'aws_db_subnet_group.main', {
      name: naming.name,
      description: 'The data tier',
      subnetIds: network.dataSubnetIds,
      tags: { Name: naming.name },
    })
    this.parameterGroup = new DbParameterGroup(this, 'aws_db_parameter_group.main', {
      name: naming.named(DATABASE_FAMILY),
      family: DATABASE_FAMILY,
      description: 'What database_parameters.ts says, and why',
      parameter: DATABASE_PARAMETERS.map(({ name, value, kind, rdsOnly }) => ({
        name,
        value: rdsOnly ? value : asRdsWritesIt(value),
        applyMethod: kind === 'static' ? 'pending-reboot' : 'immediate',
      })),
      tags: { Name: naming.named(DATABASE_FAMILY) },
      // A new family means a new name: the old group goes after the database has left it.
      lifecycle: { createBeforeDestroy: true },
    })
    const monitoring = role(this, naming, 'database-monitoring', {
      description: 'Measures of the machine below the database, every few seconds',
      trust: trustedService('monitoring.rds.amazonaws.com'),
      managedPolicies: ['service-role/AmazonRDSEnhancedMonitoringRole'],
    })
    const common = {
      instanceClass: settings.database_instance_class,
      maxAllocatedStorage: settings.database_storage_max_gib,
      storageType: 'gp3',
      storageEncrypted: true,
      kmsKeyId: keys.data.arn,
      parameterGroupName: this.parameterGroup.name,
      vpcSecurityGroupIds: [groups.id('database')],
      publiclyAccessible: false,
      port: DATABASE_PORT,
      caCertIdentifier: 'rds-ca-rsa2048-g1',
      autoMinorVersionUpgrade: true,
      maintenanceWindow: naming.maintenance('weekly'),
      applyImmediately: false,
      backupRetentionPeriod: settings.backup_retention_days,
      backupWindow: naming.maintenance('backup'),
      copyTagsToSnapshot: true,
      iamDatabaseAuthenticationEnabled: true,
      deletionProtection: settings.deletion_protection,
      enabledCloudwatchLogsExports: LOG_EXPORTS,
      monitoringInterval: 15,
      monitoringRoleArn: monitoring.arn,
      databaseInsightsMode: 'standard',
      performanceInsightsEnabled: true,
      performanceInsightsKmsKeyId: keys.data.arn,
      performanceInsightsRetentionPeriod: 7,
    }
    this.instance = new DbInstance(this, 'aws_db_instance.main', {
      ...common,
      identifier: naming.name,
      engine: 'postgres',
      // The newest minor version there is; RDS takes later ones in the maintenance window.
      engineVersion: '15',
      allowMajorVersionUpgrade: false,
      allocatedStorage: settings.database_storage_gib,
      dbName: DATABASE_NAME,
      dbSubnetGroupName: this.subnetGroup.name,
      multiAz: settings.database_multi_az,
      username: DATABASE_ADMINISTRATOR,
      // Sent once and never stored in the state. RDS could manage the password itself, but then makes no read replicas of it.
      passwordWo: passwords.database,
      passwordWoVersion: settings.password_generation,
      deleteAutomatedBackups: false,
      skipFinalSnapshot: false,
      finalSnapshotIdentifier: naming.named('final'),
      tags: { Name: naming.name, Backup: 'daily' },
      dependsOn: this.#logGroups(settings, keys, naming.name, 'database'),
    })
    this.replicas = new DbInstance(this, 'aws_db_instance.replica', {
      ...common,
      count: settings.database_replica_count,
      identifier: `${naming.named('replica')}-\${count.index + 1}`,
      replicateSourceDb: this.instance.identifier,
      availabilityZone: text('var.availability_zones[(count.index + 1) % length(var.availability_zones)]'),
      multiAz: false,
      skipFinalSnapshot: true,
      tags: { Name: `${naming.named('replica')}-\${count.index + 1}` },
    })
    this.replicaHosts = new TerraformLocal(
      this,
      'local.database_replica_hosts',
      text(`join(",", ${addressOf(this.replicas)}[*].address)`),
    ).asString
  }

  /** Made before the database, which would make them without a key and for ever. */
  #logGroups(settings: DeclaredSettings, keys: Keys, identifier: string, purpose: string): CloudwatchLogGroup[] {
    return LOG_EXPORTS.map(
      (log) =>
        new CloudwatchLogGroup(this, `aws_cloudwatch_log_group.${purpose}_${log}`, {
          name: `/aws/rds/instance/${identifier}/${log}`,
          retentionInDays: settings.log_retention_days,
          kmsKeyId: keys.logs.arn,
        }),
    )
  }
}

/** RDS has 1 and 0 where PostgreSQL has on and off, and would see a change at every plan otherwise. */
function asRdsWritesIt(value: string): string {
  return value === 'on' ? '1' : value === 'off' ? '0' : value
}
