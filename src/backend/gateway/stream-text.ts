// What is written to who listens to rates, as server-sent events: the one place that knows their text. Each event is written once,
// however many read it. docs/rate-stream.md describes them for readers, and STREAM_EVENTS for the published contract.
import { Type } from 'typebox'
import type { Ticker } from '../pricing/units.ts'
import type { WatchedRate } from '../quotes/rate-news.ts'
import type { FeedChange, FeedNow } from './feed-watch.ts'
import type { RateMove } from './rate-watch.ts'

/** Why a listener has to begin anew. `start`: it has only begun. */
export type ResetReason = 'start' | 'too_old' | 'other_process' | 'model_changed' | 'was_late'
/** Why a stream ends from this side. */
export type EndReason = 'draining' | 'credential_ended' | 'credential_unknown'
/** What is not there, so that events are late. */
export type LateReason = 'news_away' | 'rates_away' | 'feeds_away'

const RESET_REASONS: readonly ResetReason[] = ['start', 'too_old', 'other_process', 'model_changed', 'was_late']
const END_REASONS: readonly EndReason[] = ['draining', 'credential_ended', 'credential_unknown']
const LATE_REASONS: readonly LateReason[] = ['news_away', 'rates_away', 'feeds_away']

/** Who loses its stream comes back after a time between these, by chance: thousands do not come together. */
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 5_000
/** Without news a move is seen when its name is looked at, by way of copies: within this, seconds. */
const LATE_SECONDS_MAX = 120

/** A place in a group's events, in the life of one process. */
export interface EventPlace {
  readonly life: string
  readonly number: number
  readonly model: string
}

const EVENT_ID = /^([A-Za-z0-9]{8})[.]([0-9]{1,15})[.]([a-z0-9-]{1,50})$/

export function eventId({ life, number, model }: EventPlace): string {
  return `${life}.${number}.${model}`
}

/** @returns null for a text that is no id of ours */
export function readEventId(text: string): EventPlace | null {
  const [, life, number, model] = EVENT_ID.exec(text) ?? []
  return life === undefined || model === undefined ? null : { life, number: Number(number), model }
}

/** The first bytes: how soon to come back, and a sign that the stream is open. */
export function opening(random = Math.random): Buffer {
  return Buffer.from(`retry: ${retryMs(random)}\n: open\n\n`)
}

/** Says nothing; with an id also how far the reader has come. */
export const HEARTBEAT = Buffer.from(': \n\n')

export function heartbeat(id: string): Buffer {
  return Buffer.from(`: \nid: ${id}\n\n`)
}

export function rate(id: string, model: string, { now, before }: RateMove): string {
  return event('rate', rateJson(model, now, before), id)
}

export function feed(id: string, { now, before }: FeedChange): string {
  return event('feed', feedJson(now, before), id)
}

/** What holds for all events to come. The last of these has the id: who loses the stream before it begins anew. */
export function reset(about: {
  readonly reason: ResetReason
  readonly id: string
  readonly model: string
  readonly feeds: readonly FeedNow[]
  /** The rates of the names that were asked for; null: all, which are loaded elsewhere. */
  readonly rates: { readonly asked: readonly Ticker[]; readonly known: readonly WatchedRate[] } | null
}): Buffer {
  const { reason, id, model, feeds, rates } = about
  const known = new Set(rates?.known.map(({ ticker }) => ticker))
  const said = {
    reason,
    pricing_model: model,
    load: rates === null ? '/api/v1/rates' : null,
    unknown: rates === null ? [] : rates.asked.filter((ticker) => !known.has(ticker)),
  }
  const events = [
    ['reset', JSON.stringify(said)],
    ...feeds.map((now) => ['feed', feedJson(now, null)]),
    ...(rates?.known ?? []).map((now) => ['rate', rateJson(model, now, null)]),
  ] as const
  const texts = events.map(([name, data], index) =>
    event(name as string, data as string, index === events.length - 1 ? id : null),
  )
  return Buffer.from(texts.join(''))
}

export function status(late: ReadonlySet<LateReason>): Buffer {
  const because = LATE_REASONS.filter((reason) => late.has(reason))
  return Buffer.from(
    event(
      'status',
      JSON.stringify({
        state: because.length === 0 ? 'live' : 'late',
        because,
        late_seconds_max: late.has('rates_away') ? null : late.has('news_away') ? LATE_SECONDS_MAX : 0,
      }),
      null,
    ),
  )
}

export function end(reason: EndReason, random = Math.random): Buffer {
  const reconnect = reason !== 'credential_ended'
  return Buffer.from(`retry: ${retryMs(random)}\n${event('end', JSON.stringify({ reason, reconnect }), null)}`)
}

