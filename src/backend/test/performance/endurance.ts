// Whether the engine is the same after an hour as after a minute: at 70 % of what a closed loop finds, in an open loop, with its
// record. Every few seconds: latency, memory, heap, open files, active handles, records that wait. At the end what was seen must be flat;
// where it is not, the run has failed. A record takes some 4 kB: an hour at a thousand a second fills 14 GB. A run of minutes is for leaks:
// a machine that has half its speed for one of them is no news, and must not fail it.
import { readdirSync } from 'node:fs'
import { type BenchOptions, effortOf } from './effort.ts'
import { postEach } from './load.ts'
import { closedLoop, measuresItself, openLoop } from './open-loop.ts'
import { residentMib, togetherMib } from './resident.ts'
import { figure } from './rounds.ts'
import { keyOfUnlimitedBroker, type MeasuredEngine, quotesOf, recordsKept, withEngine } from './single.ts'
import { drift, least } from './slope.ts'
import { atMost, type Target } from './targets.ts'

const SHARE = 0.7
/** Of a run of minutes: a machine that is twice as slow for a while still answers all of it. */
const SHARE_SHORT = 0.35
const SAMPLE_SECONDS = 5
/** The caches fill, code is compiled, the heap takes its size: that part is looked at and not judged. */
const WARM_UP_SHARE = 0.25
const WARM_UP_SECONDS_MAX = 600
const CLOSED_SECONDS = { rounds: 1, seconds: 6, warmUpSeconds: 8 }
/** What counts as flat, over the time that is judged: a twentieth, and what one garbage collection more or less makes. */
const FLAT = { share: 0.05, mib: 8 }
/** Of a few minutes, which see few whole collections or none: a leak has to be a large one. */
const FLAT_SHORT = { share: 0.25, mib: 48 }
const SHORT_SECONDS = 600
const isShort = (seconds: number) => Math.round(seconds) < SHORT_SECONDS
const P99_TIMES_MAX = 1.5
/** Of a few windows the p99 is what the machine's other guests left; the middle of them grows with whatever the engine piles up. */
const P50_TIMES_MAX_SHORT = 4
/** Below this a latency is no news, whatever it was before. */
const NO_NEWS_MS = 10
/** Connections to the database come and go. */
const HANDLES_MORE_MAX = 4
/** Of the windows in which the generator itself was late: more, and the machine had other things to do. */
const LATE_SHARE_MAX = 0.1

export interface Sample {
  readonly at_seconds: number
  readonly answered: number
  readonly p50_ms: number
  readonly p99_ms: number
  readonly lag_p99_ms: number
  readonly resident_mib: number
  readonly postgres_mib: number
  readonly heap_mib: number
  readonly files: number
  readonly handles: number
  readonly queued: number
}

export function endurance(options: BenchOptions): Promise<object> {
  if (!(options.minutes > 0)) throw new Error('--minutes must be more than 0')
  return withEngine((engine) => lasting(engine, options))
}

async function lasting(engine: MeasuredEngine, options: BenchOptions): Promise<object> {
  const { folder, pool } = engine
  const quotes = quotesOf(engine.url, await keyOfUnlimitedBroker(pool))
  await postEach(quotes)
  const { seconds: closedSeconds, warmUpSeconds } = effortOf(options, CLOSED_SECONDS)
  const capacity = await closedLoop(folder, quotes, closedSeconds, warmUpSeconds)
  const seconds = options.minutes * 60
  const share = isShort(seconds) ? SHARE_SHORT : SHARE
  const rate = capacity * share
  console.log(
    `endurance: ${options.minutes} minutes at ${rate.toFixed(0)} requests/s, ${share * 100} % of a closed loop's ${capacity.toFixed(0)}`,
  )
  const samples: Sample[] = []
  const samplings: Promise<void>[] = []
  const whole = await openLoop(folder, quotes, { rate, seconds, windowSeconds: SAMPLE_SECONDS, seed: 1 }, (window) => {
    const { at_seconds, answered, p50_ms, p99_ms, lag_p99_ms } = window
    const sampling = sampleOf(engine).then((of) => {
      samples.push({ at_seconds, answered, p50_ms, p99_ms, lag_p99_ms, ...of })
      if (samples.length % PRINT_EVERY === 0) printSample(samples.at(-1) as Sample)
    })
    samplings.push(sampling)
  })
  await Promise.all(samplings)
  await allCommitted(engine)
  const left = (await sampleOf(engine)).queued
  const targets = flatness(samples, whole.due - whole.answered + left)
  console.log(
    `  ${whole.answered} quotes answered, ${await recordsKept(pool)} on the record with those before; p50 ${whole.p50_ms.toFixed(2)} ms, p99 ${whole.p99_ms.toFixed(2)} ms, p99.9 ${whole.p999_ms.toFixed(1)} ms`,
  )
  const { resident_mib, heap_mib } = driftsOf(samples)
  console.log(
    `  by least squares ${resident_mib.toFixed(1)} MiB resident an hour, and ${heap_mib.toFixed(1)} MiB an hour of heap after collections`,
  )
  if (targets.some(({ met }) => !met)) process.exitCode = 1
  const told = thinned(samples)
  return { minutes: options.minutes, capacity, rate, sample_seconds: SAMPLE_SECONDS, whole, samples: told, targets }
}

