// Shapes of requests: one schema object per field, made by the makers below, is the check, the static type and the
// documentation at once. The makers write plain JSON Schema keywords (with `x-decimals` and `x-unit` beside them) and
// `parseShape` reads the very same keywords, so the page at /docs cannot promise what the check does not do.
//
// Past `parseShape` there are no strings that mean numbers: amounts are exact decimals with a unit, tickers are `Ticker`.
// Bodies come from the strict JSON reader and are never coerced (amounts may be decimal strings); query and path are text
// and are parsed. Messages say the bound and never repeat what was sent.
import { type Static, type TObject, type TOptional, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox'
import { compare, type Decimal, decimal, parseDecimal, significantDecimals } from '../pricing/decimal.ts'
import { type IsoDate, TICKER_PATTERN, type Ticker } from '../pricing/units.ts'
import { bareObject, type JsonValue, LONE_SURROGATE, NumberToken } from './json-reader.ts'
import { invalidParameters, type ValidationError } from './problem.ts'
import { UnreadableText } from './query-reader.ts'

/** A field whose parsed value is a T. */
export type Field<T> = TUnsafe<T>

interface Documentation {
  readonly description: string
  readonly example: string | number | boolean
}

// ---- the makers ----

export function tickerField(documentation: Partial<Documentation> = {}): Field<Ticker> {
  return field<Ticker>({
    type: 'string',
    pattern: TICKER_PATTERN,
    description: documentation.description ?? 'Ticker of a US stock, case-sensitive; share classes as BRK.B.',
    example: documentation.example ?? 'AAPL',
    'x-rule': 'must be one to five capital letters, with an optional share class as in BRK.B',
  })
}

export const CLIENT_ID_PATTERN = '^[A-Za-z0-9_-]{3,50}$'

export function clientIdField(documentation: Partial<Documentation> = {}): Field<string> {
  return field<string>({
    type: 'string',
    pattern: CLIENT_ID_PATTERN,
    description: documentation.description ?? 'The broker whose terms price the request.',
    example: documentation.example ?? 'demo-classic',
    'x-rule': 'must be 3 to 50 letters, digits, hyphens or underscores',
  })
}

export interface DecimalBounds extends Documentation {
  /** What the number counts, as documented: `USD`, `fraction a year`, `percent points`, `index points`. */
  readonly unit: string
  /** Bounds as decimal text, inclusive. */
  readonly minimum?: string
  readonly maximum?: string
  /** A lower bound that is itself refused, as decimal text. */
  readonly above?: string
  /** Most decimals allowed, trailing zeros not counted. */
  readonly decimals: number
}

/** A JSON number or a string with the text of one: what a decimal string in a body and any query text must be. */
const NUMBER_PATTERN = '^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$'

/** An exact decimal: JSON number or decimal string, judged by its exact value. D is the branded unit it parses to. */
export function decimalField<D extends Decimal>(bounds: DecimalBounds): Field<D> {
  return field<D>({
    type: ['number', 'string'],
    pattern: NUMBER_PATTERN,
    ...(bounds.minimum !== undefined && { minimum: documented(bounds.minimum) }),
    ...(bounds.maximum !== undefined && { maximum: documented(bounds.maximum) }),
    ...(bounds.above !== undefined && { exclusiveMinimum: documented(bounds.above) }),
    description: `${bounds.description} Unit: ${bounds.unit}; at most ${decimalsText(bounds.decimals)}.`,
    example: bounds.example,
    'x-decimals': bounds.decimals,
    'x-unit': bounds.unit,
  })
}

export interface IntegerBounds extends Documentation {
  readonly minimum: number
  readonly maximum: number
}

export function integerField(bounds: IntegerBounds): Field<number> {
  return field<number>({ type: 'integer', ...bounds })
}

/** A day of the calendar, `YYYY-MM-DD`. */
export function dateField(documentation: Documentation): Field<IsoDate> {
  return field<IsoDate>({ type: 'string', format: 'date', ...documentation })
}

/** A time as people and programs write it: a day, or a day with a time and its zone. */
const TIME_PATTERN =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?$'

/**
 * A moment, to the millisecond: `2026-03-05T14:30:00Z`, or a day in UTC.
 * @param day what a day alone means: its first moment, or the first moment after it
 */
export function timeField(documentation: Documentation & { readonly day: 'start' | 'end' }): Field<Date> {
  const { day, ...rest } = documentation
  return field<Date>({
    type: 'string',
    pattern: TIME_PATTERN,
    ...rest,
    'x-day': day,
    'x-rule': 'must be a time as 2026-03-05T14:30:00Z or a day as 2026-03-05',
  })
}

export function enumField<const V extends string>(values: readonly V[], documentation: Documentation): Field<V> {
  return field<V>({ type: 'string', enum: values, ...documentation })
}

export function booleanField(documentation: Documentation): Field<boolean> {
  return field<boolean>({ type: 'boolean', ...documentation })
}

/** Text for people: any characters but U+0000 and lone surrogates. */
export function textField(
  bounds: Documentation & { readonly minLength: number; readonly maxLength: number },
): Field<string> {
  return field<string>({ type: 'string', ...bounds })
}

/** Text of a pattern of its own. `rule` completes the sentence "field …" for who breaks it: "must be a UUID". */
export function patternField(pattern: string, rule: string, documentation: Documentation): Field<string> {
  return field<string>({ type: 'string', pattern, ...documentation, 'x-rule': rule })
}

/** An object in a body, read by its own shape; its faults name the place: `terms.day_count`. */
export function objectField<P extends TProperties>(of: TObject<P>, description: string): Field<Static<TObject<P>>> {
  const { properties, required = [] } = of as { properties: TProperties; required?: readonly string[] }
  return field<Static<TObject<P>>>({ type: 'object', properties, required, description })
}

/** Either the text or the object. */
export function textOrObject<T, O>(text: Field<T>, object: Field<O>, description: string): Field<T | O> {
  return field<T | O>({ ...keywordsOf(text), ...keywordsOf(object), type: ['string', 'object'], description })
}

/** The field, or null in a body. */
export function nullable<T>(of: Field<T>): Field<T | null> {
  const keywords = keywordsOf(of)
  const types = Array.isArray(keywords.type) ? keywords.type : [keywords.type ?? 'string']
  return field<T | null>({
    ...keywords,
    type: [...types, 'null'],
    ...(keywords.enum && { enum: [...keywords.enum, null] }),
  })
}

/** The field, which may be left out. */
export function optional<T>(of: Field<T>): TOptional<Field<T>> {
  return Type.Optional(of)
}

/** The field, which takes this value when it is left out. */
export function withDefault<T extends string | number | boolean>(of: Field<T>, value: T): Field<T> {
  return field<T>({ ...keywordsOf(of), default: value })
}

/** A list of anything, whose items are parsed one by one: a bad line of a batch is that line's error. */
export function listField(bounds: {
  minItems: number
  maxItems: number
  description: string
  items: TSchema
}): Field<JsonValue[]> {
  return field<JsonValue[]>({ type: 'array', ...bounds })
}

/** Fields together. `required` names those that are neither optional nor have a default. */
export function shape<P extends TProperties>(
  fields: P,
  documentation: { title?: string; description?: string; examples?: readonly Readonly<Record<string, unknown>>[] } = {},
): TObject<P> {
  const object = Type.Object(fields, documentation)
  const names = (object as { required?: readonly string[] }).required ?? []
  const required = names.filter((name) => keywordsOf(fields[name] as TSchema).default === undefined)
  return Object.assign(object, { required })
}

// ---- the check ----

export type Location = 'body' | 'query' | 'path'

/**
 * Reads a request's part as its shape.
 * @param source the body as the strict reader made it, or the query's or path's texts
 * @returns an object of the shape's fields alone, which inherits nothing, typed; what was left out and has no default is absent
 * @throws Problem INVALID_PARAMETER that names every fault at once and the names that are valid
 */
export function parseShape<P extends TProperties>(
  of: TObject<P>,
  source: unknown,
  location: Location,
): Static<TObject<P>> {
  const faults: ValidationError[] = []
  const parsed = collectShape(of, source, location, faults)
  if (faults.length > 0) throw invalidParameters(faults, Object.keys(of.properties))
  return parsed
}

/**
 * The same for who has rules across fields: the faults are added to a list, and the fields that are sound are returned.
 * Only when the list stayed empty is the value whole.
 */
export function collectShape<P extends TProperties>(
  of: TObject<P>,
  source: unknown,
  location: Location,
  faults: ValidationError[],
): Static<TObject<P>> {
  const parsed = bareObject<Record<string, unknown>>()
  const fault = (name: string, rule: string) => faults.push({ field: name, location, message: `${name} ${rule}` })
  if (typeof source !== 'object' || source === null || Array.isArray(source) || source instanceof NumberToken) {
    fault(location, location === 'body' ? 'must be a JSON object' : 'cannot be read')
    return parsed as Static<TObject<P>>
  }
  const values = source as Readonly<Record<string, unknown>>
  for (const check of checksOf(of)) {
    const value = Object.hasOwn(values, check.name) ? values[check.name] : undefined
    if (value === undefined) {
      if (check.defaultValue !== undefined) parsed[check.name] = check.defaultValue
      else if (check.required) fault(check.name, 'is required')
      continue
    }
    const result = value === null && check.nullable ? null : check.parse(value, location)
    if (result instanceof Refused) fault(check.name, result.rule)
    else if (result instanceof RefusedInside) faults.push(...result.faultsOf(check.name))
    else parsed[check.name] = result
  }
  return parsed as Static<TObject<P>>
}

/** JSON Schema keywords that the makers write and the check reads. */
interface Keywords {
  readonly type?: string | readonly string[]
  readonly pattern?: string
  readonly format?: string
  readonly enum?: readonly (string | null)[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: TSchema
  readonly properties?: TProperties
  readonly required?: readonly string[]
  readonly default?: string | number | boolean
  readonly description?: string
  readonly example?: string | number | boolean
  readonly 'x-day'?: 'start' | 'end'
  readonly 'x-decimals'?: number
  readonly 'x-unit'?: string
  readonly 'x-rule'?: string
}

/** What is wrong with a value, as the end of a sentence that begins with the field's name. */
class Refused {
  readonly rule: string

  constructor(rule: string) {
    this.rule = rule
  }
}

/** What is wrong inside an object. */
class RefusedInside {
  readonly inside: readonly ValidationError[]

  constructor(inside: readonly ValidationError[]) {
    this.inside = inside
  }

  faultsOf(name: string): ValidationError[] {
    return this.inside.map(({ field, location, message }) => ({
      field: `${name}.${field}`,
      location,
      message: `${name}.${message}`,
    }))
  }
}

type Parse = (value: unknown, location: Location) => unknown

interface Check {
  readonly name: string
  readonly required: boolean
  readonly nullable: boolean
  readonly defaultValue: string | number | boolean | undefined
  readonly parse: Parse
}

function field<T>(keywords: Keywords): Field<T> {
  const { example, ...rest } = keywords
  return Type.Unsafe<T>({ ...rest, ...(example !== undefined && { examples: [example] }) })
}

const keywordsOf = (schema: TSchema) => schema as Keywords

/** Checks are made from a shape once. */
const CHECKS = new WeakMap<TObject, readonly Check[]>()

function checksOf(of: TObject): readonly Check[] {
  let checks = CHECKS.get(of)
  if (checks === undefined) {
    checks = Object.entries(of.properties).map(([name, schema]) => {
      const keywords = keywordsOf(schema)
      return {
        name,
        required: of.required?.includes(name) ?? false,
        nullable: typesOf(keywords).includes('null'),
        defaultValue: keywords.default,
        parse: onlyOne(parserOf(keywords)),
      }
    })
    CHECKS.set(of, checks)
  }
  return checks
}

function typesOf(keywords: Keywords): readonly string[] {
  return typeof keywords.type === 'string' ? [keywords.type] : (keywords.type ?? [])
}

function parserOf(keywords: Keywords): Parse {
  const types = typesOf(keywords)
  if (types.includes('object')) return objectParser(keywords)
  if (types.includes('number')) return decimalParser(keywords)
  if (types.includes('integer')) return integerParser(keywords)
  if (types.includes('boolean')) return parseBoolean
  if (types.includes('array')) return listParser(keywords)
  if (keywords.enum) return enumParser(keywords.enum)
  if (keywords.format === 'date') return parseDate
  if (keywords['x-day'] !== undefined) return timeParser(keywords, keywords['x-day'])
  return textParser(keywords)
}

/** Query text is one value, readable; the query reader marks what is not. */
function onlyOne(parse: Parse): Parse {
  return (value, location) => {
    if (location === 'body') return parse(value, location)
    if (Array.isArray(value)) return new Refused('must be given once')
    if (value instanceof UnreadableText) return new Refused('must be percent-encoded UTF-8')
    return parse(value, location)
  }
}

function decimalParser(keywords: Keywords): Parse {
  const minimum = bound(keywords.minimum)
  const maximum = bound(keywords.maximum)
  const above = bound(keywords.exclusiveMinimum)
  const decimals = keywords['x-decimals'] ?? 0
  const pattern = new RegExp(NUMBER_PATTERN)
  const isNumber = (value: unknown): value is string => typeof value === 'string' && pattern.test(value)
  const notANumber = new Refused('must be a number or a decimal string')
  const tooLow = new Refused(minimum ? `must be at least ${minimum}` : `must be above ${above}`)
  const tooHigh = new Refused(`must be at most ${maximum}`)
  const tooFine = new Refused(`must have at most ${decimalsText(decimals)}`)
  return (value) => {
    // The reader has seen to it that a token is a number.
    const text = value instanceof NumberToken ? value.text : isNumber(value) ? value : null
    if (text === null) return notANumber
    const parsed = parseDecimal(text)
    if (parsed === null) return new Refused('has too many digits or too large an exponent')
    if (minimum && compare(parsed, minimum) < 0) return tooLow
    if (above && compare(parsed, above) <= 0) return tooLow
    if (maximum && compare(parsed, maximum) > 0) return tooHigh
    if (parsed.scale > decimals && significantDecimals(parsed) > decimals) return tooFine
    return parsed
  }
}

/** Written as integers nearly always are. */
const PLAIN_INTEGER = /^(?:0|[1-9][0-9]{0,9})$/

function integerParser(keywords: Keywords): Parse {
  const minimum = bound(keywords.minimum)
  const maximum = bound(keywords.maximum)
  const refused = new Refused(`must be an integer from ${minimum} to ${maximum}`)
  const { minimum: lowest = Number.NEGATIVE_INFINITY, maximum: highest = Number.POSITIVE_INFINITY } = keywords
  return (value, location) => {
    const text = value instanceof NumberToken ? value.text : location === 'body' ? null : value
    if (typeof text === 'string' && PLAIN_INTEGER.test(text)) {
      const number = Number(text)
      return number < lowest || number > highest ? refused : number
    }
    const parsed = typeof text === 'string' ? parseDecimal(text) : null
    if (parsed === null || significantDecimals(parsed) > 0) return refused
    if (minimum && compare(parsed, minimum) < 0) return refused
    if (maximum && compare(parsed, maximum) > 0) return refused
    return Number(parsed.toString())
  }
}

function parseBoolean(value: unknown, location: Location): unknown {
  if (typeof value === 'boolean') return value
  if (location !== 'body' && value === 'true') return true
  if (location !== 'body' && value === 'false') return false
  return new Refused('must be true or false')
}

function enumParser(values: readonly (string | null)[]): Parse {
  const names = values.filter((value) => value !== null)
  const refused = new Refused(`must be ${names.length > 1 ? `one of ${names.join(', ')}` : names.join()}`)
  return (value) => (typeof value === 'string' && names.includes(value) ? value : refused)
}

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/

function parseDate(value: unknown): unknown {
  const match = typeof value === 'string' ? DATE.exec(value) : null
  if (match === null) return new Refused('must be a date as YYYY-MM-DD')
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const date = new Date(Date.UTC(year, month - 1, day))
  const exists = year >= 1900 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? value : new Refused('must be a day of the calendar, as YYYY-MM-DD')
}

const DAY_MS = 86_400_000

function timeParser(keywords: Keywords, day: 'start' | 'end'): Parse {
  const pattern = new RegExp(keywords.pattern ?? '')
  const refused = new Refused(keywords['x-rule'] ?? 'must be a time')
  return (value) => {
    if (typeof value !== 'string' || !pattern.test(value)) return refused
    const date = parseDate(value.slice(0, 10))
    if (date instanceof Refused) return refused
    const at = Date.parse(value)
    if (Number.isNaN(at)) return refused
    return new Date(value === date && day === 'end' ? at + DAY_MS : at)
  }
}

function objectParser(keywords: Keywords): Parse {
  const { properties = {}, required = [] } = keywords
  const inner = Object.assign(Type.Object(properties), { required }) as TObject
  const orText = typesOf(keywords).includes('string') ? textParser(keywords) : null
  const refused = new Refused(`must be ${orText === null ? '' : 'a name or '}a JSON object`)
  return (value, location) => {
    if (orText !== null && typeof value === 'string') return orText(value, location)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberToken) {
      return refused
    }
    const faults: ValidationError[] = []
    const parsed = collectShape(inner, value, location, faults)
    return faults.length > 0 ? new RefusedInside(faults) : parsed
  }
}

function textParser(keywords: Keywords): Parse {
  const pattern = keywords.pattern === undefined ? null : new RegExp(keywords.pattern)
  const { minLength = 0, maxLength } = keywords
  const length = `must be text of ${minLength} to ${maxLength} characters`
  const refused = new Refused(keywords['x-rule'] ?? (maxLength === undefined ? 'must be text' : length))
  return (value) => {
    if (typeof value !== 'string') return refused
    if (pattern !== null) return pattern.test(value) ? value : refused
    if (value.includes('\0') || LONE_SURROGATE.test(value))
      return new Refused('holds a character that cannot be stored')
    return value.length < minLength || (maxLength !== undefined && value.length > maxLength) ? refused : value
  }
}

function listParser(keywords: Keywords): Parse {
  const { minItems = 0, maxItems = Number.MAX_SAFE_INTEGER } = keywords
  const refused = new Refused(`must be a list of ${minItems} to ${maxItems} items`)
  return (value) => (Array.isArray(value) && value.length >= minItems && value.length <= maxItems ? value : refused)
}

/** A bound as the number that the documentation shows, which must say exactly the same. */
function documented(text: string): number {
  const value = Number(text)
  if (compare(decimal(text), decimal(String(value))) !== 0)
    throw new RangeError('a bound must be exact as a JSON number')
  return value
}

/** A bound's number as the exact decimal that its text says: 0.01 is one hundredth. */
function bound(value: number | undefined): Decimal | undefined {
  return value === undefined ? undefined : decimal(String(value))
}

function decimalsText(decimals: number): string {
  return decimals === 1 ? '1 decimal' : `${decimals} decimals`
}
