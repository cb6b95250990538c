// The stream of rates: what ten thousand listeners cost while nothing happens, how soon all of them hear of one move, and what a refresh
// of a lender's whole file costs while some listen to every name. One process, the whole engine with its database; the listeners are in
// another.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { importLenderFile } from '../../market-data/import.ts'
import { cpuMs } from './child-process.ts'
import { generatedLenderFile, stampedNow } from './generated-lender-file.ts'
import { CLIENT, keyOfUnlimitedBroker, type MeasuredEngine, withEngine } from './single.ts'
import { type Listeners, listeners } from './stream-listeners.ts'

const LISTENERS = 10_000
const LISTS = 200
const NAMES_OF_LIST = 20
const LISTENERS_TO_ALL = 100
const NAMES = 17_000
const IDLE_SECONDS = 30
const MOVES = 5
const QUOTES = 200
const WAIT_MS = 120_000

const SETTINGS = { STREAMS_MAX: String(LISTENERS + 1_000), STREAMS_PER_KEY_MAX: String(LISTENERS + 1_000) }

export function stream(): Promise<object> {
  return withEngine(measured, SETTINGS)
}

async function measured({ url, pid, pool }: MeasuredEngine): Promise<object> {
  const apiKey = await keyOfUnlimitedBroker(pool)
  const importFile = (seed: number) =>
    importLenderFile(pool, {
      source: stampedNow(generatedLenderFile(NAMES, seed, seed)),
      provider: 'benchmark',
      demo: false,
      receivedAt: new Date(),
    })
  await importFile(0)
  const { rows } = await pool.query<{ ticker: string }>(
    `select ticker from lender_rates order by ticker limit ${LISTS * NAMES_OF_LIST}`,
  )
  const names = rows.map(({ ticker }) => ticker)
  const listOf = (index: number) => {
    const from = (index % LISTS) * NAMES_OF_LIST
    return [...names.slice(from, from + NAMES_OF_LIST), 'GME'].join()
  }

  // Before anybody listens.
  await quoteMs(url, apiKey)
  await sleep(5_000)
  const before = { rss: residentMb(pid), cpu: await cpuShare(pid, 10) }

  console.log(
    `stream: ${LISTENERS} listeners, ${LISTS} lists of ${NAMES_OF_LIST + 1} names each, ${NAMES} names in the lender's file`,
  )
  const openedAt = performance.now()
  const cpuAtOpening = cpuMs(pid) ?? 0
  const idle = await listeners({ url, apiKey, count: LISTENERS, tickers: listOf })
  const opening = { seconds: (performance.now() - openedAt) / 1000, cpu_ms: (cpuMs(pid) ?? 0) - cpuAtOpening }
  await sleep(5_000)
  const rss = residentMb(pid)
  const cpu = await cpuShare(pid, IDLE_SECONDS)
  const afterIdle = residentMb(pid)
  const quote = await quoteMs(url, apiKey)
  const memory = {
    before_mb: before.rss,
    after_mb: rss,
    later_mb: afterIdle,
    kb_each: ((rss - before.rss) * 1024) / LISTENERS,
  }
  console.log(
    `  opening: ${opening.seconds.toFixed(1)} s, ${(opening.cpu_ms / LISTENERS).toFixed(2)} ms of processor each, ${idle.turnedAway} told to come again`,
  )
  console.log(
    `  memory: ${before.rss.toFixed(0)} MB before, ${rss.toFixed(0)} MB with them, ${memory.kb_each.toFixed(1)} kB each`,
  )
  console.log(
    `  idle: ${(cpu * 100).toFixed(2)} % of one core with a sign of life each 15 s (${(before.cpu * 100).toFixed(2)} % before), a quote meanwhile ${quote.p50.toFixed(1)} ms (p99 ${quote.p99.toFixed(1)} ms)`,
  )

  const moves = await movesReachAll(idle, url, pid, pool)
  console.log(
    `  a move that all listen to: the first has it after ${moves.first_ms.toFixed(0)} ms, the last after ${moves.last_ms.toFixed(0)} ms (medians of ${MOVES}), ${moves.cpu_us_each.toFixed(1)} us of processor for each listener`,
  )
  idle.close()
  await sleep(5_000)
  const closed = residentMb(pid)

  const all = await listeners({ url, apiKey, count: LISTENERS_TO_ALL, tickers: () => null })
  const refresh = await refreshReachesAll(all, pid, () => importFile(1))
  console.log(
    `  a refresh of ${NAMES} names, ${refresh.moved} of which moved, with ${LISTENERS_TO_ALL} who listen to all: the last event of ${refresh.events} after ${refresh.seconds.toFixed(1)} s, ${(refresh.cpu_ms / 1000).toFixed(1)} s of processor, ${(refresh.bytes / 2 ** 20).toFixed(0)} MB written`,
  )
  all.close()
  return {
    listeners: LISTENERS,
    names: NAMES,
    before,
    opening,
    memory: { ...memory, closed_mb: closed },
    idle: { cpu_share: cpu, seconds: IDLE_SECONDS, quote },
    moves,
    refresh,
  }
}

