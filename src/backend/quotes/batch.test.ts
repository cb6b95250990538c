// What a batch does with its lines while they are priced and recorded: their order, whom it lets go first, and when it ends.
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { asUsd, type Ticker } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { type BatchLine, type BatchStep, type KeepRecords, quoteBatch } from './batch.ts'
import type { LocateQuote, QuoteRequest } from './quote.ts'

const NOW = new Date('2026-11-24T15:00:00.000Z')
const CONTEXT = ownContext('r1')
const ACTOR = {
  actorType: 'broker',
  actorId: 'desk',
  keyId: 'k1',
  sourceIp: '192.0.2.7',
  userAgent: null,
  requestId: 'r1',
  idempotencyKey: null,
}

const linesOf = (tickers: readonly string[]): BatchLine[] =>
  tickers.map((ticker, index) => ({
    line: index + 1,
    kind: 'request',
    request: {
      ticker: ticker as Ticker,
      clientId: 'desk',
      position: { kind: 'value', positionValue: asUsd(decimal('100')) },
      stay: { kind: 'days', loanDays: 30 },
      location: 'body',
    },
  }))

/** A desk that prices by name alone: `BAD` is no name, `BUG` cannot be computed. */
function desk(keepRecords: KeepRecords) {
  const price = (request: QuoteRequest): LocateQuote => {
    if (request.ticker === 'BAD') throw new Problem('TICKER_NOT_FOUND', 'Ticker not found: BAD')
    if (request.ticker === 'BUG') throw new Problem('CALCULATION_ERROR', 'The price could not be computed')
    return { request } as LocateQuote
  }
  return quoteBatch({
    snapshot: async () => ({
      observe: () => {
        throw new Error('not looked at here')
      },
    }),
    terms: () => null,
    priceWith: () => price,
    keepRecords,
    engineBuild: 'test',
    clock: () => NOW,
  })
}

const keptAll: KeepRecords = async (records) => records.map(() => null)

async function taken(steps: AsyncIterable<readonly BatchStep[]>): Promise<(number | string)[]> {
  const all: (number | string)[] = []
  for await (const together of steps) {
    for (const step of together) all.push('quote' in step ? step.line : `${step.line} ${step.problem.code}`)
  }
  return all
}

const names = (count: number, other: Readonly<Record<number, string>> = {}) =>
  Array.from({ length: count }, (_, index) => other[index + 1] ?? 'GME')

describe('the lines of a batch', () => {
  test('come in their order, and what cannot be priced or recorded fails alone', async () => {
    const refuseOne: KeepRecords = async (records) => {
      await turn()
      return records.map((_, index) => (index === 3 ? new Problem('AUDIT_UNAVAILABLE', 'not now') : null))
    }
    const batch = await desk(refuseOne)(
      { batchId: 'b', lines: linesOf(names(300, { 2: 'BAD' })), actor: ACTOR },
      CONTEXT,
      new AbortController().signal,
    )
    const all = await taken(batch.steps)
    expect(all).toHaveLength(300)
    expect(all.filter((each) => typeof each === 'string')).toEqual([
      '2 TICKER_NOT_FOUND',
      // The fourth that was priced of each part: the first part has one that was not.
      '5 AUDIT_UNAVAILABLE',
      '132 AUDIT_UNAVAILABLE',
      '260 AUDIT_UNAVAILABLE',
    ])
    expect(all.map((each) => Number.parseInt(String(each), 10))).toEqual(names(300).map((_, index) => index + 1))
  })

  test('end with a price that cannot be computed: nothing of its part is recorded', async () => {
    const kept: number[] = []
    const keep: KeepRecords = async (records) => {
      kept.push(records.length)
      return records.map(() => null)
    }
    const batch = await desk(keep)(
      { batchId: 'b', lines: linesOf(names(200, { 150: 'BUG' })), actor: ACTOR },
      CONTEXT,
      new AbortController().signal,
    )
    await expect(taken(batch.steps)).rejects.toMatchObject({ code: 'CALCULATION_ERROR' })
    expect(kept).toEqual([128])
  })

  test('are begun no further when nobody waits for them', async () => {
    let recorded = 0
    const gone = new AbortController()
    const keep: KeepRecords = async (records) => {
      recorded += records.length
      await turn()
      return records.map(() => null)
    }
    const batch = await desk(keep)({ batchId: 'b', lines: linesOf(names(5_000)), actor: ACTOR }, CONTEXT, gone.signal)
    for await (const together of batch.steps) {
      expect(together).toHaveLength(128)
      gone.abort()
    }
    expect(recorded).toBeLessThanOrEqual(5 * 128)
  })
})

describe('batches at the same time', () => {
  test('have no more parts under way than one alone, and take turns', async () => {
    let underWay = 0
    let most = 0
    const order: string[] = []
    const keep: KeepRecords = async (records, context) => {
      underWay += 1
      most = Math.max(most, underWay)
      order.push(context.requestId)
      await turn()
      underWay -= 1
      return records.map(() => null)
    }
    const quoted = desk(keep)
    const all = await Promise.all(
      ['a', 'b', 'c', 'd', 'e', 'f'].map(async (id) => {
        const ask = { batchId: id, lines: linesOf(names(1_280)), actor: ACTOR }
        const batch = await quoted(ask, ownContext(id), new AbortController().signal)
        return taken(batch.steps)
      }),
    )
    expect(all.map((each) => each.length)).toEqual([1_280, 1_280, 1_280, 1_280, 1_280, 1_280])
    expect(most).toBeLessThanOrEqual(4)
    // Each of them is past its first part long before any other is at its end.
    expect(new Set(order.slice(0, 20)).size).toBe(6)
  })

  test('that fail or are left give their places to the others', async () => {
    const quoted = desk(keptAll)
    for (let time = 0; time < 20; time += 1) {
      const failing = await quoted(
        { batchId: 'f', lines: linesOf(names(600, { 200: 'BUG' })), actor: ACTOR },
        CONTEXT,
        new AbortController().signal,
      )
      await expect(taken(failing.steps)).rejects.toMatchObject({ code: 'CALCULATION_ERROR' })
      const left = await quoted(
        { batchId: 'l', lines: linesOf(names(600)), actor: ACTOR },
        CONTEXT,
        new AbortController().signal,
      )
      for await (const _ of left.steps) break
    }
    const last = await quoted(
      { batchId: 'x', lines: linesOf(names(600)), actor: ACTOR },
      CONTEXT,
      new AbortController().signal,
    )
    expect(await taken(last.steps)).toHaveLength(600)
  })
})
