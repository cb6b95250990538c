import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readStorageUrl } from '../server/storage-url.ts'
import { FAKE_S3_CREDENTIALS, type FakeS3, startFakeS3 } from '../test/fakes/fake-s3.ts'
import { folderStorage } from './folder-storage.ts'
import { type LockedStorage, measure } from './locked-storage.ts'
import { storageAt } from './storage-at.ts'

const retainUntil = new Date('2032-11-24T00:00:00Z')
const SHA256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

async function* chunks(...texts: (string | Uint8Array)[]) {
  yield* texts
}

async function textOf(storage: LockedStorage, name: string): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of storage.get(name)) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

async function namesOf(storage: LockedStorage, prefix: string): Promise<string[]> {
  const names: string[] = []
  for await (const name of storage.list(prefix)) names.push(name)
  return names
}

// The SDK looks for credentials where a pod or a machine has them; here that is the environment.
const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: FAKE_S3_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: FAKE_S3_CREDENTIALS.secretAccessKey,
}
const before = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, process.env[name]]))
beforeAll(() => void Object.assign(process.env, ENVIRONMENT))
afterAll(() => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

let folder: string
let s3: FakeS3
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-storage-'))
  s3 = await startFakeS3({ listPage: 3 })
})
afterEach(async () => {
  await s3.close()
  rmSync(folder, { recursive: true, force: true })
})

const inBucket = (of = s3) => {
  const address = readStorageUrl(`s3://${of.bucket}/audit?endpoint=${of.url}&region=local`)
  return storageAt(address!)
}
const inFolder = () => storageAt(readStorageUrl(`file://${folder}/exports`)!)

describe.each([
  ['a folder', inFolder],
  ['a bucket', inBucket],
])('locked storage in %s', (_, open) => {
  test('gives back what was put, with its size and checksum', async () => {
    const storage = open()
    expect(await storage.put('months/2026-11.ndjson', chunks('a', Buffer.from('bc')), { retainUntil })).toEqual({
      bytes: 3,
      sha256: SHA256_OF_ABC,
    })
    expect(await textOf(storage, 'months/2026-11.ndjson')).toBe('abc')
  })

  test('what lies under a name is never replaced; the same again is no fault', async () => {
    const storage = open()
    await storage.put('a', chunks('abc'), { retainUntil })
    await expect(storage.put('a', chunks('other'), { retainUntil })).rejects.toThrow(
      'a lies in locked storage already, with other content, and is not replaced',
    )
    expect(await storage.put('a', chunks('ab', 'c'), { retainUntil })).toEqual({ bytes: 3, sha256: SHA256_OF_ABC })
    expect(await textOf(storage, 'a')).toBe('abc')
  })

  test('names come in the order of their characters, also over several pages', async () => {
    const storage = open()
    for (const name of ['b/2', 'a', 'b.x', 'b/1/z', 'b/10', 'c', 'b/1-x', 'bb'])
      await storage.put(name, chunks(name), { retainUntil })
    expect(await namesOf(storage, '')).toEqual(['a', 'b.x', 'b/1-x', 'b/1/z', 'b/10', 'b/2', 'bb', 'c'])
    expect(await namesOf(storage, 'b/1')).toEqual(['b/1-x', 'b/1/z', 'b/10'])
    expect(await namesOf(storage, 'nothing')).toEqual([])
  })

  test('what breaks off while it is put is not there at all', async () => {
    const storage = open()
    async function* broken() {
      yield Buffer.alloc(17 * 1024 * 1024) // more than one part
      throw new Error('the source broke off')
    }
    await expect(storage.put('a', broken(), { retainUntil })).rejects.toThrow('the source broke off')
    expect(await namesOf(storage, '')).toEqual([])
    expect(s3.openUploads()).toBe(0)
    await storage.put('a', chunks('abc'), { retainUntil })
    expect(await textOf(storage, 'a')).toBe('abc')
  })

  test('a file that is not there, and a name that is none, are named', async () => {
    const storage = open()
    await expect(textOf(storage, 'a/b')).rejects.toThrow('there is no a/b in locked storage')
    for (const name of ['', '/a', 'a/', '../a', 'a b', 'a/../../b', '.hidden', 'a\n'])
      await expect(storage.put(name, chunks('x'), { retainUntil })).rejects.toThrow('is no name of a stored file')
  })

  test('forty megabytes go through and come back the same', async () => {
    const storage = open()
    async function* much() {
      for (let index = 0; index < 40; index += 1) yield Buffer.alloc(1024 * 1024, index)
    }
    const stored = await storage.put('much', much(), { retainUntil })
    expect(stored.bytes).toBe(40 * 1024 * 1024)
    expect(await measure(storage.get('much'))).toEqual(stored)
  })
})

describe('a folder', () => {
  test('leaves files that may only be read, and nothing beside them', async () => {
    const storage = inFolder()
    await storage.put('a/b', chunks('abc'), { retainUntil })
    expect(statSync(join(folder, 'exports/a/b')).mode & 0o777).toBe(0o444)
    expect(readdirSync(join(folder, 'exports/a'))).toEqual(['b'])
    expect(storage.describe()).toBe(`file://${folder}/exports/`)
  })

  test('what a killed process was writing is no file of it', async () => {
    writeFileSync(join(folder, '.aside-1-1-1'), 'half')
    expect(await namesOf(folderStorage(folder), '')).toEqual([])
  })
})

describe('a bucket', () => {
  test('locks from the first moment and until the date, small files and large', async () => {
    const storage = inBucket()
    await storage.put('small', chunks('abc'), { retainUntil })
    await storage.put('large', chunks(Buffer.alloc(17 * 1024 * 1024)), { retainUntil })
    for (const key of ['audit/small', 'audit/large']) {
      const [version] = s3.versions(key)
      expect(version?.lockedUntil).toEqual(retainUntil)
      expect(s3.remove(key, version?.versionId)).toBe(false)
    }
    expect([s3.requests('PutObject'), s3.requests('UploadPart')]).toEqual([1, 2])
    expect(storage.describe()).toBe('s3://the-record/audit/')
  })

  test('what was put first is read and listed, whatever is put over it or hides it', async () => {
    const storage = inBucket()
    await storage.put('heads/1', chunks('true'), { retainUntil })
    await storage.put('heads/2', chunks('true too'), { retainUntil })
    s3.putOver('audit/heads/1', 'false')
    s3.remove('audit/heads/2')
    expect(await namesOf(storage, 'heads/')).toEqual(['heads/1', 'heads/2'])
    expect(await textOf(storage, 'heads/1')).toBe('true')
    expect(await textOf(storage, 'heads/2')).toBe('true too')
  })

  test('without object lock nothing is put', async () => {
    const plain = await startFakeS3({ objectLock: false })
    await expect(inBucket(plain).put('a', chunks('abc'), { retainUntil })).rejects.toThrow('Object Lock')
    expect(plain.versions('audit/a')).toEqual([])
    await plain.close()
  })

  test('a store that is busy is asked again, and a lost answer does no harm', async () => {
    const storage = inBucket()
    s3.failNext(2)
    await storage.put('a', chunks('abc'), { retainUntil })
    s3.loseNextAnswer()
    await storage.put('b', chunks('abc'), { retainUntil })
    expect([s3.versions('audit/a').length, s3.versions('audit/b').length]).toEqual([1, 1])
  })

  test('credentials that the store does not know are an error', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'another'
    await expect(inBucket().put('a', chunks('abc'), { retainUntil })).rejects.toThrow('signature')
    process.env.AWS_SECRET_ACCESS_KEY = FAKE_S3_CREDENTIALS.secretAccessKey
  })
})
