// What a rate of quotes asks of pods, database and Redis, from what one quote was measured to cost. A model: every assumption is named
// below and printed with its results, and none of the larger figures was ever measured.

/** What one quote costs through five services, microseconds of processor time by process, and what it leaves behind. */
export interface QuoteCost {
  readonly cpu_us: Readonly<Record<Service | 'PostgreSQL' | 'Redis', number>>
  /** Of write-ahead log, its seal included. */
  readonly wal_bytes: number
  readonly redis_commands: number
  /** Kept for six years: row, indexes, seal. */
  readonly record_bytes: number
  /** By the one process that seals at a time. */
  readonly sealed_per_second: number
}

export const SERVICES = [
  'api-gateway',
  'calculation-service',
  'data-service',
  'cache-service',
  'audit-service',
] as const
export type Service = (typeof SERVICES)[number]

/** Production's own settings: the overlay's autoscalers, and terraform.tfvars of prod. */
export const PRODUCTION = {
  replicas: {
    'api-gateway': { min: 3, max: 10, cpuRequest: 0.5 },
    'calculation-service': { min: 3, max: 20, cpuRequest: 1 },
    'data-service': { min: 3, max: 10, cpuRequest: 0.5 },
    'cache-service': { min: 3, max: 5, cpuRequest: 1 },
    'audit-service': { min: 2, max: 5, cpuRequest: 0.5 },
  } as Readonly<Record<Service, { readonly min: number; readonly max: number; readonly cpuRequest: number }>>,
  node: { type: 'm6i.4xlarge', cores: 16, min: 3, max: 20 },
  databaseReplicas: 2,
  databaseStorageGib: 2_000,
  cache: { type: 'cache.m5.xlarge', shards: 3, nodes: 9 },
} as const

/** On demand, us-east-1, USD, as known in the first half of 2026. */
export const PRICES = {
  asOf: 'the first half of 2026',
  nodeHour: 0.768,
  /** Of one instance; a standby in another zone costs as much again. */
  databaseCoreHour: 0.125,
  databaseGibMonth: 0.115,
  cacheNodeHour: 0.311,
  hoursAMonth: 730,
} as const

export const ASSUMPTIONS = {
  /** Of a pod's one busy core: where the autoscaler adds the next. */
  podShare: 0.7,
  /** Of a node, after what Kubernetes itself takes. */
  nodeShare: 0.85,
  databaseShare: 0.6,
  /** Cores of db.r5, from the smallest to the largest. */
  databaseCores: [2, 4, 8, 16, 32, 48, 64, 96] as readonly number[],
  /** Of the largest storage there is, write-ahead log and pages together. */
  databaseBytesPerSecondMax: 4_000 * 2 ** 20,
  /** A page is written for what the log says once more, some time later. */
  writesPerWalByte: 2,
  redisCommandsPerSecondOfShard: 100_000,
  /** Quotes come while the market is open. */
  hoursADay: 6.5,
  daysAMonth: 21,
} as const

export interface Plan {
  readonly quotesPerSecond: number
  readonly pods: Readonly<Record<Service, number>>
  readonly nodes: number
  readonly databaseCoresNeeded: number
  /** null: no class is large enough. */
  readonly databaseCores: number | null
  readonly walMibPerSecond: number
  readonly redisCommandsPerSecond: number
  readonly redisShards: number
  readonly recordsGibADay: number
  /** USD; null: it cannot be built so. */
  readonly month: {
    readonly nodes: number
    readonly database: number | null
    readonly cache: number
    readonly storage: number
  }
}

