// What a bad canary costs the clients: two running engines behind a real HAProxy that has the weights of the route, a real Prometheus that
// scrapes both, quotes at a steady pace, and the program that releases. While the canary has 30 % its line to the database is cut; it is
// withdrawn by itself, and the share of requests that failed is counted and printed.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { figuresOf, prometheusAt } from '../../tools/canary/figures.ts'
import type { Controller } from '../../tools/traffic-split/controller.ts'
import { type Authority, certificateAuthority, hasOpenssl } from '../certificates.ts'
import { type Deployment, startDeployment } from '../end-to-end/deployment.ts'
import { type Link, startLink } from '../faults/link.ts'
import { type SentQuote, startTraffic } from '../faults/traffic.ts'
import { type RealPostgres, startPostgres, temporaryFolder } from '../postgres.ts'
import { testBinaries } from '../postgres-found.ts'
import { until } from '../until.ts'
import { runProduction, startCanaryProgram, startSplitController } from './canary-program.ts'
import { NAMESPACE, routeWeights } from './gateway-route.ts'
import { operatorShell } from './guide-kubectl.ts'
import { type Haproxy, HOW_TO_GET_HAPROXY, haproxyFoundOrInstalled, startHaproxy } from './haproxy.ts'
import { type KubernetesApi, startKubernetesApi } from './kubernetes-api/kubernetes-api.ts'
import { withoutKubectl } from './manifests.ts'
import {
  HOW_TO_GET_PROMETHEUS,
  type PrometheusServer,
  prometheusFoundOrInstalled,
  startPrometheus,
} from './prometheus-server.ts'

const VERSION = '1.3.0'
const STABLE = 'api-gateway-stable'
const CANARY = 'api-gateway-canary'
const PER_SECOND = 40
const SCRAPE_MS = 250
const WEIGHTS_EVERY_MS = 50
const SOON_MS = 60_000
const RUN_MS = 180_000
/** Sooner than the guide's: a look each half second, five seconds a stage, ten requests are a verdict. */
const QUICK = [
  ...['--look-seconds', '0.5', '--stage-minutes', '0.085', '--look-back-minutes', '0.2', '--requests-min', '10'],
  ...['--wait-minutes', '0.5', '--rollout-minutes', '0.2', '--split-seconds', '10'],
  // What is looked at is failures: two engines on one small machine are slow together, and by turns.
  ...['--p95-ms-max', '10000', '--p95-times-stable-max', '1000'],
]

const missing = [
  ...(haproxyFoundOrInstalled() ? [] : [`no HAProxy: ${HOW_TO_GET_HAPROXY}`]),
  ...(prometheusFoundOrInstalled() ? [] : [`no Prometheus: ${HOW_TO_GET_PROMETHEUS}`]),
  ...(hasOpenssl ? [] : ['no openssl: apt-get install -y openssl']),
  ...(testBinaries() === null ? ['no PostgreSQL: npm ci --include=optional'] : []),
]
if (missing.length > 0) console.warn(`\nA canary under traffic is not tried: there is ${missing.join('; ')}\n`)

let authority: Authority
let api: KubernetesApi
let controller: Controller
let folder: string
let postgres: RealPostgres
let line: Link
let engines: Record<'stable' | 'canary', Deployment>
let haproxy: Haproxy
let prometheus: PrometheusServer
const over = new AbortController()
let following: Promise<void>

