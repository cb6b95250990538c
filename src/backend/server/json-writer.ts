// The one JSON writer. A decimal leaves as a number token that holds its exact text: 25.00 stays 25.00 and nothing passes
// through a binary float. What cannot be written exactly is a bug, and throws.
import { Decimal } from '../pricing/decimal.ts'
import { isoText } from './iso-time.ts'
import { NumberToken } from './json-reader.ts'

/** Deeper than any answer; a value that contains itself ends here. */
const DEPTH_MAX = 64

/**
 * Writes a value as JSON text: `Decimal`, `NumberToken` and bigint as number tokens, `Date` in ISO 8601 UTC, members that
 * are undefined left out. Strings leave well-formed: half a surrogate pair is escaped.
 * @throws TypeError for numbers that are not finite, undefined items of an array, functions, symbols, invalid dates and
 *   values nested beyond {@link DEPTH_MAX}.
 */
export function writeJson(value: unknown): string {
  return write(value, 0)
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError('a number that is not finite cannot be written')
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return value.toString()
    case 'object':
      if (value === null) return 'null'
      if (value instanceof Decimal) return value.toString()
      if (value instanceof NumberToken) return value.text
      if (value instanceof Date) return `"${isoText(value)}"`
      if (depth >= DEPTH_MAX) throw new TypeError('a value is nested too deep to be written')
      return Array.isArray(value)
        ? writeArray(value, depth + 1)
        : writeObject(value as Record<string, unknown>, depth + 1)
    default:
      throw new TypeError(`a ${typeof value} cannot be written`)
  }
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '['
  for (let i = 0; i < items.length; i += 1) {
    if (i > 0) text += ','
    text += write(items[i], depth)
  }
  return `${text}]`
}

function writeObject(object: Record<string, unknown>, depth: number): string {
  let text = '{'
  for (const key of Object.keys(object)) {
    const member = object[key]
    if (member === undefined) continue
    if (text.length > 1) text += ','
    text += keyText(key) + write(member, depth)
  }
  return `${text}}`
}

/** Printable ASCII without quotes and backslashes needs no escape, and is nearly all there is. */
const NEEDS_CARE = /[^ !#-[\]-~]/

/** A text as JSON; half a surrogate pair is escaped. */
export function jsonString(text: string): string {
  return `"${escaped(text)}"`
}

/** A text as it stands between the quotes of JSON: who writes many puts the quotes into the words around it. */
export function escaped(text: string): string {
  return NEEDS_CARE.test(text) ? JSON.stringify(text).slice(1, -1) : text
}

/** Names are nearly always those that the program writes; those of others must not fill the memory. */
const KEYS_MAX = 2_000
const keyTexts = new Map<string, string>()

function keyText(key: string): string {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = `${jsonString(key)}:`
  if (keyTexts.size < KEYS_MAX) keyTexts.set(key, text)
  return text
}

/** A writer for one large value that does not change: the second time its text comes from memory. */
export function writerOfOneValue(): (value: unknown) => string {
  let written: unknown
  let text = ''
  return (value) => {
    if (text === '' || value !== written) {
      text = writeJson(value)
      written = value
    }
    return text
  }
}
