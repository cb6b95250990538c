// Redis on ElastiCache.
import { dataTierFault, windowFault } from './database.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, isGiven, numberAt, textAt, valueAt } from './planned-environment.ts'
import { differs, every, type PolicyRule, type Verdict } from './rule.ts'
import { SIZES } from './sizing.ts'

export const CACHE_RULES: readonly PolicyRule[] = [
  {
    id: 'ElastiCache.4',
    title: 'The cache is encrypted at rest with a key of ours',
    remedy: 'Set at_rest_encryption_enabled and kms_key_id.',
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(planned, (cache) => {
        if (String(valueAt(cache, 'at_rest_encryption_enabled')) !== 'true')
          return 'at_rest_encryption_enabled is not true'
        return isGiven(cache, 'kms_key_id') ? null : 'it names no key'
      }),
  },
  {
    id: 'ElastiCache.5',
    title: 'The cache speaks TLS, and nothing else',
    remedy: 'Set transit_encryption_enabled to true and transit_encryption_mode to required.',
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(
        planned,
        (cache) =>
          differs('transit_encryption_enabled', valueAt(cache, 'transit_encryption_enabled'), true) ??
          differs('transit_encryption_mode', valueAt(cache, 'transit_encryption_mode'), 'required'),
      ),
  },
  {
    id: 'ElastiCache.6',
    title: 'The cache asks who is there',
    remedy: 'Set auth_token (from the secret, never a literal) or user_group_ids.',
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(planned, (cache) =>
        ['auth_token', 'auth_token_wo', 'user_group_ids'].some((way) => isGiven(cache, way))
          ? null
          : 'anybody who reaches it may read it',
      ),
  },
  {
    id: 'BRE-25',
    title: 'Cache classes: development cache.t3.small, staging cache.m5.large, production cache.m5.xlarge',
    remedy: "Set node_type in the environment's tfvars.",
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(planned, (cache) => differs('node_type', valueAt(cache, 'node_type'), SIZES[planned.name].cacheClass)),
  },
  {
    id: 'BRE-26',
    title: 'One node in development, two in staging, and in production three shards of three',
    remedy:
      'Set num_node_groups and replicas_per_node_group, and in production a parameter group with cluster-enabled yes.',
    appliesTo: ['aws_elasticache_replication_group', 'aws_elasticache_parameter_group'],
    check: (planned) =>
      caches(planned, (cache) => {
        const { cacheShards, cacheReplicas, cacheClusterMode } = SIZES[planned.name]
        const nodes = numberAt(cache, 'num_cache_clusters')
        const shards = numberAt(cache, 'num_node_groups') ?? (nodes === undefined ? undefined : 1)
        const replicas = numberAt(cache, 'replicas_per_node_group') ?? (nodes === undefined ? undefined : nodes - 1)
        return (
          differs('shards', shards, cacheShards) ??
          differs('replicas a shard', replicas, cacheReplicas) ??
          differs('cluster mode', isCluster(planned, cache), cacheClusterMode)
        )
      }),
  },
  {
    id: 'ElastiCache.3',
    title: 'In staging and production a lost node is replaced by another in a second zone',
    remedy: 'Set automatic_failover_enabled and multi_az_enabled.',
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(
        planned,
        (cache) =>
          differs(
            'automatic_failover_enabled',
            valueAt(cache, 'automatic_failover_enabled') ?? false,
            planned.isHighlyAvailable,
          ) ?? differs('multi_az_enabled', valueAt(cache, 'multi_az_enabled') ?? false, planned.isHighlyAvailable),
      ),
  },
  {
    id: 'ElastiCache.7',
    title: 'The cache stands in the data tier, in three zones',
    remedy: 'Give it a subnet group of the three data subnets, and no other.',
    appliesTo: ['aws_elasticache_replication_group', 'aws_elasticache_subnet_group'],
    check: (planned) =>
      caches(planned, (cache) => {
        const [group] = planned.ledTo(cache, 'subnet_group_name', 'aws_elasticache_subnet_group')
        return group === undefined ? 'it has no subnet group of ours' : dataTierFault(planned, group)
      }),
  },
  {
    id: 'ElastiCache.1',
    alsoKnownAs: ['ElastiCache.2'],
    title: "The cache is saved every day in staging and production, and worked on in the guide's window only",
    remedy:
      'Set snapshot_retention_limit, auto_minor_version_upgrade and a maintenance_window inside the window, in UTC.',
    appliesTo: ['aws_elasticache_replication_group'],
    check: (planned) =>
      caches(planned, (cache) => {
        const kept = numberAt(cache, 'snapshot_retention_limit') ?? 0
        if (planned.isHighlyAvailable && kept < 1) return 'no snapshot is kept'
        if (String(valueAt(cache, 'auto_minor_version_upgrade')) !== 'true')
          return 'auto_minor_version_upgrade is not true'
        return windowFault(planned, textAt(cache, 'maintenance_window'))
      }),
  },
]

function caches(planned: PlannedEnvironment, verdict: Parameters<typeof every>[2]) {
  return every(planned.all('aws_elasticache_replication_group'), 'aws_elasticache_replication_group', verdict)
}

function isCluster(planned: PlannedEnvironment, cache: Parameters<Parameters<typeof every>[2]>[0]): boolean | Verdict {
  if (textAt(cache, 'cluster_mode') === 'enabled') return true
  const [group] = planned.ledTo(cache, 'parameter_group_name', 'aws_elasticache_parameter_group')
  if (group === undefined) return /\.cluster\.on$/.test(textAt(cache, 'parameter_group_name') ?? '')
  return blocksAt(group, 'parameter').some(({ name, value }) => name === 'cluster-enabled' && value === 'yes')
}
