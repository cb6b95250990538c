// PostgreSQL on RDS: the primary and its replicas.
import { dayWindow, GUIDE_WINDOWS, isWithinGuideWindow, meets, weekWindow } from './maintenance-windows.ts'
import { subnetsOf, zoneOf } from './networks.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, isGiven, numberAt, textAt, textsAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { differs, every, missing, type PolicyRule, type Verdict, whereThereIs } from './rule.ts'
import { SIZES } from './sizing.ts'

const BACKUP_DAYS = 30
const POSTGRES_MAJOR = '15'
/** Authorities of RDS that are valid beyond 2060; the one of 2019 ended in 2024. */
const AUTHORITIES = ['rds-ca-rsa2048-g1', 'rds-ca-rsa4096-g1', 'rds-ca-ecc384-g1']
/** Names of administrators that everybody tries first, or that RDS keeps for itself. */
const GUESSED_NAMES = ['admin', 'administrator', 'postgres', 'root', 'rdsadmin', 'master']

export const DATABASE_RULES: readonly PolicyRule[] = [
  {
    id: 'RDS.3',
    alsoKnownAs: ['CIS 2.2.1'],
    title: 'Databases are encrypted with a key of ours',
    remedy: 'Set storage_encrypted and kms_key_id. An unencrypted database can only be replaced.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) => {
        if (valueAt(database, 'storage_encrypted') !== true) return 'storage_encrypted is not true'
        return isGiven(database, 'kms_key_id') ? null : 'it names no key'
      }),
  },
  {
    id: 'RDS.5',
    alsoKnownAs: ['CIS 2.2.4'],
    title: 'In staging and production the database stands by in a second zone',
    remedy: 'Set multi_az to true: its failover is how the recovery time of 15 minutes is kept.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      every(primaries(planned), 'aws_db_instance', (database) =>
        differs('multi_az', valueAt(database, 'multi_az'), SIZES[planned.name].databaseMultiAz),
      ),
  },
  {
    id: 'RDS.2',
    alsoKnownAs: ['CIS 2.2.3'],
    title: 'Databases have no public address',
    remedy: 'Set publicly_accessible to false.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) => differs('publicly_accessible', valueAt(database, 'publicly_accessible'), false)),
  },
  {
    id: 'RDS.8',
    title: 'In staging and production a database cannot be deleted by mistake, and leaves a last snapshot',
    remedy: 'Set deletion_protection to true and skip_final_snapshot to false with a final_snapshot_identifier.',
    appliesTo: ['aws_db_instance'],
    check: (planned) => {
      if (!planned.isHighlyAvailable) return []
      return every(
        primaries(planned),
        'aws_db_instance',
        (database) =>
          differs('deletion_protection', valueAt(database, 'deletion_protection'), true) ??
          differs('skip_final_snapshot', valueAt(database, 'skip_final_snapshot'), false) ??
          (isGiven(database, 'final_snapshot_identifier') ? null : 'the last snapshot has no name'),
      )
    },
  },
  {
    id: 'RDS.11',
    title: `The database is backed up every day, and ${BACKUP_DAYS} days are kept`,
    remedy: `Set backup_retention_period to ${BACKUP_DAYS} and a backup_window; any minute of those days can be brought back.`,
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      every(primaries(planned), 'aws_db_instance', (database) => {
        const days = differs('backup_retention_period', numberAt(database, 'backup_retention_period'), BACKUP_DAYS)
        if (days) return days
        return dayWindow(textAt(database, 'backup_window') ?? '') === null && 'backup_window is not given'
      }),
  },
  {
    id: 'BRE-18',
    title: "Databases are worked on in the guide's window only, and never while they are backed up",
    remedy: "Set maintenance_window inside the environment's window, in UTC, and a backup_window outside of it.",
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) => {
        const fault = windowFault(planned, textAt(database, 'maintenance_window'))
        if (fault) return fault
        const weekly = weekWindow(textAt(database, 'maintenance_window') ?? '')
        const daily = dayWindow(textAt(database, 'backup_window') ?? '')
        return weekly && daily && meets(daily, weekly) && `backed up ${textAt(database, 'backup_window')}, within it`
      }),
  },
  {
    id: 'BRE-19',
    title: 'Changes of databases and caches wait for the window',
    remedy: 'Set apply_immediately to false.',
    appliesTo: ['aws_db_instance', 'aws_elasticache_replication_group'],
    check: (planned) =>
      every(planned.all('aws_db_instance', 'aws_elasticache_replication_group'), 'aws_db_instance', (resource) =>
        differs('apply_immediately', valueAt(resource, 'apply_immediately'), false),
      ),
  },
  {
    id: 'RDS.38',
    title: 'The database refuses connections without TLS',
    remedy: 'Set rds.force_ssl to 1 in its parameter group.',
    appliesTo: ['aws_db_instance', 'aws_db_parameter_group'],
    check: (planned) =>
      databases(planned, (database) => parameterFault(planned, database, 'rds.force_ssl', (value) => value === '1')),
  },
  {
    id: 'BRE-20',
    title: 'Connections and slow statements are in the log, and statements are counted',
    remedy:
      'Set log_connections, log_disconnections, log_min_duration_statement and shared_preload_libraries with pg_stat_statements.',
    appliesTo: ['aws_db_instance', 'aws_db_parameter_group'],
    check: (planned) =>
      databases(
        planned,
        (database) =>
          parameterFault(planned, database, 'log_connections', (value) => value === '1' || value === 'all') ||
          parameterFault(planned, database, 'log_disconnections', (value) => value === '1') ||
          parameterFault(planned, database, 'log_min_duration_statement', (value) => Number(value) >= 0) ||
          parameterFault(planned, database, 'shared_preload_libraries', (value) =>
            value.includes('pg_stat_statements'),
          ),
      ),
  },
  {
    id: 'RDS.36',
    alsoKnownAs: ['RDS.9'],
    title: "The database's log goes to CloudWatch",
    remedy: 'Set enabled_cloudwatch_logs_exports to postgresql and upgrade.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) => {
        const kept = textsAt(database, 'enabled_cloudwatch_logs_exports')
        const lost = ['postgresql', 'upgrade'].filter((kind) => !kept.includes(kind))
        return lost.length > 0 && `no ${lost.join(', ')}`
      }),
  },
  {
    id: 'RDS.6',
    title: "The machine under the database is watched every minute, and its statements' waits are kept encrypted",
    remedy: 'Set monitoring_interval (60 or less), monitoring_role_arn, performance_insights_enabled and its key.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) => {
        const seconds = numberAt(database, 'monitoring_interval') ?? 0
        if (seconds < 1 || seconds > 60) return `monitoring_interval is ${seconds} s`
        if (!isGiven(database, 'monitoring_role_arn')) return 'it has no role to report with'
        if (valueAt(database, 'performance_insights_enabled') !== true) return 'performance insights are off'
        return isGiven(database, 'performance_insights_kms_key_id') ? null : 'performance insights have no key of ours'
      }),
  },
  {
    id: 'RDS.10',
    title: 'People enter the database with the login they have at AWS',
    remedy: 'Set iam_database_authentication_enabled.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) =>
        differs('iam_database_authentication_enabled', valueAt(database, 'iam_database_authentication_enabled'), true),
      ),
  },
  {
    id: 'RDS.13',
    alsoKnownAs: ['CIS 2.2.2'],
    title: 'Small versions of the database come by themselves, great ones never',
    remedy: 'Set auto_minor_version_upgrade to true and allow_major_version_upgrade to false.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(
        planned,
        (database) =>
          differs('auto_minor_version_upgrade', valueAt(database, 'auto_minor_version_upgrade'), true) ??
          (valueAt(database, 'allow_major_version_upgrade') === true ? 'allow_major_version_upgrade is true' : null),
      ),
  },
  {
    id: 'RDS.17',
    title: 'Snapshots carry the tags of their database',
    remedy: 'Set copy_tags_to_snapshot.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) =>
        differs('copy_tags_to_snapshot', valueAt(database, 'copy_tags_to_snapshot'), true),
      ),
  },
  {
    id: 'RDS.25',
    title: 'The administrator of the database has a name that nobody guesses',
    remedy: 'Choose a username; "admin" is one that RDS for PostgreSQL keeps for itself.',
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      every(primaries(planned), 'aws_db_instance', (database) => {
        const name = textAt(database, 'username')
        if (name === undefined) return 'username is not given'
        return GUESSED_NAMES.includes(name.toLowerCase()) && `username is ${name}`
      }),
  },
  {
    id: 'BRE-21',
    title: 'Database classes: development db.t3.medium, staging db.r5.large, production db.r5.xlarge',
    remedy: "Set the class in the environment's tfvars; replicas have that of their primary.",
    appliesTo: ['aws_db_instance'],
    check: (planned) =>
      databases(planned, (database) =>
        differs('instance_class', valueAt(database, 'instance_class'), SIZES[planned.name].databaseClass),
      ),
  },
  {
    id: 'BRE-22',
    title: 'Read replicas: none in development, 1 in staging, 2 in production, each in a zone of its own',
    remedy: 'Set the number in the tfvars and give each replica an availability_zone.',
    appliesTo: ['aws_db_instance'],
    check: (planned) => {
      const replicas = planned.all('aws_db_instance').filter(isReplica)
      const wanted = SIZES[planned.name].databaseReplicas
      const zones = new Set(replicas.map(zoneOf))
      if (replicas.length !== wanted) {
        return [{ address: 'aws_db_instance', found: `${planned.name} has ${replicas.length} replicas, not ${wanted}` }]
      }
      return [
        ...whereThereIs(replicas, (replica) => !isGiven(replica, 'availability_zone') && 'its zone is left to chance'),
        ...(zones.size < replicas.length
          ? [{ address: 'aws_db_instance', found: `${replicas.length} replicas in ${zones.size} zones` }]
          : []),
      ]
    },
  },
  {
    id: 'BRE-23',
    title: `The database is PostgreSQL ${POSTGRES_MAJOR} on gp3, with a certificate of an authority that lasts`,
    remedy: `Set engine postgres, engine_version ${POSTGRES_MAJOR}, storage_type gp3 and ca_cert_identifier (${AUTHORITIES[0]}).`,
    appliesTo: ['aws_db_instance'],
    check: (planned) => [
      ...every(primaries(planned), 'aws_db_instance', (database) => {
        const engine = differs('engine', valueAt(database, 'engine'), 'postgres')
        const version = textAt(database, 'engine_version') ?? ''
        return engine || (version.split('.')[0] !== POSTGRES_MAJOR && `engine_version is ${version || 'not given'}`)
      }),
      ...whereThereIs(planned.all('aws_db_instance'), (database) => {
        const authority = textAt(database, 'ca_cert_identifier')
        if (!AUTHORITIES.includes(authority ?? '')) return `ca_cert_identifier is ${authority ?? 'not given'}`
        return differs('storage_type', valueAt(database, 'storage_type'), 'gp3')
      }),
    ],
  },
  {
    id: 'BRE-24',
    title: 'Databases stand in the data tier, in three zones',
    remedy: 'Give the subnet group the three data subnets, and no other.',
    appliesTo: ['aws_db_instance', 'aws_db_subnet_group'],
    check: (planned) =>
      every(primaries(planned), 'aws_db_instance', (database) => {
        const [group] = planned.ledTo(database, 'db_subnet_group_name', 'aws_db_subnet_group')
        return group === undefined ? 'it has no subnet group of ours' : dataTierFault(planned, group)
      }),
  },
]