function event(name: string, data: string, id: string | null): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${name}\ndata: ${data}\n\n`
}

/** Rates are number tokens with every digit, as they came from where they were made. */
function rateJson(model: string, now: WatchedRate, before: string | null): string {
  const { ticker, rate: current, facts, lenderAsOf, lastUpdated } = now
  const moments = `"lender_as_of":${momentJson(lenderAsOf)},"last_updated":${momentJson(lastUpdated)}`
  return `{"ticker":"${ticker}","current_rate":${current},"previous_rate":${before},${facts},${moments},"pricing_model":"${model}"}`
}

function momentJson(moment: Date | null): string {
  return moment === null ? 'null' : `"${moment.toISOString()}"`
}

function feedJson(now: FeedNow, before: FeedNow | null): string {
  return JSON.stringify({ ...now, previous_state: before?.state ?? null })
}

function retryMs(random: () => number): number {
  return Math.round(RETRY_MS_MIN + (RETRY_MS_MAX - RETRY_MS_MIN) * random())
}

// ---- for the published contract

const oneOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ type: 'string', enum: values, description })
const orNull = (type: string, description: string) => Type.Unsafe({ type: [type, 'null'], description })

/** The data of each event, by its name. */
export const STREAM_EVENTS = {
  rate: Type.Object(
    {
      ticker: Type.String({ examples: ['GME'] }),
      current_rate: Type.Number({ description: 'Unit: fraction a year.', examples: [0.19] }),
      previous_rate: orNull('number', 'The rate before, or null where none was known: of rates that follow a reset.'),
      borrow_status: oneOf(['EASY', 'MEDIUM', 'HARD'], 'How hard the name is to borrow.'),
      lender_rate: Type.Number({ description: "The lender's rate, or what stands in for it. Unit: fraction a year." }),
      volatility_index: orNull('number', 'Unit: index points; null when a stand-in was used.'),
      event_risk_factor: orNull('integer', '0 to 10; null when a stand-in was used.'),
      availability: Type.Object({ shares: orNull('integer', 'null: unknown.'), at_least: Type.Boolean() }),
      rebate_rate: orNull('number', 'Benchmark less current rate; negative: the borrower pays. Unit: fraction a year.'),
      degraded: Type.Array(Type.String(), { description: 'Inputs that are stale or stood in for.' }),
      lender_as_of: Type.Unsafe({
        type: ['string', 'null'],
        format: 'date-time',
        description: "When the lender's rate was true; null for a stand-in.",
      }),
      last_updated: Type.Unsafe({
        type: ['string', 'null'],
        format: 'date-time',
        description: 'The youngest moment that an input is from.',
      }),
      pricing_model: Type.String({ examples: ['standard-v1'] }),
    },
    {
      description:
        'A rate moved, or what stands beside it: the row of the name as `/api/v1/rates` has it, under the pricing model of the broker of the credential. What holds all day is left out: its name and the rate of the last close.',
    },
  ),
  feed: Type.Object(
    {
      feed: Type.String({ examples: ['lender'] }),
      provider: orNull('string', 'Who answers now.'),
      state: oneOf(['up', 'down'], 'up while prices can be made from it.'),
      data: orNull('string', 'By the age of its files: fresh, stale, expired, demo or empty; null: it has none.'),
      breaker: orNull('string', 'Of a service: closed, open or half-open.'),
      previous_state: orNull('string', 'null: of feeds that follow a reset.'),
    },
    { description: 'A feed changed its state.' },
  ),
  reset: Type.Object(
    {
      reason: oneOf(
        RESET_REASONS,
        'start: the first of a stream. too_old: the id is of too long ago. other_process: it is of another process. model_changed: the broker has another pricing model. was_late: what was loaded while events were late may have been.',
      ),
      pricing_model: Type.String({ examples: ['standard-v1'] }),
      load: orNull('string', 'What to load now, once. null: the rates of all names that were asked for follow.'),
      unknown: Type.Array(Type.String(), { description: 'Names that were asked for and have no rate.' }),
    },
    { description: 'Forget what you have. The feeds follow, and with `tickers` the rates.' },
  ),
  status: Type.Object(
    {
      state: oneOf(['live', 'late'], 'live unless said.'),
      because: Type.Array(oneOf(LATE_REASONS, 'What is away.')),
      late_seconds_max: orNull('integer', 'Unit: seconds; null: until it is back.'),
    },
    { description: 'Whether events are late from now on.' },
  ),
  end: Type.Object(
    {
      reason: oneOf(END_REASONS, 'draining: the process stops; connect again, to another one.'),
      reconnect: Type.Boolean({ description: 'false: it would be refused.' }),
    },
    { description: 'The last event. Then the connection is closed.' },
  ),
} as const
