// The event service: GET /api/calendar/events?ticker=X gives {"events":[{"type":"earnings","date":"2026-11-24","risk_factor":7}]}.
// What it says is as of its receipt. A negative factor refuses the answer as a whole: who sends one means something else by it.
import { parseDecimal, trim } from '../../pricing/decimal.ts'
import { type JsonObject, type JsonValue, NumberToken } from '../../server/json-reader.ts'
import { acceptRiskFactor, type MarketEvent } from '../event-risk.ts'
import { type FeedConnection, type ServiceFeed, unusable } from '../feed.ts'
import type { Stored } from '../observation.ts'
import { readFeedDate } from './feed-file.ts'
import { answerObject, asObject, refuseOtherName, textMember } from './service-answer.ts'

/** More events of one name than a year has weeks, several times over, are some other list. */
const EVENTS_MAX = 500
const EVENT_TYPE = /^[a-z][a-z0-9_]{0,49}$/

export function eventService(connection: FeedConnection): ServiceFeed<Stored<readonly MarketEvent[]>> {
  return {
    provider: connection.provider,
    ask: (ticker, options) =>
      connection.call(
        `/api/calendar/events?ticker=${encodeURIComponent(ticker)}`,
        (answer, receivedAt) => {
          const object = answerObject(answer, 'events')
          refuseOtherName(object, ticker)
          return {
            value: readEvents(object.events, ticker),
            provider: connection.provider,
            asOf: receivedAt,
            receivedAt,
            demo: false,
          }
        },
        options,
      ),
    states: () => [connection.state()],
  }
}

/** One an event type and date, the highest factor of those that come twice. An event without a date is not scheduled yet, and left out. */
function readEvents(value: JsonValue | undefined, ticker: string): MarketEvent[] {
  if (!Array.isArray(value)) throw unusable('events must be a list')
  if (value.length > EVENTS_MAX) throw unusable(`it has more than ${EVENTS_MAX} events`)
  const events = new Map<string, MarketEvent>()
  for (const item of value) {
    const object = asObject(item)
    if (object === null) throw unusable('an event must be an object')
    refuseOtherName(object, ticker)
    const event = readEvent(object)
    if (event === null) continue
    const key = `${event.type} ${event.date}`
    const other = events.get(key)
    if (other === undefined || (event.riskFactor ?? -1) > (other.riskFactor ?? -1)) events.set(key, event)
  }
  return [...events.values()]
}

function readEvent(object: JsonObject): MarketEvent | null {
  const type = (textMember(object, 'type') ?? '').toLowerCase().replaceAll(/[ -]+/g, '_')
  if (!EVENT_TYPE.test(type)) throw unusable('type must be a word such as earnings')
  const riskFactor = readRiskFactor(object.risk_factor)
  const dateText = textMember(object, 'date')
  if (dateText === null) return null
  const date = readFeedDate(dateText.slice(0, 10))
  if (date === null) throw unusable('date must be a date')
  return { type, date, riskFactor }
}

function readRiskFactor(value: JsonValue | undefined): number | null {
  if (value === undefined || value === null) return null
  const number = value instanceof NumberToken ? parseDecimal(value.text) : null
  const whole = number === null ? null : trim(number)
  const factor = whole === null || whole.scale !== 0 ? null : acceptRiskFactor(Number(whole.units))
  if (factor === null) throw unusable('risk_factor must be a whole number from 0')
  return factor
}
