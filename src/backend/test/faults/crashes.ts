// Processes that die by kill -9 while quotes flow, one after the other and one while another is still away, in an order that a seed
// gives: the services that make and seal records, the database server, and one of its processes in the middle of a commit.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { ServiceName } from '../../tools/local-cluster.ts'
import { asOwner } from '../postgres.ts'
import { randomFrom, shuffled } from '../random.ts'
import { until } from '../until.ts'
import type { Stage } from './stage.ts'
import { percentile, type SentQuote } from './traffic.ts'

export const VICTIMS = ['calculation-service', 'audit-service', 'PostgreSQL', 'a process of PostgreSQL'] as const
export type Victim = (typeof VICTIMS)[number]

export interface PlannedCrash {
  readonly victim: Victim
  /** After the kill before it. */
  readonly pauseMs: number
  /** Between its death and the moment it is started again. A process of PostgreSQL is replaced by the server itself, at once. */
  readonly awayMs: number
}

/** What happened, by performance.now(). */
export interface Crash {
  readonly victim: Victim
  readonly killedAt: number
  readonly calledBackAt: number
  /** When it was healthy, or took statements, again. */
  readonly thereAt: number
}

type Range = readonly [min: number, max: number]

/** The same seed gives the same crashes. */
export function plannedCrashes(
  seed: number,
  how: { readonly times: Readonly<Record<Victim, number>>; readonly pauseMs: Range; readonly awayMs: Range },
): PlannedCrash[] {
  const random = randomFrom(seed)
  const within = ([min, max]: Range) => Math.round(min + random() * (max - min))
  const each = VICTIMS.flatMap((victim) => Array.from({ length: how.times[victim] }, () => victim))
  return shuffled(each, random).map((victim) => ({ victim, pauseMs: within(how.pauseMs), awayMs: within(how.awayMs) }))
}

/**
 * Lets it happen. A victim that is still away when its turn comes again is waited for; one does not wait for another.
 * @returns the crashes in the order of the kills, once all are there again
 */
export async function crashed(stage: Stage, plan: readonly PlannedCrash[]): Promise<Crash[]> {
  const deaths: Promise<Crash>[] = []
  const lastOf = new Map<string, Promise<unknown>>()
  for (const { victim, pauseMs, awayMs } of plan) {
    await sleep(pauseMs)
    // The server and a process of it are one.
    const whole = victim === 'a process of PostgreSQL' ? 'PostgreSQL' : victim
    await lastOf.get(whole)
    const death = died(stage, victim, awayMs)
    lastOf.set(whole, death)
    deaths.push(death)
  }
  return Promise.all(deaths)
}

async function died(stage: Stage, victim: Victim, awayMs: number): Promise<Crash> {
  const { postgres } = stage
  const killedAt = performance.now()
  if (victim === 'a process of PostgreSQL') {
    await committingProcessKilled(stage)
    await until('PostgreSQL takes statements again', SELF_RECOVERY_MS_MAX, () => isAnswering(postgres.url))
    return { victim, killedAt, calledBackAt: killedAt, thereAt: performance.now() }
  }
  await (victim === 'PostgreSQL' ? postgres.kill('SIGKILL') : stage.services.kill(victim, 'SIGKILL'))
  await sleep(awayMs)
  const calledBackAt = performance.now()
  await (victim === 'PostgreSQL' ? postgres.start() : stage.services.restart(victim satisfies ServiceName))
  return { victim, killedAt, calledBackAt, thereAt: performance.now() }
}

const SELF_RECOVERY_MS_MAX = 20_000
const PROCESS_FOUND_MS_MAX = 20_000

