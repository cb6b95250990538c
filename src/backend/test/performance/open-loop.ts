// Latency at a fixed rate of arrivals, counted from when a request was due (open-loop-generator.mjs): at shares of what a closed loop
// found in the same run, the engine with its record beside a bare node:http server at the same rates. A figure whose generator was late
// itself is refused.
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { bareBaseline } from './bare-baseline.ts'
import { withServer } from './child-process.ts'
import { type BenchOptions, type Effort, effortOf } from './effort.ts'
import { loadDriver, postEach, requestsOf, type Shot } from './load.ts'
import { type Figure, figure, printed } from './rounds.ts'
import { keyOfUnlimitedBroker, type MeasuredEngine, quotesOf, recordsKept, withEngine } from './single.ts'

const CLOSED_CONNECTIONS = 64
/** More than are ever under way below capacity. */
const OPEN_CONNECTIONS = 256
const SHARES = [0.25, 0.5, 0.7, 0.9] as const
const WHOLE: Effort = { rounds: 3, seconds: 3, warmUpSeconds: 4 }
/** A generator that is later than this in one of a hundred requests, and than a tenth of what it measures, measures itself. */
const LAG_P99_MS_MAX = 2
const LAG_SHARE_MAX = 0.1

export function measuresItself(lagP99Ms: number, p99Ms: number): boolean {
  return lagP99Ms > LAG_P99_MS_MAX && lagP99Ms > p99Ms * LAG_SHARE_MAX
}

/** Below this share of answers in time the queue grew from beginning to end. */
const SUSTAINED = 0.98

export interface OpenLoopSettings {
  readonly rate: number
  readonly seconds: number
  /** A line of figures each. */
  readonly windowSeconds: number
  readonly seed: number
}

export interface OpenLoopFigures {
  readonly answered: number
  readonly failed: number
  readonly p50_ms: number
  readonly p90_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
  readonly max_ms: number
  /** From when it was sent, as a closed loop would count. */
  readonly service_p50_ms: number
  readonly service_p99_ms: number
  readonly lag_p50_ms: number
  readonly lag_p99_ms: number
  readonly lag_max_ms: number
}

export interface OpenLoopResult extends OpenLoopFigures {
  readonly due: number
  /** Answered when the last one was due. */
  readonly in_time: number
  readonly unanswered: number
}

/**
 * Sends requests at a rate, from a process of their own.
 * @param onWindow told the figures of each window as it ends
 * @throws Error when an answer was not a 200, or the generator ended early
 */
export async function openLoop(
  folder: string,
  shot: Shot,
  settings: OpenLoopSettings,
  onWindow: (window: OpenLoopFigures & { readonly at_seconds: number }) => void = () => {},
): Promise<OpenLoopResult> {
  const file = join(folder, 'open-loop.json')
  const told = { url: shot.url, requests: requestsOf(shot), connections: OPEN_CONNECTIONS, ...settings }
  writeFileSync(file, JSON.stringify(told))
  const program = fileURLToPath(new URL('./open-loop-generator.mjs', import.meta.url))
  const [command = '', ...parameters] = [...atOnce(), process.execPath, program, file]
  const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'inherit'] })
  let whole: OpenLoopResult | null = null
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said = JSON.parse(line)
      if (said.whole === true) whole = said
      else onWindow(said)
    }
  } finally {
    child.kill('SIGKILL')
  }
  if (whole === null) throw new Error('the generator ended before its time')
  if (whole.failed > 0) throw new Error(`${whole.failed} of ${whole.answered} answers were no 200`)
  return whole
}

/** Before a command: it runs as soon as it has something to do, whoever else is busy; where that may not be, as anybody. */
function atOnce(): string[] {
  const realTime = ['chrt', '--rr', '1']
  return spawnSync('chrt', [...realTime.slice(1), 'true']).status === 0 ? realTime : []
}

export function openLoopLatency(options: BenchOptions): Promise<object> {
  return withEngine((engine) => besideBare(engine, options))
}

type Name = 'engine' | 'bare'

