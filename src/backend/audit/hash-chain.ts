// The chain's arithmetic: what exactly is hashed and what exactly is signed. Pure, and the same for the sealer, for whoever verifies
// the database, and for whoever verifies an export years later with nothing but the file and the public key. What stands here
// is never changed: another form would be another number in the first line of each text. docs/audit.md says it in words.
import { createHash, type Hash, hash as hashOf } from 'node:crypto'
import type { AuditRow } from './quote-record.ts'

/** A record as the chain reads it: all its columns, as texts, exactly as the database gives them (`STORED_COLUMNS`). */
export interface ChainRow extends AuditRow {
  /** By the database's clock. ISO 8601, UTC, to the microsecond, as occurred_at. */
  readonly recorded_at: string
}

/** A record's place in the chain. */
export interface Seal {
  /** From 1, without gaps. */
  readonly sequence: number
  /** Hash of the record one place before, 32 bytes; zeros before the first. */
  readonly prevHash: Buffer
  readonly hash: Buffer
}

/** The end of the chain after a batch. */
export interface Head {
  /** The last record of the batch. */
  readonly sequence: number
  /** The first record of the batch. */
  readonly firstSequence: number
  /** Of the last record, 32 bytes. */
  readonly hash: Uint8Array
  /** Whole milliseconds. */
  readonly signedAt: Date
}

/** Where the chain resumes after a month was detached. */
export interface Checkpoint {
  /** Everything at or below it lies in locked storage. */
  readonly sequence: number
  /** Of the record at `sequence`, 32 bytes. */
  readonly hash: Uint8Array
  /** First day of the detached month, `YYYY-MM-DD`. */
  readonly month: string
  /** What is still in the database at or below `sequence`: {@link keptDigest}. */
  readonly keptDigest: Uint8Array
  /** Whole milliseconds. */
  readonly signedAt: Date
}

/** What stands before the first record of all. */
export const NO_HASH: Uint8Array = Buffer.alloc(32)

/** A record as it is hashed: its columns, and in the place of its text the SHA-256 of that. */
export interface HashedRow extends Omit<ChainRow, 'record'> {
  /** Of the text's UTF-8, 64 hex digits. */
  readonly record_sha256: string
}

/** @returns the row with the digest of its text */
export function hashedRow({ record, ...columns }: ChainRow): HashedRow {
  return { ...columns, record_sha256: hashOf('sha256', record, 'hex') }
}

/** The one text that a record's row makes: a JSON array of its columns in the table's order, the last of them by its digest. */
export function canonicalText(row: HashedRow): string {
  return JSON.stringify([
    row.audit_id,
    row.record_type,
    row.schema_version,
    row.occurred_at,
    row.recorded_at,
    row.client_id,
    row.ticker,
    row.position_value,
    row.borrow_rate,
    row.total_fee,
    row.request_id,
    row.actor_id,
    row.record_sha256,
  ])
}

/**
 * SHA-256 over the record, its place, and through `prevHash` over every record before it.
 * @param prevHash 32 bytes
 */
export function recordHash(prevHash: Uint8Array, sequence: number, row: ChainRow): Buffer {
  return rowHash(prevHash, sequence, hashedRow(row))
}

/** The same of a row whose text was digested where it lies. */
export function rowHash(prevHash: Uint8Array, sequence: number, row: HashedRow): Buffer {
  return hashOf('sha256', `borrow-rate-engine record 1\n${hex(prevHash)}\n${sequence}\n${canonicalText(row)}`, 'buffer')
}

/** What is signed of a head. */
export function headText({ sequence, firstSequence, hash, signedAt }: Head): string {
  return `borrow-rate-engine head 1\n${sequence}\n${firstSequence}\n${hex(hash)}\n${signedAt.toISOString()}`
}

/** What is signed of a checkpoint. */
export function checkpointText({ sequence, hash, month, keptDigest, signedAt }: Checkpoint): string {
  return `borrow-rate-engine checkpoint 1\n${sequence}\n${hex(hash)}\n${month}\n${hex(keptDigest)}\n${signedAt.toISOString()}`
}

/** SHA-256 over a line for each record, `sequence hash\n` with the hash in hex; records are given in the order of their sequence. */
export function keptDigest(): { add(seal: Pick<Seal, 'sequence' | 'hash'>): void; digest(): Buffer } {
  const hash: Hash = createHash('sha256')
  return {
    add: (seal) => void hash.update(`${seal.sequence} ${hex(seal.hash)}\n`),
    digest: () => hash.digest(),
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
