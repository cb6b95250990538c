// Requests made from the published document: good ones from its examples, and bad ones from its schemas. What a schema refuses is
// found by an independent check of JSON Schema, not by the reader that is tested.
import { Compile } from 'typebox/schema'
import type { Ask } from './http.ts'
import type { Given } from './known-things.ts'
import type { Operation, Parameter } from './openapi-document.ts'

/** A request in its parts, so that one of them can be spoilt. */
export interface Parts {
  readonly operation: Operation
  readonly path: Readonly<Record<string, string>>
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly headers: Readonly<Record<string, string>>
  /** Undefined: there is none. */
  readonly body: unknown
  readonly key: string | null
}

/** A piece of JSON text that no value of the platform stands for: `1e400`, a member twice. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function jsonOf(value: unknown): string {
  if (value instanceof JsonText) return value.text
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, inner]) => inner !== undefined)
  return `{${members.map(([name, inner]) => `${JSON.stringify(name)}:${jsonOf(inner)}`).join(',')}}`
}

/** As it is sent. Values of the path and the query are encoded. */
export function askOf({ operation, path, query, headers, body, key }: Parts): Ask {
  const address = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''))
  const pairs = query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return {
    method: operation.method.toUpperCase(),
    path: pairs.length === 0 ? address : `${address}?${pairs.join('&')}`,
    headers,
    ...(body !== undefined && { body: jsonOf(body) }),
    ...(key !== null && { key }),
  }
}

/** JSON of an operation's body; null: it takes none. */
export function bodySchema(operation: Operation): Schema | null {
  return (operation.requestBody?.content['application/json']?.schema as Schema | undefined) ?? null
}

export const parametersOf = (operation: Operation, place: Parameter['in']) =>
  (operation.parameters ?? []).filter((parameter) => parameter.in === place)

/** A good request: the document's examples of what is required, and what must exist. */
export function goodParts(operation: Operation, given: Given, key: string): Parts {
  const required = (place: Parameter['in']) => parametersOf(operation, place).filter((one) => one.required === true)
  const examples = (place: Parameter['in']) =>
    Object.fromEntries(required(place).map((parameter) => [parameter.name, exampleOf(parameter)]))
  return {
    operation,
    path: { ...examples('path'), ...given.path },
    query: Object.entries({ ...examples('query'), ...given.query }),
    headers: { ...examples('header'), ...given.headers },
    body: given.body ?? operation.requestBody?.content['application/json']?.example,
    key: given.key === undefined ? key : given.key,
  }
}

export function exampleOf({ name, example, schema }: Parameter): string {
  const value = example ?? (schema as Schema).examples?.[0]
  if (value === undefined) throw new Error(`the document has no example of ${name}`)
  return String(value)
}

/** A request with one thing about it: what, and whether it is to be refused because of it. */
export interface Variation {
  readonly what: string
  readonly parts: Parts
  /** The field at fault and its place; null: nothing is wrong with it. */
  readonly fault: { readonly field: string; readonly location: 'body' | 'query' | 'path' | 'header' } | null
}

/** Every field at and beyond its bounds, one a request. */
export function variations(good: Parts): Variation[] {
  const schema = bodySchema(good.operation)
  return [
    ...(['query', 'path', 'header'] as const).flatMap((place) =>
      parametersOf(good.operation, place).flatMap((parameter) => parameterVariations(good, parameter)),
    ),
    ...(schema === null || good.body === undefined
      ? []
      : bodyVariations(schema, good.body, '').map(({ what, body, field }) => ({
          what,
          parts: { ...good, body },
          fault: field === null ? null : { field, location: 'body' as const },
        }))),
  ]
}

// ---- parameters

function parameterVariations(good: Parts, parameter: Parameter): Variation[] {
  const { name, in: location, required = false } = parameter
  const schema = parameter.schema as Schema
  const known = good.query.find(([other]) => other === name)?.[1] ?? exampleOf(parameter)
  const withValue = (value: string | null): Parts => {
    if (location === 'path') return { ...good, path: { ...good.path, [name]: value ?? '' } }
    if (location === 'header')
      return { ...good, headers: { ...good.headers, ...(value !== null && { [name]: value }) } }
    const others = good.query.filter(([other]) => other !== name)
    return { ...good, query: value === null ? others : [...others, [name, value]] }
  }
  const fault = { field: name, location }
  const values = textsFor(schema)
    .filter((text) => location !== 'header' || HEADER_VALUE.test(text))
    .filter((text) => location !== 'path' || (text !== '' && encodeURIComponent(text).length <= PATH_PART_LENGTH_MAX))
  return [
    ...values.map((text) => ({
      what: `${location} ${name}=${shown(text)}`,
      parts: withValue(text),
      // Headers are looked up without regard to how their names are written.
      fault: satisfiesAsText(schema, text) ? null : fault,
    })),
    ...(location === 'query'
      ? [
          {
            what: `query ${name} twice`,
            parts: { ...withValue(known), query: [...withValue(known).query, [name, known] as const] },
            fault,
          },
          ...(required ? [{ what: `query ${name} left out`, parts: withValue(null), fault }] : []),
        ]
      : []),
  ]
}

/** A longer part of a path is refused before it is known what it names. */
const PATH_PART_LENGTH_MAX = 200
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/

const shown = (text: string) => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** The value that a text of a query or path stands for, by the type of its schema. */
function satisfiesAsText(schema: Schema, text: string): boolean {
  const types = typesOf(schema)
  if (types.includes('boolean')) return text === 'true' || text === 'false'
  if (!types.includes('number') && !types.includes('integer')) return satisfies(schema, text)
  return NUMBER.test(text) && satisfies(schema, Number(text))
}