async function besideBare(engine: MeasuredEngine, options: BenchOptions): Promise<object> {
  const { folder, pool } = engine
  const quotes = quotesOf(engine.url, await keyOfUnlimitedBroker(pool))
  const bare = await bareBaseline(folder, await postEach(quotes))
  return withServer(bare, async () => {
    const shots: Record<Name, Shot> = { engine: quotes, bare: { ...quotes, url: bare.url } }
    const { rounds, seconds, warmUpSeconds } = effortOf(options, WHOLE)
    const capacity = await closedLoop(folder, quotes, seconds, warmUpSeconds)
    await loadDriver(folder).run(shots.bare, CLOSED_CONNECTIONS, warmUpSeconds)
    console.log(
      `open-loop: ${capacity.toFixed(0)} requests/s on ${CLOSED_CONNECTIONS} connections in a closed loop; then arrivals by chance at fixed rates, ${rounds} interleaved rounds of ${seconds} s`,
    )
    const rates = options.rate === null ? SHARES.map((share) => capacity * share) : [options.rate]
    const levels: Level[] = []
    for (const rate of rates) {
      const results: Record<Name, OpenLoopResult[]> = { engine: [], bare: [] }
      for (let round = 0; round < rounds; round += 1) {
        for (const name of ['engine', 'bare'] as const) {
          results[name].push(
            await openLoop(folder, shots[name], { rate, seconds, windowSeconds: seconds + 60, seed: round }),
          )
        }
      }
      levels.push(levelOf(rate, rate / capacity, results, seconds))
      printLevel(levels.at(-1) as Level)
    }
    console.log(`  ${await recordsKept(pool)} records are kept, fsync on`)
    return {
      closed_connections: CLOSED_CONNECTIONS,
      connections: OPEN_CONNECTIONS,
      seconds,
      lag_p99_ms_max: LAG_P99_MS_MAX,
      capacity,
      levels,
    }
  })
}

/** Requests a second, the engine warm. */
export async function closedLoop(folder: string, shot: Shot, seconds: number, warmUpSeconds: number): Promise<number> {
  const driver = loadDriver(folder)
  await driver.run(shot, CLOSED_CONNECTIONS, warmUpSeconds)
  return (await driver.run(shot, CLOSED_CONNECTIONS, seconds)).requestsPerSecond
}

// ---- one rate

type Latency = 'p50_ms' | 'p90_ms' | 'p99_ms' | 'p999_ms' | 'service_p99_ms' | 'lag_p50_ms' | 'lag_p99_ms'
const LATENCIES: readonly Latency[] = [
  'p50_ms',
  'p90_ms',
  'p99_ms',
  'p999_ms',
  'service_p99_ms',
  'lag_p50_ms',
  'lag_p99_ms',
]

interface Measured extends Readonly<Record<Latency, Figure>> {
  /** Of what was due, answered when the last one was due. */
  readonly answered_share: number
  /** Why its latencies mean nothing; null: they do. */
  readonly refused: string | null
}

interface Level {
  readonly rate: number
  /** Of the closed loop's. */
  readonly share: number
  readonly engine: Measured
  readonly bare: Measured
}

function levelOf(
  rate: number,
  share: number,
  results: Readonly<Record<Name, readonly OpenLoopResult[]>>,
  seconds: number,
): Level {
  const measured = (of: readonly OpenLoopResult[]): Measured => {
    const latencies = Object.fromEntries(
      LATENCIES.map((name) => [name, figure(of.map((result) => result[name]))]),
    ) as Record<Latency, Figure>
    const due = of.reduce((sum, one) => sum + one.due, 0)
    const answeredShare = of.reduce((sum, one) => sum + one.in_time, 0) / due
    return {
      ...latencies,
      answered_share: answeredShare,
      refused: refusal(latencies, due, of.length * seconds * rate),
    }
  }
  return { rate, share, engine: measured(results.engine), bare: measured(results.bare) }
}

/** Arrivals by chance are more or fewer than the rate says, by a few times the square root of their number. */
const DUE_SIGMAS_MAX = 5

function refusal(of: Readonly<Record<Latency, Figure>>, due: number, expected: number): string | null {
  const lagMs = of.lag_p99_ms.median
  if (measuresItself(lagMs, of.p99_ms.median)) return `the generator itself was ${lagMs.toFixed(1)} ms late (p99)`
  if (Math.abs(due - expected) > DUE_SIGMAS_MAX * Math.sqrt(expected)) {
    return `${due} requests left, and not ${expected.toFixed(0)}`
  }
  return null
}

function printLevel({ rate, share, engine, bare }: Level): void {
  console.log(`  ${rate.toFixed(0)} requests/s, ${(share * 100).toFixed(0)} % of the closed loop's`)
  for (const [name, of] of [
    ['engine', engine],
    ['bare node:http', bare],
  ] as const) {
    if (of.refused !== null) {
      console.log(`    ${name.padEnd(15)} refused: ${of.refused}`)
      continue
    }
    const grew = of.answered_share < SUSTAINED ? ', not sustained: the queue grew to the end' : ''
    console.log(
      `    ${name.padEnd(15)} p50 ${printed(of.p50_ms, 2)} ms, p99 ${printed(of.p99_ms, 2)} ms, p99.9 ${printed(of.p999_ms, 1)} ms${grew}`,
    )
    console.log(
      `    ${''.padEnd(15)} counted from when it was sent p99 ${printed(of.service_p99_ms, 2)} ms; the generator was ${of.lag_p50_ms.median.toFixed(2)} ms late, p99 ${of.lag_p99_ms.median.toFixed(2)} ms`,
    )
  }
}
