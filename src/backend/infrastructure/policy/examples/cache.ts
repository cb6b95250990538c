// Plans of caches.
import { but, type Examples, inEnvironment, planned } from './example.ts'
import { SUBNETS } from './networks.ts'

const PROD = planned(
  'aws_elasticache_replication_group.main',
  {
    at_rest_encryption_enabled: 'true',
    transit_encryption_enabled: true,
    transit_encryption_mode: 'required',
    node_type: 'cache.m5.xlarge',
    num_node_groups: 3,
    replicas_per_node_group: 2,
    automatic_failover_enabled: true,
    multi_az_enabled: true,
    snapshot_retention_limit: 7,
    auto_minor_version_upgrade: 'true',
    maintenance_window: 'sun:06:00-sun:10:00',
  },
  {
    kms_key_id: 'aws_kms_key.data.arn',
    auth_token: 'aws_secretsmanager_secret_version.redis.secret_string',
    subnet_group_name: 'aws_elasticache_subnet_group.main.name',
    parameter_group_name: 'aws_elasticache_parameter_group.main.name',
  },
)
const parameters = (enabled: string) =>
  planned('aws_elasticache_parameter_group.main', { parameter: [{ name: 'cluster-enabled', value: enabled }] })

const ALL = [
  PROD,
  parameters('yes'),
  ...SUBNETS,
  planned('aws_elasticache_subnet_group.main', {}, { subnet_ids: 'aws_subnet.data' }),
]
const cache = (values: object, references = {}) =>
  but(ALL, 'aws_elasticache_replication_group.main', { ...values }, references)

const SINGLE = { num_node_groups: undefined, replicas_per_node_group: undefined, num_cache_clusters: 1 }
const single = (values: object = {}) => [
  ...cache({ ...SINGLE, ...values }).filter(({ type }) => type !== 'aws_elasticache_parameter_group'),
  parameters('no'),
]

export const CACHE_EXAMPLES: Examples = {
  'ElastiCache.4': {
    keeps: { 'a key of ours': ALL },
    breaks: {
      'not encrypted': cache({ at_rest_encryption_enabled: 'false' }),
      'the key of AWS': cache({}, { kms_key_id: undefined }),
      'no cache': [],
    },
  },
  'ElastiCache.5': {
    keeps: { 'nothing else': ALL },
    breaks: {
      'no TLS': cache({ transit_encryption_enabled: false }),
      'something else too': cache({ transit_encryption_mode: 'preferred' }),
    },
  },
  'ElastiCache.6': {
    keeps: { 'a token': ALL, users: cache({ user_group_ids: ['engine'] }, { auth_token: undefined }) },
    breaks: { nobody: cache({}, { auth_token: undefined }) },
  },
  'BRE-25': {
    keeps: { 'cache.m5.xlarge in production': ALL },
    breaks: { "production's in staging": inEnvironment('staging', ALL) },
  },
  'BRE-26': {
    keeps: {
      'three of three': ALL,
      'one in development': inEnvironment('dev', single()),
      'two in staging': inEnvironment('staging', single({ num_cache_clusters: 2 })),
    },
    breaks: {
      'one replica': cache({ replicas_per_node_group: 1 }),
      'two shards': cache({ num_node_groups: 2 }),
      'one node in staging': inEnvironment('staging', single()),
      'parameters without cluster mode': [
        ...ALL.filter(({ name, type }) => !(type.endsWith('parameter_group') && name === 'main')),
        parameters('no'),
      ],
    },
  },
  'ElastiCache.3': {
    keeps: {
      'in production': ALL,
      'a single node has nothing to change to': inEnvironment(
        'dev',
        single({ automatic_failover_enabled: false, multi_az_enabled: false }),
      ),
    },
    breaks: {
      'no failover': cache({ automatic_failover_enabled: false }),
      'all in one zone': inEnvironment('staging', single({ num_cache_clusters: 2, multi_az_enabled: false })),
    },
  },
  'ElastiCache.7': {
    keeps: { 'three data subnets': ALL },
    breaks: {
      'public ones': but(ALL, 'aws_elasticache_subnet_group.main', {}, { subnet_ids: 'aws_subnet.public' }),
      'the group of AWS': cache({}, { subnet_group_name: undefined }),
    },
  },
  'ElastiCache.1': {
    keeps: { 'a week of snapshots': ALL },
    breaks: {
      'no snapshots': cache({ snapshot_retention_limit: 0 }),
      'whenever AWS likes': cache({ maintenance_window: undefined }),
      'in the night of New York': cache({ maintenance_window: 'sun:10:00-sun:11:00' }),
      'never updated': cache({ auto_minor_version_upgrade: 'false' }),
    },
  },
}
