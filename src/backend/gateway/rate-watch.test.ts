import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import type { RateNews, WatchedRate, WatchedRatesAsk } from '../quotes/rate-news.ts'
import { ownContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { LOOK_EVERY_MS, type RateMove, type RateWatch, rateWatch } from './rate-watch.ts'

/** The calculation side: rates by name, each under two models. */
let market: Map<string, string>
let asks: WatchedRatesAsk[]
let away: boolean
let lenderAsOf: Date | null
/** When set an ask is answered with what is true then. */
let held: Promise<void> | null
let nowMs: number
let moves: string[]
let states: boolean[]
let watch: RateWatch

const tickers = (...names: string[]) => names as Ticker[]
const FACTS = '"borrow_status":"EASY"'

const news: RateNews = {
  async rates(ask) {
    asks.push(ask)
    const now = new Map(market)
    await held
    if (away) throw new Problem('SERVICE_UNAVAILABLE', 'away')
    return ask.tickers.flatMap((ticker): WatchedRate[] => {
      const rate = now.get(ticker)
      return rate === undefined
        ? []
        : [{ ticker, rate: `${rate}${ask.model}`, facts: FACTS, lenderAsOf, lastUpdated: null }]
    })
  },
  modelOf: async () => 'm',
  async tickersAfter(after) {
    if (away) throw new Problem('SERVICE_UNAVAILABLE', 'away')
    return [...market.keys()].sort().filter((name) => after === null || name > after) as Ticker[]
  },
}

beforeEach(() => {
  market = new Map([
    ['A', '1'],
    ['B', '2'],
    ['C', '3'],
  ])
  asks = []
  away = false
  lenderAsOf = null
  held = null
  nowMs = 1_000_000
  moves = []
  states = []
  watch = rateWatch({
    news,
    clock: () => new Date(nowMs),
    context: () => ownContext('test-context'),
    onMoves: async (model, moved: readonly RateMove[]) => {
      for (const { now, before } of moved) moves.push(`${model} ${now.ticker} ${before} ${now.rate}`)
    },
    onAway: (isAway) => states.push(isAway),
    onFailure: () => {},
    random: () => 0,
    dueEveryMs: 20,
    retryMs: 20,
  })
})
afterEach(() => watch.close())

async function until(what: string, msMax: number, holds: () => boolean): Promise<void> {
  await expect.poll(holds, { message: what, timeout: msMax, interval: 2 }).toBe(true)
}

/** Nothing is under way any more. */
async function quiet(): Promise<void> {
  let looks = -1
  await until('all is looked at', 3_000, () => {
    const { looks: now, waiting } = watch.stats()
    const same = now === looks && waiting === 0
    looks = now
    return same
  })
}

async function ready(model: string, names: string[] | null) {
  let told = 0
  const want = watch.want(model, names as Ticker[] | null, () => {
    told += 1
  })
  await until('it is ready', 3_000, () => want.ready)
  return { want, told: () => told }
}

const known = (want: { known(): WatchedRate[] }) => want.known().map(({ ticker, rate }) => `${ticker} ${rate}`)

describe('names that are wanted', () => {
  test('are known when it says ready, which it says once; a rate that is seen first is no move', async () => {
    const { want, told } = await ready('m', ['A', 'C', 'NONE'])
    expect(told()).toBe(1)
    expect(known(want)).toEqual(['A 1m', 'C 3m'])
    expect(moves).toEqual([])
    expect(asks).toEqual([{ model: 'm', tickers: tickers('A', 'C', 'NONE'), heldMsMax: null, renewing: true }])
  })

  test('are known at once to whoever comes later, and looked at under each model by itself', async () => {
    await ready('m', ['A'])
    let told = false
    expect(
      watch.want('m', tickers('A'), () => {
        told = true
      }).ready,
    ).toBe(true)
    const { want } = await ready('n', ['A'])
    expect(known(want)).toEqual(['A 1n'])
    expect(told).toBe(false)
    expect(asks.map(({ model }) => model)).toEqual(['m', 'n'])
  })

  test('may be all that there are; nobody named them, and the feeds are not asked for their sake', async () => {
    const { want } = await ready('m', null)
    expect(known(want)).toEqual(['A 1m', 'B 2m', 'C 3m'])
    expect(asks.map(({ renewing }) => renewing)).toEqual([false])
  })

  test('are not asked about once nobody wants them', async () => {
    const { want } = await ready('m', ['A'])
    const { want: all } = await ready('m', null)
    want.release()
    all.release()
    expect(watch.stats().names).toBe(0)
    const before = asks.length
    watch.changedAll()
    await quiet()
    expect(asks.length).toBe(before)
  })

  test('that are wanted while the list of all is read are waited for as well', async () => {
    const first = watch.want('m', null, () => {})
    const second = watch.want('m', null, () => {})
    expect([first.ready, second.ready]).toEqual([false, false])
    await until('both are ready', 3_000, () => first.ready && second.ready)
    expect(known(second)).toEqual(['A 1m', 'B 2m', 'C 3m'])
  })
})

describe('news', () => {
  test('of a name has it looked at, past copies from before, and what moved is told with the rate before', async () => {
    await ready('m', ['A', 'B'])
    market.set('A', '7')
    nowMs += 500
    watch.changed(['A', 'Z', 'no ticker'])
    nowMs += 20
    await quiet()
    expect(moves).toEqual(['m A 1m 7m'])
    expect(asks.at(-1)).toEqual({ model: 'm', tickers: tickers('A'), heldMsMax: 20, renewing: true })
  })

  test('of something that changed nothing is no move', async () => {
    await ready('m', ['A'])
    watch.changed(['A'])
    await quiet()
    expect(asks).toHaveLength(2)
    expect(moves).toEqual([])
    // The lender said the same again: whoever is told of the next move hears when.
    lenderAsOf = new Date(nowMs)
    watch.changed(['A'])
    await quiet()
    expect(asks).toHaveLength(3)
    expect(moves).toEqual([])
  })

  test('that comes while a name is looked at has it looked at again', async () => {
    await ready('m', ['A'])
    let answer = () => {}
    held = new Promise((resolve) => {
      answer = resolve
    })
    market.set('A', '5')
    watch.changed(['A'])
    await until('it is asked', 3_000, () => asks.length === 2)
    market.set('A', '6')
    watch.changed(['A'])
    held = null
    answer()
    await until('it was told twice', 3_000, () => moves.length === 2)
    expect(moves).toEqual(['m A 1m 5m', 'm A 5m 6m'])
  })

  test('of anything has all names looked at, in pieces, under all models', async () => {
    for (let index = 0; index < 600; index += 1)
      market.set(
        `T${String.fromCharCode(65 + (index % 26))}${'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[Math.floor(index / 26)]}`,
        '1',
      )
    await ready('m', null)
    await ready('n', ['A'])
    asks.splice(0)
    for (const name of market.keys()) market.set(name, '9')
    watch.changedAll()
    await quiet()
    expect(moves).toHaveLength(604)
    expect(new Set(moves).size).toBe(604)
    expect(asks.filter(({ model }) => model === 'm').length).toBe(Math.ceil(603 / 250))
    expect(Math.max(...asks.map((ask) => ask.tickers.length))).toBe(250)
  })

  test('of a name that is new has it told to whoever wants all', async () => {
    await ready('m', null)
    market.set('NEW', '4')
    watch.changed(['NEW'])
    await quiet()
    market.set('NEWER', '5')
    watch.changedAll()
    await until('both are told', 3_000, () => moves.length === 2)
    expect(moves).toEqual(['m NEW null 4m', 'm NEWER null 5m'])
  })
})

test('without news a name is looked at within a minute: what aged, or was missed, is found', async () => {
  await ready('m', ['A'])
  market.set('A', '8')
  nowMs += LOOK_EVERY_MS
  await until('it is told', 3_000, () => moves.length === 1)
  expect(asks.at(-1)?.heldMsMax).toBeNull()
})

describe('while rates cannot be looked at', () => {
  test('it says so, goes on trying, and misses nothing', async () => {
    await ready('m', ['A'])
    away = true
    watch.changed(['A'])
    await until('it says away', 5_000, () => states.length === 1)
    market.set('A', '2')
    away = false
    await until('it is told', 5_000, () => moves.length === 1)
    expect(states).toEqual([true, false])
    expect(moves).toEqual(['m A 1m 2m'])
    // The news was heard before the silence: copies from before it do not do.
    expect(asks.at(-1)?.heldMsMax).not.toBeNull()
  })

  test('who wants names waits for them', async () => {
    away = true
    let told = 0
    const all = watch.want('m', null, () => {
      told += 1
    })
    await until('it was tried', 3_000, () => watch.stats().failures > 0)
    expect(all.ready).toBe(false)
    away = false
    await until('it is ready', 5_000, () => told === 1)
    expect(known(all)).toHaveLength(3)
  })
})
