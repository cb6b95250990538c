import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readConfiguration } from '../server/configuration.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { type FakeFeeds, startFakeFeeds } from '../test/fakes/fake-feeds.ts'
import { DEFAULT_INPUT_LIMITS } from './fallback.ts'
import { type FetchOutcome, type FileFetcher, fileFetcher } from './fetch-files.ts'
import { FEED_FILE_BYTES_MAX } from './import.ts'

const NOW = new Date('2026-11-24T20:00:00Z')

let database: TestDatabase
let fakes: FakeFeeds
let now: Date
let imported: string[]
let logged: string[]
let running: FileFetcher[] = []

beforeAll(async () => {
  database = await testDatabase()
  fakes = await startFakeFeeds()
})
afterAll(async () => {
  await fakes.close()
  await database.drop()
})
beforeEach(async () => {
  now = NOW
  imported = []
  logged = []
  await database.pool.query(
    'truncate lender_rates, lender_rate_history, volatility_index, market_events, last_closes, feed_states, stocks',
  )
})
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()))
  running = []
  fakes.reset()
})

function fetcher(environment: Record<string, string>): FileFetcher {
  const keep = (about: object, message: string) => logged.push(`${message} ${JSON.stringify(about)}`)
  const made = fileFetcher({
    feeds: readConfiguration({ LENDER_FEED_TIMEOUT_MS: '100', ...environment }).feeds,
    database: database.pool,
    clock: () => now,
    limits: DEFAULT_INPUT_LIMITS,
    log: { info: keep, warn: keep } as never,
    onImported: (feed, { changed, dropped }) => imported.push(`${feed} ${changed} ${dropped}`),
    retryPauseMs: 5,
    silenceMsMin: 100,
  })
  running.push(made)
  return made
}
const said = (outcomes: readonly FetchOutcome[]) => outcomes.map(({ feed, outcome }) => `${feed} ${outcome}`)
const why = (outcomes: readonly FetchOutcome[]) => outcomes.map(({ reason }) => reason).join()
const pass = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000)
}
async function lines(statement: string): Promise<string[]> {
  const { rows } = await database.pool.query({ text: statement, rowMode: 'array' })
  return rows.map((row: unknown[]) =>
    row.map((value) => (value instanceof Date ? value.toISOString().slice(11, 19) : value)).join(' '),
  )
}
const rates = () => lines('select ticker, rate, as_of, listed from lender_rates order by ticker')

/** A lender file of 24 November 2026, `14:45:00` in New York, from lines such as `GME 1.5 4000`. */
function lenderFile(time: string, ...rows: string[]): string {
  const written = rows.map((row) => {
    const [symbol, fee, available] = row.split(' ')
    return `${symbol}|USD|${symbol} INC|1|X|2.00|${fee}|${available}||`
  })
  return [
    `#BOF|2026.11.24|${time}`,
    '#SYM|CUR|NAME|CON|ISIN|REBATERATE|FEERATE|AVAILABLE|FIGI|',
    ...written,
    `#EOF|${rows.length}`,
  ].join('\n')
}
const FIRST = lenderFile('14:45:00', 'GME 15 35000', 'AMC 19.25 12000')
const LATER = lenderFile('15:00:00', 'GME 16 30000', 'AMC 19.25 12000')
const OF_FIRST = ['AMC 0.1925 19:45:00 true', 'GME 0.15 19:45:00 true']
const OF_LATER = ['AMC 0.1925 20:00:00 true', 'GME 0.16 20:00:00 true']

