import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type ChainRow,
  canonicalText,
  checkpointText,
  hashedRow,
  headText,
  keptDigest,
  NO_HASH,
  recordHash,
} from './hash-chain.ts'

const ROW: ChainRow = {
  audit_id: '019ab6c8-7a3b-7d11-8f00-0123456789ab',
  record_type: 'quote',
  schema_version: 1,
  occurred_at: '2025-11-24T15:04:05.123000Z',
  recorded_at: '2025-11-24T15:04:05.125417Z',
  client_id: 'acme',
  ticker: 'GME',
  position_value: '100000.10',
  borrow_rate: '0.1900',
  total_fee: '456.51',
  request_id: 'request "1" é 😀',
  actor_id: null,
  record: '{"total_fee":"456.51","note":"a\\nb"}',
}
const SECOND: ChainRow = { ...ROW, audit_id: '019ab6c8-7a3c-7d11-8f00-0123456789ab', ticker: null, total_fee: '0' }

describe('the hash of a record', () => {
  // These texts and numbers stand in docs/audit.md too. They never change: records of years hang on them.
  test('is over one text, which has every column as the database gives it, and the text of the record by its SHA-256', () => {
    expect(hashedRow(ROW).record_sha256).toBe(createHash('sha256').update(ROW.record, 'utf8').digest('hex'))
    expect(canonicalText(hashedRow(ROW))).toBe(
      '["019ab6c8-7a3b-7d11-8f00-0123456789ab","quote",1,"2025-11-24T15:04:05.123000Z","2025-11-24T15:04:05.125417Z","acme","GME",' +
        '"100000.10","0.1900","456.51","request \\"1\\" é 😀",null,"f11e0af07dc415c13b843cb7cdc619c0ef9936f1895ccbaf30ef30f898e25a8f"]',
    )
  })

  test('is SHA-256, by hand and by number', () => {
    const first = recordHash(NO_HASH, 1, ROW)
    const byHand = `borrow-rate-engine record 1\n${'0'.repeat(64)}\n1\n${canonicalText(hashedRow(ROW))}`
    expect(first).toEqual(createHash('sha256').update(byHand, 'utf8').digest())
    expect(first.toString('hex')).toBe('50237ebf549451d421f318ca0ed023e0d81a338c698b03842af217bbd9ec88c8')
    expect(recordHash(first, 2, SECOND).toString('hex')).toBe(
      '822d0b15643bdff6ea30363126f4ce0a54332bb1e908c830b8dbe0d0b8276955',
    )
  })

  test('and its text stand in docs/audit.md, for whoever writes a verifier of their own', () => {
    const document = readFileSync(new URL('../../../docs/audit.md', import.meta.url), 'utf8')
    expect(document).toContain(`    ${canonicalText(hashedRow(ROW))}\n`)
    expect(document).toContain(`    ${recordHash(NO_HASH, 1, ROW).toString('hex')}\n`)
  })

  test.each(Object.keys(ROW) as (keyof ChainRow)[])('is another when %s is', (column) => {
    const before = ROW[column]
    const other = typeof before === 'number' ? before + 1 : `${before ?? ''}0`
    const changed = { ...ROW, [column]: other }
    expect(recordHash(NO_HASH, 1, changed)).not.toEqual(recordHash(NO_HASH, 1, ROW))
  })

  test('is another in another place, and after another record', () => {
    const hash = recordHash(NO_HASH, 1, ROW)
    expect(recordHash(NO_HASH, 2, ROW)).not.toEqual(hash)
    expect(recordHash(hash, 1, ROW)).not.toEqual(hash)
  })

  test('tells a null from a text, and a text that moved from one column to the next', () => {
    const hash = (row: Partial<ChainRow>) => recordHash(NO_HASH, 1, { ...ROW, ...row }).toString('hex')
    const hashes = [
      hash({ ticker: null }),
      hash({ ticker: 'null' }),
      hash({ ticker: '' }),
      hash({ client_id: 'acme","GME', ticker: null }),
    ]
    expect(new Set(hashes).size).toBe(4)
  })
})

test('what is signed of a head is its place, its batch, its hash and its time', () => {
  const head = {
    sequence: 1200,
    firstSequence: 1001,
    hash: Buffer.alloc(32, 0xab),
    signedAt: new Date(1_764_000_000_001),
  }
  expect(headText(head)).toBe(`borrow-rate-engine head 1\n1200\n1001\n${'ab'.repeat(32)}\n2025-11-24T16:00:00.001Z`)
})

test('what is signed of a checkpoint is its place, its hash, its month, what was kept and its time', () => {
  const kept = keptDigest()
  kept.add({ sequence: 7, hash: Buffer.alloc(32, 1) })
  kept.add({ sequence: 9, hash: Buffer.alloc(32, 2) })
  const digest = kept.digest()
  expect(digest).toEqual(
    createHash('sha256')
      .update(`7 ${'01'.repeat(32)}\n9 ${'02'.repeat(32)}\n`)
      .digest(),
  )
  const checkpoint = {
    sequence: 9,
    hash: Buffer.alloc(32, 2),
    month: '2025-11-01',
    keptDigest: digest,
    signedAt: new Date(1_764_000_000_001),
  }
  expect(checkpointText(checkpoint)).toBe(
    `borrow-rate-engine checkpoint 1\n9\n${'02'.repeat(32)}\n2025-11-01\n${digest.toString('hex')}\n2025-11-24T16:00:00.001Z`,
  )
})