/** What is wrong with a window, in words; null where it lies within the guide's. */
export function windowFault(planned: PlannedEnvironment, text: string | undefined): Verdict {
  if (text === undefined) return 'maintenance_window is not given'
  const window = weekWindow(text)
  if (window === null) return `maintenance_window ${text} is none`
  const { words } = GUIDE_WINDOWS[planned.name]
  return isWithinGuideWindow(planned.name, window) ? null : `maintenance_window ${text} UTC is not within ${words}`
}

/** What is wrong with the subnets of a subnet group, in words. */
export function dataTierFault(planned: PlannedEnvironment, group: PlannedResource): Verdict {
  const data = subnetsOf(planned, 'data')
  const subnets = planned.led(group, 'subnet_ids')
  const outside = subnets.find((subnet) => !data.includes(subnet))
  if (outside) return `${group.address} holds ${outside.address}`
  return subnets.length < 3 && `${group.address} holds ${subnets.length} subnets`
}

function isReplica(database: PlannedResource): boolean {
  return isGiven(database, 'replicate_source_db')
}

function primaries(planned: PlannedEnvironment): readonly PlannedResource[] {
  return planned.all('aws_db_instance').filter((database) => !isReplica(database))
}

function databases(planned: PlannedEnvironment, verdict: (database: PlannedResource) => Verdict) {
  return primaries(planned).length === 0
    ? [missing('aws_db_instance')]
    : every(planned.all('aws_db_instance'), 'aws_db_instance', verdict)
}

function parameterFault(
  planned: PlannedEnvironment,
  database: PlannedResource,
  name: string,
  isGood: (value: string) => boolean,
): Verdict {
  const [group] = planned.ledTo(database, 'parameter_group_name', 'aws_db_parameter_group')
  if (group === undefined) return 'it has no parameter group of ours'
  const parameter = blocksAt(group, 'parameter').find((block) => block.name === name)
  if (parameter === undefined) return `${group.address} does not set ${name}`
  const value = String(parameter.value)
  return isGood(value) ? null : `${name} is ${value}`
}
