// What a check is, and how checks are run: each asks a running engine for something and looks at what comes. A check that does not see
// what it expects says what it saw instead.
import { BorrowRateError } from '../../../client/borrow-rate-error.ts'
import type { Engine, KeyKind } from './engine.ts'

export interface Check {
  /** Which subset it belongs to. */
  readonly group: string
  /** A sentence that is true of an engine that works. */
  readonly name: string
  /** What is looked for, for the report. */
  readonly expected: string
  /** Keys that it asks with; without one of them it is skipped. */
  readonly keys?: readonly KeyKind[]
  /** It changes what an administrator keeps. A quote on the record is no such change. */
  readonly changesData?: true
  /** What it does not see is worth a look, and no reason to take a deployment back. */
  readonly advisory?: true
  /** It mostly waits, for so long at most: the others run meanwhile. */
  readonly waitsMs?: number
  /** @returns what was seen, where that is worth a word. Throws Unexpected when it is not what was expected. */
  readonly run: (engine: Engine) => Promise<string | undefined>
}

export type Outcome = 'ok' | 'failed' | 'warning' | 'skipped'

export interface Result {
  readonly group: string
  readonly name: string
  readonly expected: string
  readonly outcome: Outcome
  /** What was seen, or why it was skipped; empty where nothing needs to be said. */
  readonly seen: string
  readonly ms: number
}

/** Something else came than was expected. The message says what. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected'
}

/** The engine does not offer what would be checked. The message says why. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered'
}

/** @throws Unexpected with what was seen, unless `holds` */
export function expectThat(holds: boolean, seen: string | (() => string)): asserts holds {
  if (!holds) throw new Unexpected(typeof seen === 'string' ? seen : seen())
}

export interface RunOptions {
  /** For one check. */
  readonly timeoutMs: number
  /** False: checks that change data are skipped, with this reason. */
  readonly changesRefused: string | null
  /** Told of each result as it comes. */
  readonly onResult: (result: Result) => void
}

/**
 * Runs all checks, one after the other, those that mostly wait beside them. When the first one finds nobody at the address the others are not
 * run.
 */
export async function runChecks(checks: readonly Check[], engine: Engine, options: RunOptions): Promise<Result[]> {
  const results: Result[] = []
  const keep = (result: Result) => {
    results.push(result)
    options.onResult(result)
  }
  const [first, ...others] = checks
  if (first === undefined) return results
  const alive = await runOne(first, engine, options)
  keep(alive)
  if (alive.outcome === 'failed' && !(await engine.isThere())) {
    for (const check of others) keep(skipped(check, 'nobody answers at the address'))
    return results
  }
  const waiting = others.filter((check) => check.waitsMs !== undefined).map((check) => runOne(check, engine, options))
  for (const check of others.filter((check) => check.waitsMs === undefined)) keep(await runOne(check, engine, options))
  for (const result of waiting) keep(await result)
  return results
}

async function runOne(check: Check, engine: Engine, options: RunOptions): Promise<Result> {
  const missing = (check.keys ?? []).filter((kind) => !engine.hasKey(kind))
  if (missing.length > 0) return skipped(check, `no ${missing.join(' and no ')} key was given`)
  if (check.changesData && options.changesRefused !== null) return skipped(check, options.changesRefused)
  const startedAt = performance.now()
  const { group, name, expected } = check
  const result = (outcome: Outcome, seen: string): Result => ({
    group,
    name,
    expected,
    outcome,
    seen,
    ms: Math.round(performance.now() - startedAt),
  })
  try {
    return result('ok', (await inTime(check.run(engine), options.timeoutMs + (check.waitsMs ?? 0))) ?? '')
  } catch (error) {
    if (error instanceof NotOffered) return result('skipped', error.message)
    return result(check.advisory ? 'warning' : 'failed', seenIn(error))
  }
}

function skipped({ group, name, expected }: Check, seen: string): Result {
  return { group, name, expected, outcome: 'skipped', seen, ms: 0 }
}

/** A refusal of the engine is shown as one; anything else in its own words. */
function seenIn(error: unknown): string {
  if (error instanceof BorrowRateError && error.status > 0) {
    const request = error.requestId === null ? '' : ` (request ${error.requestId})`
    return `HTTP ${error.status} ${error.code}: ${error.message}${request}`
  }
  return error instanceof Error ? error.message : String(error)
}

async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Unexpected(`nothing within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
