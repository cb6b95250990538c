// A price by all the ways it is asked for, once and again, and what is refused.
import { refusalFaults } from './answer-faults.ts'
import { type Check, expectThat } from './check.ts'
import type { Engine } from './engine.ts'
import { priceFaults } from './price-faults.ts'
import { expectStatus, LOAN_DAYS, price, quote, quoteBody } from './smoke-checks.ts'

const PATH = '/api/v1/calculate-locate'

/** A key that nobody has used. */
export function newIdempotencyKey(): string {
  return `validation-${crypto.randomUUID()}`
}

const byQuery: Check = {
  group: 'quotes',
  name: 'a price asked for in an address is the one asked for in a body',
  expected: 'the same rate and total',
  keys: ['quoting'],
  run: async (engine) => {
    const asked = new URLSearchParams(quoteBody(engine) as Record<string, string>)
    const answer = await engine.ask(`${PATH}?${asked}`, { as: 'quoting' })
    expectStatus(answer, 200)
    const other = await quote(engine)
    // An input may have moved in between; both are then right.
    if (answer.json.borrow_rate_used !== other.json.borrow_rate_used) return 'the rate moved meanwhile'
    const { total_fee } = other.json
    expectThat(answer.json.total_fee === total_fee, `${answer.json.total_fee} and ${total_fee}`)
    return `${total_fee} USD`
  },
}

const byShares: Check = {
  group: 'quotes',
  name: 'a price by shares says what a share costs, and whether there are enough',
  expected: 'a fee a share, the charged value and a word on availability',
  keys: ['quoting'],
  run: async (engine) => {
    const { ticker, clientId } = engine
    const body = { ticker, quantity: 150, price: '22.50', loan_days: LOAN_DAYS, client_id: clientId }
    const answer = await engine.ask(PATH, { as: 'quoting', body })
    expectStatus(answer, 200)
    const faults = priceFaults(answer.json, LOAN_DAYS)
    expectThat(faults.length === 0, faults.join('; '))
    const missing = ['fee_per_share', 'charged_value', 'sufficient'].filter((name) => !(name in answer.json))
    expectThat(missing.length === 0, `there is no ${missing.join(', ')}`)
    return `${answer.json.fee_per_share} USD a share`
  },
}

const idempotent: Check = {
  group: 'quotes',
  name: 'the same request under the same key is one price',
  expected: 'the same answer twice, and 422 IDEMPOTENCY_CONFLICT for another request under that key',
  keys: ['quoting'],
  run: async (engine) => {
    const headers = { 'idempotency-key': newIdempotencyKey() }
    const first = await quote(engine, headers)
    const again = await quote(engine, headers)
    expectThat(
      again.text === first.text,
      `${first.json.audit_id}, then ${again.json.audit_id}${again.json.audit_id === first.json.audit_id ? ' with another answer' : ''}`,
    )
    const other = { ...quoteBody(engine), loan_days: LOAN_DAYS + 1 }
    const conflict = await engine.ask(PATH, { as: 'quoting', body: other, headers })
    const faults = refusalFaults(conflict, 422, 'IDEMPOTENCY_CONFLICT')
    expectThat(faults.length === 0, faults.join('; '))
    return first.json.audit_id
  },
}

type Refusal = readonly [what: string, body: (engine: Engine) => object | string, status: number, code: RefusalCode]
type RefusalCode = Parameters<typeof refusalFaults>[2]

const REFUSALS: readonly Refusal[] = [
  ['a value below a cent', (engine) => ({ ...quoteBody(engine), position_value: '0.001' }), 400, 'INVALID_PARAMETER'],
  ['a value below nothing', (engine) => ({ ...quoteBody(engine), position_value: -1 }), 400, 'INVALID_PARAMETER'],
  ['no day', (engine) => ({ ...quoteBody(engine), loan_days: 0 }), 400, 'INVALID_PARAMETER'],
  ['366 days', (engine) => ({ ...quoteBody(engine), loan_days: 366 }), 400, 'INVALID_PARAMETER'],
  ['days as text', (engine) => ({ ...quoteBody(engine), loan_days: '30' }), 400, 'INVALID_PARAMETER'],
  ['a ticker in small letters', (engine) => ({ ...quoteBody(engine), ticker: 'gme' }), 400, 'INVALID_PARAMETER'],
  ['nobody to price for', (engine) => ({ ...quoteBody(engine), client_id: undefined }), 400, 'INVALID_PARAMETER'],
  ['what is no JSON', () => '{"ticker":', 400, 'INVALID_PARAMETER'],
  [
    'a name that stands twice',
    (engine) => `{"ticker":"${engine.ticker}","loan_days":30,"loan_days":31,"position_value":1,"client_id":"a-b-c"}`,
    400,
    'INVALID_PARAMETER',
  ],
  ['a stock that nobody knows', (engine) => ({ ...quoteBody(engine), ticker: 'ZZZZZ' }), 404, 'TICKER_NOT_FOUND'],
]

