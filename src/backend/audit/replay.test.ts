import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditRow } from '../test/audit-rows.ts'
import { anyPriceInputs } from '../test/random-price-inputs.ts'
import { PLAIN_INPUTS, quoteRow } from '../test/recorded-quotes.ts'
import { changeRecordRow } from './change-record.ts'
import { type AuditRow, QUOTE_RECORD_SCHEMA_VERSION } from './quote-record.ts'
import { READABLE_VERSIONS } from './recorded-quote.ts'
import { type Replay, replayRecord } from './replay.ts'

const IDENTICAL: Replay = { identical: true, differences: [], notReplayable: null }
const PLAIN = quoteRow(PLAIN_INPUTS)

/** The row with another record text. */
function edited(row: AuditRow, edit: (body: Body) => void): AuditRow {
  const body = JSON.parse(row.record) as Body
  edit(body)
  return { ...row, record: JSON.stringify(body) }
}
// biome-ignore lint/suspicious/noExplicitAny: a test damages what it likes
type Body = any

describe('records of every version that ever was', () => {
  const folder = new URL('./fixtures/', import.meta.url)
  const versions = Array.from({ length: QUOTE_RECORD_SCHEMA_VERSION }, (_, index) => index + 1)
  const kept = (version: number) =>
    readFileSync(new URL(`quotes-v${version}.ndjson`, folder), 'utf8')
      .trimEnd()
      .split('\n')

  test('can be read, up to the one that is written now, and no version without records of it in the fixtures', () => {
    expect(READABLE_VERSIONS).toEqual(versions)
    expect(readdirSync(folder).sort()).toEqual(versions.map((version) => `quotes-v${version}.ndjson`).sort())
  })

  // Texts as running engines of their version kept them: by value and by shares, by days and by dates, under each convention pack
  // and kind of fee, with tiers, floor and cap.
  test.each(versions)('of version %i replay identical', (version) => {
    const records = kept(version)
    expect(records.length).toBeGreaterThan(5)
    for (const record of records) {
      expect(JSON.parse(record)).toMatchObject({ record_type: 'quote', schema_version: version })
      expect(replayRecord({ record_type: 'quote', schema_version: version, record })).toEqual(IDENTICAL)
    }
  })
})

describe('a quote', () => {
  test('replays identical, whatever its inputs were', () => {
    fc.assert(
      fc.property(anyPriceInputs, (inputs) => {
        expect(replayRecord(quoteRow(inputs))).toEqual(IDENTICAL)
      }),
      { numRuns: 2_000 },
    )
  })

  test('of which one digit of a result was altered is found, and the line is named', () => {
    const anyPlace = fc.record({ line: fc.nat(), digit: fc.nat(), by: fc.integer({ min: 1, max: 9 }) })
    fc.assert(
      fc.property(anyPriceInputs, anyPlace, (inputs, { line, digit, by }) => {
        const row = quoteRow(inputs)
        let altered = ''
        const { differences, identical } = replayRecord(
          edited(row, (body) => {
            const places: [string, Body, string][] = [
              ['total_fee', body.result, 'total_fee'],
              ['breakdown.borrow_cost', body.result, 'borrow_cost'],
              ['breakdown.markup', body.result, 'markup'],
              ['breakdown.transaction_fees', body.result, 'transaction_fee'],
              ['borrow_rate_used', body.result, 'borrow_rate'],
              ['charged_value', body.result, 'charged_value'],
              ['cost_per_day', body.result, 'cost_per_day'],
              ...body.waterfall.flatMap((step: Body) => [
                [`waterfall.${step.step}.before`, step, 'before'],
                [`waterfall.${step.step}.after`, step, 'after'],
              ]),
            ]
            const [field, holder, name] = places[line % places.length]!
            const text: string = holder[name]
            const digits = [...text.matchAll(/[0-9]/g)].map((match) => match.index)
            const at = digits[digit % digits.length]!
            holder[name] = `${text.slice(0, at)}${(Number(text[at]) + by) % 10}${text.slice(at + 1)}`
            altered = field
          }),
        )
        expect(identical).toBe(false)
        expect(differences.map(({ field }) => field)).toEqual([altered])
      }),
      { numRuns: 2_000 },
    )
  })

  test('of which an input was altered shows what it would have cost', () => {
    const row = edited(PLAIN, (body) => {
      body.price_inputs.terms.markup_percentage = '4'
    })
    expect(replayRecord(row).differences).toEqual([
      { field: 'total_fee', recorded: '456.51', replayed: '452.40' },
      { field: 'breakdown.markup', recorded: '20.55', replayed: '16.44' },
      { field: 'waterfall.markup.after', recorded: '431.51', replayed: '427.40' },
      { field: 'waterfall.transaction_fee.before', recorded: '431.51', replayed: '427.40' },
      { field: 'waterfall.transaction_fee.after', recorded: '456.51', replayed: '452.40' },
      { field: 'waterfall.total.before', recorded: '456.51', replayed: '452.40' },
      { field: 'waterfall.total.after', recorded: '456.51', replayed: '452.40' },
      { field: 'columns.total_fee', recorded: '456.51', replayed: '452.40' },
    ])
  })

  test.each<[keyof AuditRow, string]>([
    ['audit_id', '0193577d-1c00-7000-8000-000000000001'],
    ['client_id', 'somebody-else'],
    ['ticker', 'GME'],
    ['position_value', '100001'],
    ['borrow_rate', '0.06'],
    ['total_fee', '456.50'],
  ])('whose column %s says something else than its record is found', (name, value) => {
    const { differences } = replayRecord({ ...PLAIN, [name]: value })
    expect(differences.map(({ field }) => field)).toEqual([`columns.${name}`])
  })

  test('compares amounts by value: the columns of the database may have other zeros', () => {
    expect(replayRecord({ ...PLAIN, position_value: '100000.00', borrow_rate: '0.05000000' })).toEqual(IDENTICAL)
  })

  test.each<[string, (body: Body) => void, Replay['differences']]>([
    [
      'a line is missing',
      (body) => delete body.result.markup,
      [{ field: 'breakdown.markup', recorded: null, replayed: '20.55' }],
    ],
    [
      'a line is no text',
      (body) => {
        body.result.markup = 20.55
      },
      [{ field: 'breakdown.markup', recorded: '20.55', replayed: '20.55' }],
    ],
    [
      'a step is renamed',
      (body) => {
        body.waterfall[3].step = 'luck'
      },
      [{ field: 'waterfall.events.step', recorded: 'luck', replayed: 'events' }],
    ],
    [
      'there is a step too many',
      (body) => body.waterfall.push({ step: 'tip' }),
      [{ field: 'waterfall', recorded: '11 steps', replayed: '10 steps' }],
    ],
    [
      'it names another model',
      (body) => {
        body.pricing_model = 'desk-v1'
      },
      [{ field: 'terms.pricing_model', recorded: 'desk-v1', replayed: 'standard-v1' }],
    ],
    [
      'it says that it is of another version',
      (body) => {
        body.schema_version = 7
      },
      [{ field: 'schema_version', recorded: '7', replayed: '1' }],
    ],
  ])('differs when %s', (_, edit, differences) => {
    expect(replayRecord(edited(PLAIN, edit))).toEqual({ identical: false, differences, notReplayable: null })
  })

  test('without its waterfall or its result differs in every line, and stops nobody', () => {
    const bare = edited(PLAIN, (body) => {
      delete body.waterfall
      delete body.result
    })
    expect(replayRecord(bare).differences).toHaveLength(7 + 1 + 40)
  })
})

