// The adapter's question put to a real Prometheus that scrapes three pods: what comes back is what an autoscaler needs, a figure for each pod
// in the proportion of what each was asked.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMetrics } from '../../server/metrics.ts'
import { startKeeper } from '../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../debian-package.ts'
import { until } from '../until.ts'
import { adapterRules, questionFor } from './custom-metric.ts'
import { freePorts } from './image/ports.ts'

const PACKAGE = 'prometheus'
const hasPrometheus = foundOrInstalled(PACKAGE, () => onPath(PACKAGE) !== null)
if (!hasPrometheus) console.warn(`\nThe custom metric is not asked for: ${howToInstall(PACKAGE)}\n`)

const NAMESPACE = 'borrow-rate-engine-prod'
/** Calls between two scrapes, by pod. */
const CALLS = { quiet: 1, busy: 20, busiest: 60 } as const
const SCRAPES_MIN = 6

describe.skipIf(!hasPrometheus)('requests a second of the calculation service', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custom-metric-'))
  const servers: Server[] = []
  let prometheus: ChildProcess | null = null
  let url = ''
  /** Scrapes by pod. */
  const scrapes = new Map<string, number>()

  /** Metrics of a pod: with every scrape it was asked so many times more, and its health as often as that takes. */
  async function pod(service: string, name: string, calls: number): Promise<object> {
    const metrics = createMetrics({ service, processMetrics: false })
    const server = createServer(async (_request, response) => {
      metrics.internalCalls.inc({ operation: 'quote', outcome: 'ok' }, calls)
      metrics.internalCalls.inc({ operation: 'health-details', outcome: 'ok' }, 1000)
      scrapes.set(name, (scrapes.get(name) ?? 0) + 1)
      response.setHeader('content-type', metrics.registry.contentType)
      response.end(await metrics.registry.metrics())
    })
    scrapes.set(name, 0)
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return {
      targets: [`127.0.0.1:${(server.address() as AddressInfo).port}`],
      labels: { namespace: NAMESPACE, pod: name },
    }
  }

  beforeAll(async () => {
    const targets = await Promise.all([
      ...Object.entries(CALLS).map(([name, calls]) => pod('calculation-service', name, calls)),
      pod('data-service', 'another-service', 500),
    ])
    writeFileSync(join(folder, 'targets.json'), JSON.stringify(targets))
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `global: { scrape_interval: 250ms, scrape_timeout: 200ms }
scrape_configs: [{ job_name: pods, file_sd_configs: [{ files: ['${folder}/targets.json'] }] }]
`,
    )
    const [port] = (await freePorts(1)) as [number]
    url = `http://127.0.0.1:${port}`
    prometheus = spawn(
      PACKAGE,
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore', detached: true },
    )
    startKeeper().mind(prometheus)
    await until('every pod was scraped', 60_000, () => Math.min(...scrapes.values()) >= SCRAPES_MIN)
  })

  afterAll(async () => {
    const gone = prometheus === null ? null : new Promise((done) => prometheus?.once('exit', done))
    prometheus?.kill('SIGKILL')
    await gone
    for (const server of servers) server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  interface Answer {
    readonly data: {
      readonly result: readonly { readonly metric: { readonly pod: string }; readonly value: [number, string] }[]
    }
  }

  async function ask(query: string): Promise<Record<string, number>> {
    const answer = (await (await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as Answer
    return Object.fromEntries(answer.data.result.map(({ metric, value }) => [metric.pod, Number(value[1])]))
  }

  test('is a figure for each of its pods, in proportion, without its health and without other services', async () => {
    const [rule] = adapterRules()
    const figures = await ask(questionFor(rule!, NAMESPACE, [...Object.keys(CALLS), 'another-service']))
    expect(Object.keys(figures).sort()).toEqual(Object.keys(CALLS).sort())
    expect(figures.busiest! / figures.busy!).toBeCloseTo(3, 0)
    expect(figures.busy! / figures.quiet!).toBeGreaterThan(15)
    expect(figures.busiest!).toBeLessThan(1000)
  })

  test('is not found for another namespace', async () => {
    const [rule] = adapterRules()
    expect(await ask(questionFor(rule!, 'borrow-rate-engine-dev', Object.keys(CALLS)))).toEqual({})
  })
})
