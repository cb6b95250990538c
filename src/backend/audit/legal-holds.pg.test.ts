import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { uuidv7Maker } from '../server/uuidv7.ts'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { insertRecord } from './change-record.ts'
import { type HoldAct, type HoldRequest, listHolds, placeHold, readHold, releaseHold } from './legal-holds.ts'
import type { Actor } from './quote-record.ts'
import { readKeptRecord } from './read-record.ts'

const AUDITOR: Actor = {
  actorType: 'auditor',
  actorId: 'house',
  keyId: 'key-of-the-auditor',
  sourceIp: '192.0.2.1',
  userAgent: null,
  requestId: 'request-7',
  idempotencyKey: null,
}
const AT = new Date('2026-11-24T15:00:00.000Z')
const newId = uuidv7Maker(() => AT)
const act: HoldAct = { actor: AUDITOR, at: AT, newId }
const NOTHING: HoldRequest = { clientId: null, ticker: null, from: null, to: null, reason: 'Dispute 2026-17' }
const hold = (different: Partial<HoldRequest>): HoldRequest => ({ ...NOTHING, ...different })

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())
// Nothing is ever deleted here, so what an earlier test holds is released.
beforeEach(async () => {
  for (const { holdId } of (await listHolds(database.pool, { inForce: true, skip: 0, limit: 1000 })).items) {
    await releaseHold(database.pool, holdId, 'the next test begins', act)
  }
})

/** A record of that day, client and ticker. @returns its id */
async function record(day: string, clientId: string, ticker: string | null): Promise<string> {
  const at = new Date(`${day}T12:00:00.000Z`)
  const row = auditRow({ audit_id: auditId(at), occurred_at: at.toISOString(), client_id: clientId, ticker })
  await insertRecord(database.pool, row)
  return row.audit_id
}

async function holdsOn(id: string): Promise<readonly string[] | undefined> {
  return (await readKeptRecord(database.pool, id))?.holdIds
}

async function events(): Promise<{ record_type: string; client_id: string; actor_id: string; record: string }[]> {
  const { rows } = await database.pool.query(
    "select record_type, client_id, actor_id, record from audit_records where record_type like 'legal_hold%' order by audit_id desc",
  )
  return rows
}

describe('what a hold covers', () => {
  const CASES: [string, Partial<HoldRequest>, string[]][] = [
    ['a client', { clientId: 'acme' }, ['acme AAPL March', 'acme GME June', 'acme - June']],
    ['a ticker', { ticker: 'GME' }, ['acme GME June', 'other GME June']],
    [
      'a time range, with its first moment and without its last',
      { from: new Date('2026-03-10T12:00:00.000Z'), to: new Date('2026-06-10T12:00:00.000Z') },
      ['acme AAPL March'],
    ],
    [
      'everything since',
      { from: new Date('2026-06-01T00:00:00Z') },
      ['acme GME June', 'acme - June', 'other GME June'],
    ],
    ['everything until', { to: new Date('2026-06-01T00:00:00Z') }, ['acme AAPL March']],
    ['a client in a ticker', { clientId: 'acme', ticker: 'GME' }, ['acme GME June']],
    [
      'a client in a time range',
      { clientId: 'acme', from: new Date('2026-06-01T00:00:00Z'), to: new Date('2026-07-01T00:00:00Z') },
      ['acme GME June', 'acme - June'],
    ],
    ['a client whom nobody knows', { clientId: 'nobody' }, []],
  ]
  const records = new Map<string, string>()
  beforeAll(async () => {
    records.set('acme AAPL March', await record('2026-03-10', 'acme', 'AAPL'))
    records.set('acme GME June', await record('2026-06-10', 'acme', 'GME'))
    records.set('acme - June', await record('2026-06-11', 'acme', null))
    records.set('other GME June', await record('2026-06-12', 'other', 'GME'))
  })

  test.each(CASES)('%s: those records and no others', async (_, request, covered) => {
    const { holdId } = await placeHold(database.pool, hold(request), act)
    const held: string[] = []
    for (const [name, id] of records) if ((await holdsOn(id))?.includes(holdId)) held.push(name)
    expect(held).toEqual(covered)
    await releaseHold(database.pool, holdId, 'settled', act)
    for (const id of records.values()) expect(await holdsOn(id)).toEqual([])
  })

  test('a record under two holds stays held until the second is released', async () => {
    const first = await placeHold(database.pool, hold({ clientId: 'acme' }), act)
    const second = await placeHold(database.pool, hold({ ticker: 'GME' }), act)
    const id = records.get('acme GME June') ?? ''
    expect(await holdsOn(id)).toEqual([first.holdId, second.holdId])
    await releaseHold(database.pool, first.holdId, 'settled', act)
    expect(await holdsOn(id)).toEqual([second.holdId])
    await releaseHold(database.pool, second.holdId, 'settled', act)
    expect(await holdsOn(id)).toEqual([])
  })

  test('a hold covers records that come after it', async () => {
    const { holdId } = await placeHold(database.pool, hold({ clientId: 'late-comer' }), act)
    expect(await holdsOn(await record('2026-11-24', 'late-comer', 'AAPL'))).toEqual([holdId])
  })
})