describe('what cannot be priced again says why', () => {
  test.each<[string, (body: Body) => void]>([
    ['a decimal is none', (body) => (body.price_inputs.lender_rate = '5 %')],
    ['a rate is below zero', (body) => (body.price_inputs.lender_rate = '-0.05')],
    ['an event risk is out of its range', (body) => (body.price_inputs.event_risk_factor = 11)],
    ['the days are no number', (body) => (body.price_inputs.loan_days = '30')],
    ['a day count is unknown', (body) => (body.price_inputs.terms.day_count = 'ACT/364')],
    ['a kind of fee is unknown', (body) => (body.price_inputs.terms.transaction_fee_type = 'FLAX')],
    ['a pack is unknown', (body) => (body.price_inputs.terms.convention_pack = 'constructor')],
    ['a billing is unknown', (body) => (body.price_inputs.terms.billing = 'yearly')],
    ['a source of volatility is unknown', (body) => (body.price_inputs.model.volatility_source = 'vix')],
    ['there is no model', (body) => delete body.price_inputs.model],
    ['there are no inputs', (body) => delete body.price_inputs],
    ['a list is none', (body) => (body.price_inputs.terms.markup_tiers = 'none')],
    [
      'days and dates do not agree',
      (body) =>
        (body.price_inputs.accrual = {
          short_settles: '2026-10-09',
          cover_settles: '2026-11-08',
          days: 30,
          schedule: [{ value_date: '2026-11-08', days: 29 }],
        }),
    ],
  ])('%s', (_, edit) => {
    expect(replayRecord(edited(PLAIN, edit))).toEqual({
      identical: false,
      differences: [],
      notReplayable: {
        reason: 'damaged',
        sentence: expect.stringMatching(/^the record is not of the form that its version has/),
      },
    })
  })

  test.each(['', 'null', '[]', '1', '"x"', '{}', '{"price_inputs":null}', PLAIN.record.slice(0, 400)])(
    'a text that is no record: %s',
    (record) => {
      expect(replayRecord({ ...PLAIN, record }).notReplayable?.reason).toBe('damaged')
    },
  )

  test('a record of a version that this program does not know', () => {
    for (const schema_version of [0, -1, QUOTE_RECORD_SCHEMA_VERSION + 1]) {
      expect(replayRecord({ ...PLAIN, schema_version }).notReplayable).toEqual({
        reason: 'unknown_version',
        sentence: `quotes of record version ${schema_version} are not known to this program`,
      })
    }
  })

  test('a record of a change', () => {
    const row = changeRecordRow({
      auditId: PLAIN.audit_id,
      occurredAt: new Date(PLAIN.occurred_at),
      actor: { actorType: 'operator', actorId: 'anna', source: 'command line' },
      change: 'stock_changed',
      subject: { kind: 'stock', id: 'GME' },
      clientId: null,
      before: null,
      after: { active: true },
    })
    expect(replayRecord(row).notReplayable?.reason).toBe('other_record')
  })

  test('no damage whatsoever is an exception', () => {
    const damaged = fc.tuple(fc.nat(), fc.constantFrom('', '0', '}', '"', '-', 'null', '9'.repeat(99), '{"a":1}'))
    fc.assert(
      fc.property(anyPriceInputs, damaged, (inputs, [place, text]) => {
        const { record, ...row } = quoteRow(inputs)
        const at = place % record.length
        replayRecord({ ...row, record: `${record.slice(0, at)}${text}${record.slice(at + 1)}` })
      }),
      { numRuns: 2_000 },
    )
    fc.assert(
      fc.property(fc.json(), (record) => {
        expect(replayRecord(auditRow({ record })).identical).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })
})
