// Batches of 10 000 lines, JSON and CSV, beside single quotes on 64 connections, in interleaved rounds: lines priced and recorded a
// second, what a line costs on the processor, and the memory of the engine while a whole batch passes through it.
import { existsSync, readFileSync } from 'node:fs'
import { BATCH_LINES_MAX } from '../../quotes/batch-lines.ts'
import { cpuMs } from './child-process.ts'
import { loadDriver } from './load.ts'
import { type Figure, figure, printed } from './rounds.ts'
import { keyOfUnlimitedBroker, type MeasuredEngine, REQUEST, recordsKept, withEngine } from './single.ts'

const ROUNDS = 5
const CONNECTIONS = 64
const SINGLE_SECONDS = 3
const TICKERS = ['AAL', 'GME', 'AMC', 'AAPL', 'BRK.B']
const MEMORY_EVERY_MS = 20

/** A batch as it is sent and answered. */
interface Form {
  readonly contentType: string
  readonly accept: string
  readonly body: string
}

interface Round {
  readonly perSecond: number
  /** Processor time of the engine a line or quote, microseconds. */
  readonly cpuUs: number
  /** The highest resident memory of the engine meanwhile, MiB. */
  readonly memoryMib: number
}

export function batches(): Promise<object> {
  return withEngine(async (engine) => {
    const apiKey = await keyOfUnlimitedBroker(engine.pool)
    const driver = loadDriver(engine.folder)
    const json = { contentType: 'application/json', body: jsonBody() }
    const csv = { contentType: 'text/csv', body: csvBody() }
    const batch = (form: Form) => () => measured(engine, async () => await sendBatch(engine, apiKey, form))
    const shot = {
      url: `${engine.url}/api/v1/calculate-locate`,
      headers: { 'Content-Type': 'application/json', 'X-API-Key': apiKey },
      body: JSON.stringify(REQUEST),
    }
    const idleMib = memoryMib(engine.pid)
    const rounds = {
      'JSON to JSON': batch({ ...json, accept: 'application/json' }),
      'JSON to NDJSON': batch({ ...json, accept: 'application/x-ndjson' }),
      'CSV to CSV': batch({ ...csv, accept: 'text/csv' }),
      'single quotes': () =>
        measured(engine, async () => (await driver.run(shot, CONNECTIONS, SINGLE_SECONDS)).requests),
    }
    const results: Record<string, Round[]> = Object.fromEntries(Object.keys(rounds).map((name) => [name, []]))
    // One round to warm up.
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [name, run] of Object.entries(rounds)) {
        const result = await run()
        if (round >= 0) results[name]?.push(result)
      }
    }
    return report(results, idleMib, await recordsKept(engine.pool))
  })
}

function report(results: Readonly<Record<string, readonly Round[]>>, idleMib: number, kept: number): object {
  console.log(
    `batch: ${BATCH_LINES_MAX} lines, ${ROUNDS} interleaved rounds; single quotes on ${CONNECTIONS} connections for ${SINGLE_SECONDS} s`,
  )
  const of = (rounds: readonly Round[], what: keyof Round): Figure => figure(rounds.map((round) => round[what]))
  const figures = Object.entries(results).map(([name, rounds]) => {
    const [perSecond, cpuUs, memory] = [of(rounds, 'perSecond'), of(rounds, 'cpuUs'), of(rounds, 'memoryMib')]
    console.log(
      `  ${name.padEnd(15)} ${printed(perSecond)}/s   ${printed(cpuUs)} us of processor each   up to ${printed(memory)} MiB`,
    )
    return { name, per_second: perSecond, cpu_us: cpuUs, memory_mib: memory }
  })
  const median = (name: string) => figures.find((one) => one.name === name)?.per_second.median ?? Number.NaN
  const gain = median('JSON to JSON') / median('single quotes')
  console.log(`  a line of a batch is priced and recorded ${gain.toFixed(1)} times as fast as a single quote`)
  console.log(`  the engine had ${idleMib.toFixed(0)} MiB before the first; ${kept} records are kept, fsync on`)
  return { lines: BATCH_LINES_MAX, rounds: ROUNDS, connections: CONNECTIONS, figures, gain, idle_mib: idleMib, kept }
}

/** @param work returns how many lines or quotes it priced */
async function measured({ pid }: MeasuredEngine, work: () => Promise<number>): Promise<Round> {
  let highestMib = memoryMib(pid)
  const watching = setInterval(() => {
    highestMib = Math.max(highestMib, memoryMib(pid))
  }, MEMORY_EVERY_MS)
  const cpuBefore = cpuMs(pid) ?? Number.NaN
  const startMs = performance.now()
  try {
    const priced = await work()
    const tookMs = performance.now() - startMs
    const cpuUs = (((cpuMs(pid) ?? Number.NaN) - cpuBefore) * 1_000) / priced
    return { perSecond: (priced * 1_000) / tookMs, cpuUs, memoryMib: highestMib }
  } finally {
    clearInterval(watching)
  }
}

/** Sends a batch and reads its whole answer. @throws Error when not every line was priced */
async function sendBatch({ url }: MeasuredEngine, apiKey: string, form: Form): Promise<number> {
  const answer = await fetch(`${url}/api/v1/calculate-locate/batch`, {
    method: 'POST',
    headers: { 'X-API-Key': apiKey, 'Content-Type': form.contentType, Accept: form.accept },
    body: form.body,
  })
  let priced = 0
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    // Counted as they pass: holding the answer would be this side's memory, and time.
    const text = rest + decoder.decode(chunk, { stream: true })
    const parts = text.split(form.accept === 'text/csv' ? ',success,' : '"status":"success","total_fee"')
    priced += parts.length - 1
    rest = (parts.at(-1) as string).slice(-40)
  }
  if (priced !== BATCH_LINES_MAX) throw new Error(`${priced} lines of ${BATCH_LINES_MAX} were priced`)
  return priced
}

/** NaN where the platform does not tell. */
function memoryMib(pid: number): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return Number.NaN
  const kib = /^VmRSS:\s+([0-9]+) kB/m.exec(readFileSync(status, 'utf8'))?.[1]
  return Number(kib) / 1024
}

const line = (index: number) => ({
  ticker: TICKERS[index % TICKERS.length] as string,
  position_value: 1_000 + index,
  loan_days: 1 + (index % 365),
})

function jsonBody(): string {
  return JSON.stringify({ lines: Array.from({ length: BATCH_LINES_MAX }, (_, index) => line(index)) })
}

function csvBody(): string {
  const rows = Array.from({ length: BATCH_LINES_MAX }, (_, index) => Object.values(line(index)).join(','))
  return `ticker,position_value,loan_days\n${rows.join('\n')}\n`
}
