// Batches of 10 000 lines, JSON and CSV, and of 1 000, beside single quotes on 64 connections, in interleaved rounds: lines priced and
// recorded a second, what a line costs on the processor, and the memory of the engine while a whole batch passes through it.
import { BATCH_LINES_MAX } from '../../quotes/batch-lines.ts'
import { cpuMs } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { loadDriver, postEach } from './load.ts'
import { residentMib } from './resident.ts'
import { type Figure, figure, printed } from './rounds.ts'
import { CLIENT, keyOfUnlimitedBroker, type MeasuredEngine, quotesOf, recordsKept, withEngine } from './single.ts'
import { atLeast } from './targets.ts'
import { demoTickers, singleRequests } from './varied-requests.ts'

const CONNECTIONS = 64
const WHOLE: Effort = { rounds: 5, seconds: 3, warmUpSeconds: 0 }
const SMALLER_LINES = 1_000
/** One after the other in a round, so that a round of the smaller ones prices as much as one of the larger. */
const SMALLER_IN_A_ROUND = 10
const MEMORY_EVERY_MS = 20

/** A batch as it is sent and answered. */
interface Form {
  readonly contentType: string
  readonly accept: string
  readonly body: string
  readonly lines: number
}

const SMALLER = `JSON to JSON, ${SMALLER_LINES} lines`

interface Round {
  readonly perSecond: number
  /** Processor time of the engine a line or quote, microseconds. */
  readonly cpuUs: number
  /** The highest resident memory of the engine meanwhile, MiB. */
  readonly memoryMib: number
}

export function batches(options: BenchOptions): Promise<object> {
  const { rounds: measuredRounds, seconds } = effortOf(options, WHOLE)
  return withEngine(async (engine) => {
    const apiKey = await keyOfUnlimitedBroker(engine.pool)
    const driver = loadDriver(engine.folder)
    const json = { contentType: 'application/json', body: jsonBody(BATCH_LINES_MAX), lines: BATCH_LINES_MAX }
    const smaller = { contentType: 'application/json', body: jsonBody(SMALLER_LINES), lines: SMALLER_LINES }
    const csv = { contentType: 'text/csv', body: csvBody(BATCH_LINES_MAX), lines: BATCH_LINES_MAX }
    const batch = (form: Form) => () => measured(engine, async () => await sendBatch(engine, apiKey, form))
    const shot = quotesOf(engine.url, apiKey)
    await postEach(shot)
    const idleMib = residentMib(engine.pid)
    const rounds = {
      'JSON to JSON': batch({ ...json, accept: 'application/json' }),
      'JSON to NDJSON': batch({ ...json, accept: 'application/x-ndjson' }),
      'CSV to CSV': batch({ ...csv, accept: 'text/csv' }),
      [SMALLER]: () =>
        measured(engine, async () => {
          let priced = 0
          for (let sent = 0; sent < SMALLER_IN_A_ROUND; sent += 1) {
            priced += await sendBatch(engine, apiKey, { ...smaller, accept: 'application/json' })
          }
          return priced
        }),
      'single quotes': () => measured(engine, async () => (await driver.run(shot, CONNECTIONS, seconds)).requests),
    }
    const results: Record<string, Round[]> = Object.fromEntries(Object.keys(rounds).map((name) => [name, []]))
    // One round to warm up.
    for (let round = -1; round < measuredRounds; round += 1) {
      for (const [name, run] of Object.entries(rounds)) {
        const result = await run()
        if (round >= 0) results[name]?.push(result)
      }
    }
    return report(results, { rounds: measuredRounds, seconds }, idleMib, await recordsKept(engine.pool))
  })
}

function report(
  results: Readonly<Record<string, readonly Round[]>>,
  { rounds: measuredRounds, seconds }: Pick<Effort, 'rounds' | 'seconds'>,
  idleMib: number,
  kept: number,
): object {
  console.log(
    `batch: ${BATCH_LINES_MAX} lines unless said, ${measuredRounds} interleaved rounds; single quotes on ${CONNECTIONS} connections for ${seconds} s`,
  )
  const of = (rounds: readonly Round[], what: keyof Round): Figure => figure(rounds.map((round) => round[what]))
  const figures = Object.entries(results).map(([name, rounds]) => {
    const [perSecond, cpuUs, memory] = [of(rounds, 'perSecond'), of(rounds, 'cpuUs'), of(rounds, 'memoryMib')]
    console.log(
      `  ${name.padEnd(25)} ${printed(perSecond)}/s   ${printed(cpuUs)} us of processor each   up to ${printed(memory)} MiB`,
    )
    return { name, per_second: perSecond, cpu_us: cpuUs, memory_mib: memory }
  })
  const median = (name: string) => figures.find((one) => one.name === name)?.per_second.median ?? Number.NaN
  const gains = {
    [BATCH_LINES_MAX]: median('JSON to JSON') / median('single quotes'),
    [SMALLER_LINES]: median(SMALLER) / median('single quotes'),
  }
  for (const [lines, gain] of Object.entries(gains)) {
    console.log(
      `  a line of a batch of ${lines} is priced and recorded ${gain.toFixed(1)} times as fast as a single quote`,
    )
  }
  console.log(`  the engine had ${idleMib.toFixed(0)} MiB before the first; ${kept} records are kept, fsync on`)
  return {
    lines: BATCH_LINES_MAX,
    rounds: measuredRounds,
    connections: CONNECTIONS,
    figures,
    gains,
    idle_mib: idleMib,
    kept,
    targets: [
      atLeast(`lines/s of a batch of ${SMALLER_LINES}, times single quotes/s`, 10, gains[SMALLER_LINES] as number),
    ],
  }
}

/** @param work returns how many lines or quotes it priced */
async function measured({ pid }: MeasuredEngine, work: () => Promise<number>): Promise<Round> {
  let highestMib = residentMib(pid)
  const watching = setInterval(() => {
    highestMib = Math.max(highestMib, residentMib(pid))
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
  if (priced !== form.lines) throw new Error(`${priced} lines of ${form.lines} were priced`)
  return priced
}

function jsonBody(lines: number): string {
  return JSON.stringify({ lines: linesOf(lines) })
}

function csvBody(lines: number): string {
  const rows = linesOf(lines).map((line) => Object.values(line).join(','))
  return `ticker,position_value,loan_days\n${rows.join('\n')}\n`
}

function linesOf(count: number): object[] {
  return singleRequests(CLIENT, demoTickers(), count).map(({ client_id: _, ...line }) => line)
}