describe('placing and releasing', () => {
  test('a hold is listed with who placed it, when and why, and then with who released it, when and why', async () => {
    const placed = await placeHold(database.pool, hold({ ticker: 'BRK.B', reason: '  Examination  ' }), act)
    expect(placed).toEqual({
      holdId: expect.any(String),
      ...hold({ ticker: 'BRK.B', reason: 'Examination' }),
      placedBy: 'key-of-the-auditor',
      placedAt: AT,
      release: null,
    })
    const inForce = await listHolds(database.pool, { inForce: true, skip: 0, limit: 10 })
    expect(inForce).toEqual({ items: [placed], total: 1 })
    const later = new Date('2026-11-25T09:00:00.000Z')
    const operator = { actorType: 'operator', actorId: 'anna', source: 'command line' } as const
    const released = await releaseHold(database.pool, placed.holdId, 'closed', { actor: operator, at: later, newId })
    expect(released).toEqual({ ...placed, release: { reason: 'closed', releasedBy: 'anna', releasedAt: later } })
    expect(await readHold(database.pool, placed.holdId)).toEqual(released)
    expect((await listHolds(database.pool, { inForce: true, skip: 0, limit: 10 })).items).toEqual([])
    const { items, total } = await listHolds(database.pool, { inForce: false, skip: 0, limit: 1000 })
    expect(items).toContainEqual(released)
    expect(total).toBe(items.length)
    expect((await listHolds(database.pool, { inForce: null, skip: 1, limit: 1 })).items).toHaveLength(1)
  })

  test('both are on the record, with who did it and the hold as it was', async () => {
    const { holdId } = await placeHold(database.pool, hold({ clientId: 'acme', from: AT }), act)
    await releaseHold(database.pool, holdId, 'settled', act)
    const [released, placed] = await events()
    expect(placed).toMatchObject({
      record_type: 'legal_hold_placed',
      client_id: 'acme',
      actor_id: 'key-of-the-auditor',
    })
    expect(JSON.parse(placed?.record ?? '')).toMatchObject({
      record_type: 'legal_hold_placed',
      occurred_at: AT.toISOString(),
      actor: { actor_type: 'auditor', key_id: 'key-of-the-auditor', request_id: 'request-7' },
      hold: { hold_id: holdId, client_id: 'acme', ticker: null, from: AT.toISOString(), to: null },
    })
    expect(JSON.parse(released?.record ?? '')).toMatchObject({
      record_type: 'legal_hold_released',
      hold: { hold_id: holdId },
      release_reason: 'settled',
    })
  })

  test('a hold whose record cannot be kept is not placed', async () => {
    const before = await listHolds(database.pool, { inForce: null, skip: 0, limit: 1 })
    // Ids of a month that the log does not have.
    const newId = uuidv7Maker(() => new Date('2099-01-01T00:00:00Z'))
    await expect(placeHold(database.pool, hold({ clientId: 'acme' }), { ...act, newId })).rejects.toThrow(
      'no partition',
    )
    expect(await listHolds(database.pool, { inForce: null, skip: 0, limit: 1 })).toEqual(before)
  })

  test('of two who release a hold at once one does, and the other is told', async () => {
    const { holdId } = await placeHold(database.pool, hold({ clientId: 'acme' }), act)
    const before = (await events()).length
    const both = await Promise.allSettled([1, 2].map(() => releaseHold(database.pool, holdId, 'settled', act)))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'CONFLICT' } })
    expect((await events()).length).toBe(before + 1)
  })

  test.each([auditId(AT), 'x'])('releasing %s, which is no hold, is told so', async (id) => {
    await expect(releaseHold(database.pool, id, 'settled', act)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  const REFUSED: [string, Partial<HoldRequest>, string[]][] = [
    ['nothing narrows it', {}, ['client_id']],
    ['the client_id is none', { clientId: 'a b' }, ['client_id']],
    ['the ticker is none', { ticker: 'aapl' }, ['ticker']],
    ['it ends before it begins', { from: AT, to: new Date(AT.getTime() - 1) }, ['to']],
    ['it ends as it begins', { from: AT, to: AT }, ['to']],
    ['it says no reason', { clientId: 'acme', reason: ' \n' }, ['reason']],
    ['its reason is a book', { clientId: 'acme', reason: 'x'.repeat(1001) }, ['reason']],
    ['much is wrong', { ticker: 'x', clientId: '', reason: '' }, ['client_id', 'ticker', 'reason']],
  ]
  test.each(REFUSED)('a hold is refused when %s, and every field is named', async (_, request, fields) => {
    const refused = placeHold(database.pool, hold(request), act)
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_PARAMETER',
      validationErrors: fields.map((field) => ({ field, location: 'body' })),
    })
  })

  test('holds and their ends are not changed, by owners neither', async () => {
    await placeHold(database.pool, hold({ clientId: 'acme' }), act)
    await expect(database.pool.query('update legal_holds set to_time = now()')).rejects.toThrow('never changed')
    await expect(database.pool.query('delete from legal_hold_releases')).rejects.toThrow('never changed')
  })
})
