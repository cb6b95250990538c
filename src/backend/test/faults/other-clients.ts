// Clients that ask otherwise than the traffic does, all the while: by GET, in batches whose lines they read as they come, and under an
// Idempotency-Key, again and again until they are answered. Each notes the audit_id of every price that it was given.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { askNumber } from './traffic.ts'

export interface InsistedQuote {
  readonly key: string
  /** The same of every try. */
  readonly requestId: string
  readonly tries: number
  /** Of each answer; null: there was none in time. One that has its answer asks once more. */
  readonly auditIds: readonly (string | null)[]
}

export interface Received {
  /** Of quotes by GET. */
  readonly byGet: readonly string[]
  /** Of lines of batches, those of answers that broke off included. */
  readonly ofLines: readonly string[]
  /** Batches, and those of them that broke off or were refused. */
  readonly batches: number
  readonly unfinishedBatches: number
  readonly insisted: readonly InsistedQuote[]
}

export interface OtherClients {
  /** Asks no more. @returns all, when the last is answered */
  stop(): Promise<Received>
}

const PATH = '/api/v1/calculate-locate'
const CONNECTIONS = 64
const ANSWER_WAIT_MS = 20_000
const GET_EVERY_MS = 100
const BATCH_EVERY_MS = 400
const BATCH_LINES = 25
const INSIST_EVERY_MS = 150
/** When the connection broke, and nobody said how long to wait. */
const RETRY_MS = 200
/** More than everything is away for. */
const INSIST_MS_MAX = 90_000

export function startOtherClients(options: { readonly url: string; readonly apiKey: string }): OtherClients {
  const pool = new Pool(options.url, { connections: CONNECTIONS, pipelining: 1, connect: { timeout: ANSWER_WAIT_MS } })
  const byGet: string[] = []
  const ofLines: string[] = []
  const insisted: InsistedQuote[] = []
  let batches = 0
  let unfinishedBatches = 0

  const send = (request: Pick<Dispatcher.RequestOptions, 'method' | 'path'> & { headers?: object; body?: string }) =>
    pool.request({
      ...request,
      headers: { 'x-api-key': options.apiKey, 'content-type': 'application/json', ...request.headers },
      headersTimeout: ANSWER_WAIT_MS,
      bodyTimeout: ANSWER_WAIT_MS,
    })

  async function get(n: number): Promise<void> {
    const query = new URLSearchParams({ ...askNumber(n) } as unknown as Record<string, string>)
    const { statusCode, body } = await send({ method: 'GET', path: `${PATH}?${query}` })
    const text = await body.text()
    if (statusCode === 200) byGet.push(auditIdIn(text))
  }

  async function batch(n: number): Promise<void> {
    batches += 1
    unfinishedBatches += 1
    const lines = Array.from({ length: BATCH_LINES }, (_, line) => askNumber(n * BATCH_LINES + line))
    const { body } = await send({
      method: 'POST',
      path: `${PATH}/batch`,
      headers: { accept: 'application/x-ndjson' },
      body: JSON.stringify({ lines }),
    })
    body.setEncoding('utf8')
    let rest = ''
    for await (const chunk of body) {
      const whole = `${rest}${chunk as string}`.split('\n')
      rest = whole.pop() ?? ''
      ofLines.push(...whole.filter((line) => line.includes('"audit_id":')).map(auditIdIn))
      if (whole.some((line) => line.includes('"summary":'))) unfinishedBatches -= 1
    }
  }

  async function insist(n: number): Promise<void> {
    const [key, requestId] = [`insists-${process.pid}-${n}`, `insisting-${process.pid}-${n}`]
    const body = JSON.stringify(askNumber(n))
    let tries = 0
    const answered = async (): Promise<string | null> => {
      const giveUpAt = performance.now() + INSIST_MS_MAX
      while (performance.now() < giveUpAt) {
        tries += 1
        const headers = { 'idempotency-key': key, 'x-request-id': requestId }
        const answer = await send({ method: 'POST', path: PATH, headers, body }).catch(() => null)
        const text = await answer?.body.text().catch(() => null)
        if (answer?.statusCode === 200 && text != null) return auditIdIn(text)
        // As it is told to: clients that do not wait keep each other out.
        await sleep(1000 * Number(answer?.headers['retry-after'] ?? 0) || RETRY_MS)
      }
      return null
    }
    const auditIds = [await answered(), await answered()]
    insisted.push({ key, requestId, tries, auditIds })
  }

  const stops = [repeatedly(GET_EVERY_MS, get), repeatedly(BATCH_EVERY_MS, batch), repeatedly(INSIST_EVERY_MS, insist)]
  return {
    async stop() {
      await Promise.all(stops.map((stop) => stop()))
      if (!pool.destroyed) await pool.close()
      return { byGet, ofLines, batches, unfinishedBatches, insisted }
    },
  }
}

/** Does it at that pace, whatever becomes of it; several at once where one takes longer. @returns how to end it */
function repeatedly(everyMs: number, work: (n: number) => Promise<void>): () => Promise<void> {
  const underWay = new Set<Promise<void>>()
  let n = 0
  const timer = setInterval(() => {
    // What was refused or broke off has given nobody a price.
    const one = work(n++).catch(() => {})
    underWay.add(one)
    void one.finally(() => underWay.delete(one))
  }, everyMs)
  return async () => {
    clearInterval(timer)
    await Promise.all(underWay)
  }
}

function auditIdIn(text: string): string {
  const id = /"audit_id":"([^"]+)"/.exec(text)?.[1]
  if (id === undefined) throw new Error(`a price without an audit_id: ${text.slice(0, 200)}`)
  return id
}
