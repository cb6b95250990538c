import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DESK_V1 } from '../pricing/borrow-rate.ts'
import { type Decimal, decimal, minus, plus } from '../pricing/decimal.ts'
import type { Terms } from '../pricing/locate-fee.ts'
import { type PriceInputs, price } from '../pricing/quote.ts'
import { asIndexPoints, asPercentPoints, asUsd } from '../pricing/units.ts'
import { auditRow } from '../test/audit-rows.ts'
import { anyModel, anyPriceInputs, anyTerms } from '../test/random-price-inputs.ts'
import { collected, PLAIN_INPUTS, pagesOf, quoteRow } from '../test/recorded-quotes.ts'
import type { AuditRow } from './quote-record.ts'
import type { StreamRecords } from './replay-range.ts'
import { type Effect, type Revenue, WHAT_IF_NOTE, type WhatIfResult, type WhatIfStep, whatIf } from './what-if.ts'
import type { WhatIfAsk } from './what-if-ask.ts'
import { WHAT_IF_COLUMNS, whatIfCsv } from './what-if-csv.ts'

const WEEK = { from: new Date('2026-11-16T00:00:00Z'), to: new Date('2026-11-23T00:00:00Z') }
const ASK: WhatIfAsk = { ...WEEK, clientId: null, model: null, terms: null, clientsMax: 20 }
const CENTS: Decimal = decimal('0.00')
const NEVER = new AbortController().signal

const steps = (stream: StreamRecords, ask: Partial<WhatIfAsk>, signal = NEVER): Promise<WhatIfStep[]> =>
  collected(whatIf(stream)({ ...ASK, ...ask }, signal))

async function under(ask: Partial<WhatIfAsk>, rows: readonly AuditRow[]): Promise<WhatIfResult> {
  const last = (await steps(pagesOf([rows]), ask)).at(-1)
  if (last?.kind !== 'result') throw new Error('there is no result')
  return last
}

const markup = (points: string): Partial<Terms> => ({
  markupPercentage: asPercentPoints(decimal(points)),
  markupTiers: null,
})
const terms = (different: Partial<Terms>): PriceInputs => ({
  ...PLAIN_INPUTS,
  terms: { ...PLAIN_INPUTS.terms, ...different },
})
const worth = (usd: string): PriceInputs => ({
  ...PLAIN_INPUTS,
  position: { kind: 'value', positionValue: asUsd(decimal(usd)) },
})
/** total = borrow cost + markup + transaction fees; margin = markup + transaction fees. */
const texts = (revenue: Revenue) => JSON.parse(JSON.stringify(revenue))