describe('a lender file', () => {
  test.each(['files', 'ftp', 'disk'] as const)('is taken over from %s, and the next one after it', async (from) => {
    const folder = mkdtempSync(join(tmpdir(), 'feed-files-'))
    const put = (text: string) =>
      from === 'disk' ? writeFileSync(join(folder, 'usa.txt'), text) : fakes.putFile('usa.txt', text)
    const base = from === 'files' ? fakes.urls.files : from === 'ftp' ? fakes.ftpUrl : pathToFileURL(folder).href
    const subject = fetcher({ LENDER_FEED_URL: `${base}/usa.txt` })
    put(FIRST)
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    expect(await rates()).toEqual(OF_FIRST)
    put(LATER)
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    expect(await rates()).toEqual(OF_LATER)
    expect(imported).toEqual(['lender 2 0', 'lender 1 0'])
    expect(await lines('select provider, rows, last_success, last_error from feed_states')).toEqual([
      'ibkr-short-stock 2 20:05:00 ',
    ])
    rmSync(folder, { recursive: true })
  })

  test.each(['http', 'ftp'])('that is still the same is not taken over again (%s)', async (from) => {
    fakes.putFile('usa.txt', FIRST)
    const subject = fetcher({ LENDER_FEED_URL: `${from === 'http' ? fakes.urls.files : fakes.ftpUrl}/usa.txt` })
    await subject.fetchDue()
    pass(300)
    const before = fakes.requests('files')
    expect(said(await subject.fetchDue())).toEqual(['lender unchanged'])
    // The checksum says so, the file itself is not asked for.
    if (from === 'http') expect(fakes.requests('files') - before).toBe(1)
    expect(imported).toHaveLength(1)
    expect(await lines('select last_success from feed_states')).toEqual(['20:05:00'])
  })

  test('without a checksum is asked for on condition that it changed', async () => {
    fakes.putFile('usa.txt', FIRST)
    fakes.putFile('usa.txt.md5', '<html>no such page</html>')
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt` })
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['lender unchanged'])
  })

  test('may be packed', async () => {
    fakes.putFile('list.txt', gzipSync(FIRST))
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/list.txt` })
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    expect(await rates()).toEqual(OF_FIRST)
  })

  test('older than what is kept is left alone', async () => {
    fakes.putFile('usa.txt', LATER)
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt` })
    await subject.fetchDue()
    fakes.putFile('usa.txt', FIRST)
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['lender left alone'])
    expect(await rates()).toEqual(OF_LATER)
  })

  test('leaves alone what a lender service said later, and drops no names but its own', async () => {
    fakes.putFile('usa.txt', FIRST)
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt` })
    await subject.fetchDue()
    await database.pool.query(
      `update lender_rates set rate = 0.3, provider = 'service', as_of = '2026-11-24T20:02:00Z' where ticker = 'GME';
       insert into lender_rates (ticker, rate, provider, as_of, received_at)
       values ('ONLY', 0.4, 'service', '2026-11-24T19:50:00Z', '2026-11-24T19:50:00Z')`,
    )
    fakes.putFile('usa.txt', lenderFile('15:00:00', 'GME 16 30000'))
    pass(300)
    await subject.fetchDue()
    expect(await rates()).toEqual(['AMC  20:00:00 false', 'GME 0.3 20:02:00 true', 'ONLY 0.4 19:50:00 true'])
  })
})

describe('a bad day', () => {
  const cases: [string, () => void, RegExp][] = [
    [
      'a checksum of another file',
      () => fakes.putFile('usa.txt.md5', `${'0'.repeat(32)}  usa.txt`),
      /checksum beside the file does not fit/,
    ],
    ['a truncated file', () => fakes.putFile('usa.txt', LATER.slice(0, -12)), /truncated|fields/],
    ['an HTML page', () => fakes.putFile('usa.txt', '<!doctype html><html>We will be back soon.</html>'), /HTML/],
    ['a note about a quota', () => fakes.putFile('usa.txt', '{"Note":"limit"}'), /JSON message/],
    ['no file', () => fakes.putFile('usa.txt', null), /no such file/],
    ['status 500', () => fakes.setMode('files', '500'), /status 500/],
    ['a page instead of anything', () => fakes.setMode('files', 'garbage'), /HTML/],
    ['an answer that breaks off', () => fakes.setMode('files', 'truncated'), /broke off/],
    ['a server that hangs', () => fakes.setMode('files', 'hang'), /cannot be reached, or broke off/],
    [
      'a file that unpacks to more than allowed',
      () => fakes.putFile('usa.txt', gzipSync(Buffer.alloc(FEED_FILE_BYTES_MAX + 1))),
      /more than/,
    ],
    ['a packed file that is damaged', () => fakes.putFile('usa.txt', gzipSync(LATER).subarray(0, 60)), /unpacked/],
  ]
  test.each(cases)('%s keeps the last good data, says why, and passes', async (_name, turn, reason) => {
    fakes.putFile('usa.txt', FIRST)
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt?` })
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    pass(300)
    turn()
    const outcomes = await subject.fetchDue()
    expect(said(outcomes)).toEqual(['lender failed'])
    expect(why(outcomes)).toMatch(reason)
    expect(await rates()).toEqual(OF_FIRST)
    expect(await lines('select rows, last_success, last_error_at from feed_states')).toEqual(['2 20:00:00 20:05:00'])
    expect((await lines('select last_error from feed_states')).join()).toMatch(reason)

    fakes.reset()
    fakes.putFile('usa.txt', LATER)
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    expect(await rates()).toEqual(OF_LATER)
    expect(await lines('select last_error from feed_states')).toEqual([''])
  })

  test.each(['truncated', 'hang', '500'] as const)('of an FTP server (%s) keeps the last good data', async (mode) => {
    fakes.putFile('usa.txt', FIRST)
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.ftpUrl}/usa.txt` })
    await subject.fetchDue()
    fakes.putFile('usa.txt', LATER)
    fakes.setMode('files', mode)
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['lender failed'])
    expect(await rates()).toEqual(OF_FIRST)
  })

  test('that passes within three tries is not noticed', async () => {
    fakes.putFile('usa.txt', FIRST)
    fakes.setMode('files', { kind: 'intermittent', failing: 2, of: 3 })
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt?a=1` })
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
  })

  test('is written to the log without credentials', async () => {
    const address = new URL(`${fakes.ftpUrl}/none.txt`)
    address.password = 'HIDDEN'
    const http = `${fakes.urls.files}/none?apikey=HIDDEN#form=file`
    const outcomes = await fetcher({ LENDER_FEED_URL: `${address.href} ${http}`, LENDER_FEED_KEY: 'HIDDEN' }).fetchDue()
    expect(said(outcomes)).toEqual(['lender failed'])
    expect(logged.join()).toMatch(/none\.txt.*\/none/)
    expect(logged.join() + (await lines('select last_error from feed_states')).join()).not.toMatch(/HIDDEN|shortstock/)
  })
})

