// Servers raced over HTTP in interleaved rounds: each in turn under the same load, round after round, after a warm-up of each. What a
// request costs on the processor is counted beside what the clock says, since everything here shares one machine.
import { cpuMsBetween, cpuTimes } from './child-process.ts'
import type { LoadDriver, LoadResult, Shot } from './load.ts'
import { type Figure, figure, printed } from './rounds.ts'

export interface Contender {
  readonly shot: Shot
  /** Its processes by name. */
  readonly pids: Readonly<Record<string, number>>
}

export interface Race {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

export interface Figures {
  readonly requests_per_second: Figure
  readonly p50_ms: Figure
  readonly p99_ms: Figure
  /** Processor time of a request, microseconds, of all its processes together, and of each; NaN where the platform does not tell. */
  readonly cpu_us: Figure
  readonly cpu_us_of: Readonly<Record<string, Figure>>
  /** Answered in the measured rounds. */
  readonly answered: number
}

interface Round extends LoadResult {
  readonly cpuUs: Readonly<Record<string, number>>
}

/** @returns the figures of each, over its rounds */
export async function race<Name extends string>(
  driver: LoadDriver,
  contenders: Readonly<Record<Name, Contender>>,
  { connections, rounds, seconds, warmUpSeconds }: Race,
): Promise<Record<Name, Figures>> {
  const names = Object.keys(contenders) as Name[]
  const results = Object.fromEntries(names.map((name) => [name, [] as Round[]])) as Record<Name, Round[]>
  if (warmUpSeconds > 0) {
    for (const name of names) await driver.run(contenders[name].shot, connections, warmUpSeconds)
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      const { shot, pids } = contenders[name]
      const before = Object.entries(pids).map(([process, pid]) => ({ process, pid, times: cpuTimes(pid) }))
      const result = await driver.run(shot, connections, seconds)
      const used = before.map(({ process, pid, times }) => [
        process,
        (cpuMsBetween(times, cpuTimes(pid)) * 1_000) / result.requests,
      ])
      results[name].push({ ...result, cpuUs: Object.fromEntries(used) })
    }
  }
  return Object.fromEntries(names.map((name) => [name, figuresOf(results[name])])) as Record<Name, Figures>
}

function figuresOf(rounds: readonly Round[]): Figures {
  const processes = Object.keys(rounds[0]?.cpuUs ?? {})
  const together = (round: Round) => Object.values(round.cpuUs).reduce((sum, us) => sum + us, 0)
  return {
    requests_per_second: figure(rounds.map((round) => round.requestsPerSecond)),
    p50_ms: figure(rounds.map((round) => round.p50Ms)),
    p99_ms: figure(rounds.map((round) => round.p99Ms)),
    cpu_us: figure(rounds.map(together)),
    cpu_us_of: Object.fromEntries(
      processes.map((process) => [process, figure(rounds.map((round) => round.cpuUs[process] ?? Number.NaN))]),
    ),
    answered: rounds.reduce((sum, round) => sum + round.requests, 0),
  }
}

/** Lines for a person. @param name in front of the first, in a column of `width` */
export function printFigures(name: string, figures: Figures, width: number): void {
  const { requests_per_second, p50_ms, p99_ms, cpu_us, cpu_us_of } = figures
  const of = Object.entries(cpu_us_of)
  const times = `p50 ${printed(p50_ms, 2)} ms, p99 ${printed(p99_ms, 2)} ms`
  console.log(`  ${name.padEnd(width)} ${printed(requests_per_second)} requests/s`)
  console.log(`  ${''.padEnd(width)} ${times}`)
  if (Number.isNaN(cpu_us.median)) return
  const parts = of.length > 1 ? `: ${of.map(([process, us]) => `${process} ${us.median.toFixed(0)}`).join(', ')}` : ''
  console.log(`  ${''.padEnd(width)} ${printed(cpu_us)} us of its processes' time a request${parts}`)
}
