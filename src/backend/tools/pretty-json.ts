// JSON that people compare: a member a line, and what fits on a line on one. Every digit stays as it was written.
import { type JsonValue, NumberToken } from '../server/json-reader.ts'

const LINE_LENGTH = 120

/** @param value as the strict reader made it */
export function prettyJson(value: JsonValue): string {
  return `${written(value, '')}\n`
}

function written(value: JsonValue, indent: string): string {
  const short = onOneLine(value)
  if (
    short.length + indent.length <= LINE_LENGTH ||
    typeof value !== 'object' ||
    value === null ||
    value instanceof NumberToken
  ) {
    return short
  }
  const deeper = `${indent}  `
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => `${deeper}${written(item, deeper)}`).join(',\n')}\n${indent}]`
  }
  const members = Object.entries(value).map(
    ([name, inner]) => `${deeper}${JSON.stringify(name)}: ${written(inner, deeper)}`,
  )
  return `{\n${members.join(',\n')}\n${indent}}`
}

function onOneLine(value: JsonValue): string {
  if (value instanceof NumberToken) return value.text
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${onOneLine(inner)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}
