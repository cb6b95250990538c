// The page of measurements and its pictures, made of results that are kept for the occasion: what it says is what was kept. That the
// page in docs/ is the one of the results in docs/performance/ is looked at with the other documents that are made.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { tableUnder } from '../test/tidy/tables.ts'
import { lineChart, numberText } from './line-chart.ts'
import { performancePage } from './performance-page.ts'

const folder = `${mkdtempSync(join(tmpdir(), 'borrow-rate-engine-page-'))}/`
afterAll(() => rmSync(folder, { recursive: true }))

const machine = {
  ...{ cpu: 'Model', cores: 2, memory_gib: 8, platform: 'linux', node: 'v24.0.0', postgres: '18.4', engine: '0.1.0' },
  ...{ commit: 'abc-dirty', load: 'wrk 4.1.0', load_average: 0.5, busy_before: 0.02 },
}
const figure = (median: number | null) => ({ median, min: median, max: median, rounds: 3 })
const figures = (cpu: Record<string, number>) => ({
  requests_per_second: figure(1_234.4),
  p50_ms: figure(1.5),
  p99_ms: figure(7.25),
  cpu_us: figure(Object.values(cpu).reduce((sum, us) => sum + us, 0)),
  cpu_us_of: Object.fromEntries(Object.entries(cpu).map(([name, us]) => [name, figure(us)])),
  answered: 10_000,
})

function keep(part: string, result: object): void {
  const kept = { part, started_at: '2026-11-30T04:12:00.000Z', took_seconds: 60, quick: false, machine, ...result }
  writeFileSync(`${folder}${part}.json`, JSON.stringify(kept))
}

writeFileSync(`${folder}notes.md`, '## What the figures say\n\nWords by hand.\n')
const page = () => performancePage(folder)
const text = () => page().get('performance.md') ?? ''

test('without results there is the hand-written part, and how to measure', () => {
  expect(text()).toContain('Words by hand.')
  expect(text()).toContain('## How to measure by yourself')
  expect([...page().keys()]).toEqual(['performance.md'])
})

test('every target of every part is listed, met or missed', () => {
  keep('memory', {
    ...{
      rest_seconds: 8,
      load_seconds: 6,
      idle: { 'api-gateway': figure(93.4) },
      loaded: { 'api-gateway': figure(null) },
    },
    targets: [
      { name: 'resident memory', target: '< 120 MiB', measured: 93.4, met: true, missed_by: 0 },
      { name: 'together', target: '< 250 MiB', measured: 261.5, met: false, missed_by: 11.5 },
      { name: 'never seen', target: '< 1 MiB', measured: null, met: false, missed_by: null },
    ],
  })
  expect(tableUnder(text(), 'What is promised')).toEqual([
    ['resident memory', 'memory', '< 120 MiB', '93.4', 'met'],
    ['together', 'memory', '< 250 MiB', '262', '**missed** by 11.5'],
    ['never seen', 'memory', '< 1 MiB', '-', '**missed**'],
  ])
  expect(tableUnder(text(), 'Memory')).toEqual([['api-gateway', '93 (93 to 93)', '-']])
  expect(text()).toContain('Model, 2 cores, 8 GiB, linux. Node v24.0.0, PostgreSQL 18.4, load by wrk 4.1.0.')
})

test('a figure that was refused is told as refused, and is not drawn', () => {
  const of = (refused: string | null) => ({
    ...Object.fromEntries(
      ['p50_ms', 'p99_ms', 'p999_ms', 'service_p99_ms', 'lag_p99_ms'].map((name) => [name, figure(2.5)]),
    ),
    ...{ answered_share: 1, refused },
  })
  keep('open-loop', {
    capacity: 2_000,
    lag_p99_ms_max: 3,
    levels: [
      { rate: 500, share: 0.25, engine: of(null), bare: of(null) },
      { rate: 1_000, share: 0.5, engine: of(null), bare: of(null) },
      { rate: 1_800, share: 0.9, engine: of('the generator itself was 9.5 ms late (p99)'), bare: of(null) },
    ],
  })
  expect(text()).toContain('| engine | 1 800 | 90 % | refused: the generator itself was 9.5 ms late (p99) |')
  const picture = page().get('performance/open-loop.svg') ?? ''
  expect(picture.match(/class="dot d0"/g)).toHaveLength(2)
  expect(picture.match(/class="dot d1"/g)).toHaveLength(3)
  expect(text()).toContain('](performance/open-loop.svg)')
})

test('capacity is told when what it stands on was measured', () => {
  expect(text()).toContain('one of them was not kept')
  keep('cluster', {
    connections: 64,
    five_services: figures({
      'api-gateway': 700,
      'calculation-service': 350,
      'data-service': 7,
      PostgreSQL: 120,
      Redis: 10,
    }),
    all_in_one: figures({ 'all-in-one': 400, PostgreSQL: 120 }),
    bare: figures({ bare: 60 }),
    quotes_per_cpu_second: { five_services: 946, all_in_one: 2_500 },
    consumed: { wal_bytes: 4_096, redis_commands: 3 },
  })
  expect(text()).toContain('one of them was not kept')
  keep('audit', {
    quotes: { by_connections: [] },
    chain: {
      records: 300_000,
      ...Object.fromEntries(
        ['kept_per_second', 'copied_per_second', 'sealed_per_second', 'verified_per_second', 'replayed_per_second'].map(
          (name) => [name, figure(40_000)],
        ),
      ),
      bytes_per_record: { record: 2_000, record_indexes: 600, seal: 150, seal_indexes: 250 },
    },
  })
  expect(text()).toContain('| pods of `api-gateway` | 3 | 10 | 100 |')
  expect(text()).toContain('| record with indexes and seal, bytes | 3 000 |')
})

test('a picture stands on axes that begin at zero, with equal distances for equal factors where it says so', () => {
  const picture = lineChart({
    title: 'Cost & names',
    x: 'names',
    y: 'us',
    logarithmic: true,
    lines: [
      {
        name: 'engine',
        points: [
          [10, 0],
          [100, 50],
          [1_000, 100],
        ],
      },
    ],
  })
  expect(picture).toContain('points="70,246 392,154 714,62"')
  expect(picture).toContain('<title>Cost &amp; names</title>')
})

test('a size of zero stands at the left end of a logarithmic axis', () => {
  const picture = lineChart({
    title: 'Records',
    x: 'records',
    y: 'us',
    logarithmic: true,
    lines: [
      {
        name: 'engine',
        points: [
          [0, 100],
          [100, 100],
          [1_000, 100],
        ],
      },
    ],
  })
  expect(picture).toContain('points="70,62 392,62 714,62"')
})

test.each([
  [20_000, '20 000'],
  [0.25, '0.25'],
  [1_234.5, '1 230'],
])('%d is written as %s', (value, written) => {
  expect(numberText(value)).toBe(written)
})