describe('a draft rate card', () => {
  // docs/pricing.md: 100 000 USD, 30 days, 5 %, ACT/365: 410.96 + 5 % 20.55 + 25.00 = 456.51. At 4 % the markup is 16.44.
  test('shows what the same quotes would have charged, and what would have stayed', async () => {
    const { note, before, after, delta, ...counts } = await under({ terms: markup('4') }, [
      quoteRow(PLAIN_INPUTS),
      quoteRow(PLAIN_INPUTS),
    ])
    expect(texts(before)).toEqual({
      totalFees: '913.02',
      borrowCost: '821.92',
      markup: '41.10',
      transactionFees: '50.00',
      margin: '91.10',
    })
    expect(texts(after)).toEqual({
      totalFees: '904.80',
      borrowCost: '821.92',
      markup: '32.88',
      transactionFees: '50.00',
      margin: '82.88',
    })
    expect(texts(delta)).toEqual({
      totalFees: '-8.22',
      borrowCost: '0.00',
      markup: '-8.22',
      transactionFees: '0.00',
      margin: '-8.22',
    })
    expect(counts).toMatchObject({ quotesFound: 2, quotes: 2, changed: 2, notPriced: [], clients: 1, others: null })
    expect(note).toBe(WHAT_IF_NOTE)
    expect(note).toContain('not an executed borrow')
  })

  test('may be a model: an index of 25 adds a quarter under standard-v1, and a twentieth under desk-v1', async () => {
    const row = quoteRow({ ...PLAIN_INPUTS, volatilityIndex: asIndexPoints(decimal('25')) })
    // 5 % x 1.25 = 6.25 %: 513.70 + 25.68 + 25; 5 % x 1.05 = 5.25 %: 431.51 + 21.58 + 25.
    const { before, after } = await under({ model: DESK_V1 }, [row])
    expect([texts(before).totalFees, texts(after).totalFees]).toEqual(['564.38', '478.09'])
    // The draft's terms come on top: half a percent of 100 000 in place of 25.
    const fee: Partial<Terms> = { transactionFeeType: 'PERCENTAGE', transactionAmount: decimal('0.5') }
    expect(texts((await under({ model: DESK_V1, terms: fee }, [row])).after)).toMatchObject({
      totalFees: '953.09',
      transactionFees: '500.00',
      margin: '521.58',
    })
  })

  test('replaces the recorded terms field by field: what it does not name stays as it was for each client', async () => {
    const daily = quoteRow(terms({ dayCount: 'ACT/360', transactionAmount: decimal('1.23') }), 'daily')
    const { mostAffected } = await under({ terms: { billing: 'daily' } }, [quoteRow(PLAIN_INPUTS, 'classic'), daily])
    // 100 000 x 5 % is 13.70 a day over 365, 13.89 over 360; 30 of them 411.00 and 416.70, and 5 % of that.
    expect(mostAffected.map(({ clientId, after }) => [clientId, texts(after).totalFees])).toEqual([
      ['classic', '456.55'],
      ['daily', '438.77'],
    ])
  })

  test('takes the place of recorded tiers when it names one markup', async () => {
    const tiers = [
      { upTo: asUsd(decimal('40000')), markupPercentage: asPercentPoints(decimal('10')) },
      { upTo: null, markupPercentage: asPercentPoints(decimal('5')) },
    ]
    const row = quoteRow(terms({ markupTiers: tiers }))
    // 10 % of four tenths of 410.96 and 5 % of six tenths: 16.44 + 12.33.
    const { before, after } = await under({ terms: markup('5') }, [row])
    expect([texts(before).markup, texts(after).markup]).toEqual(['28.77', '20.55'])
    expect(texts((await under({ terms: { markupTiers: tiers } }, [quoteRow(PLAIN_INPUTS)])).after).markup).toBe('28.77')
  })
})

