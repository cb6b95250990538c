// Things that several people change. Whoever changes one says which version was read; who comes second is told, and reads again.
import { BorrowRateError } from './borrow-rate-error.ts'
import type { Answered } from './connection.ts'

/** A thing as it was read, with what names its version. `etag` stands in the answer's header, all else in its body. */
export type Versioned<T> = T & { readonly etag: string }

/** How often a change is made again on what somebody else made of it meanwhile. */
const UPDATE_TRIES_MAX = 5
const PRECONDITION_FAILED = 412

export function versioned<T extends object>({ answer, headers }: Answered<T>): Versioned<T> {
  return { ...answer, etag: headers.get('etag') ?? '' }
}

/** The header of a change that is only made when nobody else changed it since. */
export function ifMatch(etag: string): Readonly<Record<string, string>> {
  return { 'if-match': etag }
}

/** The header of a change that is only made when there is none yet. */
export const IF_NONE: Readonly<Record<string, string>> = { 'if-none-match': '*' }

/**
 * Reads, changes, writes; when somebody else was faster, again from what they wrote.
 * @param change may be called more than once, each time with what was just read
 */
export async function updated<Read extends { readonly etag: string }, Fields, Written>(
  read: () => Promise<Read>,
  change: (current: Read) => Fields | Promise<Fields>,
  write: (fields: Fields, etag: string) => Promise<Written>,
): Promise<Written> {
  for (let tries = 1; ; tries += 1) {
    const current = await read()
    const fields = await change(current)
    try {
      return await write(fields, current.etag)
    } catch (error) {
      const overtaken = error instanceof BorrowRateError && error.status === PRECONDITION_FAILED
      if (!overtaken || tries >= UPDATE_TRIES_MAX) throw error
    }
  }
}