describe.skipIf(withoutKubectl() || missing.length > 0)('a canary that turns bad under traffic', () => {
  beforeAll(async () => {
    folder = temporaryFolder('canary-traffic')
    authority = certificateAuthority()
    const image = {
      entrypoint: ['true'],
      environment: {},
      workingDirectory: folder,
      portSettings: {},
      starts: () => false,
    }
    api = await startKubernetesApi({ tls: authority.sign('kubernetes'), imageOf: () => image })
    const shell = operatorShell(join(folder, 'shell'), api.kubeconfig)
    await runProduction(api, authority, shell)
    controller = startSplitController(api)

    postgres = await startPostgres({ durable: false })
    line = await startLink(postgres.port)
    const stable = await startDeployment({ database: { url: postgres.url } })
    engines = { stable, canary: await startDeployment({ database: { url: line.through(postgres.url) } }) }
    const ports = (url: string) => Number(new URL(url).port)
    haproxy = await startHaproxy(
      folder,
      new Map([
        [STABLE, ports(engines.stable.url)],
        [CANARY, ports(engines.canary.url)],
      ]),
    )
    following = followWeights()
    prometheus = await startPrometheus(
      folder,
      [
        { url: engines.stable.url, namespace: NAMESPACE, pod: 'api-gateway-5d9c7b6f4-x2x7k' },
        { url: engines.canary.url, namespace: NAMESPACE, pod: 'api-gateway-canary-7c5ddbdf54-9m2lq' },
      ],
      SCRAPE_MS,
    )
  })

  afterAll(async () => {
    over.abort()
    await following
    await prometheus?.end()
    await haproxy?.end()
    for (const engine of Object.values(engines ?? {})) await engine.stop()
    await line?.close()
    await postgres?.end()
    await controller?.close()
    await api?.end()
    authority?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test(
    'is withdrawn by itself: few requests have failed, and after it none does',
    async () => {
      let ended: string | null = null
      const traffic = startTraffic({ url: haproxy.url, apiKey: engines.stable.keys.desk, perSecond: PER_SECOND })
      const ask = prometheusAt(prometheus.url)
      await until('Prometheus has seen quotes', SOON_MS, async () => {
        const seen = await figuresOf(ask, { namespace: NAMESPACE, name: 'api-gateway' }, 'stable', SOON_MS)
        return (seen?.requests ?? 0) > PER_SECOND
      })
      const release = startCanaryProgram(folder, api, [
        'run',
        '--version',
        VERSION,
        '--prometheus',
        prometheus.url,
        ...QUICK,
      ])
      void release.ended.then(({ text, errors }) => {
        ended = `${text}${errors}`
      })
      await until('the canary has 30 %', SOON_MS, () => {
        if (ended !== null) throw new Error(`it ended before:\n${ended}`)
        return percentNow() === 30
      })
      await until('its requests are seen to be good', SOON_MS, () => /30 % {2}watch/.test(release.said()))
      const cutAt = performance.now()
      await line.cut()
      const { status, text, report } = await release.ended
      const withdrawnAt = performance.now()
      await sleep(2_000)
      const quotes = await traffic.stop()
      console.log(text.replace(/^/gm, '  '))
      console.log(`  ${share(quotes, 'of all requests')}`)
      const during = quotes.filter(({ sentAt }) => sentAt >= cutAt && sentAt <= withdrawnAt)
      console.log(
        `  ${share(during, `in the ${((withdrawnAt - cutAt) / 1000).toFixed(1)} s from the fault to the end`)}`,
      )

      expect(status).toBe(2)
      expect(report).toMatchObject({ outcome: 'withdrawn', stage: 30, left: [] })
      expect(report.reason).toMatch(/requests failed/)
      // It had no request that could fail before, and it has none after.
      expect(quotes.filter(({ sentAt }) => sentAt < cutAt - 1_000).filter(hasFailed)).toEqual([])
      expect(quotes.filter(({ sentAt }) => sentAt > withdrawnAt).filter(hasFailed)).toEqual([])
      expect(during.filter(hasFailed).length).toBeGreaterThan(0)
      // Seven of ten go to the other one.
      expect(during.filter(hasFailed).length / during.length).toBeLessThan(0.5)
    },
    RUN_MS,
  )

  function percentNow(): number {
    return Number(/canary (\d+)/.exec(routeWeights(api)[0] ?? '')?.[1] ?? 0)
  }

  /** As the load balancer's controller does: the weights of the route become those of the proxy. */
  async function followWeights(): Promise<void> {
    let last = -1
    while (!over.signal.aborted) {
      const percent = percentNow()
      if (percent !== last) {
        await haproxy.setWeight(STABLE, 100 - percent)
        await haproxy.setWeight(CANARY, percent)
        last = percent
      }
      await sleep(WEIGHTS_EVERY_MS)
    }
  }
})

const hasFailed = ({ status }: SentQuote) => status === 0 || status >= 500

function share(quotes: readonly SentQuote[], what: string): string {
  const failed = quotes.filter(hasFailed).length
  return `${what} ${failed} of ${quotes.length} failed: ${((failed / quotes.length) * 100).toFixed(2)} %`
}
