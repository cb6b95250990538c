// The list of all names over a market that a test makes up: its forms, its validator, and how often it is made.
import { parse } from 'csv-parse/sync'
import { describe, expect, test } from 'vitest'
import { borrowStatusOf, DEFAULT_INPUT_LIMITS } from '../market-data/fallback.ts'
import { marketData } from '../market-data/market-data.ts'
import { DESK_V1, type PricingModel, STANDARD_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { asRate, type IsoDate } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { writeJson } from '../server/json-writer.ts'
import { rateRow } from './answer.ts'
import { rateOf } from './rate.ts'
import { jsonOf, type RateListAsk, type RateListFormat, rateLists } from './rate-list.ts'

const CONTEXT = ownContext('request-1')
const WINDOW = { from: '2026-11-24' as IsoDate, to: '2026-12-08' as IsoDate }
const CLOSE_AT = new Date('2026-11-23T21:00:00Z')
const NEVER = new AbortController().signal

let now = new Date('2026-11-24T15:00:00Z')
const pass = (ms: number) => {
  now = new Date(now.getTime() + ms)
}
const ms = (time: string) => Date.parse(`2026-11-24T${time}Z`)

const SHARED = `{"volatilityIndex":["18.70","cboe",${ms('14:50:00')},${ms('14:51:00')},false],"calendar":["file",${ms('10:00:00')},${ms('10:00:00')},false],"lenderAsked":true}`
const listed = (rate: string | null, more: string) =>
  `[${rate === null ? 'null' : `"${rate}"`},null,${more},"0.0433",true,"lender",${ms('14:58:00.123')},${ms('14:59:00')},false]`

/** A market of four names, as the database writes it. */
function market(rate = '0.050') {
  const names = [
    `["AMC","AMC \\"PREFERRED\\", INC",null,"0.01000000",${listed('0.0001', '5,true')},null,null,null,null]`,
    `["BRK.B",null,"EASY",null,null,null,null,null,null]`,
    `["GME","=GAME\\nSTOP",null,null,${listed(rate, '612000,false')},null,["85.25","names",${ms('14:55:00')},${ms('14:55:00')},false],null,[["earnings","2026-12-01",7],["rumour","2026-12-02",null]]]`,
    `["ZZZ","LAST",null,null,${listed(null, 'null,false')},["0.2","lender",${ms('09:00:00')},${ms('09:00:00')},true],null,null,null]`,
  ]
  return [`${SHARED}\n`, `[${names.slice(0, 2).join(',')}]\n`, `[${names.slice(2).join(',')}]\n`]
}

function lists(options: { model?: () => PricingModel; lines?: () => readonly string[]; keptSeconds?: number } = {}) {
  const made = { count: 0, failing: false }
  const { model = () => STANDARD_V1, lines = () => market(), keptSeconds = 60 } = options
  const source = marketData({
    reads: {
      async *universe() {
        made.count += 1
        yield* lines()
        if (made.failing) throw new Error('connection lost')
      },
    } as never,
    clock: () => now,
    limits: DEFAULT_INPUT_LIMITS,
    localCopySeconds: 60,
    awaySeconds: 300,
  })
  const list = rateLists({
    listAll: source.listAll,
    previousCloses: async () => ({
      at: CLOSE_AT,
      rateOf: ({ ticker, floorRate }) =>
        ticker === 'GME' ? asRate(decimal('0.09')) : ticker === 'AMC' ? floorRate : null,
    }),
    terms: async (clientId) => (clientId === 'nobody' ? null : ({ broker: { active: true }, model: model() } as never)),
    eventWindow: () => WINDOW,
    clock: () => now,
    keptSeconds,
    begunEveryMs: 40,
  })
  async function read(ask: Partial<RateListAsk> = {}) {
    let text = ''
    for await (const piece of list.text({ clientId: 'house', status: null, format: 'json', ...ask }, CONTEXT, NEVER)) {
      expect(piece.endsWith('\n')).toBe(true)
      text += piece
    }
    const end = text.indexOf('\n')
    return { etag: text.slice(0, end), text: text.slice(end + 1) }
  }
  return { read, made, changed: list.changed, listAll: source.listAll }
}

describe('a form', () => {
  test('as JSON has every name with its rate, exactly', async () => {
    const { text } = await lists().read()
    expect(JSON.parse(text)).toMatchObject({
      status: 'success',
      pricing_model: 'standard-v1',
      snapshot_at: now.toISOString(),
      previous_close_at: CLOSE_AT.toISOString(),
      total: 4,
    })
    expect(text).toContain(
      '{"ticker":"GME","name":"=GAME\\nSTOP","current_rate":0.094375,"previous_close_rate":0.09,"borrow_status":"HARD","lender_rate":0.05,' +
        '"lender_as_of":"2026-11-24T14:58:00.123Z","volatility_index":85.25,"event_risk_factor":7,' +
        '"availability":{"shares":612000,"at_least":false},"rebate_rate":-0.051075,' +
        '"last_updated":"2026-11-24T14:58:00.123Z","degraded":["event_risk_stale"]}',
    )
    expect(JSON.parse(text).items.map((row: { ticker: string }) => row.ticker)).toEqual(['AMC', 'BRK.B', 'GME', 'ZZZ'])
    expect(JSON.parse(text).items[1]).toMatchObject({
      previous_close_rate: null,
      lender_as_of: null,
      degraded: ['lender_rate_fallback', 'event_risk_stale'],
    })
  })

  test('as NDJSON has a row a line and the rest on the last one', async () => {
    const { text } = await lists().read({ format: 'ndjson' })
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows).toHaveLength(5)
    expect(rows.at(-1)).toEqual({
      status: 'success',
      pricing_model: 'standard-v1',
      snapshot_at: now.toISOString(),
      previous_close_at: CLOSE_AT.toISOString(),
      total: 4,
    })
    expect(rows.slice(0, 4)).toEqual(JSON.parse((await lists().read()).text).items)
  })

  test('as CSV is a table that a spreadsheet opens, without formulas', async () => {
    const { text } = await lists().read({ format: 'csv' })
    const rows = parse(text, { columns: true }) as Record<string, string>[]
    expect(
      rows.map(({ ticker, name, current_rate, previous_close_rate, available_shares }) => [
        ticker,
        name,
        current_rate,
        previous_close_rate,
        available_shares,
      ]),
    ).toEqual([
      ['AMC', 'AMC "PREFERRED", INC', '0.01', '0.01', '5'],
      ['BRK.B', '', '0.0029675', '', ''],
      ['GME', "'=GAME\nSTOP", '0.094375', '0.09', '612000'],
      ['ZZZ', 'LAST', '0.2374', '', ''],
    ])
    expect(rows[3]).toMatchObject({
      degraded: 'lender_rate_fallback event_risk_stale demo_data',
      available_at_least: '',
    })
  })

  test('writes a row as the one JSON writer does', async () => {
    for await (const page of lists().listAll(null, WINDOW, CONTEXT, NEVER)) {
      for (const name of page) {
        const { ticker, name: called, current_rate, ...rest } = rateRow(rateOf(name, DESK_V1))
        for (const previous_close_rate of [null, asRate(decimal('0.1'))]) {
          expect(jsonOf({ ticker, name: called, current_rate, ...rest }, previous_close_rate)).toBe(
            writeJson({ ticker, name: called, current_rate, previous_close_rate, ...rest }),
          )
        }
      }
    }
  })

  test.each(['json', 'ndjson', 'csv'] as const)('of no names is whole as %s', async (format: RateListFormat) => {
    const { text } = await lists({ lines: () => [`${SHARED}\n`] }).read({ format })
    if (format === 'csv') expect(text.split('\r\n')).toHaveLength(2)
    else expect(JSON.parse(text)).toMatchObject({ total: 0, pricing_model: 'standard-v1' })
  })
})

