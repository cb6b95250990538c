// A request for every operation of the contract, made of the examples that it gives itself: what a collection of requests holds, and
// what a test sends to a real engine. `{{name}}` stands for what is only known there: keys, and ids of earlier answers.
import { type JsonObject, type JsonValue, NumberToken } from '../server/json-reader.ts'

/** Whose key a request shows; `cookie`: that of a session, and no key. */
export type Caller = 'desk' | 'broker' | 'auditor' | 'admin' | 'cookie'

export interface Given {
  readonly name: string
  readonly value: string
  readonly description: string
  /** False: it may be left out, and is shown only. */
  readonly sent: boolean
  /** What it may be, where that is a list. */
  readonly choices: readonly string[]
}

export interface ExampleRequest {
  readonly operationId: string
  readonly tag: string
  readonly summary: string
  readonly description: string
  readonly method: string
  /** `/api/v1/brokers/{client_id}` */
  readonly path: string
  readonly pathValues: readonly Given[]
  readonly query: readonly Given[]
  readonly headers: readonly Given[]
  readonly body: JsonValue | null
  readonly caller: Caller
  /** Documented successes, and those refusals that a sound request may get. */
  readonly statuses: readonly number[]
  /** Members of the answer that later requests need: variable by member. */
  readonly captures: Readonly<Record<string, string>>
  /** Media types of a success. */
  readonly mediaTypes: readonly string[]
  /** The answer does not end by itself. */
  readonly endless: boolean
}

/** What answers give that others need. */
const CAPTURES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  calculateLocate: { audit_id: 'audit_id' },
  placeLegalHold: { hold_id: 'hold_id' },
  createApiKey: { key_id: 'key_id' },
  addWebhook: { webhook_id: 'webhook_id' },
}

/** Ids that only an answer knows. */
const FROM_ANSWERS = new Set(['audit_id', 'hold_id', 'key_id', 'webhook_id', 'approval_id'])

/** What differs from the operation's own examples: a name that is new each time, an address and a broker that are there. */
const BODIES: Readonly<Record<string, JsonObject>> = {
  addPricingModel: { model: 'try-{{now}}' },
  addWebhook: { url: '{{webhook_url}}' },
}
const PATHS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  putBroker: { client_id: 'demo-percentage' },
}
/** Whichever version there is. */
const HEADERS: Readonly<Record<string, string>> = { 'if-match': '*', 'idempotency-key': '{{$guid}}' }

/** Nobody may have asked for a change, and then there is nothing to decide. */
const MAY_ALSO: Readonly<Record<string, readonly number[]>> = { decideApproval: [404, 409] }

const CALLERS: readonly Caller[] = ['desk', 'broker', 'auditor', 'admin']

/**
 * In the order of the document's groups; within one those that take away come last.
 * @param document as the strict reader made it
 */
export function exampleRequests(document: JsonObject): ExampleRequest[] {
  const tags = list(document.tags).map((tag) => text(member(tag, 'name')))
  const requests = Object.entries(object(document.paths)).flatMap(([path, methods]) =>
    Object.entries(object(methods)).map(([method, operation]) => exampleRequest(path, method, object(operation))),
  )
  const rank = (request: ExampleRequest) => tags.indexOf(request.tag) * 2 + (request.method === 'DELETE' ? 1 : 0)
  return requests.sort((one, other) => rank(one) - rank(other))
}

function exampleRequest(path: string, method: string, operation: JsonObject): ExampleRequest {
  const operationId = text(operation.operationId)
  const parameters = list(operation.parameters).map(object)
  const given = (place: string) =>
    parameters.filter((parameter) => parameter.in === place).map((parameter) => givenOf(operationId, parameter))
  const successes = Object.entries(object(operation.responses)).filter(([status]) => status < '300')
  const mediaTypes = [
    ...new Set(successes.flatMap(([, response]) => Object.keys(object(member(response, 'content') ?? {})))),
  ]
  const body = bodyOf(operation)
  return {
    operationId,
    tag: text(list(operation.tags)[0]),
    summary: text(operation.summary),
    description: text(operation.description ?? ''),
    method: method.toUpperCase(),
    path,
    pathValues: given('path'),
    query: given('query'),
    headers: given('header'),
    body: body === null ? null : { ...object(body), ...BODIES[operationId] },
    caller: callerOf(operation),
    statuses: [...successes.map(([status]) => Number(status)), ...(MAY_ALSO[operationId] ?? [])],
    captures: CAPTURES[operationId] ?? {},
    mediaTypes,
    endless: mediaTypes.includes('text/event-stream'),
  }
}

function givenOf(operationId: string, parameter: JsonObject): Given {
  const name = text(parameter.name)
  const schema = object(parameter.schema)
  const example = parameter.example ?? list(schema.examples)[0] ?? ''
  const isPath = parameter.in === 'path'
  const value =
    isPath && FROM_ANSWERS.has(name) ? `{{${name}}}` : (HEADERS[name] ?? PATHS[operationId]?.[name] ?? plain(example))
  return {
    name,
    value,
    choices: list(schema.enum).map((choice) => plain(choice)),
    description: text(parameter.description ?? schema.description ?? ''),
    sent: parameter.example !== undefined || HEADERS[name] !== undefined,
  }
}

/** The example of the body, as it is sent as JSON. */
function bodyOf(operation: JsonObject): JsonValue | null {
  const media = member(member(operation.requestBody ?? null, 'content'), 'application/json')
  return member(media, 'example') ?? null
}

function callerOf(operation: JsonObject): Caller {
  const takesKey = list(operation.security).some((way) => Object.hasOwn(object(way), 'apiKey'))
  if (!takesKey) return 'cookie'
  const roles = operation['x-roles'] === undefined ? null : list(operation['x-roles']).map(text)
  return CALLERS.find((caller) => roles === null || roles.includes(caller)) ?? 'admin'
}

// ---- reading what the strict reader made

function member(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberToken)
    ? value[name]
    : undefined
}

function object(value: JsonValue | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberToken) {
    throw new TypeError('the document has something else where an object belongs')
  }
  return value
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : []
}

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new TypeError('the document has something else where a text belongs')
  return value
}

function plain(value: JsonValue): string {
  return value instanceof NumberToken ? value.text : String(value)
}