describe('the other files', () => {
  test('are taken over beside it, and fetched again once they are no longer fresh', async () => {
    fakes.putFile('VIX_History.csv', 'DATE,OPEN,HIGH,LOW,CLOSE\n11/20/2026,20,21,19,20.50\n11/23/2026,20,22,19,21.25\n')
    fakes.putFile(
      'earnings.csv',
      'symbol,name,reportDate,fiscalDateEnding,estimate,currency\nGME,Gamestop,2026-12-08,2026-10-31,0.1,USD\n',
    )
    fakes.putFile('closes.csv', 'ticker,date,close\nGME,2026-11-23,22.51\n')
    const subject = fetcher({
      VOLATILITY_FEED_URL: `${fakes.urls.files}/VIX_History.csv`,
      EVENT_FEED_URL: `${fakes.urls.files}/earnings.csv`,
      CLOSES_FEED_URL: `${fakes.urls.files}/closes.csv`,
    })
    expect(said(await subject.fetchDue())).toEqual(['volatility imported', 'events imported', 'closes imported'])
    expect(await lines('select value from volatility_index order by index_date desc limit 1')).toEqual(['21.25'])
    expect(await lines('select ticker, event_date from market_events')).toEqual(['GME 2026-12-08'])
    expect(await lines('select ticker, close from last_closes')).toEqual(['GME 22.51'])
    pass(300)
    expect(said(await subject.fetchDue())).toEqual(['volatility not due', 'events not due', 'closes not due'])
    pass(3300)
    expect(said(await subject.fetchDue())).toEqual(['volatility unchanged', 'events imported', 'closes unchanged'])
    expect(await lines("select as_of from feed_states where feed = 'events'")).toEqual(['21:00:00'])
  })
})

describe('several files of one input', () => {
  test('are fetched in the order of preference until one is good', async () => {
    fakes.putFile('second.txt', FIRST)
    const subject = fetcher({
      LENDER_FEED_URL: `${fakes.urls.files}/first.txt ${fakes.urls.files}/second.txt#provider=lender-two`,
    })
    expect(said(await subject.fetchDue())).toEqual(['lender imported'])
    expect(await lines('select provider, last_error from feed_states')).toEqual(['lender-two '])
    fakes.putFile('first.txt', LATER)
    pass(300)
    await subject.fetchDue()
    expect(await lines('select provider from feed_states')).toEqual(['ibkr-short-stock'])
  })
})

describe('several replicas', () => {
  test('fetch a file once', async () => {
    fakes.putFile('usa.txt', FIRST)
    const replicas = [1, 2, 3].map(() => fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt` }))
    const outcomes = (await Promise.all(replicas.map((each) => each.fetchDue()))).flatMap(said)
    expect(outcomes.filter((outcome) => outcome === 'lender imported')).toHaveLength(1)
    for (const outcome of outcomes) expect(outcome).toMatch(/imported|elsewhere|not due/)
  })
})

describe('the schedule', () => {
  test('begins with a round, and its end breaks off what is under way', async () => {
    fakes.putFile('usa.txt', FIRST)
    const subject = fetcher({ LENDER_FEED_URL: `${fakes.urls.files}/usa.txt`, LENDER_FEED_TIMEOUT_MS: '5000' })
    subject.start()
    await expect.poll(() => imported, { timeout: 10_000 }).toEqual(['lender 2 0'])
    fakes.setMode('files', 'hang')
    pass(300)
    const last = subject.fetchDue()
    await expect.poll(() => fakes.requests('files'), { timeout: 10_000 }).toBeGreaterThan(2)
    const startedAt = performance.now()
    await subject.stop()
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(said(await last)).toEqual(['lender failed'])
    expect(await lines('select last_error from feed_states')).toEqual([''])
  })

  test('does nothing where no input has a file', async () => {
    const subject = fetcher({ LENDER_FEED_URL: fakes.urls.lender })
    subject.start()
    expect(await subject.fetchDue()).toEqual([])
  })
})
