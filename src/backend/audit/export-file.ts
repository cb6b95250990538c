// The form of an export: lines of JSON, which the chain's own texts can be made from again. A header that says what is in it and from
// which signed head it goes on, then records in the order of the chain with the signed head behind each batch, and a trailer
// that shows whether the file is whole. docs/audit.md shows one and how to check it without this program.
//
// A line is written in one way only, and one that is written in another is refused when it is read: no second member of a name, no
// spaces, no other order. So two programs that read a line cannot see two things in it.
import { createHash } from 'node:crypto'
import type { Link } from './check-chain.ts'
import type { ChainRow } from './hash-chain.ts'
import type { SignedHead } from './heads.ts'

export const EXPORT_FORMAT = 'borrow-rate-engine audit export'
export const EXPORT_VERSION = 1

export interface ExportHeader {
  /** Of the records that were asked for; what is in the file is widened to whole batches. Null: open, or asked for by places. */
  readonly from: Date | null
  readonly to: Date | null
  readonly exportedAt: Date
  /** The head that the first record follows; null: it is the first of all. */
  readonly anchor: SignedHead | null
}

export interface ExportTrailer {
  readonly records: number
  /** Records of the range that had no place in the chain yet, and are not in the file. */
  readonly unsealed: number
  /** See {@link linesSeen}. */
  readonly sha256: string
}

export type ExportLine =
  | { readonly type: 'header'; readonly header: ExportHeader }
  | { readonly type: 'record'; readonly link: Link }
  | { readonly type: 'head'; readonly head: SignedHead }
  | { readonly type: 'trailer'; readonly trailer: ExportTrailer }

/** A line without its end. */
export function writeLine(line: ExportLine): string {
  switch (line.type) {
    case 'header': {
      const { from, to, exportedAt, anchor } = line.header
      return JSON.stringify({
        type: 'header',
        format: EXPORT_FORMAT,
        version: EXPORT_VERSION,
        from: from?.toISOString() ?? null,
        to: to?.toISOString() ?? null,
        exported_at: exportedAt.toISOString(),
        anchor: anchor === null ? null : headJson(anchor),
      })
    }
    case 'record': {
      const { auditId, sequence, prevHash, hash, sealedAt, row } = line.link
      return JSON.stringify({
        type: 'record',
        sequence,
        prev_hash: prevHash.toString('hex'),
        hash: hash.toString('hex'),
        sealed_at: sealedAt,
        ...(row === null ? { gone: auditId } : { row: rowJson(row) }),
      })
    }
    case 'head':
      return JSON.stringify({ type: 'head', ...headJson(line.head) })
    case 'trailer': {
      const { records, unsealed, sha256 } = line.trailer
      return JSON.stringify({ type: 'trailer', records, unsealed, sha256 })
    }
  }
}

/** @returns null when it is no line that {@link writeLine} writes */
export function readLine(text: string): ExportLine | null {
  try {
    const line = lineOf(JSON.parse(text))
    return line !== null && writeLine(line) === text ? line : null
  } catch {
    return null // no JSON, or a date or number that is none
  }
}

/** A head as a text of its own: what is put into locked storage under `heads/`. */
export function writeHead(head: SignedHead): string {
  return `${JSON.stringify(headJson(head))}\n`
}

/** @returns null when it is no text that {@link writeHead} writes */
export function readHeadText(text: string): SignedHead | null {
  try {
    const head = headOf(JSON.parse(text))
    return head !== null && writeHead(head) === text ? head : null
  } catch {
    return null
  }
}

/** Sums up the lines that are written or read. */
export interface LinesSeen {
  add(line: string): void
  /**
   * The last that is asked.
   * @returns of every line before the trailer and of the trailer without its checksum, each with its line feed: 64 hex digits
   */
  sha256(trailer: Omit<ExportTrailer, 'sha256'>): string
}

export function linesSeen(): LinesSeen {
  const hash = createHash('sha256')
  const add = (line: string) => void hash.update(`${line}\n`)
  return {
    add,
    sha256({ records, unsealed }) {
      add(JSON.stringify({ type: 'trailer', records, unsealed }))
      return hash.digest('hex')
    },
  }
}

type Json = Readonly<Record<string, unknown>>

// What is read here is judged by writing it again: a member that is missing or of another kind makes another text, or none.
function lineOf(json: Json): ExportLine | null {
  switch (json.type) {
    case 'header': {
      const anchor = json.anchor === null ? null : headOf(json.anchor as Json)
      const header = {
        from: dateOrNull(json.from),
        to: dateOrNull(json.to),
        exportedAt: date(json.exported_at),
        anchor,
      }
      return { type: 'header', header }
    }
    case 'record': {
      const row = json.row === undefined ? null : rowJson(json.row as ChainRow)
      const link = {
        auditId: text(row === null ? json.gone : row.audit_id),
        sequence: place(json.sequence),
        prevHash: hash(json.prev_hash),
        hash: hash(json.hash),
        sealedAt: text(json.sealed_at),
        row,
      }
      return { type: 'record', link }
    }
    case 'head':
      return { type: 'head', head: headOf(json) }
    case 'trailer':
      return {
        type: 'trailer',
        trailer: { records: Number(json.records), unsealed: Number(json.unsealed), sha256: text(json.sha256) },
      }
    default:
      return null
  }
}

/** In the order of the table. */
function rowJson(row: ChainRow): ChainRow {
  return {
    audit_id: row.audit_id,
    record_type: row.record_type,
    schema_version: row.schema_version,
    occurred_at: row.occurred_at,
    recorded_at: row.recorded_at,
    client_id: row.client_id,
    ticker: row.ticker,
    position_value: row.position_value,
    borrow_rate: row.borrow_rate,
    total_fee: row.total_fee,
    request_id: row.request_id,
    actor_id: row.actor_id,
    record: row.record,
  }
}

function headJson({ sequence, firstSequence, hash, signedAt, keyId, signature }: SignedHead) {
  return {
    sequence,
    first_sequence: firstSequence,
    hash: hash.toString('hex'),
    signed_at: signedAt.toISOString(),
    key_id: keyId,
    signature: signature.toString('base64'),
  }
}

function headOf(json: Json): SignedHead {
  return {
    sequence: place(json.sequence),
    firstSequence: place(json.first_sequence),
    hash: hash(json.hash),
    signedAt: date(json.signed_at),
    keyId: text(json.key_id),
    signature: Buffer.from(text(json.signature), 'base64'),
  }
}

function refuse(): never {
  throw new TypeError('this is no line of an export')
}

const text = (json: unknown): string => (typeof json === 'string' ? json : refuse())
const place = (json: unknown): number => (Number.isSafeInteger(json) && Number(json) > 0 ? Number(json) : refuse())
const hash = (json: unknown): Buffer => (/^[0-9a-f]{64}$/.test(text(json)) ? Buffer.from(text(json), 'hex') : refuse())
const date = (json: unknown): Date => new Date(text(json))
const dateOrNull = (json: unknown): Date | null => (json === null ? null : date(json))
