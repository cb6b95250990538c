// The whole way of an alert, on real servers: five services are scraped by Prometheus as pods are, our rules are evaluated, Alertmanager
// routes what fires and tells a receiver. A feed is broken, a service killed, the database killed and stalled, a deployment rolled back: the
// right people hear of it, and hear when it is over. Minutes are seconds here; promtool holds the same rules against production's windows
// (infrastructure/monitoring/prometheus-tools.test.ts).
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENGINE_HISTOGRAMS, ENGINE_METRICS, PROCESS_METRICS } from '../../infrastructure/monitoring/known-metrics.ts'
import { alertGroups, recordingGroups } from '../../infrastructure/monitoring/rules/groups.ts'
import { dividedWindows, TRUE_WINDOWS } from '../../infrastructure/monitoring/rules/rule.ts'
import { alertmanagerConfig, RECEIVERS } from '../../infrastructure/monitoring/stack/alertmanager.ts'
import { POD_RELABELS, SCRAPE_CONFIGS } from '../../infrastructure/monitoring/stack/scrapes.ts'
import { type FiveServices, SERVICE_NAMES, startFiveServices } from '../../tools/local-cluster.ts'
import { hasOpenssl } from '../certificates.ts'
import { ask } from '../end-to-end/http.ts'
import { FAKE_KEYS, type FakeFeeds, startFakeFeeds } from '../fakes/fake-feeds.ts'
import { type FakeReceiver, startFakeReceiver } from '../fakes/fake-receiver.ts'
import { type RealPostgres, startPostgres } from '../postgres.ts'
import { howToGetPostgres, testBinaries } from '../postgres-found.ts'
import { startRedis, type TestRedis } from '../redis.ts'
import { HOW_TO_GET_REDIS, redisFoundOrInstalled } from '../redis-found.ts'
import { PROJECT_ROOT } from '../tidy/tree.ts'
import { until } from '../until.ts'
import { type Monitoring, monitoringMissing, startMonitoring } from './monitoring-servers.ts'

const missing = whatIsMissing()
if (missing !== null) console.warn(`\nThe alerts are not seen to fire: ${missing}\n`)

function whatIsMissing(): string | null {
  if (testBinaries() === null) return howToGetPostgres()
  if (!redisFoundOrInstalled()) return HOW_TO_GET_REDIS
  return hasOpenssl ? monitoringMissing() : 'there is no openssl'
}

/** A minute is a second, and nothing is shorter than some scrapes. */
const WINDOWS = dividedWindows(60, 8)
/** A scrape asks all that a service stands on, for two seconds where that does not answer: production's ten seconds are enough for it. */
const SCRAPE_EVERY = '3s'
const EVALUATE_EVERY = '1s'
const NAMESPACE = 'borrow-rate-engine-prod'
const TRAFFIC_EVERY_MS = 100
/** Of a rule's seconds, of Alertmanager's grouping, and of a machine that does other things too. */
const TOLD_WAIT_MS = 60_000
const TEST_MS = 180_000

/** Metrics that only show where there is a replica, and where traces are sent. */
const ELSEWHERE = ['database_replica_in_use', 'trace_spans_total']

interface Notification {
  readonly receiver: string
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved'
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }[]
}

/** Production's routes and inhibitions, with receivers that can be looked into, at any hour of the day, without waiting for more. */
function alertmanagerTelling(port: number) {
  const { route, receivers, ...rest } = alertmanagerConfig()
  const { active_time_intervals: _, ...hurried } = { ...route, active_time_intervals: undefined }
  const soon = { group_wait: '200ms', group_interval: '1s' }
  return {
    ...rest,
    time_intervals: [],
    route: {
      ...hurried,
      ...soon,
      routes: route.routes.map(({ active_time_intervals: __, ...own }: Record<string, unknown>) => ({
        ...own,
        ...soon,
      })),
    },
    receivers: receivers.map(({ name }) => ({
      name,
      webhook_configs: [{ url: `http://127.0.0.1:${port}/${name}`, send_resolved: true }],
    })),
  }
}