const refusals: Check = {
  group: 'refusals',
  name: 'what cannot be priced is refused, in the documented words',
  expected: REFUSALS.map(([what, , status, code]) => `${status} ${code} for ${what}`).join(', '),
  keys: ['quoting'],
  run: async (engine) => {
    const faults: string[] = []
    for (const [what, body, status, code] of REFUSALS) {
      const answer = await engine.ask(PATH, { as: 'quoting', body: body(engine) })
      faults.push(...refusalFaults(answer, status, code).map((fault) => `${what}: ${fault}`))
    }
    expectThat(faults.length === 0, faults.join('; '))
    return `${REFUSALS.length} requests`
  },
}

const mediaType: Check = {
  group: 'refusals',
  name: 'a body of another kind is refused',
  expected: '415 UNSUPPORTED_MEDIA_TYPE',
  keys: ['quoting'],
  run: async (engine) => {
    const headers = { 'content-type': 'text/plain' }
    const answer = await engine.ask(PATH, { as: 'quoting', body: JSON.stringify(quoteBody(engine)), headers })
    const faults = refusalFaults(answer, 415, 'UNSUPPORTED_MEDIA_TYPE')
    expectThat(faults.length === 0, faults.join('; '))
    return undefined
  },
}

const conventions: Check = {
  group: 'conventions',
  name: 'one short is priced under the convention of every market',
  expected: 'each convention that /config names, one of them in force, each total the sum of its parts',
  keys: ['quoting'],
  run: async (engine) => {
    const { ticker, clientId } = engine
    const body = { ticker, quantity: 150, price: '22.50', loan_days: LOAN_DAYS, client_id: clientId }
    const answer = await engine.ask('/api/v1/convention-packs/compare', { as: 'quoting', body })
    expectStatus(answer, 200)
    const { convention_packs } = await engine.client('quoting').config()
    const packs = answer.json.packs as ComparedPack[]
    const missing = convention_packs.filter(
      (pack) => !packs.some((one) => one.convention_pack === pack.convention_pack),
    )
    expectThat(missing.length === 0, `there is no ${missing.map((pack) => pack.convention_pack).join(', ')}`)
    const inForce = packs.filter((pack) => pack.in_force)
    expectThat(inForce.length === 1, `${inForce.length} are in force`)
    const wrong = packs.filter(({ breakdown, total_fee }) => cents(...Object.values(breakdown)) !== cents(total_fee))
    expectThat(wrong.length === 0, `the parts of ${wrong.map((pack) => pack.convention_pack).join(', ')} do not add up`)
    return packs.map((pack) => `${pack.convention_pack} ${pack.total_fee}`).join(', ')
  },
}

interface ComparedPack {
  readonly convention_pack: string
  readonly in_force: boolean
  readonly total_fee: string
  readonly breakdown: Readonly<Record<string, string>>
}

/** Amounts have two decimals. */
function cents(...amounts: readonly string[]): bigint {
  return amounts.reduce((sum, amount) => sum + BigInt(amount.replace('.', '')), 0n)
}

const limits: Check = {
  group: 'limits',
  name: 'answers say how many more requests there may be',
  expected: 'X-RateLimit-Limit, -Remaining below it and -Reset of at most 60 s; none for whoever shows no key',
  keys: ['quoting'],
  run: async (engine) => {
    const { headers } = await engine.ask('/api/v1/config', { as: 'quoting' })
    const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
      Number(headers.get(`x-ratelimit-${name}`) ?? Number.NaN),
    ) as [number, number, number]
    const said = `limit ${limit}, remaining ${remaining}, reset ${reset}`
    expectThat(limit > 0 && remaining >= 0 && remaining < limit && reset >= 0 && reset <= 60, said)
    const bare = await engine.ask('/health')
    expectThat(!bare.headers.has('x-ratelimit-limit'), 'there is a limit on /health')
    return said
  },
}

export const QUOTE_CHECKS: readonly Check[] = [
  price,
  byQuery,
  byShares,
  idempotent,
  refusals,
  mediaType,
  conventions,
  limits,
]