/** As many as a picture shows. */
function thinned(samples: readonly Sample[]): Sample[] {
  const every = Math.ceil(samples.length / SAMPLES_TOLD_MAX)
  return samples.filter((_, index) => index % every === 0)
}

const PRINT_EVERY = 12
const SAMPLES_TOLD_MAX = 180

function printSample(of: Sample): void {
  const { at_seconds, p50_ms, p99_ms, resident_mib, heap_mib, files, handles, queued } = of
  console.log(
    `  ${(at_seconds / 60).toFixed(1).padStart(5)} min  p50 ${p50_ms.toFixed(2)} ms, p99 ${p99_ms.toFixed(2)} ms, ${resident_mib.toFixed(0)} MiB resident, heap ${heap_mib.toFixed(0)} MiB, ${files} files, ${handles} handles, ${queued} records wait`,
  )
}

type State = Pick<Sample, 'resident_mib' | 'postgres_mib' | 'heap_mib' | 'files' | 'handles' | 'queued'>

async function sampleOf({ url, pid, postgresPid }: MeasuredEngine): Promise<State> {
  const metrics = await (await fetch(`${url}/metrics`)).text()
  const gauge = (name: string) => Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(metrics)?.[1])
  return {
    resident_mib: residentMib(pid),
    postgres_mib: togetherMib(postgresPid),
    heap_mib: gauge('nodejs_heap_size_used_bytes') / 2 ** 20,
    files: filesOf(pid),
    handles: gauge('nodejs_active_handles_total'),
    queued: gauge('audit_queue_records'),
  }
}

/** NaN where the platform does not tell. */
function filesOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

async function allCommitted(engine: MeasuredEngine): Promise<void> {
  for (let tries = 0; tries < 20 && (await sampleOf(engine)).queued > 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** What is judged: everything but the warm-up. */
function judgedOf(samples: readonly Sample[]): { readonly judged: readonly Sample[]; readonly hours: number } {
  const total = samples.at(-1)?.at_seconds ?? 0
  const warmUp = Math.min(WARM_UP_SECONDS_MAX, total * WARM_UP_SHARE)
  return { judged: samples.filter(({ at_seconds }) => at_seconds >= warmUp), hours: (total - warmUp) / 3_600 }
}

/** MiB an hour. Between two collections the heap is whatever it is: what is left after them is looked at. */
function driftsOf(samples: readonly Sample[]): Record<'resident_mib' | 'heap_mib', number> {
  const { judged } = judgedOf(samples)
  const perHour = (of: readonly Sample[], what: 'resident_mib' | 'heap_mib') =>
    drift(of.map((sample) => [sample.at_seconds / 3_600, sample[what]]))
  return {
    resident_mib: perHour(judged, 'resident_mib'),
    heap_mib: perHour(least(judged, 'heap_mib', HEAP_SLICES), 'heap_mib'),
  }
}

/** @param missing requests without an answer, and records that still wait. @returns what has to be flat, and whether it is */
export function flatness(samples: readonly Sample[], missing: number): Target[] {
  const { judged, hours } = judgedOf(samples)
  const quarter = Math.max(1, Math.floor(judged.length / 4))
  const [first, last] = [judged.slice(0, quarter), judged.slice(-quarter)]
  const median = (of: readonly Sample[], what: keyof Sample) => figure(of.map((sample) => sample[what])).median
  const drifts = driftsOf(samples)
  const short = isShort(samples.at(-1)?.at_seconds ?? 0)
  const growth = (name: string, what: 'resident_mib' | 'heap_mib'): Target => {
    const { share, mib } = short ? FLAT_SHORT : FLAT
    const bound = median(judged, what) * share + mib
    const over = `${name}, growth over the ${(hours * 60).toFixed(1)} minutes judged`
    return atMost(over, Math.round(bound), drifts[what] * hours, 'MiB')
  }
  const more = (what: 'files' | 'handles') => median(last, what) - median(first, what)
  const latency = (what: 'p50' | 'p99', times: number): Target => {
    const bound = Math.max(NO_NEWS_MS, median(first, `${what}_ms`) * times)
    return atMost(`${what}, last quarter`, Math.round(bound * 10) / 10, median(last, `${what}_ms`), 'ms')
  }
  const late = samples.filter(({ lag_p99_ms, p99_ms }) => measuresItself(lag_p99_ms, p99_ms)).length
  return [
    growth('resident memory', 'resident_mib'),
    growth('heap after collections', 'heap_mib'),
    short ? latency('p50', P50_TIMES_MAX_SHORT) : latency('p99', P99_TIMES_MAX),
    atMost('open files more than in the first quarter', HANDLES_MORE_MAX, more('files')),
    atMost('active handles more than in the first quarter', HANDLES_MORE_MAX, more('handles')),
    atMost('requests without an answer, records that still wait', 0, missing),
    ...(short
      ? []
      : [atMost('share of windows in which the generator was late', LATE_SHARE_MAX, late / samples.length)]),
  ]
}

const HEAP_SLICES = 8
