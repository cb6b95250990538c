// Quotes at a steady pace, whatever becomes of the answers: as many a second as said, of mixed names, brokers, sizes and days. While
// they flow a test breaks something and then asks what became of the quotes that were sent meanwhile.
//
//     const traffic = startTraffic({ url, apiKey, perSecond: 60 })
//     const during = await traffic.during(async () => { … })
//     expect(failures(during)).toEqual([])
//     expect(await wrongPrices(database, await traffic.stop())).toEqual([])
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

/** What was asked, as the body of the request. */
export interface Ask {
  readonly client_id: string
  readonly ticker: string
  readonly position_value?: string
  readonly quantity?: number
  readonly price?: string
  readonly loan_days?: number
  readonly start_date?: string
  readonly end_date?: string
}

export interface SentQuote {
  readonly ask: Ask
  readonly requestId: string
  /** When it was sent, by performance.now(). */
  readonly sentAt: number
  readonly tookMs: number
  /** 0: the connection broke before an answer came. */
  readonly status: number
  readonly retryAfter: string | null
  /** The request id that the answer carries. */
  readonly answeredId: string | null
  /** The body; of a broken connection why it broke. */
  readonly text: string
}

export interface Traffic {
  /** The quotes that are answered so far. */
  readonly quotes: readonly SentQuote[]
  readonly inFlight: number
  /** Does something, and gives the quotes sent from just before it until just after it, once all are answered. */
  during(work: () => Promise<void>): Promise<SentQuote[]>
  /** Sends no more. @returns all, when the last is answered */
  stop(): Promise<readonly SentQuote[]>
}

const BROKERS = ['demo-classic', 'demo-percentage', 'demo-collateral', 'traffic'] as const
const TICKERS = ['AAPL', 'GME', 'TSLA', 'AMC', 'AMZN', 'BBAI', 'AAL', 'BYND', 'BA', 'CHPT', 'ACHR', 'BRK.B'] as const
const VALUES = ['50000', '1234.56', '999999.99', '250000', '10', '1000000000'] as const
const DAYS = [1, 7, 30, 90, 365] as const

const CONNECTIONS = 256
const ANSWER_WAIT_MS = 20_000
/** A server that answers nothing is not buried under an endless pile. */
const IN_FLIGHT_MAX = 4_000
/** Quotes sent in the moments around a fault belong to it. */
const MARGIN_MS = 100
/** Wakes up this often; what is due by then is sent. */
const TICK_MS = 3

/** The n-th quote: names, brokers, sizes and days in turn, at lengths that do not divide each other. */
export function askNumber(n: number, tickers: readonly string[] = TICKERS): Ask {
  const of = <T>(list: readonly T[], every = 1): T => list[Math.floor(n / every) % list.length] as T
  const who = { client_id: of(BROKERS), ticker: of(tickers, BROKERS.length) }
  const what =
    n % 5 === 0
      ? { quantity: 100 + (n % 977), price: `${1 + (n % 400)}.${10 + (n % 90)}` }
      : { position_value: of(VALUES) }
  const howLong = n % 7 === 0 ? { start_date: '2026-03-02', end_date: '2026-03-20' } : { loan_days: of(DAYS, 3) }
  return { ...who, ...what, ...howLong }
}

export function startTraffic(options: {
  readonly url: string
  readonly apiKey: string
  readonly perSecond: number
  readonly tickers?: readonly string[]
}): Traffic {
  const { url, apiKey, perSecond, tickers } = options
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1, connect: { timeout: ANSWER_WAIT_MS } })
  const quotes: SentQuote[] = []
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  let over = false

  async function send(n: number): Promise<void> {
    const ask = askNumber(n, tickers)
    const requestId = `traffic-${process.pid}-${n}`
    const sentAt = performance.now()
    const note = (answer: Pick<SentQuote, 'status' | 'retryAfter' | 'answeredId' | 'text'>) =>
      quotes.push({ ask, requestId, sentAt, tookMs: performance.now() - sentAt, ...answer })
    try {
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: '/api/v1/calculate-locate',
        headers: { 'x-api-key': apiKey, 'content-type': 'application/json', 'x-request-id': requestId },
        body: JSON.stringify(ask),
        headersTimeout: ANSWER_WAIT_MS,
        bodyTimeout: ANSWER_WAIT_MS,
      })
      const text = await body.text()
      const header = (name: string) => (typeof headers[name] === 'string' ? headers[name] : null)
      note({ status: statusCode, retryAfter: header('retry-after'), answeredId: header('x-request-id'), text })
    } catch (error) {
      note({ status: 0, retryAfter: null, answeredId: null, text: String(error) })
    }
  }

  const sending = (async () => {
    while (!over) {
      const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000)
      for (; sent < due && underWay.size < IN_FLIGHT_MAX; sent += 1) {
        const quote = send(sent).finally(() => underWay.delete(quote))
        underWay.add(quote)
      }
      sent = Math.max(sent, due)
      await sleep(TICK_MS)
    }
  })()

  return {
    quotes,
    get inFlight() {
      return underWay.size
    },
    async during(work) {
      const from = performance.now() - MARGIN_MS
      await work()
      await sleep(MARGIN_MS)
      const until = performance.now()
      await Promise.all(underWay)
      return quotes.filter(({ sentAt }) => sentAt >= from && sentAt <= until)
    },
    async stop() {
      over = true
      await sending
      await Promise.all(underWay)
      if (!pool.destroyed) await pool.close()
      return quotes
    },
  }
}

// ---- what became of quotes

/** `200`, `503 AUDIT_UNAVAILABLE`, or `broken` for a connection that ended before the answer. */
export function kindOf({ status, text }: SentQuote): string {
  if (status === 0) return 'broken'
  const code = /"error_code":"([A-Z_]+)"/.exec(text)?.[1]
  return code === undefined ? String(status) : `${status} ${code}`
}

/** How many there are of each kind. */
export function kinds(quotes: readonly SentQuote[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const quote of quotes) counts[kindOf(quote)] = (counts[kindOf(quote)] ?? 0) + 1
  return counts
}

/** Those that have no price, in the words of whoever refused, and how often. */
export function failures(quotes: readonly SentQuote[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const quote of quotes.filter(({ status }) => status !== 200)) {
    const why = `${kindOf(quote)} ${quote.text.slice(0, 200)}`
    counts[why] = (counts[why] ?? 0) + 1
  }
  return counts
}

/** The time within which this share of the quotes was answered, milliseconds. */
export function percentile(tookMs: readonly number[], share: number): number {
  const sorted = [...tookMs].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** A line for a person. */
export function summary(what: string, quotes: readonly SentQuote[]): string {
  const priced = quotes.filter(({ status }) => status === 200).map(({ tookMs }) => tookMs)
  const times = `p50 ${percentile(priced, 0.5).toFixed(1)} ms, p99 ${percentile(priced, 0.99).toFixed(1)} ms`
  const counted = Object.entries(kinds(quotes)).map(([kind, count]) => `${count} x ${kind}`)
  return `${what}: ${quotes.length} quotes (${counted.join(', ')}), prices in ${times}`
}
