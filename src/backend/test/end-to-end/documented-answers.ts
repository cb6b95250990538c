// Whether an answer is what the published document says: its status, its headers, its form, its body to the last member. Nothing
// that the document does not name may be there.
import { parse } from 'csv-parse/sync'
import { Compile } from 'typebox/schema'
import { failureFaults, headerFaults } from './answers.ts'
import type { Answer } from './http.ts'
import type { Media, Operation } from './openapi-document.ts'

/** Everything that is wrong with an answer, in sentences. */
export function answerFaults(operation: Operation, answer: Answer): string[] {
  const documented = operation.responses[answer.status]
  if (documented === undefined) return [`status ${answer.status} is not documented: ${answer.text.slice(0, 300)}`]
  return [
    ...headerFaults(answer.headers),
    ...headerFaultsOfStatus(operation, answer),
    ...bodyFaults(operation, documented.content ?? {}, answer),
  ]
}

const LIMITS = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']

function headerFaultsOfStatus({ security = [] }: Operation, { status, headers }: Answer): string[] {
  // A process that is overloaded says so to everybody, before it looks who asks.
  const counted = status !== 401 && status !== 503 && security.some((way) => 'apiKey' in way)
  const wanted = [...(counted ? LIMITS : []), ...(status === 429 || status === 503 ? ['retry-after'] : [])]
  return wanted
    .filter((name) => !/^\d+$/.test(String(headers[name])))
    .map((name) => `${name} is ${headers[name]} under ${status}`)
}

function bodyFaults(operation: Operation, content: Readonly<Record<string, Media>>, answer: Answer): string[] {
  const { status, text, headers } = answer
  if (text === '' && (status === 304 || status === 204)) return []
  const [type = '', ...parameters] = String(headers['content-type']).split(/; */)
  const schema = content[type]?.schema
  if (schema === undefined) return [`${type} is not documented under ${status}`]
  // Of a stream of events it is a rule of its form.
  if (type === 'text/csv' && !parameters.includes('charset=utf-8')) return [`${type} says no charset`]
  const faults = FORMS[type]?.(text, schema, operation['x-events'] ?? {}) ?? []
  return [...faults.map((fault) => `${status} ${fault}`), ...(status >= 400 ? failureFaults(answer) : [])]
}

/** The forms that answers have, and what is wrong with a text of one. */
const FORMS: Readonly<
  Record<string, (text: string, schema: object, events: Readonly<Record<string, object>>) => string[]>
> = {
  'application/json': (text, schema) => valueFaults(schema, text),
  'application/x-ndjson': (text, schema) =>
    text === '' || text.endsWith('\n')
      ? text
          .split('\n')
          .slice(0, -1)
          .flatMap((line) => valueFaults(schema, line))
      : ['the last line does not end'],
  'text/csv': tableFaults,
  'text/event-stream': (text, _, events) => eventFaults(text, events),
}

function valueFaults(schema: object, text: string): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [`is not JSON: ${text.slice(0, 200)}`]
  }
  const [sound, errors] = checkOf(schema).Errors(value)
  return sound ? [] : errors.map(({ instancePath, message }) => `${instancePath}: ${message}`)
}

/** A header row of plain names, and rows of as many cells. */
function tableFaults(text: string): string[] {
  try {
    const [header = []] = parse(text) as string[][]
    return header.length > 1 && header.every((name) => /^[a-z][a-z_]*$/.test(name)) ? [] : ['has no header row']
  } catch (error) {
    return [`is not a table: ${error}`]
  }
}

/** Blocks of lines; comments keep the connection alive, and data is JSON of a documented event. The last block may be cut off. */
function eventFaults(text: string, events: Readonly<Record<string, object>>): string[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const fields = new Map<string, string>()
      for (const line of block.split('\n')) {
        const [, name = '?', value = ''] = /^([a-z]*): ?(.*)$/.exec(line) ?? []
        if (name !== '') fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value)
      }
      const unknown = [...fields.keys()].filter((name) => !['id', 'event', 'data', 'retry'].includes(name))
      const data = fields.get('data')
      if (unknown.length > 0) return [`a block has ${unknown}: ${block.slice(0, 100)}`]
      if (data === undefined) return []
      const schema = events[fields.get('event') ?? 'message']
      return schema === undefined ? [`the event ${fields.get('event')} is not documented`] : valueFaults(schema, data)
    })
}

const CHECKS = new WeakMap<object, ReturnType<typeof Compile>>()

function checkOf(schema: object): ReturnType<typeof Compile> {
  let check = CHECKS.get(schema)
  if (check === undefined) {
    check = Compile(closed(schema) as object)
    CHECKS.set(schema, check)
  }
  return check
}

/** The schema with every object closed that does not say it is open: an answer may have no member that is not documented. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const { properties, ...rest } = schema as { properties?: Record<string, object> }
  const keywords = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, APPLICATORS.has(name) ? closed(value) : value]),
  )
  if (properties === undefined) return keywords
  return {
    additionalProperties: false,
    ...keywords,
    properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, closed(inner)])),
  }
}

/** Where other schemas stand. Those of allOf cannot be closed one by one; failures have a check of their own for it. */
const APPLICATORS = new Set(['items', 'prefixItems', 'additionalProperties', 'anyOf', 'oneOf'])