describe.skipIf(missing !== null)('monitoring', () => {
  let postgres: RealPostgres
  let redis: TestRedis
  let feeds: FakeFeeds
  let services: FiveServices
  let receiver: FakeReceiver
  let monitoring: Monitoring
  let traffic: { stop(): Promise<void> } | null = null
  const ends: (() => Promise<unknown>)[] = []
  async function started<T>(thing: Promise<T>, close: (thing: T) => Promise<unknown>): Promise<T> {
    const it = await thing
    ends.push(() => close(it))
    return it
  }

  beforeAll(async () => {
    // What it has acknowledged it keeps, however it ends: one that forgets seals has a broken chain, and the right people hear of it.
    postgres = await started(startPostgres({ durable: true }), (it) => it.end())
    redis = await started(startRedis(), (it) => it.stop())
    feeds = await started(startFakeFeeds(), (it) => it.close())
    receiver = await started(startFakeReceiver(null), (it) => it.stop())
    services = await started(
      startFiveServices({
        postgres,
        redis: { url: redis.url, caFile: null },
        internalTls: true,
        env: {
          LOCAL_COPY_SECONDS: '1',
          OVERLOAD_EVENT_LOOP_DELAY_MS: '10000',
          RATE_LIMIT_INTERNAL: '1000000',
          LENDER_FEED_URL: feeds.urls.lender,
          LENDER_FEED_KEY: FAKE_KEYS.lender,
          LENDER_BREAKER_OPEN_SECONDS: '2',
          // An answer that is fresh is not asked for again.
          LENDER_FRESH_SECONDS: '1',
          VOLATILITY_FEED_URL: feeds.urls.volatility,
          VOLATILITY_FEED_KEY: FAKE_KEYS.volatility,
          EVENT_FEED_URL: feeds.urls.events,
          EVENT_FEED_KEY: FAKE_KEYS.events,
        },
      }),
      (it) => it.stop(),
    )
    const pod = (name: string, url: string, more: Record<string, string> = {}) => ({
      targets: [`not-asked-${name}:1`],
      labels: {
        __meta_kubernetes_namespace: NAMESPACE,
        __meta_kubernetes_pod_annotation_prometheus_io_scrape: 'true',
        __meta_kubernetes_pod_annotation_prometheus_io_port: new URL(url).port,
        __meta_kubernetes_pod_annotation_prometheus_io_path: '/metrics',
        __meta_kubernetes_pod_phase: 'Running',
        __meta_kubernetes_pod_ip: '127.0.0.1',
        __meta_kubernetes_pod_label_app: name,
        __meta_kubernetes_pod_name: `${name}-0`,
        ...more,
      },
    })
    const gateway = services.services['api-gateway'].url
    monitoring = await started(
      startMonitoring({
        prometheus: {
          global: { scrape_interval: SCRAPE_EVERY, scrape_timeout: SCRAPE_EVERY, evaluation_interval: EVALUATE_EVERY },
          scrape_configs: [
            {
              job_name: 'engine',
              relabel_configs: POD_RELABELS,
              static_configs: [
                ...SERVICE_NAMES.map((name) => pod(name, services.services[name].url)),
                pod('of-somebody-else', gateway, { __meta_kubernetes_namespace: 'default' }),
                pod('unannotated', gateway, { __meta_kubernetes_pod_annotation_prometheus_io_scrape: '' }),
                pod('ended', gateway, { __meta_kubernetes_pod_phase: 'Succeeded' }),
              ],
            },
          ],
        },
        ruleFiles: [{ groups: recordingGroups(WINDOWS) }, { groups: alertGroups(WINDOWS) }],
        alertmanager: alertmanagerTelling(receiver.port),
        pushgateway: {
          scrape: scrapeWithoutCluster('pushgateway'),
          labels: {
            __meta_kubernetes_service_label_app_kubernetes_io_name: 'prometheus-pushgateway',
            __meta_kubernetes_endpoint_port_name: 'http',
          },
        },
      }),
      (it) => it.stop(),
    )
    traffic = startTraffic()
    ends.push(() => traffic!.stop())
  }, 180_000)

  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  }, 60_000)

  const TICKERS = ['GME', 'AMC', 'TSLA', 'AAPL', 'MSFT']

  /** Quotes and rates without end, whether or not those before were answered; rates past every copy, so that feeds are asked. */
  function startTraffic() {
    let stopped = false
    const open = new Set<Promise<unknown>>()
    const send = (request: Parameters<typeof ask>[1]) => {
      const answered = ask(services, request)
        .catch(() => null)
        .finally(() => open.delete(answered))
      open.add(answered)
    }
    const key = services.key('desk')
    const running = (async () => {
      for (let turn = 0; !stopped; turn += 1) {
        const ticker = TICKERS[turn % TICKERS.length]!
        const body = { ticker, position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
        send({ path: '/api/v1/calculate-locate', key, body })
        send({ path: `/api/v1/rates/${ticker}?use_cache=false`, key })
        await sleep(TRAFFIC_EVERY_MS)
      }
    })()
    return {
      async stop() {
        stopped = true
        await running
        await Promise.all(open)
      },
    }
  }

  const told = (): Notification[] => receiver.received.map(({ body }) => JSON.parse(body))
  function newest(name: string, to: string, labels: Readonly<Record<string, string>> = {}) {
    return told()
      .filter((notification) => notification.receiver === to)
      .flatMap(({ alerts }) => alerts)
      .filter((alert) => alert.labels.alertname === name)
      .filter((alert) => Object.entries(labels).every(([label, value]) => alert.labels[label] === value))
      .at(-1)
  }

  /** Waits until a receiver was told last that the alert fires, or that it is over. @returns what it was told */
  async function hears(
    to: string,
    status: 'firing' | 'resolved',
    name: string,
    labels?: Readonly<Record<string, string>>,
  ) {
    const from = performance.now()
    await until(
      `${to} heard that ${name} is ${status}`,
      TOLD_WAIT_MS,
      () => newest(name, to, labels)?.status === status,
    )
    console.log(`  ${name} ${status} at "${to}" after ${((performance.now() - from) / 1000).toFixed(1)} s`)
    return newest(name, to, labels)!
  }

  const firing = async () => {
    const { alerts } = await monitoring.api<{ alerts: { state: string; labels: Record<string, string> }[] }>('alerts')
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname)
  }

  test('scrapes the pods of the five services under their names, and nothing else', async () => {
    interface Targets {
      readonly activeTargets: readonly { readonly labels: Readonly<Record<string, string>>; readonly health: string }[]
      readonly droppedTargets: readonly unknown[]
    }
    const targets = () => monitoring.api<Targets>('targets?scrapePool=engine')
    await until('all are scraped', TOLD_WAIT_MS, async () => {
      const { activeTargets } = await targets()
      return activeTargets.length > 0 && activeTargets.every(({ health }) => health === 'up')
    })
    const { activeTargets, droppedTargets } = await targets()
    expect(activeTargets.map(({ labels }) => labels)).toEqual(
      expect.arrayContaining(
        SERVICE_NAMES.map((name) => ({ job: name, namespace: NAMESPACE, pod: `${name}-0`, instance: `${name}-0` })),
      ),
    )
    expect(activeTargets).toHaveLength(SERVICE_NAMES.length)
    expect(droppedTargets).toHaveLength(3)
  })

  test('knows every metric that the services show, and they show every one that is known', async () => {
    const shown = new Map<string, string>()
    for (const name of SERVICE_NAMES) {
      const text = await (await fetch(`${services.services[name].url}/metrics`)).text()
      for (const [, metric = '', type = ''] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) shown.set(metric, type)
    }
    const own = [...shown.keys()].filter((name) => !/^(process|nodejs)_/.test(name))
    expect([...own, ...ELSEWHERE].sort()).toEqual(Object.keys(ENGINE_METRICS).sort())
    for (const name of Object.keys(PROCESS_METRICS)) expect(shown.has(name), name).toBe(true)
    expect(own.filter((name) => shown.get(name) === 'histogram').sort()).toEqual([...ENGINE_HISTOGRAMS].sort())
  })

  test(
    'answers every query of the rules and of the dashboards',
    async () => {
      const rules = [...recordingGroups(TRUE_WINDOWS), ...alertGroups(TRUE_WINDOWS)].flatMap(({ rules }) => rules)
      const panels = dashboards().flatMap(queriesIn)
      const queries = [...rules.map(({ expr }) => expr), ...panels]
      expect(queries.length).toBeGreaterThan(150)
      let answered = 0
      for (const query of queries) {
        const asked = encodeURIComponent(query.replaceAll('$namespace', NAMESPACE))
        const { result } = await monitoring.api<{ result: unknown[] }>(`query?query=${asked}`)
        if (result.length > 0) answered += 1
      }
      console.log(`  ${queries.length} queries, ${answered} of them with figures`)
      expect(answered).toBeGreaterThan(50)
    },
    TEST_MS,
  )

  test(
    'is quiet about what is well',
    async () => {
      await sleep(12_000)
      const names = await firing()
      console.log(`  firing beside what is broken on purpose: ${[...new Set(names)].join(', ') || 'nothing'}`)
      expect(names).not.toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /HighErrorRate|DatabaseAway|FeedDown|ServiceDown|QuotesUnrecorded|AuditChainBroken|RedisAway/,
          ),
        ]),
      )
    },
    TEST_MS,
  )

  test(
    'pages for certificates that end in two days, and tells security; the lesser alert is kept back',
    async () => {
      const { labels, annotations } = await hears(RECEIVERS.P1, 'firing', 'CertificateEnds', {
        service: 'data-service',
      })
      expect(labels).toMatchObject({ priority: 'P1', severity: 'critical', namespace: NAMESPACE })
      expect(annotations.description).toMatch(/^In 1d \d+h/)
      expect(annotations.clients_see).toContain('503')
      await hears(RECEIVERS.security, 'firing', 'CertificateEnds')
    },
    TEST_MS,
  )

  test(
    'tells the channel of a feed that is broken, and when it is well again',
    async () => {
      feeds.setMode('lender', '500')
      const { labels, annotations } = await hears(RECEIVERS.P3, 'firing', 'FeedDown')
      expect(labels).toMatchObject({
        priority: 'P3',
        type: 'inputs',
        namespace: NAMESPACE,
        input: expect.stringMatching('lender'),
      })
      expect(annotations.runbook_url).toMatch(/troubleshooting\.md#feeds$/)
      // Nobody is woken for a feed: quotes go on.
      expect(newest('FeedDown', RECEIVERS.P1)).toBeUndefined()
      expect(newest('HighErrorRate', RECEIVERS.P1)).toBeUndefined()
      feeds.setMode('lender', 'ok')
      await hears(RECEIVERS.P3, 'resolved', 'FeedDown')
    },
    TEST_MS,
  )

  test(
    'pages for a flood of errors and for the service that is behind it, until it is back',
    async () => {
      await services.kill('calculation-service', 'SIGKILL')
      const high = await hears(RECEIVERS.P1, 'firing', 'HighErrorRate')
      expect(high.annotations).toMatchObject({
        summary: 'High error rate on API Gateway',
        description: 'Error rate is above 1% for 5 minutes',
      })
      await hears(RECEIVERS.P1, 'firing', 'ServiceDown', { service: 'calculation-service' })
      await hears(RECEIVERS.P1, 'firing', 'AvailabilityBudgetBurns', { priority: 'P1' })
      // It is about that one service, and its pod's own alert says nothing more.
      expect(newest('ServiceDown', RECEIVERS.P1, { service: 'api-gateway' })).toBeUndefined()
      expect(newest('PodDown', RECEIVERS.P3)).toBeUndefined()
      await services.restart('calculation-service')
      await hears(RECEIVERS.P1, 'resolved', 'ServiceDown', { service: 'calculation-service' })
      await hears(RECEIVERS.P1, 'resolved', 'HighErrorRate')
    },
    TEST_MS,
  )

  test(
    'pages for a database that is away, until it is back',
    async () => {
      await postgres.kill()
      const { labels } = await hears(RECEIVERS.P1, 'firing', 'DatabaseAway', { service: 'calculation-service' })
      expect(labels).toMatchObject({ priority: 'P1', type: 'stores', component: 'audit_log' })
      await hears(RECEIVERS.P1, 'firing', 'HighErrorRate')
      await postgres.start()
      await hears(RECEIVERS.P1, 'resolved', 'DatabaseAway', { service: 'calculation-service' })
      await hears(RECEIVERS.P1, 'resolved', 'HighErrorRate')
    },
    TEST_MS,
  )

  test(
    'pages for a database that stalls: its connections stay open and nothing answers, until it goes on',
    async () => {
      postgres.pause()
      try {
        await hears(RECEIVERS.P1, 'firing', 'DatabaseAway', { service: 'calculation-service' })
        await hears(RECEIVERS.P1, 'firing', 'HighErrorRate')
        // What follows from it is on the page of alerts, and wakes nobody. Not all at one time: of the quotes that fail, some are refused
        // for the record, and others while their inputs are waited for.
        const follows = ['QuotesUnrecorded', 'DatabasePoolWaits']
        const keptBack = new Set<string>()
        const from = performance.now()
        const fired = new Set<string | undefined>()
        await until('all that follows fires and is kept back', 2 * TOLD_WAIT_MS, async () => {
          for (const name of await monitoring.keptBack()) keptBack.add(name)
          for (const name of await firing()) fired.add(name)
          return follows.every((name) => keptBack.has(name))
        }).catch((error: Error) => {
          throw new Error(`${error.message}; fired: ${[...fired].join(', ')}; kept back: ${[...keptBack].join(', ')}`)
        })
        const seconds = ((performance.now() - from) / 1000).toFixed(1)
        console.log(
          `  fired while it stalled, and all that follows kept back after ${seconds} s: ${[...fired].join(', ')}`,
        )
        // Whoever waits for it is not taken for dead, and what nobody touched is not taken for forged.
        expect([...fired]).not.toContain('ServiceDown')
        expect([...fired]).not.toContain('AuditChainBroken')
      } finally {
        postgres.resume()
      }
      await hears(RECEIVERS.P1, 'resolved', 'DatabaseAway', { service: 'calculation-service' })
      await hears(RECEIVERS.P1, 'resolved', 'HighErrorRate')
    },
    TEST_MS,
  )

  test(
    'marks a deployment that a pipeline tells of on every dashboard; one that was rolled back is told until the next succeeds',
    async () => {
      const queries = new Set(dashboards().map((board) => board.annotations.list[0]?.expr ?? ''))
      expect(queries.size).toBe(1)
      const marks = async () => {
        const { result } = await monitoring.api<{
          result: { metric: Record<string, string>; value: [number, string] }[]
        }>(`query?query=${encodeURIComponent([...queries].join())}`)
        return result.map(({ metric, value }) => ({ ...metric, at: Number(value[1]) }))
      }
      const from = Math.floor(Date.now() / 1000) * 1000
      await mark('1.3.0', 'rolled-back')
      const { annotations } = await hears(RECEIVERS.P2, 'firing', 'DeploymentFailed', { version: '1.3.0' })
      expect(annotations.summary).toBe('The deployment of 1.3.0 rolled-back')
      const [first, ...others] = await marks()
      expect(others).toEqual([])
      expect(first).toMatchObject({ version: '1.3.0', status: 'rolled-back' })
      expect(first?.at).toBeGreaterThanOrEqual(from)
      expect(first?.at).toBeLessThanOrEqual(Date.now())

      await mark('1.3.1', 'succeeded')
      await hears(RECEIVERS.P2, 'resolved', 'DeploymentFailed', { version: '1.3.0' })
      // Of an environment there is one state.
      expect(await marks()).toEqual([{ version: '1.3.1', status: 'succeeded', at: expect.any(Number) }])
    },
    TEST_MS,
  )

  /** As the workflows do, after a deployment to production. */
  async function mark(version: string, status: string): Promise<void> {
    const script = join(PROJECT_ROOT, '.github/scripts/mark_deployment.sh')
    const { stdout } = await promisify(execFile)(script, {
      env: {
        PATH: process.env.PATH,
        ENV: 'prod',
        VERSION: version,
        STATUS: status,
        PUSHGATEWAY_URL: monitoring.pushgatewayUrl,
      },
    })
    expect(stdout).toBe('no mark in Grafana: GRAFANA_URL is not set\n')
  }

  test(
    'keeps the lesser alert back while the greater is told',
    async () => {
      await until('both fire', TOLD_WAIT_MS + 30_000, async () => {
        const names = await firing()
        return names.includes('CertificateEnds') && names.includes('CertificateNotRenewed')
      })
      // As long as it takes to be told of what is not kept back.
      await sleep(5_000)
      for (const to of Object.values(RECEIVERS)) expect(newest('CertificateNotRenewed', to), to).toBeUndefined()
    },
    TEST_MS,
  )
})

/** A scrape of production as it stands, but for where it is found. */
function scrapeWithoutCluster(job: string): object {
  const found: { kubernetes_sd_configs?: unknown } = { ...SCRAPE_CONFIGS.find(({ job_name }) => job_name === job) }
  delete found.kubernetes_sd_configs
  return found
}

interface Dashboard {
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] }
}

function dashboards(): Dashboard[] {
  const folder = join(PROJECT_ROOT, 'infrastructure/monitoring/dashboards')
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}

/** Every `expr` that Prometheus is asked, wherever in a dashboard it stands. */
function queriesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  const { expr, datasource } = value as { expr?: unknown; datasource?: { type?: unknown } }
  const own = typeof expr === 'string' && datasource?.type === 'prometheus' ? [expr] : []
  return [...own, ...Object.values(value).flatMap(queriesIn)]
}
