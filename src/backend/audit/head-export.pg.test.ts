import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { EPOCH, sealedChain, signed } from '../test/sealed-chain.ts'
import { until } from '../test/until.ts'
import { writeHead } from './export-file.ts'
import { folderStorage } from './folder-storage.ts'
import { exportedHead, type HeadExportOptions, headExport } from './head-export.ts'
import type { SignedHead } from './heads.ts'
import type { LockedStorage } from './locked-storage.ts'
import { createSigningKey, readTrustedKeys } from './signing-key.ts'

const keys = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-heads-'))
const key = createSigningKey(join(keys, 'key.pem'))
const stranger = createSigningKey(join(keys, 'stranger.pem'))
const trusted = readTrustedKeys([], [key])
afterAll(() => rmSync(keys, { recursive: true, force: true }))
const heads = sealedChain([5, 1, 30, 900], key).flatMap((item) => ('head' in item ? [item.head] : []))

let database: TestDatabase
let folder: string
let storage: LockedStorage
beforeEach(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-heads-'))
  storage = folderStorage(folder)
})
afterEach(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

async function insert(head: SignedHead): Promise<void> {
  await database.pool.query(
    'insert into audit_heads (sequence, first_sequence, hash, signed_at, key_id, signature) values ($1, $2, $3, $4, $5, $6)',
    [head.sequence, head.firstSequence, head.hash, head.signedAt, head.keyId, head.signature],
  )
}

const at = (index: number) => heads[index] as SignedHead
const put = (name: string, text: string) =>
  storage.put(
    name,
    (async function* () {
      yield text
    })(),
    { retainUntil: EPOCH },
  )

function exporting(options: Partial<HeadExportOptions> = {}) {
  const told: string[] = []
  const made = headExport({
    database: database.pool,
    storage,
    trusted,
    clock: () => new Date('2026-11-24T12:00:00Z'),
    everyMs: 2 ** 31 - 1,
    retentionYears: 6,
    onExported: ({ sequence }) => told.push(`exported ${sequence}`),
    onTrouble: (sentence) => told.push(sentence),
    ...options,
  })
  onTestFinished(() => made.close())
  return { ...made, told }
}

test('each new head goes to locked storage once, until its records may go, and the newest is read back', async () => {
  const until: Date[] = []
  const watched: LockedStorage = {
    ...storage,
    put: (name, chunks, lock) => {
      until.push(lock.retainUntil)
      return storage.put(name, chunks, lock)
    },
  }
  const { exportNow, told, stats } = exporting({ storage: watched })
  expect(await exportNow()).toBeNull()
  for (const index of [0, 1, 2, 3]) {
    await insert(at(index))
    expect(await exportNow()).toEqual(at(index))
    expect(await exportNow()).toEqual(at(index))
    expect(await exportedHead(storage, trusted)()).toEqual(at(index))
  }
  expect(told).toEqual(['exported 5', 'exported 6', 'exported 36', 'exported 936'])
  expect(until).toEqual(Array(4).fill(new Date('2032-11-24T12:00:00Z')))
  expect(stats()).toMatchObject({ exported: 4, failures: 0, sequence: 936, trouble: null })
})

test('it does so by itself, and two at it do no harm', async () => {
  const [one, other] = [exporting({ everyMs: 20 }), exporting({ everyMs: 20 })]
  await insert(at(0))
  await until('the head is exported', 5_000, async () => (await exportedHead(storage, trusted)()) !== null)
  await insert(at(1))
  await until('the next one is', 5_000, () => one.stats().sequence === 6 && other.stats().sequence === 6)
  expect(readdirSync(join(folder, 'heads'))).toHaveLength(2)
  expect(one.stats().failures + other.stats().failures).toBe(0)
})

test('a process that starts again goes on from what lies in storage', async () => {
  await insert(at(0))
  await exporting().exportNow()
  await insert(at(1))
  const { exportNow, told } = exporting()
  await exportNow()
  expect(told).toEqual(['exported 6'])
})

test('a head that no trusted key signed is not exported', async () => {
  await insert(signed(at(0), stranger))
  const { exportNow, told, stats } = exporting()
  await expect(exportNow()).rejects.toThrow('which is not trusted: it is not exported')
  await expect(exportNow()).rejects.toThrow()
  expect(told).toHaveLength(1)
  expect(stats().trouble).toBe(told[0])
  expect(await exportedHead(storage, trusted)()).toBeNull()
})

test('an end that was cut off, or written anew, is noticed', async () => {
  await insert(at(0))
  await insert(at(1))
  const { exportNow, told } = exporting()
  await exportNow()
  await database.pool.query('alter table audit_heads disable trigger user; delete from audit_heads where sequence = 6')
  await expect(exportNow()).rejects.toThrow('the chain ends at 5, and the head at 6 was exported: its end was cut off')
  // The sealer goes on from where the chain ends now.
  await insert(signed({ ...at(1), sequence: 7 }, key))
  await expect(exportNow()).rejects.toThrow('the head at 6 was exported, and the chain has another there')
  await database.pool.query('delete from audit_heads where sequence = 7')
  await insert(signed({ ...at(1), hash: Buffer.alloc(32) }, key))
  await expect(exporting().exportNow()).rejects.toThrow('the chain has another there')
  expect(told).toHaveLength(3)
  expect(await exportedHead(storage, trusted)()).toEqual(at(1))
})

test('what a stranger puts beside the heads hides none', async () => {
  await put('heads/0000000000000001-9007199254740990.json', 'x')
  await put(
    'heads/0000000000000002-9007199254740989.json',
    writeHead(signed({ ...at(3), sequence: 9_007_199_254_740_989 }, stranger)),
  )
  await put('heads/0000000000000003-936.json', writeHead(at(3)))
  await put('heads/a-large-one.json', 'x'.repeat(100_000))
  expect(await exportedHead(storage, trusted)()).toBeNull()
  await insert(at(0))
  await exporting().exportNow()
  expect(await exportedHead(storage, trusted)()).toEqual(at(0))
})

test('while the storage is away it says so once, and goes on when it is back', async () => {
  let away = true
  const shaky: LockedStorage = {
    ...storage,
    put: (name, chunks, lock) =>
      away ? Promise.reject(new Error('the storage is away')) : storage.put(name, chunks, lock),
  }
  const { told, stats } = exporting({ storage: shaky, everyMs: 10 })
  await insert(at(0))
  await until('it has failed several times', 5_000, () => stats().failures > 3)
  away = false
  await until('it is exported', 5_000, () => stats().sequence === 5)
  expect(told).toEqual(['the storage is away', 'exported 5'])
  expect(stats().trouble).toBeNull()
})
