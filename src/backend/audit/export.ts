// Writes a stretch of the chain as an export file: records, seals and signed heads as they stand in the database, right or wrong. Nothing
// is checked and nothing is mended here, so that what is damaged is kept as evidence; whoever reads the file checks it.
import type { Queryable } from '../database/connect.ts'
import type { Clock } from '../server/uuidv7.ts'
import { chainPages, headBefore, newestCheckpoint, unsealedIn } from './chain-reads.ts'
import { type Stretch, stretchOf } from './chain-stretch.ts'
import { type ExportHeader, type ExportLine, linesSeen, writeLine } from './export-file.ts'
import { newestHead } from './heads.ts'

export interface ExportOptions {
  /** The database itself, not a replica. */
  readonly database: Queryable
  readonly clock: Clock
}

/** A range of the times in audit_ids: `from` inclusive, `to` exclusive. */
export interface ExportRange {
  readonly from: Date
  readonly to: Date
}

/** Lines in one piece of text. */
const PIECE_LINES = 100

/**
 * The records of a range, widened to whole batches so that the file begins behind a signed head and ends with one, in pieces of whole
 * lines. Records at or below the newest checkpoint are not in it: they lie in locked storage already, also where a legal hold or
 * a later month keeps them in the database.
 * It throws the signal's reason when it is aborted, and what the database throws.
 */
export function exportRecords(
  options: ExportOptions,
): (range: ExportRange, signal: AbortSignal) => AsyncIterable<string> {
  const { database, clock } = options
  return async function* exported(range, signal) {
    const checkpoint = await newestCheckpoint(database)
    const stretch = await stretchOf(database, range, checkpoint, await newestHead(database), signal)
    const header = { ...range, exportedAt: clock(), anchor: await anchorOf(database, stretch) }
    yield* fileOf(database, stretch, header, () => unsealedIn(database, range, signal), signal)
  }
}

/**
 * The records of a range of places, both ends inclusive: `first` follows a head, and `last` is one's. Otherwise as {@link exportRecords}.
 */
export function exportPlaces(
  options: ExportOptions,
): (places: { readonly first: number; readonly last: number }, signal: AbortSignal) => AsyncIterable<string> {
  const { database, clock } = options
  return async function* exported({ first, last }, signal) {
    const stretch = { anchor: { sequence: first - 1 }, upTo: last }
    const header = { from: null, to: null, exportedAt: clock(), anchor: await anchorOf(database, stretch) }
    yield* fileOf(database, stretch, header, async () => 0, signal)
  }
}

type Places = Pick<Stretch, 'upTo'> & { readonly anchor: Pick<Stretch['anchor'], 'sequence'> }

/** The head that ends where the stretch begins; null when there is none, which is right only at the start of the chain. */
async function anchorOf(database: Queryable, { anchor }: Places) {
  const head = await headBefore(database, anchor.sequence + 1)
  return head?.sequence === anchor.sequence ? head : null
}

async function* fileOf(
  database: Queryable,
  { anchor, upTo }: Places,
  header: ExportHeader,
  unsealed: () => Promise<number>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const seen = linesSeen()
  let records = 0
  let piece: string[] = []
  const add = (line: ExportLine) => {
    const text = writeLine(line)
    seen.add(text)
    piece.push(text)
  }
  const take = () => {
    const text = `${piece.join('\n')}\n`
    piece = []
    return text
  }
  add({ type: 'header', header })
  for await (const page of chainPages(database, anchor.sequence, upTo, signal)) {
    for (const item of page) {
      if ('link' in item) records += 1
      add('link' in item ? { type: 'record', link: item.link } : { type: 'head', head: item.head })
      if (piece.length >= PIECE_LINES) yield take()
    }
  }
  const counts = { records, unsealed: await unsealed() }
  piece.push(writeLine({ type: 'trailer', trailer: { ...counts, sha256: seen.sha256(counts) } }))
  yield take()
}
