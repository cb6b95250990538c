import { createHash, createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { chainRow, exportLines, sealedChain, signed } from '../test/sealed-chain.ts'
import type { ChainItem } from './chain-reads.ts'
import type { Link } from './check-chain.ts'
import { readLine, writeLine } from './export-file.ts'
import { recordHash } from './hash-chain.ts'
import type { SignedHead } from './heads.ts'
import { createSigningKey, readTrustedKeys } from './signing-key.ts'
import type { VerifyResult, VerifyStep } from './verify.ts'
import { exportText, proveExport, verifyExport } from './verify-export.ts'

const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-export-'))
const key = createSigningKey(join(folder, 'key.pem'))
const stranger = createSigningKey(join(folder, 'stranger.pem'))
const trusted = readTrustedKeys([], [key])
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const chain = sealedChain([3, 1, 5, 2], key)
const linkAt = (sequence: number) =>
  (chain.find((item) => 'link' in item && item.link.sequence === sequence) as { link: Link }).link
const heads = chain.flatMap((item) => ('head' in item ? [item.head] : []))

async function* piecesOf(text: string, length: number) {
  for (let at = 0; at < text.length; at += length) yield text.slice(at, at + length)
}

async function resultOf(steps: AsyncIterable<VerifyStep>): Promise<VerifyResult> {
  let last: VerifyStep | undefined
  for await (const step of steps) last = step
  return last as VerifyResult
}

const verifyText = (text: string, pieceLength = 10_000) => resultOf(verifyExport(piecesOf(text, pieceLength), trusted))
const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
/** A file of these items whose count and checksum fit them: what a forger would hand over. */
const verifyItems = (items: readonly ChainItem[], anchor: SignedHead | null = null) =>
  verifyText(textOf(exportLines(items, anchor)))
const changed = (change: (link: Link) => Link | null): ChainItem[] =>
  chain.flatMap((item): ChainItem[] => {
    if ('head' in item) return [item]
    const link = change(item.link)
    return link === null ? [] : [{ link }]
  })
const only = (sequence: number, change: (link: Link) => Link) =>
  changed((link) => (link.sequence === sequence ? change(link) : link))

describe('an export that is as it was written', () => {
  test('is valid, however its text is cut, and says where it ends', async () => {
    const text = textOf(exportLines(chain))
    for (const length of [1, 7, 100_000]) {
      expect(await verifyText(text, length)).toEqual({
        kind: 'result',
        valid: true,
        checked: 11,
        unsealed: 0,
        firstBad: null,
        head: {
          sequence: 11,
          hash: heads[3]?.hash.toString('hex'),
          signedAt: '2026-11-24T15:00:03.000Z',
          keyId: key.keyId,
        },
      })
    }
    expect((await verifyText(text.trimEnd())).valid).toBe(true)
  })

  test('can be checked as docs/audit.md says, with nothing of this program', () => {
    const publicKey = createPublicKey(key.publicKeyPem)
    let last = '0'.repeat(64)
    let place = 0
    const lines = exportLines(chain)
    for (const text of lines) {
      const line = JSON.parse(text)
      if (line.type === 'record') {
        const { record: recordText, ...columns } = line.row
        const digest = createHash('sha256').update(recordText).digest('hex')
        const record = JSON.stringify([...Object.values(columns), digest])
        const hashed = `borrow-rate-engine record 1\n${line.prev_hash}\n${line.sequence}\n${record}`
        expect([line.prev_hash, line.sequence]).toEqual([last, place + 1])
        last = createHash('sha256').update(hashed).digest('hex')
        place += 1
        expect(line.hash).toBe(last)
      } else if (line.type === 'head') {
        const signedText = `borrow-rate-engine head 1\n${line.sequence}\n${line.first_sequence}\n${line.hash}\n${line.signed_at}`
        expect([line.hash, line.sequence]).toEqual([last, place])
        expect(verify(null, Buffer.from(signedText), publicKey, Buffer.from(line.signature, 'base64'))).toBe(true)
      }
    }
    expect(place).toBe(11)
    const trailer = lines.at(-1) as string
    const { sha256, ...counts } = JSON.parse(trailer)
    const summed = textOf([...lines.slice(0, -1), JSON.stringify(counts)])
    expect(sha256).toBe(createHash('sha256').update(summed).digest('hex'))
  })

  test('may go on from a signed head', async () => {
    expect(await verifyItems(chain.slice(6), heads[1])).toMatchObject({ valid: true, checked: 7 })
  })

  test('may hold nothing', async () => {
    expect(await verifyItems([])).toMatchObject({ valid: true, checked: 0, head: null })
  })

  test('may lie packed', async () => {
    async function* file(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
    }
    const text = Buffer.from(textOf(exportLines(chain)))
    const signal = new AbortController().signal
    for (const bytes of [text, gzipSync(text)]) {
      expect(await proveExport(trusted)(file(bytes), signal)).toMatchObject({
        valid: true,
        checked: 11,
        sentence: null,
      })
    }
    const half = gzipSync(text).subarray(0, 700)
    expect(await resultOf(verifyExport(exportText(file(half)), trusted))).toMatchObject({
      valid: false,
      firstBad: { reason: 'cut_off' },
    })
    expect(await resultOf(verifyExport(exportText(file(Buffer.alloc(0))), trusted))).toMatchObject({
      firstBad: { sentence: 'the file is empty' },
    })
  })
})

describe('an export that was tampered with, its count and checksum made to fit', () => {
  const { auditId } = linkAt(6)

  test('one digit of the record, or only of a column', async () => {
    for (const row of [{ record: '{"total_fee":"456.52"}' }, { total_fee: '456.52' }, { total_fee: '456.510' }]) {
      expect(await verifyItems(only(6, (link) => ({ ...link, row: chainRow({ ...link.row, ...row }) })))).toMatchObject(
        {
          valid: false,
          checked: 4,
          firstBad: { auditId, sequence: 6, reason: 'altered' },
        },
      )
    }
  })

  test('a record changed together with the hash beside it', async () => {
    const forged = only(6, (link) => {
      const row = chainRow({ ...link.row, total_fee: '1.00' })
      return { ...link, row, hash: recordHash(link.prevHash, 6, row) }
    })
    expect((await verifyItems(forged)).firstBad).toMatchObject({ auditId, sequence: 6, reason: 'altered' })
  })

  test('a record changed, and all behind it chained anew under the old heads', async () => {
    const forged = rechained(6, { total_fee: '1.00' }, (head) => head)
    expect((await verifyItems(forged)).firstBad).toMatchObject({
      sequence: 5,
      reason: 'altered',
      sentence: 'the records 5 to 9 were chained anew: they do not lead to the head that was signed',
    })
  })

  test.each([
    [
      'signed by a stranger',
      (head: SignedHead, hash: Buffer) => signed({ ...head, hash }, stranger),
      'which is not trusted',
    ],
    [
      'signed by a stranger in the name of the key',
      (head: SignedHead, hash: Buffer) => ({ ...signed({ ...head, hash }, stranger), keyId: key.keyId }),
      'does not bear the signature',
    ],
    ['under the old signature', (head: SignedHead, hash: Buffer) => ({ ...head, hash }), 'does not bear the signature'],
  ])('and under heads %s', async (_, forge, words) => {
    const { firstBad } = await verifyItems(rechained(6, { total_fee: '1.00' }, forge))
    expect(firstBad).toMatchObject({ auditId: linkAt(9).auditId, sequence: 9, reason: 'forged_head' })
    expect(firstBad?.sentence).toContain(words)
  })

  test('and without heads', async () => {
    const forged = rechained(6, { total_fee: '1.00' }, (head) => head).filter(
      (item) => !('head' in item && item.head.sequence > 4),
    )
    expect((await verifyItems(forged)).firstBad).toMatchObject({ sequence: 5, reason: 'forged_head' })
  })

  test('a record gone, a record gone that left its seal, a head gone', async () => {
    expect((await verifyItems(changed((link) => (link.sequence === 6 ? null : link)))).firstBad).toMatchObject({
      auditId: null,
      sequence: 6,
      reason: 'missing',
    })
    expect((await verifyItems(only(6, (link) => ({ ...link, row: null })))).firstBad).toMatchObject({
      auditId,
      sequence: 6,
      reason: 'missing',
    })
    expect((await verifyItems(chain.filter((item) => !('head' in item && item.head.sequence === 4)))).firstBad).toEqual(
      {
        auditId: linkAt(4).auditId,
        sequence: 4,
        reason: 'forged_head',
        sentence: 'the records 4 to 4 are sealed, and no signed head stands over them',
      },
    )
  })

  test('two records exchanged: as lines, by their seals, by their content', async () => {
    const [a, b] = [linkAt(6), linkAt(8)]
    const exchange = (change: (link: Link, other: Link) => Link) =>
      changed((link) => (link === a ? change(a, b) : link === b ? change(b, a) : link))
    const exchanges = [
      exchange((_, other) => other),
      exchange((link, other) => ({ ...link, row: other.row, auditId: other.auditId })),
      exchange((link, other) => ({ ...link, row: chainRow({ ...other.row, audit_id: link.auditId }) })),
      exchange((link, other) => ({ ...other, sequence: link.sequence })),
    ]
    for (const items of exchanges) {
      expect((await verifyItems(items)).firstBad).toMatchObject({ sequence: 6, reason: 'reordered' })
    }
  })

  test('the start cut off, or another anchor', async () => {
    expect((await verifyItems(chain.slice(4))).firstBad).toMatchObject({ sequence: 1, reason: 'missing' })
    const anchor = signed({ ...(heads[0] as SignedHead), hash: Buffer.alloc(32) }, stranger)
    expect((await verifyItems(chain.slice(4), anchor)).firstBad).toMatchObject({ sequence: 3, reason: 'forged_head' })
    expect((await verifyItems(chain.slice(4), heads[1])).firstBad).toMatchObject({ sequence: 4, reason: 'forged_head' })
  })

  test('batches cut off at the end show only against a head from elsewhere, and one that was written anew too', async () => {
    const shorter = exportLines(chain.slice(0, 10))
    expect((await verifyText(textOf(shorter))).head?.sequence).toBe(4)
    const other = signed({ ...(heads[3] as SignedHead), hash: Buffer.alloc(32) }, key)
    const result = await resultOf(verifyExport(piecesOf(textOf(exportLines(chain)), 1_000), trusted, other))
    expect(result).toMatchObject({ valid: false, firstBad: { sequence: 11, reason: 'cut_off' } })
  })

  /** The chain with one record changed, and every hash behind it computed anew, as somebody without the key could. */
  function rechained(
    from: number,
    different: object,
    forge: (head: SignedHead, hash: Buffer) => SignedHead,
  ): ChainItem[] {
    let hash = linkAt(from).prevHash
    return chain.map((item): ChainItem => {
      if ('head' in item) return item.head.sequence < from ? item : { head: forge(item.head, hash) }
      if (item.link.sequence < from) return item
      const row = chainRow({ ...item.link.row, ...(item.link.sequence === from ? different : {}) })
      const prevHash = hash
      hash = recordHash(prevHash, item.link.sequence, row)
      return { link: { ...item.link, row, prevHash, hash } }
    })
  }
})

describe('a file that is damaged', () => {
  const lines = exportLines(chain)
  const text = textOf(lines)

  test('any character that is another is found', async () => {
    const characters = fc.constantFrom(...'0123456789abcdefz" {}[]:,\\-\n\u00e9')
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), characters, async (at, character) => {
        fc.pre(text[at] !== character && at < text.length - 1)
        expect((await verifyText(text.slice(0, at) + character + text.slice(at + 1))).valid).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  test('every count of the trailer is covered by its checksum', async () => {
    const text = textOf(lines.slice(0, -1))
    for (const other of [{ records: 12 }, { unsealed: 8 }]) {
      const result = await verifyText(
        text + textOf([JSON.stringify({ ...JSON.parse(lines.at(-1) as string), ...other })]),
      )
      expect(result.firstBad?.reason).toBe('altered')
    }
  })

  test('cut off anywhere it is found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 2), async (length) => {
        expect((await verifyText(text.slice(0, length))).firstBad?.reason).toBe('cut_off')
      }),
      { numRuns: 200 },
    )
  })

  test('any line gone, twice there or exchanged with another is found', async () => {
    const place = fc.nat(lines.length - 1)
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        fc.pre(a !== b)
        const exchanged = lines.with(a, lines[b] as string).with(b, lines[a] as string)
        for (const damaged of [lines.toSpliced(a, 1), lines.toSpliced(a, 0, lines[a] as string), exchanged]) {
          expect((await verifyText(textOf(damaged))).valid).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('a line that is written in another way is refused, though a lenient reader would see the same in it', () => {
    const [header = '', record = ''] = lines
    expect(readLine(record)).not.toBeNull()
    for (const other of [
      ` ${record}`,
      record.replace('"type":"record",', '"type":"record","type":"record",'),
      record.replace('"sequence":1', '"sequence":1.0'),
      record.replace('}}', ',"more":1}}'),
      record.replace('"ticker":"AAPL"', '"ticker":"MSFT","ticker":"AAPL"'),
      record.replace('demo', '\\u0064emo'),
      header.replace('"version":1', '"version":2'),
      '{}',
      'null',
      '',
    ]) {
      expect(other).not.toBe(record)
      expect(readLine(other), other).toBeNull()
    }
  })

  test('a line without an end does not fill the memory', async () => {
    async function* endless() {
      yield `${lines[0]}\n`
      for (;;) yield 'x'.repeat(1_000_000)
    }
    expect(await resultOf(verifyExport(endless(), trusted))).toMatchObject({
      valid: false,
      firstBad: { sentence: 'line 2 of the file is damaged: it is no line of an export' },
    })
  })

  test('records without end and without a head neither', async () => {
    async function* endless() {
      yield `${lines[0]}\n`
      for (;;) yield `${writeLine({ type: 'record', link: linkAt(1) })}\n`
    }
    expect(await resultOf(verifyExport(endless(), trusted))).toMatchObject({ firstBad: { reason: 'forged_head' } })
  })
})
