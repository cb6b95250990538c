// A chain in memory, as the sealer leaves one in the database: for tests of what is pure.
import type { ChainItem } from '../audit/chain-reads.ts'
import type { Link } from '../audit/check-chain.ts'
import { type ExportLine, linesSeen, writeLine } from '../audit/export-file.ts'
import { type ChainRow, headText, NO_HASH, recordHash } from '../audit/hash-chain.ts'
import type { SignedHead } from '../audit/heads.ts'
import type { SigningKey } from '../audit/signing-key.ts'
import { auditRow } from './audit-rows.ts'

export const EPOCH = new Date(0)

/** A row as the database gives it. */
export function chainRow(different: Partial<ChainRow> = {}): ChainRow {
  const row = auditRow()
  const at = row.occurred_at.replace('Z', '000Z')
  return { ...row, occurred_at: at, recorded_at: at, ...different }
}

/** Records and heads in their order. @param sizes of the batches */
export function sealedChain(sizes: readonly number[], key: SigningKey): ChainItem[] {
  let sequence = 0
  let hash: Buffer = Buffer.from(NO_HASH)
  return sizes.flatMap((size, batch) => {
    const signedAt = new Date(Date.UTC(2026, 10, 24, 15, 0, batch))
    const firstSequence = sequence + 1
    const links = Array.from({ length: size }, () => {
      const prevHash = hash
      sequence += 1
      const row = chainRow({ request_id: `request-${sequence}` })
      hash = recordHash(prevHash, sequence, row)
      const sealedAt = signedAt.toISOString().replace('Z', '000Z')
      const link: Link = { auditId: row.audit_id, sequence, prevHash, hash, sealedAt, row }
      return { link }
    })
    return [...links, { head: signed({ sequence, firstSequence, hash, signedAt }, key) }]
  })
}

export function signed(head: Omit<SignedHead, 'keyId' | 'signature'>, key: SigningKey): SignedHead {
  return { ...head, keyId: key.keyId, signature: key.sign(headText(head)) }
}

/** The lines of an export file, without their ends. */
export function exportLines(items: readonly ChainItem[], anchor: SignedHead | null = null): string[] {
  const seen = linesSeen()
  const body: ExportLine[] = [
    { type: 'header', header: { from: null, to: null, exportedAt: EPOCH, anchor } },
    ...items.map((item): ExportLine => ('link' in item ? { type: 'record', ...item } : { type: 'head', ...item })),
  ]
  const lines = body.map(writeLine)
  for (const line of lines) seen.add(line)
  const counts = { records: items.filter((item) => 'link' in item).length, unsealed: 0 }
  return [...lines, writeLine({ type: 'trailer', trailer: { ...counts, sha256: seen.sha256(counts) } })]
}
