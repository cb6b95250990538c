// Makes the published contract complete from what the routes declare: units of all numbers, an example for every request and answer,
// what failures look like, the headers that every answer has, and a name for each shape that stands in several places.
import { type ErrorCode, FAILURES } from '../server/problem.ts'
import { unitOf } from './contract-units.ts'

type Json = Record<string, unknown>

export interface Media {
  schema: Json
  example?: unknown
  examples?: Record<string, Example>
}

type Example = { readonly summary?: string; readonly value: unknown } | { readonly $ref: string }

interface Response {
  description: string
  headers?: Record<string, Json>
  content?: Record<string, Media>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  description?: string
  example?: unknown
  schema: Json
}

interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, Media> }
  readonly responses: Record<string, Response>
  /** The data of each server-sent event. */
  readonly 'x-events'?: Readonly<Record<string, Json>>
}

export interface ContractDocument {
  paths: Record<string, Record<string, Operation>>
  readonly tags?: readonly { readonly name: string }[]
  components: {
    schemas?: Record<string, Json>
    headers?: Record<string, Json>
    examples?: Record<string, Example>
  }
}

/** Bodies and answers by the operation's id: of an answer by its media type, of a request without one of its own under `request`. */
export type Examples = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** @returns a document of its own; the given one is left as it is */
export function completeDocument(declared: object, examples: Examples): ContractDocument {
  const document = JSON.parse(JSON.stringify(declared)) as ContractDocument
  for (const operation of operationsOf(document)) {
    for (const parameter of operation.parameters ?? []) {
      giveParameterUnits(parameter)
      showExample(operation.operationId, parameter)
    }
    for (const { schema } of mediaOf(operation)) giveUnits(schema, [])
    for (const schema of Object.values(operation['x-events'] ?? {})) giveUnits(schema, [])
  }
  const named = new Map<string, Json>()
  for (const operation of operationsOf(document)) {
    giveExamples(operation, examples[operation.operationId] ?? {})
    giveHeaders(operation)
    for (const media of mediaOf(operation)) media.schema = nameShapes(media.schema, named)
  }
  document.paths = inOrder(document)
  document.components.headers = HEADERS
  document.components.examples = FAILURE_EXAMPLES
  document.components.schemas = Object.fromEntries([...named].sort(([one], [other]) => one.localeCompare(other)))
  return document
}

/** By group as the groups stand, and within one by path: what is behind a path comes after it. */
function inOrder({ paths, tags = [] }: ContractDocument): ContractDocument['paths'] {
  const names = tags.map(({ name }) => name)
  const rank = (path: string) => names.indexOf(Object.values(paths[path] ?? {})[0]?.tags?.[0] ?? '')
  const sorted = Object.keys(paths).sort((one, other) => rank(one) - rank(other) || one.localeCompare(other, 'en'))
  return Object.fromEntries(sorted.map((path) => [path, paths[path] as Record<string, Operation>]))
}

export function operationsOf(document: ContractDocument): Operation[] {
  return Object.values(document.paths).flatMap((methods) => Object.values(methods))
}

function mediaOf({ requestBody, responses }: Operation): Media[] {
  const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)]
  return contents.flatMap((content) => Object.values(content ?? {}))
}

// ---- units

/** What a parameter is stands beside its schema. */
function giveParameterUnits(parameter: Parameter): void {
  const schema = { ...parameter.schema, description: parameter.description }
  giveUnits(schema, [parameter.name])
  const { description, ...rest } = schema
  parameter.schema = rest
  if (description !== undefined) parameter.description = description
}

/** Says the unit of every number in a schema, as a keyword and in its description. */
function giveUnits(schema: Json, path: readonly string[]): void {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  if (types.includes('number') || types.includes('integer')) {
    const description = typeof schema.description === 'string' ? schema.description : ''
    const unit = schema['x-unit'] ?? /Unit: ([^.;]+)/.exec(description)?.[1] ?? unitOf(path)
    if (typeof unit === 'string') {
      const said = description.toLowerCase().includes(unit.toLowerCase())
      schema['x-unit'] = unit
      if (!said) schema.description = `${description} Unit: ${unit}.`.trim()
    }
  }
  for (const [inner, name] of within(schema)) giveUnits(inner, name === null ? path : [...path, name])
}

/** The schemas in a schema, each with the name of the member that it is of; null: it is the same member. */
function within(schema: Json): [Json, string | null][] {
  const found: [Json, string | null][] = []
  for (const [name, inner] of Object.entries((schema.properties as Record<string, Json> | undefined) ?? {})) {
    found.push([inner, name])
  }
  for (const keyword of ['items', 'additionalProperties']) {
    const inner = schema[keyword]
    if (typeof inner === 'object' && inner !== null) found.push([inner as Json, null])
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    for (const inner of (schema[keyword] as Json[] | undefined) ?? []) found.push([inner, null])
  }
  return found
}

// ---- examples

/** Parameters that a request needs although each of them may be left out. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  calculateLocateByQuery: ['position_value', 'loan_days'],
}

/** What a page fills in and sends is the example of the parameter; what may be left out has its example in the schema, to be seen. */
function showExample(operationId: string, parameter: Parameter): void {
  const { example, name } = parameter
  if (parameter.required || example === undefined || NEEDED[operationId]?.includes(name)) return
  parameter.schema = { ...parameter.schema, examples: [example] }
  delete parameter.example
}

