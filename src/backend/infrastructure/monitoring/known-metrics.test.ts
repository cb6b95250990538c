// The list of the engine's metrics and the engine's source are one. What a running engine shows is held against it by the loop in
// test/deployment/monitoring-loop.delivery.test.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CONTROLLER_METRICS, ENGINE_HISTOGRAMS, ENGINE_METRICS } from './known-metrics.ts'

const BACKEND = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAM = [
  'access',
  'audit',
  'cache',
  'database',
  'gateway',
  'market-data',
  'quotes',
  'reference-data',
  'server',
  'services',
  'tools/traffic-split',
  'webhooks',
]
/** `metrics.gauge('name', …`, also over two lines, and `new Gauge({ name: 'name', …` or `counter({ name: 'name', …`. */
const MADE =
  /(?:metrics\.(?:gauges?|counters?|durations)\(\s*|(?:new (?:Counter|Gauge|Histogram)|counter|histogram)\(\{\s*name: )'([a-z0-9_]+)'/g
const HISTOGRAMS = /(?:metrics\.durations\(\s*|(?:new Histogram|histogram)\(\{\s*name: )'([a-z0-9_]+)'/g

const source = PROGRAM.flatMap((folder) =>
  readdirSync(join(BACKEND, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => readFileSync(join(BACKEND, folder, path), 'utf8')),
)
const namesIn = (texts: readonly string[], pattern: RegExp) =>
  [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)))].sort()

test('every metric that the source makes is listed, and every one that is listed is made', () => {
  const listed = [...Object.keys(ENGINE_METRICS), ...Object.keys(CONTROLLER_METRICS)].sort()
  expect(namesIn(source, MADE)).toEqual(listed)
  expect(namesIn(source, HISTOGRAMS)).toEqual([...ENGINE_HISTOGRAMS].sort())
})

test('a metric is found however it is made', () => {
  const made = `metrics.gauge('one', ''); metrics.counters(\n  'two', ''); const x = metrics.durations(\n 'three'); new Counter({\n name: 'four', counter({\n name: 'five'`
  expect(namesIn([made], MADE)).toEqual(['five', 'four', 'one', 'three', 'two'])
})