const NUMBER = /^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$/

function textsFor(schema: Schema): string[] {
  return [...new Set(valuesFor(schema).flatMap((value) => (typeof value === 'object' ? [] : [String(value)])))].filter(
    // An empty value of a query is a text of its own.
    (text) => text !== '' || !typesOf(schema).includes('string') || schema.pattern !== undefined,
  )
}

// ---- bodies

interface Changed {
  readonly what: string
  readonly body: unknown
  /** Null: nothing is wrong with it. */
  readonly field: string | null
}

/** The body with one field spoilt, or at its bounds. `at` is where it stands in the whole body. */
function bodyVariations(schema: Schema, body: unknown, at: string): Changed[] {
  if (!isObject(body)) return []
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const field = `${at}${name}`
    const known = body[name]
    const put = (value: unknown) => ({ ...body, [name]: value })
    const values = valuesFor(inner).map((value) => ({
      what: `body ${field}: ${shown(jsonOf(value))}`,
      body: put(value),
      field: satisfies(inner, plain(value)) ? null : field,
    }))
    const missing = (schema.required ?? []).includes(name)
      ? [{ what: `body without ${field}`, body: put(undefined), field }]
      : []
    const within = bodyVariations(inner, known, `${field}.`).map((changed) => ({ ...changed, body: put(changed.body) }))
    return [...values, ...missing, ...within]
  })
}

// ---- values

export interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly pattern?: string
  readonly format?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly examples?: readonly unknown[]
  readonly 'x-decimals'?: number
  readonly 'x-day'?: string
}

export const typesOf = ({ type = [] }: Schema) => (typeof type === 'string' ? [type] : type)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Of every type one, none of which any pattern of the contract holds. */
const OF_EVERY_TYPE = [
  null,
  true,
  1.5,
  -1,
  '',
  '<GARBAGE>',
  '\u202eGARBAGE',
  'GARBAGE '.repeat(20),
  'GARBAGE '.repeat(1500),
  [],
  ['GARBAGE'],
  {},
  { GARBAGE: 1 },
]
const LENGTH_TRIED_MAX = 100_000

/** Values at the bounds of a schema and beyond them. */
export function valuesFor(schema: Schema): unknown[] {
  const { minimum, maximum, exclusiveMinimum, minLength, maxLength, minItems, maxItems } = schema
  const decimals = schema['x-decimals'] ?? 0
  const step = 10 ** -decimals
  const texts = (length: number) => (length > LENGTH_TRIED_MAX ? [] : ['x'.repeat(length)])
  const lists = (length: number) => {
    const item = schema.items?.examples?.[0]
    return length > 1000 || length < 0 || item === undefined ? [] : [Array(length).fill(item)]
  }
  return [
    ...OF_EVERY_TYPE,
    ...(minimum === undefined ? [] : [minimum, rounded(minimum - step, decimals)]),
    ...(exclusiveMinimum === undefined ? [] : [exclusiveMinimum, rounded(exclusiveMinimum + step, decimals)]),
    ...(maximum === undefined ? [] : [maximum, rounded(maximum + step, decimals)]),
    ...(maximum === undefined ? [] : [new JsonText('1e400')]),
    ...(minLength === undefined || minLength === 0 ? [] : [...texts(minLength), ...texts(minLength - 1)]),
    ...(maxLength === undefined ? [] : [...texts(maxLength), ...texts(maxLength + 1)]),
    ...(minItems === undefined ? [] : [...lists(minItems), ...lists(minItems - 1)]),
    ...(maxItems === undefined ? [] : lists(maxItems + 1)),
    ...(schema.enum ?? []),
    ...(schema.enum ?? []).flatMap((value) => (typeof value === 'string' ? [value.toLowerCase(), `${value} `] : [])),
    ...(schema.format === 'date' ? ['2026-02-30', '2026-2-3', '0000-00-00'] : []),
    ...(schema['x-day'] !== undefined
      ? ['2026-02-30', '2026-02-03T25:00:00Z', '2026-02-03T10:00:00', '2026-02-03T10:00Z']
      : []),
  ]
}

const rounded = (value: number, decimals: number) => Number(value.toFixed(decimals))

const plain = (value: unknown) => (value instanceof JsonText ? Number(value.text) : value)

const CHECKS = new WeakMap<object, ReturnType<typeof Compile>>()
const LEAP_SAFE_DATE = /^(\d{4})-(\d{2})-(\d{2})/

/** What JSON Schema says, with the calendar and the decimals that the document says beside it. */
export function satisfies(schema: Schema, value: unknown): boolean {
  let check = CHECKS.get(schema)
  if (check === undefined) {
    check = Compile(schema as object)
    CHECKS.set(schema, check)
  }
  if (!check.Check(value)) return false
  if (typeof value === 'string' && (schema.format === 'date' || schema['x-day'] !== undefined)) return isDay(value)
  // Free text holds any character but those that cannot be kept.
  if (typeof value === 'string' && schema.pattern === undefined && schema.enum === undefined)
    return !value.includes('\0')
  return typeof value !== 'number' || typesOf(schema).includes('number') === false || fineEnough(schema, value)
}

function fineEnough(schema: Schema, value: number): boolean {
  const decimals = schema['x-decimals'] ?? 0
  return rounded(value, decimals) === value
}

function isDay(text: string): boolean {
  const [, year, month, day] = LEAP_SAFE_DATE.exec(text) ?? []
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)))
  return Number(year) >= 1900 && date.getUTCMonth() === Number(month) - 1 && !Number.isNaN(Date.parse(text))
}
