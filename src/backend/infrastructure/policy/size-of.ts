// How large a planned environment is, read out of its resources in the form of the guide's table.
import type { PlannedEnvironment } from './planned-environment.ts'
import { isGiven, numberAt, textAt, valueAt } from './planned-environment.ts'
import type { Size } from './sizing.ts'

export interface PlannedSize extends Omit<Size, 'natGateways'> {
  readonly natGateways: number
}

export function sizeOf(planned: PlannedEnvironment): PlannedSize {
  const databases = planned.all('aws_db_instance')
  const primary = databases.find((database) => !isGiven(database, 'replicate_source_db'))
  const [cache] = planned.all('aws_elasticache_replication_group')
  if (primary === undefined || cache === undefined) throw new Error('the plan has no database or no cache')
  const nodes = (size: string) =>
    planned
      .all('aws_eks_node_group')
      .reduce((total, group) => total + (numberAt(group, `scaling_config.${size}`) ?? Number.NaN), 0)
  const shards = numberAt(cache, 'num_node_groups')
  return {
    nodes: { min: nodes('min_size'), max: nodes('max_size') },
    natGateways: planned.all('aws_nat_gateway').length,
    databaseClass: textAt(primary, 'instance_class') ?? '',
    databaseReplicas: databases.length - 1,
    databaseMultiAz: valueAt(primary, 'multi_az') === true,
    cacheClass: textAt(cache, 'node_type') ?? '',
    cacheShards: shards ?? 1,
    cacheReplicas:
      shards === undefined
        ? (numberAt(cache, 'num_cache_clusters') ?? Number.NaN) - 1
        : (numberAt(cache, 'replicas_per_node_group') ?? Number.NaN),
    cacheClusterMode: textAt(cache, 'cluster_mode') === 'enabled',
  }
}