describe('to the cent', () => {
  test('a draft that is what was recorded changes nothing, whatever was recorded', async () => {
    await fc.assert(
      fc.asyncProperty(anyPriceInputs, async (inputs) => {
        const rows = [quoteRow(inputs)]
        for (const ask of [{}, { terms: inputs.terms }, { model: inputs.model }, inputs]) {
          const { terms = null, model = null } = ask as Partial<PriceInputs>
          const found = await under({ terms, model }, rows)
          expect(found).toMatchObject({ quotes: 1, changed: 0, notPriced: [] })
          expect(texts(found.after)).toEqual(texts(found.before))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('the sums are those of the single quotes, and the table adds up: named, others and total', async () => {
    const anyQuotes = fc.array(fc.tuple(anyPriceInputs, fc.constantFrom('anna', 'bob', 'cleo', 'dora')), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(anyQuotes, anyTerms, anyModel, async (quotes, terms, model) => {
        const rows = quotes.map(([inputs, clientId]) => quoteRow(inputs, clientId))
        const found = await under({ terms, model, clientsMax: 2 }, rows)
        const totals = (priced: readonly PriceInputs[]) =>
          String(priced.map((it) => price(it).fee.totalFee).reduce(plus, CENTS))
        const recorded = quotes.map(([inputs]) => inputs)
        expect(texts(found.before).totalFees).toBe(totals(recorded))
        expect(texts(found.after).totalFees).toBe(totals(recorded.map((inputs) => ({ ...inputs, terms, model }))))
        const lines: Effect[] = [...found.mostAffected, ...(found.others === null ? [] : [found.others])]
        for (const sum of ['totalFees', 'borrowCost', 'markup', 'transactionFees', 'margin'] as const) {
          expect(String(lines.map(({ delta }) => delta[sum] as Decimal).reduce(plus, CENTS))).toBe(
            String(found.delta[sum]),
          )
          expect(String(minus(found.after[sum], found.before[sum]))).toBe(String(found.delta[sum]))
        }
        const inLines = (count: 'quotes' | 'changed') => lines.reduce((all, it) => all + it[count], 0)
        expect([inLines('quotes'), inLines('changed')]).toEqual([found.quotes, found.changed])
        expect(found.mostAffected.length + (found.others?.clients ?? 0)).toBe(found.clients)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the clients most affected', () => {
  // A markup of 4 % in place of 5 % is a hundredth of the borrow cost: 0.41, 4.11, 41.10 for ten times the value each.
  const rows = [
    quoteRow(worth('10000'), 'small'),
    quoteRow(worth('1000000'), 'large'),
    quoteRow(worth('100000'), 'middle'),
    quoteRow(terms(markup('4')), 'unmoved'),
    // Its markup rises: a change upwards counts as one downwards.
    quoteRow({ ...worth('200000'), terms: { ...PLAIN_INPUTS.terms, ...markup('3') } }, 'upwards'),
  ]

  test('come first, by the size of the change in either direction', async () => {
    const { mostAffected, others } = await under({ terms: markup('4') }, rows)
    expect(mostAffected.map(({ clientId, delta, changed }) => [clientId, texts(delta).totalFees, changed])).toEqual([
      ['large', '-41.10', 1],
      ['upwards', '8.22', 1],
      ['middle', '-4.11', 1],
      ['small', '-0.41', 1],
      ['unmoved', '0.00', 0],
    ])
    expect(others).toBeNull()
  })

  test('are as many as asked for, and the others are one line', async () => {
    const { mostAffected, others, clients } = await under({ terms: markup('4'), clientsMax: 2 }, rows)
    expect(mostAffected.map(({ clientId }) => clientId)).toEqual(['large', 'upwards'])
    expect(clients).toBe(5)
    expect(others).toMatchObject({ clients: 3, quotes: 3, changed: 2 })
    expect(texts(others!.delta).totalFees).toBe('-4.52')
  })

  test('alike stand by their names, and one client may be asked for alone', async () => {
    const { mostAffected } = await under({}, [quoteRow(PLAIN_INPUTS, 'b'), quoteRow(PLAIN_INPUTS, 'a')])
    expect(mostAffected.map(({ clientId }) => clientId)).toEqual(['a', 'b'])
    const asked: unknown[] = []
    const stream: StreamRecords = (range) => {
      asked.push(range)
      return pagesOf([])(range, 0)
    }
    await steps(stream, { clientId: 'a' })
    await steps(stream, {})
    expect(asked).toEqual([
      { ...WEEK, recordType: 'quote', clientId: 'a' },
      { ...WEEK, recordType: 'quote' },
    ])
  })
})

describe('what is not priced', () => {
  test('is counted with its reason and is in neither sum; other records are no quotes', async () => {
    const good = quoteRow(PLAIN_INPUTS)
    const body = (edit: (result: Record<string, string>) => void) => {
      const record = JSON.parse(good.record)
      edit(record.result)
      return JSON.stringify(record)
    }
    const found = await under({ terms: { dayCount: 'ACT/365' } }, [
      good,
      quoteRow(terms({ conventionPack: 'us-market-value', dayCount: 'ACT/360' })),
      quoteRow(terms({ conventionPack: 'us-collateral-mark', dayCount: 'ACT/360' })),
      quoteRow(terms({ conventionPack: 'ca-market-value' })),
      { ...good, record: '{' },
      { ...good, record: good.record.replace('"lender_rate":"0.05"', '"lender_rate":"-1"') },
      { ...good, record: body((result) => (result.markup = 'a lot')) },
      { ...good, record: body((result) => (result.markup = '-20.55')) },
      { ...good, record: body((result) => delete result.borrow_cost) },
      { ...good, schema_version: 99 },
      auditRow({ record_type: 'stock_changed' }),
    ])
    expect(found).toMatchObject({ quotesFound: 10, quotes: 2, changed: 0 })
    expect(texts(found.before).totalFees).toBe('913.02')
    expect(found.after).toEqual(found.before)
    expect(found.notPriced).toEqual([
      {
        reason: 'day_count_conflict',
        sentence: 'the day count of the terms is not the one that their convention pack fixes',
        quotes: 2,
      },
      { reason: 'damaged', sentence: 'the record is damaged', quotes: 5 },
      {
        reason: 'unknown_version',
        sentence: 'the record is of a version that this program does not know',
        quotes: 1,
      },
    ])
  })

  test('a pack that fixes the day count is tried only on terms that have it', async () => {
    const found = await under({ terms: { conventionPack: 'us-market-value' } }, [
      quoteRow(PLAIN_INPUTS, 'a'),
      quoteRow(terms({ dayCount: 'ACT/360' }), 'b'),
    ])
    expect(found).toMatchObject({ quotes: 1, notPriced: [{ reason: 'day_count_conflict', quotes: 1 }] })
    expect(found.mostAffected.map(({ clientId }) => clientId)).toEqual(['b'])
  })
})

describe('a long range', () => {
  test('tells how far it is after each page', async () => {
    const page = [quoteRow(PLAIN_INPUTS), auditRow({ record_type: 'stock_changed' })]
    const found = await steps(pagesOf([page, [], page]), {})
    expect(found.map((step) => (step.kind === 'progress' ? step.quotes : step.quotesFound))).toEqual([1, 2, 2])
    expect(found[0]).toEqual({ kind: 'progress', quotes: 1, at: page[1]!.occurred_at })
  })

  test('without a quote has a result too', async () => {
    expect(await under({}, [])).toMatchObject({ quotesFound: 0, clients: 0, mostAffected: [], others: null })
  })

  test('ends when it is aborted, and fails as its stream does', async () => {
    const controller = new AbortController()
    const page = Array.from({ length: 5_000 }, () => quoteRow(PLAIN_INPUTS))
    const aborting = pagesOf([page, page], () => setImmediate(() => controller.abort(new Error('enough'))))
    await expect(steps(aborting, {}, controller.signal)).rejects.toThrow('enough')
    const broken: StreamRecords = async function* () {
      yield [page[0]!]
      throw new Error('the database is away')
    }
    await expect(steps(broken, {})).rejects.toThrow('the database is away')
  })
})

describe('as CSV', () => {
  test('it is a line for each named client, one for the others, and the total', async () => {
    const rows = [quoteRow(PLAIN_INPUTS, 'classic'), quoteRow(worth('10000'), '-1+1'), quoteRow(worth('10'), 'tiny')]
    const lines = whatIfCsv(await under({ terms: markup('4'), clientsMax: 2 }, rows)).split('\r\n')
    expect(lines).toEqual([
      WHAT_IF_COLUMNS.join(','),
      'classic,1,1,456.51,452.40,-4.11,410.96,410.96,0.00,20.55,16.44,-4.11,25.00,25.00,0.00,45.55,41.44,-4.11',
      // A spreadsheet would run what begins like a formula.
      "'-1+1,1,1,68.15,67.74,-0.41,41.10,41.10,0.00,2.05,1.64,-0.41,25.00,25.00,0.00,27.05,26.64,-0.41",
      '(others),1,0,25.04,25.04,0.00,0.04,0.04,0.00,0.00,0.00,0.00,25.00,25.00,0.00,25.00,25.00,0.00',
      '(total),3,2,549.70,545.18,-4.52,452.10,452.10,0.00,22.60,18.08,-4.52,75.00,75.00,0.00,97.60,93.08,-4.52',
      '',
    ])
    expect(WHAT_IF_COLUMNS.slice(0, 6)).toEqual([
      'client_id',
      'quotes',
      'quotes_changed',
      'total_fees_before',
      'total_fees_after',
      'total_fees_delta',
    ])
  })

  test('nothing to tell is a header and a total of nothing', async () => {
    expect(
      whatIfCsv(await under({}, []))
        .split('\r\n')
        .slice(1),
    ).toEqual([`(total),0,0${',0.00'.repeat(15)}`, ''])
  })
})
