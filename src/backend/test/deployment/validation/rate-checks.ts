// Rates as they stand, as they were, as they would be and as they move.
import { type Check, expectThat } from './check.ts'
import { expectStatus, rate } from './smoke-checks.ts'

/** Inputs may move between two answers; a second time is enough to see that an unchanged one is not sent. */
const ETAG_TRIES = 3
/** A stream gives a sign of life every 15 s. */
const HEARTBEAT_WAIT_MS = 20_000

const unchanged: Check = {
  group: 'rates',
  name: 'a rate that is as it was is not sent again',
  expected: '304 without a body for the ETag that came',
  keys: ['quoting'],
  run: async (engine) => {
    const path = `/api/v1/rates/${engine.ticker}`
    for (let tries = 1; ; tries += 1) {
      const first = await engine.ask(path, { as: 'quoting' })
      expectStatus(first, 200)
      const etag = first.headers.get('etag') ?? ''
      expectThat(etag !== '', 'there is no ETag')
      const again = await engine.ask(path, { as: 'quoting', headers: { 'if-none-match': etag } })
      if (again.status === 304) {
        expectThat(again.text === '', 'there is a body')
        return undefined
      }
      expectThat(tries < ETAG_TRIES, `HTTP ${again.status} with the ETag ${again.headers.get('etag')} after ${etag}`)
    }
  },
}

const custom: Check = {
  group: 'rates',
  name: 'a rate under other conditions follows them',
  expected: 'no lower rate at a volatility of 80 than at one of 10',
  keys: ['quoting'],
  run: async (engine) => {
    const at = async (volatility: number) => {
      const query = `volatility_index=${volatility}&event_risk_factor=0`
      const answer = await engine.ask(`/api/v1/rates/${engine.ticker}/calculate?${query}`, { as: 'quoting' })
      expectStatus(answer, 200)
      return answer.json.current_rate as string
    }
    const [calm, wild] = [await at(10), await at(80)]
    expectThat(Number(wild) >= Number(calm), `${calm} at 10 and ${wild} at 80`)
    return `${calm} and ${wild}`
  },
}

const history: Check = {
  group: 'rates',
  name: 'a rate can be looked back at',
  expected: 'points of the last week in their order',
  keys: ['quoting'],
  run: async (engine) => {
    const answer = await engine.ask(`/api/v1/rates/${engine.ticker}/history?interval=1h`, { as: 'quoting' })
    expectStatus(answer, 200)
    const times = (answer.json.points as { time: string }[]).map(({ time }) => Date.parse(time))
    expectThat(!times.includes(Number.NaN), 'a point has no time')
    expectThat(
      times.every((time, at) => at === 0 || time > (times[at - 1] as number)),
      'the points are out of order',
    )
    return `${times.length} points`
  },
}

const byStatus: Check = {
  group: 'rates',
  name: 'stocks of a status are listed in pages',
  expected: 'at most as many as asked for, and X-Total-Count',
  keys: ['quoting'],
  run: async (engine) => {
    const answer = await engine.ask('/api/v1/rates/status/EASY?limit=5', { as: 'quoting' })
    expectStatus(answer, 200)
    const total = Number(answer.headers.get('x-total-count') ?? Number.NaN)
    const { length } = answer.json as unknown[]
    expectThat(length <= 5 && total >= length, `${length} of ${total}`)
    return `${length} of ${total}`
  },
}

const stream: Check = {
  group: 'stream',
  name: 'rates as they move begin at once, and the stream shows that it lives',
  expected: 'a reset, the rate, and a heartbeat within 20 s, as text/event-stream',
  keys: ['quoting'],
  waitsMs: HEARTBEAT_WAIT_MS,
  run: async (engine) => {
    const path = `/api/v1/rates/stream?tickers=${engine.ticker}`
    const answer = await engine.listen(path, 'quoting', hasHeartbeat, HEARTBEAT_WAIT_MS)
    expectStatus(answer, 200)
    const type = answer.headers.get('content-type') ?? ''
    expectThat(type.startsWith('text/event-stream'), `it is ${type}`)
    const missing = ['reset', 'rate'].filter((event) => !answer.text.includes(`event: ${event}\n`))
    expectThat(missing.length === 0, `no ${missing.join(' and no ')} came`)
    expectThat(hasHeartbeat(answer.text), 'no heartbeat came')
    return undefined
  },
}

/** A comment that says nothing, after the one that opens the stream. */
function hasHeartbeat(text: string): boolean {
  return /^: ?$/m.test(text)
}

export const RATE_CHECKS: readonly Check[] = [rate, unchanged, custom, history, byStatus, stream]
