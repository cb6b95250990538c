// `import` as a person runs it: a file on disk, a database, the lines on the terminal.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { CommandError } from './engine-access.ts'
import { importFile } from './import-file.ts'

const LENDER_FILE = `#BOF|2026.11.23|09:15:03
#SYM|CUR|NAME|CON|ISIN|REBATERATE|FEERATE|AVAILABLE|FIGI|
GME|USD|GAMESTOP CORP-CLASS A|36285627|XXXXXXX1091|-10.25|14.1|612000|BBG000BB5BF6|
#EOF|1
`

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await testDatabase()
  folder = mkdtempSync(join(tmpdir(), 'import-'))
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

async function run(name: string, text: string, databaseUrl = database.url): Promise<string[]> {
  const path = join(folder, name)
  writeFileSync(path, text)
  const printed: string[] = []
  await importFile(path, {
    environment: { DATABASE_URL: databaseUrl },
    print: (line) => printed.push(line),
    isTerminal: false,
    clock: () => new Date('2026-11-23T15:00:00Z'),
  })
  return printed
}

test('a lender file goes into the database, and the last line says what came of it', async () => {
  const printed = await run('usa.txt', LENDER_FILE)
  expect(printed.at(-1)).toBe(
    'lender short stock file of 23 Nov 2026 14:15:03 UTC: 1 row, 1 new or changed, 0 no longer listed.',
  )
  const { rows } = await database.pool.query('select ticker, rate, provider, demo from lender_rates')
  expect(rows).toMatchObject([{ ticker: 'GME', provider: 'ibkr-short-stock', demo: false }])
})

test('a truncated file is refused in a sentence and what was there stays', async () => {
  await expect(run('cut.txt', LENDER_FILE.replace('#EOF|1\n', ''))).rejects.toThrow(
    /^cut\.txt is not a lender short stock file: .*Nothing was changed\.$/,
  )
  const { rows } = await database.pool.query('select count(*)::text as count from lender_rates')
  expect(rows).toEqual([{ count: '1' }])
})

test('another kind of file is refused before the database is touched', async () => {
  await expect(run('page.txt', '<!DOCTYPE html>', 'postgres://127.0.0.1:9/none')).rejects.toThrow(CommandError)
})

test('a database that is not there is a sentence, not a stack', async () => {
  await expect(run('usa.txt', LENDER_FILE, 'postgres://127.0.0.1:9/none')).rejects.toThrow(
    /^The database cannot be used: /,
  )
})

test('a database without tables says which command makes them', async () => {
  const empty = await testDatabase({ empty: true })
  try {
    await expect(run('usa.txt', LENDER_FILE, empty.url)).rejects.toThrow('npm run migrate')
  } finally {
    await empty.drop()
  }
})
