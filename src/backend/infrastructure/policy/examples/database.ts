// Plans of databases.
import { but, type Examples, inEnvironment, planned } from './example.ts'
import { SUBNETS } from './networks.ts'

const SETTINGS = {
  storage_encrypted: true,
  storage_type: 'gp3',
  publicly_accessible: false,
  maintenance_window: 'sun:06:00-sun:10:00',
  apply_immediately: false,
  enabled_cloudwatch_logs_exports: ['postgresql', 'upgrade'],
  monitoring_interval: 60,
  performance_insights_enabled: true,
  iam_database_authentication_enabled: true,
  auto_minor_version_upgrade: true,
  copy_tags_to_snapshot: true,
  instance_class: 'db.r5.xlarge',
  ca_cert_identifier: 'rds-ca-rsa2048-g1',
}
const REFERENCES = {
  kms_key_id: 'aws_kms_key.data.arn',
  monitoring_role_arn: 'aws_iam_role.monitoring.arn',
  performance_insights_kms_key_id: 'aws_kms_key.data.arn',
  parameter_group_name: 'aws_db_parameter_group.main.name',
}

const PARAMETERS = [
  { name: 'rds.force_ssl', value: '1' },
  { name: 'log_connections', value: '1' },
  { name: 'log_disconnections', value: '1' },
  { name: 'log_min_duration_statement', value: '250' },
  { name: 'shared_preload_libraries', value: 'pg_stat_statements' },
]
const GROUP = planned('aws_db_parameter_group.main', { parameter: PARAMETERS })

const PRIMARY = planned(
  'aws_db_instance.main',
  {
    ...SETTINGS,
    engine: 'postgres',
    engine_version: '15.14',
    multi_az: true,
    deletion_protection: true,
    skip_final_snapshot: false,
    final_snapshot_identifier: 'borrow-rate-engine-prod-final',
    backup_retention_period: 30,
    backup_window: '04:00-05:00',
    username: 'engine_owner',
  },
  { ...REFERENCES, db_subnet_group_name: 'aws_db_subnet_group.main.name' },
)
const replica = (index: number) =>
  planned(
    `aws_db_instance.replica[${index}]`,
    { ...SETTINGS, availability_zone: `us-east-1${'bc'[index]}` },
    { ...REFERENCES, replicate_source_db: 'aws_db_instance.main.identifier' },
  )

const ONE = [PRIMARY, GROUP]
const ALL = [PRIMARY, replica(0), replica(1), GROUP]
const PLACED = [PRIMARY, ...SUBNETS, planned('aws_db_subnet_group.main', {}, { subnet_ids: 'aws_subnet.data' })]

const primary = (values: object, references = {}) => but(ALL, 'aws_db_instance.main', { ...values }, references)
const parameter = (name: string, value: string | undefined) =>
  but(ALL, 'aws_db_parameter_group.main', {
    parameter: PARAMETERS.flatMap((each) =>
      each.name !== name ? [each] : value === undefined ? [] : [{ name, value }],
    ),
  })

