// What the answers of all service feeds share: members read strictly and exactly. A number may be a JSON number or its text;
// either keeps every digit. Whatever is not of the form refuses the whole answer, with the member and the rule.
import { type Decimal, parseDecimal, trim } from '../../pricing/decimal.ts'
import { type JsonObject, type JsonValue, NumberToken } from '../../server/json-reader.ts'
import { unusable } from '../feed.ts'
import { excerpt } from './feed-file.ts'

/** The answer as an object that has the member by which its form is known: a note that a quota is used up has not. */
export function answerObject(answer: JsonValue, member: string): JsonObject {
  const object = asObject(answer)
  if (object === null) throw unusable('it is not a JSON object')
  if (!(member in object))
    throw unusable(`it has no ${member}, it begins with ${excerpt(Object.keys(object)[0] ?? 'nothing')}`)
  return object
}

export function asObject(value: JsonValue | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberToken)
    ? value
    : null
}

/** @returns null when the member is absent or null */
export function numberMember(object: JsonObject, member: string): Decimal | null {
  const value = object[member]
  if (value === undefined || value === null) return null
  const number =
    value instanceof NumberToken
      ? parseDecimal(value.text)
      : typeof value === 'string'
        ? parseDecimal(value.trim())
        : null
  if (number === null) throw unusable(`${member} must be a number`)
  return trim(number)
}

/** @returns null when the member is absent, null or empty */
export function textMember(object: JsonObject, member: string): string | null {
  const value = object[member]
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') throw unusable(`${member} must be a text`)
  return value
}

/** How far a provider's clock may run ahead before its stamp is taken for a mistake. */
const CLOCK_SKEW_MAX_MS = 10 * 60_000
const ISO_MOMENT =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?$/
/** Seconds since 1970 below this, milliseconds above: it is the year 5138, or 1973. */
const SECONDS_MAX = 100_000_000_000

/**
 * When the figure was true at its source: ISO 8601 (without a zone it is UTC) or seconds or milliseconds since 1970.
 * @returns the moment of receipt when the answer says nothing; never later than that
 */
export function momentMember(object: JsonObject, member: string, receivedAt: Date): Date {
  const value = object[member]
  if (value === undefined || value === null) return receivedAt
  const moment = value instanceof NumberToken ? epochMoment(value) : typeof value === 'string' ? isoMoment(value) : null
  if (moment === null || Number.isNaN(moment.getTime())) throw unusable(`${member} must be a moment`)
  if (moment.getTime() > receivedAt.getTime() + CLOCK_SKEW_MAX_MS) throw unusable(`${member} lies in the future`)
  return moment > receivedAt ? receivedAt : moment
}

function isoMoment(text: string): Date | null {
  const match = ISO_MOMENT.exec(text)
  if (match === null) return null
  const zoned = match[3] === undefined ? `${text}Z` : text
  return new Date(zoned.replace(' ', 'T'))
}

function epochMoment({ text }: NumberToken): Date | null {
  if (!/^[0-9]{9,14}([.][0-9]{1,9})?$/.test(text)) return null
  const number = Number(text)
  return new Date(number < SECONDS_MAX ? number * 1000 : number)
}

/** An answer that says which name it is about must be about the one that was asked for. */
export function refuseOtherName(object: JsonObject, asked: string): void {
  for (const member of ['ticker', 'symbol']) {
    const name = object[member]
    if (name !== undefined && name !== asked) throw unusable(`its ${member} is not the one that was asked for`)
  }
}
