// Records of a real engine in the form of its export, chained and signed with a key of the test's own: they are proved here as the
// browser proves them, and whatever is altered in them is found and named.
import { describe, expect, test } from 'vitest'
import { COUNTS } from '../../../client/answers.ts'
import { type AuditRecordAnswer, parseExactJson } from '../../../client/index.ts'
import { type ChainLink, readLine, type Stretch, stretchAround } from './chain-file.ts'
import FILE from './fixtures/chain.ndjson?raw'
import PUBLIC_KEY from './fixtures/public-key.pem?raw'
import RECORD from './fixtures/record.json?raw'
import { hashedText, NO_HASH, prove, readPublicKeys, sha256 } from './proof.ts'

const SHOWN = parseExactJson(RECORD, COUNTS) as AuditRecordAnswer
const ID = (SHOWN.record as unknown as { audit_id: string }).audit_id
const LAST_OF_BATCH = '01a22979-e082-70af-b6cc-d9a8b9b4eb4d'
const keys = await readPublicKeys(PUBLIC_KEY)

/** A file in pieces that end anywhere. */
async function* pieces(text: string, size = 700): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

const stretch = async (text = FILE, id = ID) => (await stretchAround(id, pieces(text))) as Stretch

/** The file with one of its lines otherwise. */
function withLine(at: number, change: (line: string) => string | null): string {
  return FILE.split('\n')
    .flatMap((line, index) => (index === at ? (change(line) ?? []) : line))
    .join('\n')
}

const foundIn = async (text: string) => {
  const proof = await prove(ID, SHOWN, await stretch(text), keys)
  return {
    proved: proof.proved,
    bad: proof.firstBad?.sequence ?? null,
    steps: proof.steps.filter(({ found }) => found === 'bad').map(({ name }) => name),
  }
}

describe('a stretch of the chain', () => {
  test('is read as far as a record needs it: its batch, the head over it, and the record behind', async () => {
    const { anchor, links, head, after } = await stretch()
    expect([anchor?.sequence, links.map(({ sequence }) => sequence), head?.sequence]).toEqual([
      40,
      [41, 42, 43, 44],
      44,
    ])
    expect(after?.sequence).toBe(43)
  })

  test('of the last record of a batch goes on to the next batch', async () => {
    const { head, after } = await stretch(FILE, LAST_OF_BATCH)
    expect([head?.sequence, after?.sequence]).toEqual([44, 45])
  })

  test('does not have what it does not have', async () => {
    expect(await stretchAround('01a22979-0000-7000-8000-000000000000', pieces(FILE))).toBeNull()
    expect(() => readLine('{"type":"story"}')).toThrow(SyntaxError)
  })
})

describe('the proof of a record', () => {
  test('is good in every step, with the public key that the auditor was given', async () => {
    const proof = await prove(ID, SHOWN, await stretch(), keys)
    expect(proof.steps.map(({ name, found }) => `${name} ${found}`)).toEqual([
      'shown good',
      'hash good',
      'before good',
      'after good',
      'head good',
      'signature good',
    ])
    expect([proof.proved, proof.firstBad]).toEqual([true, null])
    expect([proof.before?.sequence, proof.after?.sequence]).toEqual([41, 43])
  })

  test('without a key leaves the signature open and says which key it was', async () => {
    const { proved, steps } = await prove(ID, SHOWN, await stretch())
    expect(proved).toBe(true)
    expect(steps.at(-1)).toMatchObject({ name: 'signature', found: 'unknown', fact: keys[0]?.keyId })
  })

  test('hashes the very text that docs/audit.md shows', async () => {
    const row = {
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
    expect(await sha256(await hashedText(NO_HASH, 1, row))).toBe(
      '50237ebf549451d421f318ca0ed023e0d81a338c698b03842af217bbd9ec88c8',
    )
  })
})

describe('what was altered is found', () => {
  const HASH = /"hash":"([0-9a-f]{64})"/

  test('in a column of the record itself', async () => {
    expect(await foundIn(withLine(2, (line) => line.replace(/"total_fee":"[0-9.]+"/, '"total_fee":"0.01"')))).toEqual({
      proved: false,
      bad: 42,
      steps: ['hash', 'head'],
    })
  })

  test('in the text of the record, which is then not what is shown either', async () => {
    const text = withLine(2, (line) => line.replace(/total_fee\\":\\"[0-9.]+/, 'total_fee\\":\\"0.01'))
    expect(await foundIn(text)).toEqual({ proved: false, bad: 42, steps: ['shown', 'hash', 'head'] })
  })

  test('in another record of the batch, which is named', async () => {
    const text = withLine(1, (line) => line.replace('"client_id":"demo-collateral"', '"client_id":"demo-classic"'))
    expect(await foundIn(text)).toEqual({ proved: false, bad: 41, steps: ['head'] })
  })

  test('when a record is gone, or only its seal is left', async () => {
    expect(await foundIn(withLine(1, () => null))).toMatchObject({ proved: false, bad: 42 })
    const gone = withLine(1, (line) => {
      const { row, ...link } = JSON.parse(line) as { row: { audit_id: string } }
      return JSON.stringify({ ...link, gone: row.audit_id })
    })
    expect(await foundIn(gone)).toMatchObject({ proved: false, bad: 41 })
  })

  test('when the batch was chained anew without the key: it leads to another head', async () => {
    const { links } = await stretch()
    let last = links[0]?.prevHash as string
    const chained: string[] = []
    for (const { sequence, row } of links as readonly (ChainLink & { row: NonNullable<ChainLink['row']> })[]) {
      const forged = sequence === 42 ? { ...row, total_fee: '1.00' } : row
      const hash = await sha256(await hashedText(last, sequence, forged))
      chained.push(
        JSON.stringify({
          type: 'record',
          sequence,
          prev_hash: last,
          hash,
          sealed_at: '2026-11-29T22:43:03.580000Z',
          row: forged,
        }),
      )
      last = hash
    }
    const [header = '', , , , , ...rest] = FILE.split('\n')
    const text = [header, ...chained, ...rest].join('\n')
    expect(await foundIn(text)).toEqual({ proved: false, bad: 41, steps: ['shown', 'head'] })
  })

  test('when the head is another than the one that was signed', async () => {
    const text = withLine(5, (line) => line.replace(HASH, (_, hash: string) => `"hash":"${hash.replace(/^./, '0')}"`))
    expect((await foundIn(text)).steps).toEqual(['head', 'signature'])
  })
})

test('what is no public key is refused in a sentence', async () => {
  await expect(readPublicKeys('my key')).rejects.toThrow('no public key')
  const broken = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----'
  await expect(readPublicKeys(broken)).rejects.toThrow('no Ed25519 key')
})
