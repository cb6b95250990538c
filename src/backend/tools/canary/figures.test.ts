// The canary's questions, answered by Prometheus's own evaluation of series that are written down: promtool is both.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { howToInstall, onPath } from '../../test/debian-package.ts'
import { questions, type Version } from './figures.ts'

const promtool = onPath('promtool')
if (promtool === null) console.warn(`\nThe canary's questions are not asked: ${howToInstall('prometheus')}\n`)

const NAMESPACE = 'borrow-rate-engine-prod'
const STABLE = 'api-gateway-5d9c7b6f4-x2x7k'
const CANARY = 'api-gateway-canary-7c5ddbdf54-9m2lq'

describe.skipIf(promtool === null)('the questions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'figures-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const requests = (pod: string, values: string, more = 'route="/quotes",status="200"') => ({
    series: `http_requests_total{namespace="${NAMESPACE}",pod="${pod}",${more}}`,
    values,
  })

  // One sample a minute; asked at 10 m, looking back 5 m. `_`: not there. `stale`: the scrape failed.
  test.each<[string, object[], Version, 'requests' | 'errors', string]>([
    ['what was before is not counted', [requests(STABLE, '1000+60x10')], 'stable', 'requests', '300'],
    ['of the canary alone', [requests(STABLE, '1000+60x10'), requests(CANARY, '0+6x10')], 'canary', 'requests', '30'],
    [
      'of the stable one alone',
      [requests(STABLE, '1000+60x10'), requests(CANARY, '0+6x10')],
      'stable',
      'requests',
      '300',
    ],
    [
      'a series that begins with its first failure counts it',
      [requests(CANARY, '_x9 3', 'route="/quotes",status="500"')],
      'canary',
      'errors',
      '3',
    ],
    [
      'what a client did wrong is no failure',
      [requests(CANARY, '_x9 3', 'route="/quotes",status="422"')],
      'canary',
      'errors',
      '',
    ],
    [
      'a failed scrape at the beginning is looked behind',
      [requests(STABLE, '1000+60x4 stale 1360+60x4')],
      'stable',
      'requests',
      '360',
    ],
    [
      'a process that began anew does not count backwards',
      [requests(STABLE, '1000+60x6 5+60x3')],
      'stable',
      'requests',
      '0',
    ],
    [
      'probes and scrapes are no traffic',
      [requests(CANARY, '0+6x10', 'route="/health/details",status="503"')],
      'canary',
      'errors',
      '',
    ],
    [
      'another environment is not looked at',
      [
        {
          ...requests(CANARY, '0+6x10'),
          series: `http_requests_total{namespace="borrow-rate-engine-dev",pod="${CANARY}"}`,
        },
      ],
      'canary',
      'requests',
      '',
    ],
    ['nothing is no data, not 0', [], 'canary', 'requests', ''],
  ])('%s', (_, series, version, kind, expected) => {
    const { [kind]: question } = questions({ namespace: NAMESPACE, name: 'api-gateway' }, version, 300_000)
    expect(answers(question, series, expected === '' ? [] : [Number(expected)])).toBe('')
  })

  test('the 95th percentile is of the time that is looked back over', () => {
    const bucket = (le: string, values: string) => ({
      series: `http_request_duration_seconds_bucket{namespace="${NAMESPACE}",pod="${CANARY}",route="/quotes",le="${le}"}`,
      values,
    })
    // Slow before, quick since: 100 of 100 below 50 ms.
    const series = [
      bucket('0.05', '0x5 20+20x4'),
      bucket('0.1', '0x5 20+20x4'),
      bucket('1', '500x5 520+20x4'),
      bucket('+Inf', '500x5 520+20x4'),
    ]
    const { p95 } = questions({ namespace: NAMESPACE, name: 'api-gateway' }, 'canary', 300_000)
    expect(answers(p95, series, [0.0475])).toBe('')
  })

  /** @returns what promtool has to say against it */
  function answers(question: string, series: readonly object[], expected: readonly number[]): string {
    const samples = expected.map((value) => ({ labels: '{}', value }))
    const file = join(folder, 'test.json')
    const expression = { expr: question, eval_time: '10m', exp_samples: samples }
    const tests = [{ interval: '1m', input_series: series, promql_expr_test: [expression] }]
    writeFileSync(file, JSON.stringify({ rule_files: [], evaluation_interval: '1m', tests }))
    try {
      execFileSync(promtool as string, ['test', 'rules', file], { stdio: 'pipe' })
      return ''
    } catch (error) {
      return (
        String((error as { stderr?: Buffer }).stderr ?? error) + String((error as { stdout?: Buffer }).stdout ?? '')
      )
    }
  }
})
