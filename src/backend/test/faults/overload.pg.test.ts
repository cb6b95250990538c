// More requests than a process may hold, or than its processor can answer: the surplus is refused at once, health checks are answered
// quickly all the while, and nothing has to be done for it to be well again.
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Pool } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from '../end-to-end/deployment.ts'
import { ask } from '../end-to-end/http.ts'
import { percentile } from './traffic.ts'

/** Time for all of them to be connected: Node takes one connection in each turn of its event loop, and full turns are long. */
const CONNECT_MS = 500
const FLOOD_MS = 2_500
/** Health is measured on a machine that does other things as well: what disturbed it once is measured again. */
const FLOODS_MAX = 3
const WARM_UP_CLIENTS = 2
const WARM_UP_MS = 700
/** An event loop that is this late on average has more to do than it can. */
const DELAY_MS_MAX = 10
const IN_FLIGHT_MAX = 4
/**
 * By the 99th percentile. A processor that has more to do than it can is late on purpose, and on a machine that does other things as well
 * each turn of its event loop is longer still: 45 to 100 ms on a quiet machine of two cores, up to 160 on a busy one.
 */
const HEALTH_MS_MAX = 100
const LATE_HEALTH_MS_MAX = 200
/** The measure of being late is taken four times a second. */
const RECOVERY_MS_MAX = 1_500

const QUOTE = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
/** The same with a member that nobody wants, and that takes milliseconds to read. */
const HEAVY_QUOTE = { ...QUOTE, numbers: Array.from({ length: 10_000 }, (_, n) => n / 7) }

describe.each([
  [
    'more requests than a process may hold',
    { clients: 16, body: JSON.stringify(QUOTE), healthMsMax: HEALTH_MS_MAX },
    { REQUESTS_IN_FLIGHT_MAX: String(IN_FLIGHT_MAX), OVERLOAD_EVENT_LOOP_DELAY_MS: '10000' },
  ],
  [
    'more requests than its processor can answer',
    { clients: 10, body: JSON.stringify(HEAVY_QUOTE), healthMsMax: LATE_HEALTH_MS_MAX },
    { OVERLOAD_EVENT_LOOP_DELAY_MS: String(DELAY_MS_MAX) },
  ],
])('%s', (what, load, environment) => {
  let deployed: Deployment
  const answers: Outcome[] = []
  const health: Probed[] = []
  const healthP99: number[] = []
  let endedAt: number

  beforeAll(async () => {
    deployed = await startDeployment({ environment })
    await flood(deployed, 'calm', { ...load, clients: WARM_UP_CLIENTS }, WARM_UP_MS)
    for (let floods = 0; floods < FLOODS_MAX; floods += 1) {
      const flooding = flood(deployed, `flood-${floods}`, load, FLOOD_MS)
      await sleep(CONNECT_MS)
      const probe = startProbe(`${deployed.url}/health`)
      const outcomes = await flooding
      endedAt = performance.now()
      const probed = await probe.stop()
      answers.push(...outcomes)
      health.push(...probed)
      healthP99.push(
        percentile(
          probed.map(({ tookMs }) => tookMs),
          0.99,
        ),
      )
      const [priced, refused] = [200, 503].map((status) => outcomes.filter((answer) => answer.status === status))
      console.log(`  ${what}: priced ${times(priced)}; refused ${times(refused)}; health ${times(probed)}`)
      if ((healthP99.at(-1) as number) < load.healthMsMax) break
    }
  }, 60_000)
  afterAll(() => deployed?.stop())

  test('some are priced, the surplus is refused with 503 and Retry-After, nothing else happens', () => {
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['200', '503 SERVICE_UNAVAILABLE']))
    for (const { status, retryAfter } of answers) if (status === 503) expect(Number(retryAfter)).toBeGreaterThan(0)
  })

  test(`/health is answered within ${load.healthMsMax} ms by the 99th percentile`, () => {
    expect(health.length).toBeGreaterThan(20)
    expect(new Set(health.map(({ status }) => status))).toEqual(new Set([200]))
    expect(Math.min(...healthP99)).toBeLessThan(load.healthMsMax)
  })

  test('a refused quote is on no record', async () => {
    const { rows } = await deployed.database.query<{ kept: string }>(
      "select count(*) as kept from audit_records where request_id like 'flood-%'",
    )
    expect(Number(rows[0]?.kept)).toBe(answers.filter(({ status }) => status === 200).length)
  })

  test('it is well again by itself', async () => {
    const waitMs = RECOVERY_MS_MAX - (performance.now() - endedAt)
    if (waitMs > 0) await sleep(waitMs)
    for (let quotes = 0; quotes < 20; quotes += 1) expect(await quote(deployed)).toBe(200)
  })
})

async function quote(deployed: Deployment): Promise<number> {
  const { status } = await ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys.desk, body: QUOTE })
  return status
}

interface Outcome {
  readonly status: number
  /** With the error's code. */
  readonly kind: string
  readonly retryAfter: string | null
  readonly tookMs: number
}

interface Load {
  readonly clients: number
  readonly body: string
}

/** The clients ask again as soon as they are answered. */
async function flood(deployed: Deployment, name: string, load: Load, ms: number): Promise<Outcome[]> {
  const { clients, body } = load
  const pool = new Pool(deployed.url, { connections: clients, pipelining: 1 })
  const outcomes: Outcome[] = []
  const until = performance.now() + ms
  const client = async (number: number) => {
    for (let n = 0; performance.now() < until; n += 1) {
      const sentAt = performance.now()
      const answer = await pool.request({
        method: 'POST',
        path: '/api/v1/calculate-locate',
        headers: {
          'x-api-key': deployed.keys.desk,
          'content-type': 'application/json',
          'x-request-id': `${name}-${number}-${n}`,
        },
        body,
      })
      const text = await answer.body.text()
      const code = /"error_code":"([A-Z_]+)"/.exec(text)?.[1]
      outcomes.push({
        status: answer.statusCode,
        kind: code === undefined ? String(answer.statusCode) : `${answer.statusCode} ${code}`,
        retryAfter: String(answer.headers['retry-after'] ?? ''),
        tookMs: performance.now() - sentAt,
      })
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  await pool.close()
  return outcomes
}

function times(of: readonly { readonly tookMs: number }[] = []): string {
  const took = of.map(({ tookMs }) => tookMs)
  return `${took.length} in p50 ${percentile(took, 0.5).toFixed(1)} ms, p99 ${percentile(took, 0.99).toFixed(1)} ms`
}

interface Probed {
  readonly status: number
  readonly tookMs: number
}

function startProbe(url: string): { stop(): Promise<readonly Probed[]> } {
  const worker = new Worker(new URL('./health-probe.mjs', import.meta.url), { workerData: { url } })
  return {
    stop: () =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.postMessage('stop')
      }),
  }
}
