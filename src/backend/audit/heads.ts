// The signed heads of the chain, as they stand in the database.
import type { Queryable } from '../database/connect.ts'
import { type Head, headText } from './hash-chain.ts'
import type { TrustedKeys } from './signing-key.ts'

export interface SignedHead extends Head {
  readonly hash: Buffer
  readonly keyId: string
  readonly signature: Buffer
}

/** What {@link readHead} reads. */
export const HEAD_COLUMNS = 'sequence, first_sequence, hash, signed_at, key_id, signature'

export interface HeadRow {
  readonly sequence: string
  readonly first_sequence: string
  readonly hash: Buffer
  readonly signed_at: Date
  readonly key_id: string
  readonly signature: Buffer
}

export function readHead(row: HeadRow): SignedHead {
  return {
    sequence: Number(row.sequence),
    firstSequence: Number(row.first_sequence),
    hash: row.hash,
    signedAt: row.signed_at,
    keyId: row.key_id,
    signature: row.signature,
  }
}

/** @returns the head with the highest sequence, signed by whomever; null when nothing was sealed yet */
export async function newestHead(database: Queryable): Promise<SignedHead | null> {
  const { rows } = await database.query<HeadRow>(
    `select ${HEAD_COLUMNS} from audit_heads order by sequence desc limit 1`,
  )
  return rows[0] === undefined ? null : readHead(rows[0])
}

/** Whether a trusted key signed exactly this head. */
export function isGenuine(head: SignedHead, trusted: TrustedKeys): boolean {
  return trusted.verify(head.keyId, headText(head), head.signature)
}
