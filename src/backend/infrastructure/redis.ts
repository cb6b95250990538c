// The cache: Redis with as many shards and replicas as an environment asks for, encrypted at rest and on the way, and with a password.
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { ElasticacheParameterGroup } from '@cdktn/provider-aws/lib/elasticache-parameter-group/index.js'
import { ElasticacheReplicationGroup } from '@cdktn/provider-aws/lib/elasticache-replication-group/index.js'
import { ElasticacheSubnetGroup } from '@cdktn/provider-aws/lib/elasticache-subnet-group/index.js'
import { Construct } from 'constructs'
import { bool, number, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import type { InitialPasswords } from './secrets.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Network } from './vpc.ts'

export const CACHE_PORT = 6379

export class Cache extends Construct {
  readonly group: ElasticacheReplicationGroup

  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    groups: SecurityGroups,
    passwords: InitialPasswords,
  ) {
    super(scope, 'redis')
    const subnets = new ElasticacheSubnetGroup(this, 'aws_elasticache_subnet_group.main', {
      name: naming.name,
      description: 'The data tier',
      subnetIds: network.dataSubnetIds,
      tags: { Name: naming.name },
    })
    const parameters = new ElasticacheParameterGroup(this, 'aws_elasticache_parameter_group.main', {
      name: naming.named('redis7'),
      family: 'redis7',
      description: 'Redis as a cache that may lose what is oldest',
      parameter: [
        { name: 'cluster-enabled', value: text('var.cache_cluster_mode_enabled ? "yes" : "no"') },
        // Everything in it has an end and can be fetched again. What nobody asked for the longest makes room.
        { name: 'maxmemory-policy', value: 'allkeys-lru' },
        // Room for the copy that a backup or a new replica is made from.
        { name: 'reserved-memory-percent', value: '25' },
        // Seconds after which a client that is gone is found to be.
        { name: 'tcp-keepalive', value: '60' },
        { name: 'timeout', value: '0' },
      ],
      tags: { Name: naming.named('redis7') },
    })
    const logs = (type: string) =>
      new CloudwatchLogGroup(this, `aws_cloudwatch_log_group.cache_${type.replace('-', '_')}`, {
        name: `/aws/elasticache/${naming.name}/${type}`,
        retentionInDays: settings.log_retention_days,
        kmsKeyId: keys.logs.arn,
      }).name

    this.group = new ElasticacheReplicationGroup(this, 'aws_elasticache_replication_group.main', {
      replicationGroupId: naming.name,
      description: 'Copies of observations, prices and limits of clients',
      engine: 'redis',
      engineVersion: '7.1',
      nodeType: settings.cache_node_type,
      port: CACHE_PORT,
      parameterGroupName: parameters.name,
      subnetGroupName: subnets.name,
      securityGroupIds: [groups.id('cache')],
      // With shards their number and that of replicas are given, without them the number of nodes.
      numCacheClusters: number('var.cache_cluster_mode_enabled ? null : 1 + var.cache_replicas_per_shard'),
      numNodeGroups: number('var.cache_cluster_mode_enabled ? var.cache_shard_count : null'),
      replicasPerNodeGroup: number('var.cache_cluster_mode_enabled ? var.cache_replicas_per_shard : null'),
      clusterMode: text('var.cache_cluster_mode_enabled ? "enabled" : "disabled"'),
      automaticFailoverEnabled: bool('var.cache_replicas_per_shard > 0'),
      multiAzEnabled: bool('var.cache_replicas_per_shard > 0'),
      atRestEncryptionEnabled: 'true',
      kmsKeyId: keys.data.arn,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      // Sent once and never stored in the state.
      authTokenWo: passwords.cache,
      authTokenWoVersion: settings.password_generation,
      authTokenUpdateStrategy: 'ROTATE',
      autoMinorVersionUpgrade: 'true',
      applyImmediately: false,
      maintenanceWindow: naming.maintenance('weekly'),
      snapshotWindow: naming.maintenance('cacheBackup'),
      snapshotRetentionLimit: number('var.environment == "dev" ? 1 : 7'),
      finalSnapshotIdentifier: naming.named('final'),
      logDeliveryConfiguration: ['slow-log', 'engine-log'].map((logType) => ({
        logType,
        logFormat: 'json',
        destinationType: 'cloudwatch-logs',
        destination: logs(logType),
      })),
      tags: { Name: naming.name },
    })
  }

  /** Where a client finds the cache: in cluster mode any node, which knows the others. */
  get address(): string {
    return text(
      'var.cache_cluster_mode_enabled ? aws_elasticache_replication_group.main.configuration_endpoint_address : aws_elasticache_replication_group.main.primary_endpoint_address',
    )
  }
}
