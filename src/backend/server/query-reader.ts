// Reads a query string. Nothing is guessed: a repeated name is kept as a list for the shape to refuse, text that is not
// percent-encoded UTF-8 is marked, and the result has no prototype. The reader itself never throws, since a query is read
// before a route is known to care.

/** Stands for a value that cannot be decoded. */
export class UnreadableText {}

export type QueryText = string | UnreadableText
export type Query = Record<string, QueryText | QueryText[]>

/** Parameters read from one address; the rest is not looked at, since no route has nearly as many. */
const PARAMETERS_MAX = 100

export function readQuery(text: string): Query {
  const query: Query = Object.create(null)
  if (text === '') return query
  for (const pair of text.split('&', PARAMETERS_MAX)) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (typeof name !== 'string') continue
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    const earlier = query[name]
    if (earlier === undefined) query[name] = value
    else if (Array.isArray(earlier)) earlier.push(value)
    else query[name] = [earlier, value]
  }
  return query
}

const NEEDS_DECODING = /[%+]/

function decode(text: string): QueryText {
  if (!NEEDS_DECODING.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return new UnreadableText()
  }
}