/** One that keeps records is killed, best in the middle of it. @returns when the server has noticed, and cut everybody off */
async function committingProcessKilled({ postgres }: Stage): Promise<void> {
  const witness = new pg.Client({ connectionString: postgres.url })
  const cutOff = new Promise<void>((resolve) => witness.once('end', () => resolve()))
  witness.on('error', () => {})
  await witness.connect()
  await until('a process keeps records', PROCESS_FOUND_MS_MAX, async () => {
    const { rows } = await witness.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'audit log' order by (state = 'active') desc limit 1`,
    )
    if (rows[0] === undefined) return false
    process.kill(rows[0].pid, 'SIGKILL')
    return true
  })
  await cutOff
}

function isAnswering(url: string): Promise<boolean> {
  return asOwner(url, (owner) => owner.query('select')).then(
    () => true,
    () => false,
  )
}

// ---- what they did to quotes

/** Without one of these no price is made; nobody waits for the audit service. */
const NEEDED: ReadonlySet<Victim> = new Set(VICTIMS.filter((victim) => victim !== 'audit-service'))

/** Quotes without a price although nothing they need was away while they were under way, nor shortly before. */
export function failuresWithoutCause(
  quotes: readonly SentQuote[],
  crashes: readonly Crash[],
  recoveryMsMax: number,
): SentQuote[] {
  const troubles = crashes.filter(({ victim }) => NEEDED.has(victim))
  return quotes.filter(
    ({ status, sentAt, tookMs }) =>
      status !== 200 &&
      !troubles.some(({ killedAt, thereAt }) => sentAt + tookMs >= killedAt && sentAt <= thereAt + recoveryMsMax),
  )
}

/** Milliseconds from when it was called back to the first price of a quote that was sent after that. */
function firstPriceMs({ calledBackAt }: Crash, quotes: readonly SentQuote[]): number {
  const priced = quotes.filter(({ status, sentAt }) => status === 200 && sentAt >= calledBackAt)
  return Math.min(...priced.map(({ sentAt, tookMs }) => sentAt + tookMs)) - calledBackAt
}

/** Milliseconds from when it was there again to the next signed head; null: none came, as there was nothing more to seal. */
function sealedAgainMs({ thereAt }: Crash, headsAt: readonly number[]): number | null {
  const next = headsAt.find((at) => at >= thereAt)
  return next === undefined ? null : next - thereAt
}

/**
 * Lines for a person: each kill, and each kind of victim with the times in which it was there again.
 * @param headsAt when heads were signed, by performance.now(), rising
 */
export function crashReport(
  crashes: readonly Crash[],
  quotes: readonly SentQuote[],
  headsAt: readonly number[],
): string[] {
  const start = Math.min(...quotes.map(({ sentAt }) => sentAt))
  const ms = (value: number | null) => (value === null ? 'never' : `${value.toFixed(0)} ms`)
  const lines = crashes.map((crash, index) => {
    const { victim, killedAt, calledBackAt, thereAt } = crash
    const refused = quotes.filter(
      ({ status, sentAt, tookMs }) => status !== 200 && sentAt + tookMs >= killedAt && sentAt <= thereAt,
    )
    return [
      `${String(index + 1).padStart(2)}. ${((killedAt - start) / 1000).toFixed(1).padStart(5)} s  ${victim}`.padEnd(40),
      `called back after ${ms(calledBackAt - killedAt)}, there ${ms(thereAt - calledBackAt)} later,`,
      `a price ${ms(firstPriceMs(crash, quotes))} after the call, a seal ${ms(sealedAgainMs(crash, headsAt))} after it was there;`,
      `${refused.length} without a price meanwhile`,
    ].join(' ')
  })
  const kinds = VICTIMS.map((victim) => {
    const of = crashes.filter((crash) => crash.victim === victim)
    const times = (timeOf: (crash: Crash) => number | null) => {
      const values = of.map(timeOf).filter((value) => value !== null)
      return `median ${ms(percentile(values, 0.5))}, at most ${ms(Math.max(...values))}`
    }
    return [
      `${of.length} x kill -9 of ${victim}:`,
      `there again in ${times(({ calledBackAt, thereAt }) => thereAt - calledBackAt)};`,
      `a price in ${times((crash) => firstPriceMs(crash, quotes))};`,
      `then a seal in ${times((crash) => sealedAgainMs(crash, headsAt))}`,
    ].join(' ')
  })
  return [...lines, ...kinds]
}
