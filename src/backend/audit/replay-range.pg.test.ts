// Replay and what-if on a real log: rows that have been through the database and are read back in pages.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decimal, plus } from '../pricing/decimal.ts'
import { asPercentPoints } from '../pricing/units.ts'
import { auditId } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { anyPriceInputs } from '../test/random-price-inputs.ts'
import { collected, PLAIN_INPUTS, quoteRow } from '../test/recorded-quotes.ts'
import { auditLog } from './audit-log.ts'
import { changeRecordRow } from './change-record.ts'
import type { AuditRow } from './quote-record.ts'
import { streamRecords } from './read-record.ts'
import { replayRange } from './replay-range.ts'
import { whatIf } from './what-if.ts'

const DAY = { from: new Date('2026-11-24T00:00:00Z'), to: new Date('2026-11-25T00:00:00Z') }
const RANGE = { ...DAY, clientId: null, ticker: null }
const NEVER = new AbortController().signal
/** More than a page. */
const RANDOM_QUOTES = 2_300

let database: TestDatabase
let rows: readonly AuditRow[]

beforeAll(async () => {
  database = await testDatabase()
  const at = (second: number) => new Date(DAY.from.getTime() + second * 1000)
  const change = changeRecordRow({
    auditId: auditId(at(5)),
    occurredAt: at(5),
    actor: { actorType: 'operator', actorId: 'anna', source: 'command line' },
    change: 'stock_changed',
    subject: { kind: 'stock', id: 'AAPL' },
    clientId: null,
    before: null,
    after: { floor_rate: '0.01' },
  })
  const quotes = fc
    .sample(anyPriceInputs, { numRuns: RANDOM_QUOTES, seed: 20261124 })
    .map((inputs, index) => quoteRow(inputs, index % 3 === 0 ? 'anna' : 'bob', at(10 + index)))
  rows = [...quotes, change, quoteRow(PLAIN_INPUTS, 'cleo', at(20_000)), quoteRow(PLAIN_INPUTS, 'late', DAY.to)]
  const log = auditLog({ pool: database.pool, queueMax: rows.length })
  await Promise.all(rows.map((row) => log.append(row)))
  await log.close()
})
afterAll(() => database.drop())

test('every quote of a day replays identical from the database; a broker or a stock may be asked for alone', async () => {
  const replay = replayRange(streamRecords(database.pool))
  const found = await collected(replay(RANGE, NEVER))
  expect(found.filter(({ kind }) => kind !== 'progress')).toEqual([
    expect.objectContaining({
      kind: 'result',
      identical: RANDOM_QUOTES + 1,
      different: 0,
      notReplayable: 0,
      otherRecords: 1,
    }),
  ])
  expect((await collected(replay({ ...RANGE, clientId: 'cleo' }, NEVER))).at(-1)).toMatchObject({ replayed: 1 })
  expect((await collected(replay({ ...RANGE, ticker: 'GME' }, NEVER))).at(-1)).toMatchObject({ replayed: 0 })
})

test('a digit that the owner of the database changed is named', async () => {
  const { audit_id, record } = rows.find(({ client_id }) => client_id === 'cleo')!
  const client = await database.pool.connect()
  await client.query('begin')
  await client.query('alter table audit_records disable trigger user')
  await client.query('update audit_records set record = $2 where audit_id = $1', [
    audit_id,
    record.replace('"total_fee":"456.51"', '"total_fee":"456.50"'),
  ])
  const found = await collected(replayRange(streamRecords(client))({ ...RANGE, clientId: 'cleo' }, NEVER))
  await client.query('rollback')
  client.release()
  expect(found[0]).toEqual({
    kind: 'difference',
    auditId: audit_id,
    differences: [{ field: 'total_fee', recorded: '456.50', replayed: '456.51' }],
  })
  expect(found.at(-1)).toMatchObject({ kind: 'result', identical: 0, different: 1 })
})

test('what a day charged is the sum of the totals of its rows, and a draft changes what it says', async () => {
  const ask = { ...DAY, clientId: null, model: null, terms: null, clientsMax: 20 }
  const price = whatIf(streamRecords(database.pool))
  const unchanged = (await collected(price(ask, NEVER))).at(-1)
  const charged = rows
    .filter(({ client_id, total_fee }) => total_fee !== null && client_id !== 'late')
    .map(({ total_fee }) => decimal(total_fee!))
    .reduce(plus)
  expect(unchanged).toMatchObject({ kind: 'result', quotesFound: RANDOM_QUOTES + 1, changed: 0, notPriced: [] })
  expect(unchanged?.kind === 'result' && unchanged.before.totalFees.toString()).toBe(charged.toString())

  const terms = { markupPercentage: asPercentPoints(decimal('4')), markupTiers: null }
  const drafted = (await collected(price({ ...ask, clientId: 'cleo', terms }, NEVER))).at(-1)
  expect(JSON.parse(JSON.stringify(drafted))).toMatchObject({
    quotes: 1,
    delta: { totalFees: '-4.11', borrowCost: '0.00', margin: '-4.11' },
  })
})