async function movesReachAll(idle: Listeners, url: string, pid: number, pool: MeasuredEngine['pool']) {
  const { createApiKey } = await import('../../access/api-keys.ts')
  const admin = await createApiKey(pool, () => new Date(), { clientId: 'house', role: 'admin', label: 'benchmark' })
  const first: number[] = []
  const last: number[] = []
  const cpu: number[] = []
  for (let move = 1; move <= MOVES; move += 1) {
    idle.reset()
    const cpuBefore = cpuMs(pid) ?? 0
    const startedAt = performance.now()
    let firstAt = 0
    const answer = await fetch(`${url}/api/v1/stocks/GME`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'x-api-key': admin.apiKey, 'if-match': '*' },
      body: JSON.stringify({ borrow_status: 'HARD', floor_rate: 0.5 + move / 100 }),
    })
    if (!answer.ok) throw new Error(`the stock could not be changed: ${await answer.text()}`)
    const until = performance.now() + WAIT_MS
    while (idle.counted().events < LISTENERS) {
      if (firstAt === 0 && idle.counted().events > 0) firstAt = performance.now()
      if (performance.now() > until) throw new Error(`${idle.counted().events} of ${LISTENERS} heard of a move`)
      await sleep(1)
    }
    first.push((firstAt || idle.counted().lastAtMs) - startedAt)
    last.push(idle.counted().lastAtMs - startedAt)
    await sleep(500)
    cpu.push((cpuMs(pid) ?? 0) - cpuBefore)
  }
  return { first_ms: median(first), last_ms: median(last), cpu_us_each: (median(cpu) * 1000) / LISTENERS }
}

async function refreshReachesAll(all: Listeners, pid: number, refresh: () => Promise<{ readonly changed?: number }>) {
  await sleep(2_000)
  all.reset()
  const cpuBefore = cpuMs(pid) ?? 0
  await refresh()
  const startedAt = performance.now()
  const until = startedAt + WAIT_MS
  let seen = -1
  // Until nothing more comes.
  for (;;) {
    await sleep(4_000)
    const { events } = all.counted()
    if (events > 0 && events === seen) break
    if (performance.now() > until) throw new Error('a refresh was not heard of')
    seen = events
  }
  const { events, bytes, lastAtMs } = all.counted()
  return {
    events,
    moved: Math.round(events / LISTENERS_TO_ALL),
    bytes,
    seconds: (lastAtMs - startedAt) / 1000,
    cpu_ms: (cpuMs(pid) ?? 0) - cpuBefore,
  }
}

/** Of one core, by the engine and its database. */
async function cpuShare(pid: number, seconds: number): Promise<number> {
  const before = cpuMs(pid) ?? 0
  await sleep(seconds * 1000)
  return ((cpuMs(pid) ?? 0) - before) / (seconds * 1000)
}

async function quoteMs(url: string, apiKey: string): Promise<{ p50: number; p99: number }> {
  const took: number[] = []
  for (let quote = 0; quote < QUOTES; quote += 1) {
    const startedAt = performance.now()
    const answer = await fetch(`${url}/api/v1/calculate-locate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
      body: JSON.stringify({ ticker: 'AAL', position_value: 100_000, loan_days: 30, client_id: CLIENT }),
    })
    if (!answer.ok) throw new Error(await answer.text())
    await answer.arrayBuffer()
    took.push(performance.now() - startedAt)
  }
  took.sort((a, b) => a - b)
  return { p50: median(took), p99: took[Math.floor(took.length * 0.99)] as number }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number
}

function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}