describe('the validator', () => {
  test('has the model and the form in it, and is the same while the rates are', async () => {
    const list = lists()
    const first = await list.read()
    expect(first.etag).toMatch(/^W\/"standard-v1\.json\.[\w-]{27}"$/)
    pass(61_000)
    const later = await list.read()
    expect(list.made.count).toBe(2)
    expect(later.etag).toBe(first.etag)
    expect(later.text).not.toBe(first.text)
    expect((await list.read({ format: 'csv' })).etag).toMatch(/^W\/"standard-v1\.csv\./)
    const others = await lists({ model: () => DESK_V1 }).read()
    expect(others.etag).toMatch(/^W\/"desk-v1\.json\./)
  })

  test('is another one when a rate, a status or a mark is', async () => {
    let rate = '0.050'
    const list = lists({ lines: () => market(rate), keptSeconds: 0 })
    const tags = [(await list.read()).etag]
    rate = '0.051'
    pass(1_000)
    tags.push((await list.read()).etag)
    // The lender's word is past fresh now: the numbers are the same, their marks are not.
    pass(600_000)
    tags.push((await list.read()).etag)
    expect(new Set(tags).size).toBe(3)
  })
})

describe('a list', () => {
  test('of one status has the names that have it', async () => {
    const { text } = await lists().read({ status: 'HARD' })
    expect(JSON.parse(text).items.map(({ ticker }: { ticker: string }) => ticker)).toEqual(['GME', 'ZZZ'])
    expect(borrowStatusOf(null, null)).toBe('HARD')
  })

  test('is made once for all who ask together, and serves until something changes', async () => {
    const list = lists()
    const answers = await Promise.all(Array.from({ length: 20 }, () => list.read()))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    pass(59_000)
    await list.read()
    expect(list.made.count).toBe(1)
    list.changed()
    await list.read()
    expect(list.made.count).toBe(2)
  })

  test('has the news that came before it was asked for, however fast they come, and is not begun more often for it', async () => {
    let rate = 100
    const list = lists({ lines: () => market(`0.${rate}`) })
    const startedAt = performance.now()
    const clockRuns = setInterval(() => pass(1), 1)
    try {
      for (let asked = 0; asked < 30; asked += 1) {
        rate += 1
        list.changed()
        const wanted = `"lender_rate":0.${rate}`.replace(/0+$/, '')
        const answers = await Promise.all([list.read(), list.read()])
        for (const { text } of answers) expect(text).toContain(wanted)
      }
    } finally {
      clearInterval(clockRuns)
    }
    expect(list.made.count).toBe(30)
    // One after the other, each some time after the one before.
    expect(performance.now() - startedAt).toBeGreaterThan(29 * 30)
  })

  test('that is asked for while news come is the next one, for all who ask meanwhile', async () => {
    const list = lists()
    await list.read()
    const asked: Promise<unknown>[] = []
    for (let news = 0; news < 20; news += 1) {
      list.changed()
      asked.push(list.read())
    }
    await Promise.all(asked)
    expect(list.made.count).toBe(2)
  })

  test('is kept apart by model, status and form', async () => {
    let model = STANDARD_V1
    const list = lists({ model: () => model })
    await list.read()
    await list.read({ status: 'HARD' })
    await list.read({ format: 'csv' })
    model = DESK_V1
    await list.read()
    expect(list.made.count).toBe(4)
  })

  test('that could not be made is not kept, and everybody who waited hears of it', async () => {
    const list = lists()
    list.made.failing = true
    const asked = await Promise.allSettled([list.read(), list.read()])
    expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    list.made.failing = false
    expect(JSON.parse((await list.read()).text).total).toBe(4)
  })

  test('is refused to a broker that is not there', async () => {
    await expect(lists().read({ clientId: 'nobody' })).rejects.toMatchObject({ code: 'CLIENT_NOT_FOUND' })
  })
})
