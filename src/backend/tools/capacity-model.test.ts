// The model's arithmetic on round numbers, and its settings against those that production really has.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PROJECT_ROOT } from '../test/tidy/tree.ts'
import { daysOfStorage, limitsOf, PRODUCTION, planFor, type QuoteCost, SERVICES } from './capacity-model.ts'

const COST: QuoteCost = {
  cpu_us: {
    'api-gateway': 700,
    'calculation-service': 350,
    'data-service': 7,
    'cache-service': 0,
    'audit-service': 70,
    PostgreSQL: 120,
    Redis: 10,
  },
  wal_bytes: 4_096,
  redis_commands: 3,
  record_bytes: 3_000,
  sealed_per_second: 40_000,
}

test('a thousand quotes a second', () => {
  const plan = planFor(1_000, COST)
  expect(plan.pods).toEqual({
    'api-gateway': 3,
    'calculation-service': 3,
    'data-service': 3,
    'cache-service': 3,
    'audit-service': 2,
  })
  expect(plan).toMatchObject({ nodes: 3, databaseCores: 4, redisShards: 3, redisCommandsPerSecond: 3_000 })
  expect(plan.databaseCoresNeeded).toBeCloseTo(0.2, 10)
  expect(plan.walMibPerSecond).toBeCloseTo(3.90625, 5)
  expect(plan.recordsGibADay).toBeCloseTo((1_000 * 3_000 * 6.5 * 3_600) / 2 ** 30, 6)
  expect(plan.month.nodes).toBeCloseTo(3 * 0.768 * 730, 6)
  // A primary, its standby and two replicas of four cores.
  expect(plan.month.database).toBeCloseTo(4 * 4 * 0.125 * 730, 6)
  expect(daysOfStorage(plan)).toBeCloseTo(2_000 / plan.recordsGibADay, 10)
})

test('a hundred times as many need more of everything', () => {
  const plan = planFor(100_000, COST)
  expect(plan.pods['api-gateway']).toBe(100)
  // 12 cores of work at 60 %: 20, and the next class has 32.
  expect(plan.databaseCores).toBe(32)
  expect(planFor(1_000_000, COST).databaseCores).toBeNull()
})

test('what is in the way comes in the order in which it is reached', () => {
  const limits = limitsOf(COST)
  expect(limits.map(({ at }) => at)).toEqual([...limits].map(({ at }) => at).sort((a, b) => a - b))
  expect(limits[0]).toMatchObject({ what: '10 pods of api-gateway, where its autoscaler ends', at: 10_000 })
  // Nobody is limited by a service that a quote does not use.
  expect(limits.some(({ what }) => what.includes('cache-service'))).toBe(false)
})

test.each(SERVICES)('%s has the replicas that the manifests give it', (name) => {
  const manifest = readFileSync(`${PROJECT_ROOT}infrastructure/kubernetes/base/${name}.yaml`, 'utf8')
  const { min, max } = PRODUCTION.replicas[name]
  expect(manifest).toContain(`minReplicas: ${min}\n  maxReplicas: ${max}\n`)
})

test('nodes, database and cache are those of production', () => {
  const settings = readFileSync(`${PROJECT_ROOT}src/backend/infrastructure/environments/prod/terraform.tfvars`, 'utf8')
  const { node, databaseReplicas, databaseStorageGib, cache } = PRODUCTION
  for (const line of [
    `node_instance_types = ["${node.type}"`,
    `node_count_min      = ${node.min}`,
    `node_count_max      = ${node.max}`,
    'database_instance_class  = "db.r5.xlarge"',
    `database_replica_count   = ${databaseReplicas}`,
    `database_storage_max_gib = ${databaseStorageGib}`,
    `cache_node_type            = "${cache.type}"`,
    `cache_shard_count          = ${cache.shards}`,
    `cache_replicas_per_shard   = ${cache.nodes / cache.shards - 1}`,
  ]) {
    expect(settings).toContain(line)
  }
})
