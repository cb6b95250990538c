// Puts the newest head of the chain where the database's owner cannot reach it. Whoever owns a database can cut off the end of the log,
// and heads with it, or with the signing key write all of it anew; a head that lies elsewhere shows it. Each is a small file in
// locked storage, and a line in the log, which goes elsewhere too.
//
// The files are named so that the newest comes first in the storage's order: reading it back is one look, however many there are. Any
// number of services may export: they put the same bytes under the same name.
import type { Queryable } from '../database/connect.ts'
import type { Clock } from '../server/uuidv7.ts'
import { headOver } from './chain-reads.ts'
import { checkSignature } from './check-chain.ts'
import { readHeadText, writeHead } from './export-file.ts'
import { newestHead, type SignedHead } from './heads.ts'
import type { LockedStorage } from './locked-storage.ts'
import type { TrustedKeys } from './signing-key.ts'

export interface HeadExportOptions {
  /** The database itself, not a replica. */
  readonly database: Queryable
  readonly storage: LockedStorage
  readonly trusted: TrustedKeys
  readonly clock: Clock
  readonly everyMs: number
  /** How long a head is locked: as long as the records under it are kept. */
  readonly retentionYears: number
  /** Told of each head that was exported, for the log. */
  readonly onExported?: (head: SignedHead) => void
  /** A head could not be exported, or must not be. Told of the first of several in a row with the same words. */
  readonly onTrouble?: (sentence: string) => void
}

export interface HeadExportStats {
  readonly exported: number
  readonly failures: number
  /** Of the newest head that lies in storage, as far as is known. */
  readonly sequence: number | null
  readonly exportedAt: Date | null
  /** Null: all is well. */
  readonly trouble: string | null
}

export interface HeadExport {
  stats(): HeadExportStats
  /**
   * Exports the newest head now, when it is new.
   * @returns what lies newest in storage then
   * @throws Error when it is not one to export, or the database or the storage is away
   */
  exportNow(): Promise<SignedHead | null>
  /** Resolves when what is under way is done. */
  close(): Promise<void>
}

const FOLDER = 'heads/'
/** Above every sequence: what is left to it falls as sequences rise. */
const SEQUENCE_END = Number.MAX_SAFE_INTEGER
const SEQUENCE_DIGITS = 16
/** Files that are no genuine head, of which so many are passed over. */
const FALSE_HEADS_MAX = 1_000
const HEAD_BYTES_MAX = 10_000

/** Starts exporting; the first time at once. */
export function headExport(options: HeadExportOptions): HeadExport {
  const { database, storage, trusted, clock, everyMs, retentionYears, onExported, onTrouble } = options
  const readBack = exportedHead(storage, trusted)
  const count = { exported: 0, failures: 0 }
  let newest: SignedHead | null | undefined
  let exportedAt: Date | null = null
  let trouble: string | null = null
  let closed = false

  async function exportNew(): Promise<SignedHead | null> {
    newest ??= await readBack()
    const head = await newestHead(database)
    if (head === null || head.sequence < (newest?.sequence ?? 0)) {
      if (newest === null) return null
      throw new Error(
        `the chain ends at ${head?.sequence ?? 0}, and the head at ${newest.sequence} was exported: its end was cut off`,
      )
    }
    // The chain must lead through what was exported before: else a new head would hide that the one before it is gone.
    const known = newest === null ? null : await headOver(database, newest.sequence)
    if (newest !== null && !(known?.sequence === newest.sequence && known.hash.equals(newest.hash))) {
      throw new Error(
        `the head at ${newest.sequence} was exported, and the chain has another there: its end was cut off and written anew, or all of it was`,
      )
    }
    if (head.sequence === newest?.sequence) return newest
    const bad = checkSignature(head, trusted)
    if (bad !== null) throw new Error(`${bad.sentence}: it is not exported`)
    const retainUntil = clock()
    retainUntil.setUTCFullYear(retainUntil.getUTCFullYear() + retentionYears)
    await storage.put(
      nameOf(head.sequence),
      (async function* () {
        yield writeHead(head)
      })(),
      { retainUntil },
    )
    newest = head
    exportedAt = clock()
    count.exported += 1
    onExported?.(head)
    return head
  }

  let underWay: Promise<unknown> = Promise.resolve()
  function inTurn(): Promise<SignedHead | null> {
    const turn = underWay.then(async () => {
      try {
        const head = await exportNew()
        trouble = null
        return head
      } catch (error) {
        const { message } = error as Error
        count.failures += 1
        if (trouble !== message) onTrouble?.(message)
        trouble = message
        throw error
      }
    })
    underWay = turn.catch(() => {})
    return turn
  }

  let timer: NodeJS.Timeout | undefined
  const tick = () => {
    inTurn()
      .catch(() => {})
      .finally(() => {
        if (!closed) timer = setTimeout(tick, everyMs)
      })
  }
  tick()

  return {
    stats: () => ({ ...count, sequence: newest?.sequence ?? null, exportedAt, trouble }),
    exportNow: inTurn,
    async close() {
      closed = true
      clearTimeout(timer)
      await underWay
    },
  }
}

/**
 * The function that reads back the newest head in storage; null when none lies there. Files that are no head, or that no trusted key
 * signed, are passed over: adding something is all that a stranger can do there, and it must not hide what is true.
 */
export function exportedHead(storage: LockedStorage, trusted: TrustedKeys): () => Promise<SignedHead | null> {
  return async () => {
    let passedOver = 0
    for await (const name of storage.list(FOLDER)) {
      const head = readHeadText(await textOf(storage, name))
      if (head !== null && name === nameOf(head.sequence) && checkSignature(head, trusted) === null) return head
      passedOver += 1
      if (passedOver > FALSE_HEADS_MAX)
        throw new Error(`${FALSE_HEADS_MAX} files in ${storage.describe()}${FOLDER} are no heads`)
    }
    return null
  }
}

function nameOf(sequence: number): string {
  return `${FOLDER}${String(SEQUENCE_END - sequence).padStart(SEQUENCE_DIGITS, '0')}-${sequence}.json`
}

async function textOf(storage: LockedStorage, name: string): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of storage.get(name)) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > HEAD_BYTES_MAX) break
  }
  return Buffer.concat(pieces).toString('utf8')
}