/** @param quotesPerSecond while the market is open */
export function planFor(quotesPerSecond: number, cost: QuoteCost): Plan {
  const cores = (of: Service | 'PostgreSQL' | 'Redis') => (quotesPerSecond * cost.cpu_us[of]) / 1_000_000
  const pods = Object.fromEntries(
    SERVICES.map((name) => [
      name,
      Math.max(PRODUCTION.replicas[name].min, Math.ceil(cores(name) / ASSUMPTIONS.podShare)),
    ]),
  ) as Record<Service, number>
  const asked = SERVICES.reduce(
    (sum, name) => sum + Math.max(pods[name] * PRODUCTION.replicas[name].cpuRequest, cores(name)),
    0,
  )
  const nodes = Math.max(PRODUCTION.node.min, Math.ceil(asked / (PRODUCTION.node.cores * ASSUMPTIONS.nodeShare)))
  const databaseCoresNeeded = cores('PostgreSQL') / ASSUMPTIONS.databaseShare
  const databaseCores = ASSUMPTIONS.databaseCores.find((each) => each >= Math.max(4, databaseCoresNeeded)) ?? null
  const redisCommandsPerSecond = quotesPerSecond * cost.redis_commands
  const redisShards = Math.max(
    PRODUCTION.cache.shards,
    Math.ceil(redisCommandsPerSecond / ASSUMPTIONS.redisCommandsPerSecondOfShard),
  )
  const recordsGibADay = (quotesPerSecond * cost.record_bytes * ASSUMPTIONS.hoursADay * 3_600) / 2 ** 30
  const instances = 2 + PRODUCTION.databaseReplicas
  const copies = instances
  return {
    quotesPerSecond,
    pods,
    nodes,
    databaseCoresNeeded,
    databaseCores,
    walMibPerSecond: (quotesPerSecond * cost.wal_bytes) / 2 ** 20,
    redisCommandsPerSecond,
    redisShards,
    recordsGibADay,
    month: {
      nodes: nodes * PRICES.nodeHour * PRICES.hoursAMonth,
      database:
        databaseCores === null ? null : instances * databaseCores * PRICES.databaseCoreHour * PRICES.hoursAMonth,
      cache:
        redisShards * (PRODUCTION.cache.nodes / PRODUCTION.cache.shards) * PRICES.cacheNodeHour * PRICES.hoursAMonth,
      storage: recordsGibADay * ASSUMPTIONS.daysAMonth * PRICES.databaseGibMonth * copies,
    },
  }
}

export interface Limit {
  readonly what: string
  /** Quotes a second at which it is reached. */
  readonly at: number
  readonly remedy: string
}

/** What is in the way, the nearest first. */
export function limitsOf(cost: QuoteCost): Limit[] {
  const pods = SERVICES.map((name): Limit => {
    const { max } = PRODUCTION.replicas[name]
    return {
      what: `${max} pods of ${name}, where its autoscaler ends`,
      at: (max * ASSUMPTIONS.podShare * 1_000_000) / cost.cpu_us[name],
      remedy: 'raise maxReplicas',
    }
  })
  const databaseAt = (cores: number) => (cores * ASSUMPTIONS.databaseShare * 1_000_000) / cost.cpu_us.PostgreSQL
  const largest = ASSUMPTIONS.databaseCores.at(-1) as number
  return [
    ...pods,
    {
      what: 'the processors of db.r5.xlarge (4), as it is shipped',
      at: databaseAt(4),
      remedy: 'a larger class, an hour of one person',
    },
    {
      what: `the processors of the largest class (${largest})`,
      at: databaseAt(largest),
      remedy: 'records on several databases, by broker: not built',
    },
    {
      what: 'the bytes that one database can write',
      at: ASSUMPTIONS.databaseBytesPerSecondMax / (cost.wal_bytes * ASSUMPTIONS.writesPerWalByte),
      remedy: 'the same',
    },
    {
      what: 'the one process that seals',
      at: cost.sealed_per_second,
      remedy: 'seals fall behind while the market is open and catch up after; prices go on',
    },
    {
      what: `the commands of ${PRODUCTION.cache.shards} Redis shards`,
      at: (PRODUCTION.cache.shards * ASSUMPTIONS.redisCommandsPerSecondOfShard) / cost.redis_commands,
      remedy: 'more shards',
    },
  ]
    .filter(({ at }) => Number.isFinite(at))
    .sort((a, b) => a.at - b.at)
}

/** Days until the storage of production is full of records. */
export function daysOfStorage(plan: Plan): number {
  return PRODUCTION.databaseStorageGib / plan.recordsGibADay
}
