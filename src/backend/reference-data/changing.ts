// What every change of reference data has in common: who makes it, and what the writer has seen. Two people who change the same thing
// never overwrite each other without knowing: a writer names the version it read, and another version is a refusal.
import type { Operator } from '../audit/change-record.ts'
import type { Actor } from '../audit/quote-record.ts'
import { Problem } from '../server/problem.ts'

/** Who changes something, and when. */
export interface ChangedBy {
  readonly actor: Actor | Operator
  readonly at: Date
}

/**
 * What the writer expects to find: a version it has read, any version (`*`), that there is none yet (`If-None-Match: *`), or null
 * when it does not say.
 */
export type Expected = number | 'any' | 'none' | null

/**
 * @param version of what is there; null when there is nothing
 * @param what for the sentence: `The broker`
 * @throws Problem PRECONDITION_REQUIRED when something is there and the writer does not say what it has seen; PRECONDITION_FAILED
 *   when what is there is not what the writer expects
 */
export function requireExpected(version: number | null, expected: Expected, what: string): void {
  if (version === null) {
    if (expected === null || expected === 'none') return
    throw new Problem('PRECONDITION_FAILED', `${what} does not exist`)
  }
  if (expected === null) {
    throw new Problem(
      'PRECONDITION_REQUIRED',
      `${what} exists: send If-Match with the ETag of the version you have read`,
    )
  }
  if (expected === 'none') throw new Problem('PRECONDITION_FAILED', `${what} exists already`)
  if (expected !== 'any' && expected !== version) {
    throw new Problem('PRECONDITION_FAILED', `${what} was changed since it was read`)
  }
}