function giveExamples(operation: Operation, examples: Readonly<Record<string, unknown>>): void {
  for (const media of Object.values(operation.requestBody?.content ?? {})) {
    const own = (media.schema.examples as unknown[] | undefined)?.[0]
    if (own !== undefined || examples.request !== undefined) media.example = own ?? examples.request
  }
  for (const [status, { content = {} }] of Object.entries(operation.responses)) {
    for (const [type, media] of Object.entries(content)) {
      if (status >= '400') {
        media.examples = failureExamples(operation, media.schema)
        // The answer has said it.
        delete media.schema.description
      } else {
        const own = (media.schema.examples as unknown[] | undefined)?.[0]
        const example = examples[`${status} ${type}`] ?? examples[type] ?? own
        if (example !== undefined) media.example = example
      }
    }
  }
}

/** Sentences that name what was asked for. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  TICKER_NOT_FOUND: 'Ticker not found: ZZZZ',
  CLIENT_NOT_FOUND: 'Client not found: nobody',
}

/** What each code of a status looks like: everywhere the same, but for the fields of a request. */
function failureExamples(operation: Operation, schema: Json): Record<string, Example> {
  const [, ofStatus] = schema.allOf as [Json, { properties: { error_code: { enum: ErrorCode[] } } }]
  return Object.fromEntries(
    ofStatus.properties.error_code.enum.map((code) => [
      code,
      code === 'INVALID_PARAMETER'
        ? { summary: FAILURES[code].meaning, value: invalidExample(operation) }
        : { $ref: `#/components/examples/${code}` },
    ]),
  )
}

/** By code. */
const FAILURE_EXAMPLES: Record<string, Example> = Object.fromEntries(
  Object.entries(FAILURES)
    .filter(([code]) => code !== 'INVALID_PARAMETER')
    .map(([code, { meaning }]) => [
      code,
      { summary: meaning, value: { status: 'error', error: sentenceOf(code as ErrorCode), error_code: code } },
    ]),
)

function sentenceOf(code: ErrorCode): string {
  return SENTENCES[code] ?? FAILURES[code].meaning.replace(/\.$/, '')
}

/** A fault of the first field that the operation has. */
function invalidExample({ parameters = [], requestBody }: Operation): object {
  const body = Object.values(requestBody?.content ?? {})[0]?.schema
  const ofBody = Object.entries((body?.properties as Record<string, Json> | undefined) ?? {}).map(([name, schema]) => ({
    name,
    in: 'body',
    schema,
  }))
  const fields = [...ofBody, ...parameters]
  const { name, in: location, schema } = fields.find((field) => ruleOf(field.schema) !== null) ?? fields[0] ?? FALLBACK
  const message = `${name} ${ruleOf(schema) ?? 'is required'}`
  return {
    status: 'error',
    error: `Invalid parameter: ${message}`,
    error_code: 'INVALID_PARAMETER',
    validation_errors: [{ field: name, location, message }],
    valid_params: fields.filter((field) => field.in === location).map((field) => field.name),
  }
}

const FALLBACK = { name: 'body', in: 'body', schema: {} }

/** What a value of the schema must be, as the engine says it; null when the schema does not. */
function ruleOf(schema: Json): string | null {
  if (typeof schema['x-rule'] === 'string') return schema['x-rule']
  if (schema.type === 'integer') return `must be an integer from ${schema.minimum} to ${schema.maximum}`
  if (Array.isArray(schema.enum)) return `must be one of ${schema.enum.filter((value) => value !== null).join(', ')}`
  return null
}

// ---- headers

const header = (description: string, schema: Json): Json => ({ description, schema })
const HEADERS: Record<string, Json> = {
  RequestId: header('Names the request: quote it when you report a failure.', { type: 'string' }),
  RateLimitLimit: header("Requests that the credential's broker may make in 60 seconds.", {
    type: 'integer',
    'x-unit': 'requests in 60 s',
  }),
  RateLimitRemaining: header('Requests that are left in this window.', { type: 'integer', 'x-unit': 'requests' }),
  RateLimitReset: header('Seconds until the window ends.', { type: 'integer', 'x-unit': 'seconds' }),
  RetryAfter: header('Seconds to wait before another try.', { type: 'integer', 'x-unit': 'seconds' }),
}

const reference = (name: string) => ({ $ref: `#/components/headers/${name}` })

function giveHeaders({ security = [], responses }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    response.headers = {
      'X-Request-ID': reference('RequestId'),
      // Who is not known has no window.
      ...(security.length > 0 &&
        status !== '401' && {
          'X-RateLimit-Limit': reference('RateLimitLimit'),
          'X-RateLimit-Remaining': reference('RateLimitRemaining'),
          'X-RateLimit-Reset': reference('RateLimitReset'),
        }),
      ...((status === '429' || status === '503') && { 'Retry-After': reference('RetryAfter') }),
      ...response.headers,
    }
  }
}

// ---- names

/** The schema with each shape that has a title in the list of named ones, and a reference in its place. */
function nameShapes(schema: Json, named: Map<string, Json>): Json {
  const own = { ...schema }
  if (typeof schema.properties === 'object' && schema.properties !== null) {
    own.properties = Object.fromEntries(
      Object.entries(schema.properties as Record<string, Json>).map(([name, inner]) => [
        name,
        nameShapes(inner, named),
      ]),
    )
  }
  for (const keyword of ['items', 'additionalProperties']) {
    const inner = schema[keyword]
    if (typeof inner === 'object' && inner !== null) own[keyword] = nameShapes(inner as Json, named)
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf']) {
    const inner = schema[keyword] as Json[] | undefined
    if (inner !== undefined) own[keyword] = inner.map((one) => nameShapes(one, named))
  }
  const { title } = own
  if (typeof title !== 'string') return own
  const known = named.get(title)
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(own)) {
    throw new TypeError(`two shapes of the contract are called ${title}`)
  }
  named.set(title, own)
  return { $ref: `#/components/schemas/${title}` }
}
