import { afterEach, describe, expect, test } from 'vitest'
import { type Refusal, type RefusalSummary, type Refusals, refusals } from './refusals.ts'

const START = Date.UTC(2026, 10, 24, 12)
const MINUTE_MS = 60_000

const open: Refusals[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()))
})

function desk() {
  const time = { now: START }
  const store = { away: false, kept: [] as RefusalSummary[], tries: 0, refuses: (_: RefusalSummary) => false }
  const failures: unknown[] = []
  const book = refusals<RefusalSummary>({
    rowOf: (summary) => summary,
    append: async (row) => {
      store.tries += 1
      if (store.away || store.refuses(row)) throw new Error('not kept')
      store.kept.push(row)
    },
    clock: () => new Date(time.now),
    onFailure: (reason) => failures.push(reason),
  })
  open.push(book)
  return { time, store, failures, book }
}

const refusal = (over: Partial<Refusal> = {}): Refusal => ({
  address: '203.0.113.7',
  keyId: null,
  clientId: null,
  errorCode: 'UNAUTHORIZED',
  route: '/api/v1/rates/:ticker',
  ...over,
})

describe('what is turned away within a minute', () => {
  test('is one record for an address and key, with what was refused, how often, from when to when', async () => {
    const { time, store, book } = desk()
    const key = { keyId: 'key1', clientId: 'classic' }
    book.note(refusal({ ...key, errorCode: 'RATE_LIMIT_EXCEEDED' }))
    time.now += 1000
    book.note(refusal({ ...key, errorCode: 'FORBIDDEN', route: '/api/v1/audit/:audit_id' }))
    time.now += 1000
    book.note(refusal({ ...key, errorCode: 'RATE_LIMIT_EXCEEDED' }))
    book.note(refusal())
    await book.write()
    const at = (ms: number) => new Date(START + ms)
    expect(store.kept).toEqual([
      {
        address: '203.0.113.7',
        ...key,
        count: 3,
        firstAt: at(0),
        lastAt: at(2000),
        refusals: [
          {
            errorCode: 'RATE_LIMIT_EXCEEDED',
            route: '/api/v1/rates/:ticker',
            count: 2,
            firstAt: at(0),
            lastAt: at(2000),
          },
          { errorCode: 'FORBIDDEN', route: '/api/v1/audit/:audit_id', count: 1, firstAt: at(1000), lastAt: at(1000) },
        ],
      },
      expect.objectContaining({ address: '203.0.113.7', keyId: null, clientId: null, count: 1 }),
    ])
    await book.write()
    expect(store.kept).toHaveLength(2)
  })

  test('counts all addresses of an IPv6 /64 as one', async () => {
    const { store, book } = desk()
    for (let i = 0; i < 9; i += 1) book.note(refusal({ address: `2001:db8::${i}` }))
    await book.write()
    expect(store.kept).toEqual([expect.objectContaining({ address: '2001:db8:0:0::/64', count: 9 })])
  })
})

describe('whoever tries to flood the record', () => {
  test('with invented keys gets ten records from an address, and one for the rest', async () => {
    const { store, book } = desk()
    for (let i = 0; i < 5000; i += 1) book.note(refusal({ keyId: `invented-${i}` }))
    await book.write()
    expect(store.kept).toHaveLength(11)
    expect(store.kept.at(-1)).toMatchObject({ address: '203.0.113.7', keyId: null, count: 4990 })
  })

  test('from many addresses gets a thousand records and one for the rest, and pushes out no valid key', async () => {
    const { store, book } = desk()
    for (let i = 0; i < 5000; i += 1) book.note(refusal({ address: `10.0.${i >> 8}.${i & 255}` }))
    book.note(refusal({ keyId: 'key1', clientId: 'classic', errorCode: 'FORBIDDEN' }))
    await book.write()
    expect(store.kept).toHaveLength(1002)
    expect(store.kept.find(({ address }) => address === null)?.count).toBe(4000)
    expect(store.kept.find(({ clientId }) => clientId === 'classic')?.count).toBe(1)
    expect(store.kept.reduce((sum, { count }) => sum + count, 0)).toBe(5001)
  })

  test('at many routes gets fifty lines in its record, and one for the rest', async () => {
    const { store, book } = desk()
    for (let i = 0; i < 200; i += 1) book.note(refusal({ route: `/route/${i}` }))
    await book.write()
    expect(store.kept[0]?.refusals).toHaveLength(51)
    expect(store.kept[0]?.refusals.at(-1)).toMatchObject({ route: 'other', count: 150 })
  })
})

describe('while records cannot be kept', () => {
  test('they wait, are tried again as they were, and are kept when that is possible again', async () => {
    const { time, store, failures, book } = desk()
    store.away = true
    book.note(refusal())
    await book.write()
    time.now += MINUTE_MS
    book.note(refusal())
    await book.write()
    expect(book.stats()).toEqual({ waiting: 2, written: 0, dropped: 0 })
    expect(failures).toHaveLength(2)
    store.away = false
    await book.write()
    expect(book.stats()).toEqual({ waiting: 0, written: 2, dropped: 0 })
    expect(store.kept.map(({ firstAt }) => firstAt.getTime() - START).toSorted()).toEqual([0, MINUTE_MS])
  })

  test('an outage costs one part of them a minute, and the oldest are dropped, counted, when too many wait', async () => {
    const { store, book } = desk()
    store.away = true
    for (let minute = 0; minute < 8; minute += 1) {
      for (let i = 0; i < 1000; i += 1) book.note(refusal({ address: `10.${minute}.${i >> 8}.${i & 255}` }))
      await book.write()
    }
    expect(store.tries).toBe(8 * 256)
    expect(book.stats()).toEqual({ waiting: 5000, written: 0, dropped: 3000 })
  })

  test('one that is never accepted is dropped after an hour, and keeps no other waiting', async () => {
    const { store, book } = desk()
    store.refuses = ({ address }) => address === '10.0.0.1'
    book.note(refusal({ address: '10.0.0.1' }))
    book.note(refusal({ address: '10.0.0.2' }))
    for (let minute = 0; minute < 60; minute += 1) await book.write()
    expect(book.stats()).toEqual({ waiting: 0, written: 1, dropped: 1 })
  })

  test('the end is not held up: what cannot be kept then is dropped, counted', async () => {
    const { store, book } = desk()
    store.away = true
    book.note(refusal())
    await book.close()
    expect(book.stats()).toEqual({ waiting: 0, written: 0, dropped: 1 })
  })
})

test('noting costs microseconds', () => {
  const { book } = desk()
  const notes = 20_000
  const startedAt = performance.now()
  for (let i = 0; i < notes; i += 1) book.note(refusal({ keyId: 'key1', clientId: 'classic' }))
  expect(((performance.now() - startedAt) / notes) * 1000).toBeLessThan(100)
})