export const DATABASE_EXAMPLES: Examples = {
  'RDS.3': {
    keeps: { 'a key of ours': ALL },
    breaks: {
      'not encrypted': primary({ storage_encrypted: false }),
      'the key of AWS': primary({}, { kms_key_id: undefined }),
      'a replica that is not': but(ALL, 'aws_db_instance.replica[1]', { storage_encrypted: undefined }),
    },
  },
  'RDS.5': {
    keeps: {
      'a standby in production': ONE,
      'none in development': inEnvironment('dev', but(ONE, 'aws_db_instance.main', { multi_az: false })),
    },
    breaks: {
      'none in staging': inEnvironment('staging', primary({ multi_az: false })),
      'none in production': primary({ multi_az: undefined }),
    },
  },
  'RDS.2': {
    keeps: { 'said of each': ALL },
    breaks: {
      'a replica with one': but(ALL, 'aws_db_instance.replica[0]', { publicly_accessible: true }),
      'nothing is said': primary({ publicly_accessible: undefined }),
    },
  },
  'RDS.8': {
    keeps: {
      'it stays': ONE,
      'development may go': inEnvironment('dev', but(ONE, 'aws_db_instance.main', { deletion_protection: false })),
    },
    breaks: {
      'it goes': primary({ deletion_protection: false }),
      'it goes without a trace': primary({ skip_final_snapshot: true }),
      'the last snapshot has no name': primary({ final_snapshot_identifier: undefined }),
    },
  },
  'RDS.11': {
    keeps: { '30 days': ALL, 'in development too': inEnvironment('dev', ONE) },
    breaks: {
      '7 days in development': inEnvironment('dev', primary({ backup_retention_period: 7 })),
      'whenever AWS likes': primary({ backup_window: undefined }),
    },
  },
  'BRE-18': {
    keeps: {
      'Sunday 01:00 EST': ALL,
      'Wednesday 22:00 EST in staging, which is Thursday in UTC': inEnvironment(
        'staging',
        but(ONE, 'aws_db_instance.main', { maintenance_window: 'thu:03:00-thu:07:00', backup_window: '01:00-02:00' }),
      ),
    },
    breaks: {
      'the hours of the guide taken for UTC': primary({ maintenance_window: 'sun:01:00-sun:05:00' }),
      'a Monday in production': primary({ maintenance_window: 'mon:06:00-mon:07:00' }),
      'longer than the window': primary({ maintenance_window: 'sun:06:00-sun:10:30' }),
      'Monday 03:00 UTC in staging, a Sunday in New York': inEnvironment(
        'staging',
        primary({ maintenance_window: 'mon:03:00-mon:04:00' }),
      ),
      'a backup in the midst of it': primary({ backup_window: '07:00-08:00' }),
      'a replica whenever AWS likes': but(ALL, 'aws_db_instance.replica[0]', { maintenance_window: undefined }),
    },
  },
  'BRE-19': {
    keeps: { 'all wait': ALL },
    breaks: {
      'one does not': primary({ apply_immediately: true }),
      'nothing is said of a replica': but(ALL, 'aws_db_instance.replica[0]', { apply_immediately: undefined }),
    },
  },
  'RDS.38': {
    keeps: { 'a parameter says so': ALL },
    breaks: {
      'a parameter says otherwise': parameter('rds.force_ssl', '0'),
      'no parameter says so': parameter('rds.force_ssl', undefined),
      'a replica with the parameters of AWS': but(
        ALL,
        'aws_db_instance.replica[0]',
        {},
        {
          parameter_group_name: undefined,
        },
      ),
    },
  },
  'BRE-20': {
    keeps: { 'all four': ALL },
    breaks: {
      'slow statements are not': parameter('log_min_duration_statement', '-1'),
      'who comes is not': parameter('log_connections', undefined),
      'statements are not counted': parameter('shared_preload_libraries', 'auto_explain'),
    },
  },
  'RDS.36': {
    keeps: { 'both logs': ALL },
    breaks: { 'one of them': primary({ enabled_cloudwatch_logs_exports: ['upgrade'] }) },
  },
  'RDS.6': {
    keeps: { 'every minute': ALL },
    breaks: {
      'not at all': primary({ monitoring_interval: 0 }),
      'without a role': primary({}, { monitoring_role_arn: undefined }),
      'without insights': primary({ performance_insights_enabled: false }),
    },
  },
  'RDS.10': {
    keeps: { 'all of them': ALL },
    breaks: { 'by password only': primary({ iam_database_authentication_enabled: false }) },
  },
  'RDS.13': {
    keeps: { 'small ones': ALL },
    breaks: {
      none: primary({ auto_minor_version_upgrade: false }),
      'great ones': primary({ allow_major_version_upgrade: true }),
    },
  },
  'RDS.17': {
    keeps: { 'they do': ALL },
    breaks: { 'they do not': primary({ copy_tags_to_snapshot: undefined }) },
  },
  'RDS.25': {
    keeps: { 'a name of ours': ALL },
    breaks: { admin: primary({ username: 'Admin' }), 'no name': primary({ username: undefined }) },
  },
  'BRE-21': {
    keeps: { 'db.r5.xlarge in production': ALL },
    breaks: {
      "production's in development": inEnvironment('dev', ONE),
      'a smaller replica': but(ALL, 'aws_db_instance.replica[1]', { instance_class: 'db.r5.large' }),
    },
  },
  'BRE-22': {
    keeps: {
      'two in two zones': ALL,
      'one in staging': inEnvironment('staging', [PRIMARY, replica(0)]),
      'none in development': inEnvironment('dev', ONE),
    },
    breaks: {
      'one in production': [PRIMARY, replica(0)],
      'both in one zone': but(ALL, 'aws_db_instance.replica[1]', { availability_zone: 'us-east-1b' }),
      'wherever AWS likes': but(ALL, 'aws_db_instance.replica[1]', { availability_zone: undefined }),
    },
  },
  'BRE-23': {
    keeps: { 'PostgreSQL 15': ALL },
    breaks: {
      'PostgreSQL 14': primary({ engine_version: '14.19' }),
      'an authority that has ended': primary({ ca_cert_identifier: 'rds-ca-2019' }),
      'a disk of the old kind': but(ALL, 'aws_db_instance.replica[0]', { storage_type: 'gp2' }),
    },
  },
  'BRE-24': {
    keeps: { 'three data subnets': PLACED },
    breaks: {
      'app subnets': but(PLACED, 'aws_db_subnet_group.main', {}, { subnet_ids: 'aws_subnet.app' }),
      'two zones': but(
        PLACED,
        'aws_db_subnet_group.main',
        {},
        {
          subnet_ids: ['aws_subnet.data[0].id', 'aws_subnet.data[1].id'],
        },
      ),
      'no group': [PRIMARY, ...SUBNETS],
    },
  },
}
