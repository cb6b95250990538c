import { describe, expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

const lines = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(name))

describe('what somebody else keeps is read at each scrape', () => {
  test('as a count, which is not added up twice', async () => {
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    let sealed = 3
    metrics.counter('sealed_total', 'Records', () => sealed)
    expect(await lines(metrics, 'sealed_total')).toEqual(['sealed_total{service="test"} 3'])
    sealed = 5
    expect(await lines(metrics, 'sealed_total')).toEqual(['sealed_total{service="test"} 5'])
  })

  test('by a label whose values are known', async () => {
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    metrics.counters('reads_total', 'Reads', 'outcome', { hit: () => 2, miss: () => 1 })
    expect(await lines(metrics, 'reads_total')).toEqual([
      'reads_total{outcome="hit",service="test"} 2',
      'reads_total{outcome="miss",service="test"} 1',
    ])
  })

  test('of times, by a function that stands alone', async () => {
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    const note = metrics.durations('work_seconds', 'Work')
    note(0.5)
    expect(await lines(metrics, 'work_seconds_sum')).toEqual(['work_seconds_sum{service="test"} 0.5'])
  })

  test('of pools, by their names', async () => {
    const metrics = createMetrics({ service: 'test', processMetrics: false })
    metrics.pool('audit_log', { totalCount: 2, idleCount: 0, waitingCount: 7 })
    expect(await lines(metrics, 'database_connections')).toEqual([
      'database_connections{pool="audit_log",state="busy",service="test"} 2',
      'database_connections{pool="audit_log",state="idle",service="test"} 0',
      'database_connections{pool="audit_log",state="waiting",service="test"} 7',
    ])
  })
})

test('switched off, everything can be counted and nothing is', async () => {
  const metrics = createMetrics({ service: 'test', enabled: false })
  metrics.httpRequests.inc({ method: 'GET', route: '/', status: '200' })
  metrics.httpDuration.observe({ method: 'GET', route: '/' }, 1)
  metrics.gauge('g', 'A gauge', () => expect.fail('nobody asks'))
  metrics.durations('d', 'Durations')(1)
  expect(metrics.enabled).toBe(false)
  expect(await metrics.registry.metrics()).toBe('\n')
})
