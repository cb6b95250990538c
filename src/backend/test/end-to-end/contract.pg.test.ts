// The contract held against the process that publishes it: every operation of the served document is sent with good and bad input
// made from the document itself, and every answer must be what the document says. A new operation is tried by being documented; when
// it needs something that exists, known-things.ts says what. What the whole document promises is tried on one process; on five
// services, that every operation answers and every role is let in or not.
import { beforeAll, describe, expect, test } from 'vitest'
import { ROLES, type Role } from '../../access/roles.ts'
import { WEBHOOKS_MAX } from '../../webhooks/webhook.ts'
import { type Deployment, deploymentKind, startDeployment } from './deployment.ts'
import { answerFaults } from './documented-answers.ts'
import {
  askOf,
  bodySchema,
  exampleOf,
  goodParts,
  type Parts,
  parametersOf,
  type Variation,
  variations,
} from './documented-requests.ts'
import { type Answer, type Ask, ask, exchange, rawRequest, wholeAnswer } from './http.ts'
import { ALSO, ENVIRONMENT, GIVEN, knownThings, prepareThings, sessionOf, type Things } from './known-things.ts'
import { type Document, type Operation, operations } from './openapi-document.ts'

/** What the gateway answers by itself, which is the same everywhere. */
const describeWhole = (title: string, body: () => void) => {
  if (deploymentKind() === 'all-in-one') describe(title, body)
}

let deployed: Deployment
let all: Operation[]
let things: Things
/** The successes that were answered: operation, status, media type. */
const seen = new Set<string>()

beforeAll(async () => {
  deployed = await startDeployment({
    environment: ENVIRONMENT,
    prepare: prepareThings,
  })
  all = operations(JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document)
  things = await knownThings(deployed)
})

/** Who is asked for when several may: one that is not an exception anywhere. */
const FIRST: readonly Role[] = ['desk', 'admin', 'auditor', 'broker', 'system']

function rolesFor(operation: Operation): readonly Role[] {
  return operation['x-roles'] ?? ROLES
}

async function good(
  operation: Operation,
  role = FIRST.find((one) => rolesFor(operation).includes(one)),
): Promise<Parts> {
  const given = (await GIVEN[operation.operationId]?.(things, role as Role)) ?? {}
  return goodParts(operation, given, things.keys[role as Role])
}

/** Sends a request of an operation. @returns its answer and what is wrong with it by the document */
async function send(operation: Operation, request: Ask): Promise<{ answer: Answer; faults: string[] }> {
  const answer = await ask(deployed, { method: operation.method.toUpperCase(), ...request })
  return { answer, faults: judged(operation, request, answer) }
}

function judged(operation: Operation, request: Ask, answer: Answer): string[] {
  const type = String(answer.headers['content-type'] ?? '').split(';')[0]
  if (succeeded(answer)) seen.add([operation.operationId, answer.status, type].join(' '))
  return answerFaults(operation, answer).map(
    (fault) =>
      `${operation.operationId} ${request.path.slice(0, 200)} ${String(request.body ?? '').slice(0, 200)}: ${fault}`,
  )
}

/** Sends a request of every operation, or of those it is made for, and gathers what is wrong. */
async function ofEach(attempt: (operation: Operation) => Promise<string[]>): Promise<string[]> {
  const faults: string[] = []
  for (const operation of all) faults.push(...(await attempt(operation)))
  return [...new Set(faults)]
}

const succeeded = ({ status }: Answer) => status < 400

/** The faults, and a word when it did not succeed. */
async function expectSuccess(operation: Operation, request: Ask, what: string): Promise<string[]> {
  const { answer, faults } = await send(operation, request)
  if (succeeded(answer)) return faults
  return [...faults, `${operation.operationId}, ${what}: ${answer.status} ${answer.text.slice(0, 300)}`]
}

async function expectCode(operation: Operation, request: Ask, code: string, what: string): Promise<string[]> {
  const { answer, faults } = await send(operation, request)
  if (!succeeded(answer) && JSON.parse(answer.text).error_code === code) return faults
  return [...faults, `${operation.operationId}, ${what}: ${answer.status} ${answer.text.slice(0, 300)}, not ${code}`]
}

// Each bad key comes from an address of its own, so that no answer to it is held back.
let addresses = 0
function anotherAddress(): string {
  addresses += 1
  return `127.0.${20 + Math.floor(addresses / 250)}.${1 + (addresses % 250)}`
}

describe('every documented operation', () => {
  test('succeeds with what the document gives as examples', async () => {
    const faults = await ofEach(async (operation) =>
      expectSuccess(
        operation,
        askOf(await good(operation)),
        'made from its examples (known-things.ts knows what must exist)',
      ),
    )
    expect(faults).toEqual([])
  })

  test('answers in each form that it documents, and takes each that it reads', async () => {
    const faults = await ofEach(async (operation) => {
      const parts = await good(operation)
      const answers: string[] = []
      for (const type of Object.keys(operation.responses['200']?.content ?? {}))
        answers.push(
          ...(await expectSuccess(
            operation,
            { ...askOf(parts), headers: { ...parts.headers, accept: type } },
            `accepting ${type}`,
          )),
        )
      for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {}).filter(
        ([type]) => type !== JSON_TYPE,
      )) {
        const asked = { ...askOf(parts), body: String(example), headers: { ...parts.headers, 'content-type': type } }
        answers.push(...(await expectSuccess(operation, asked, `of ${type}`)))
      }
      if (parametersOf(operation, 'header').some(({ name }) => name === 'if-match'))
        answers.push(
          ...(await expectSuccess(
            operation,
            { ...askOf(parts), headers: { ...parts.headers, 'if-match': '*' } },
            'changing what is there',
          )),
        )
      for (const [index, given] of (ALSO[operation.operationId] ?? []).entries()) {
        const asked = askOf(goodParts(operation, given, parts.key ?? ''))
        answers.push(...(await expectSuccess(operation, asked, `in another way, ${index}`)))
      }
      if ('304' in operation.responses)
        answers.push(
          ...(await expectSuccess(operation, { ...askOf(parts), headers: { 'if-none-match': '*' } }, 'known already')),
        )
      return answers
    })
    expect(faults).toEqual([])
  })

  test('lets in the roles that it names, and no other', async () => {
    const faults = await ofEach(async (operation) => {
      if (operation['x-roles'] === undefined)
        return OWN_CREDENTIALS.has(operation.operationId) ? [] : [`${operation.operationId} names no roles`]
      const answers: string[] = []
      for (const role of ROLES) {
        const request = askOf(await good(operation, role))
        answers.push(
          ...(rolesFor(operation).includes(role)
            ? await expectSuccess(operation, request, `as ${role}`)
            : await expectCode(operation, request, 'FORBIDDEN', `as ${role}`)),
        )
      }
      return answers
    })
    expect(faults).toEqual([])
  })

  test('is for nobody without a credential, or with a bad one', async () => {
    const faults = await ofEach(async (operation) => {
      const { headers: _, ...request } = askOf(await good(operation))
      const { key: __, ...without } = request
      const bad: readonly Partial<Ask>[] = [
        { key: 'GARBAGE' },
        { key: `bre_${'A'.repeat(12)}_${'B'.repeat(48)}` },
        { headers: { authorization: 'Bearer GARBAGE' } },
        { headers: { authorization: `Basic ${Buffer.from('GARBAGE:GARBAGE').toString('base64')}` } },
        { headers: { cookie: 'borrow_rate_refresh=GARBAGE' } },
      ]
      const answers = await expectCode(operation, without, 'UNAUTHORIZED', 'without a credential')
      for (const credential of bad) {
        const asked = { ...without, ...credential, from: anotherAddress() }
        answers.push(...(await expectCode(operation, asked, 'UNAUTHORIZED', JSON.stringify(credential))))
      }
      return answers
    })
    expect(faults).toEqual([])
  })
})

const JSON_TYPE = 'application/json'

/** They are asked with a credential of their own kind, whoever's it is. */
const OWN_CREDENTIALS = new Set(['signIn', 'refreshSession', 'signOut'])

describeWhole('good input', () => {
  test('may name each optional parameter, and more than is known', async () => {
    const faults = await ofEach(async (operation) => {
      const answers: string[] = []
      for (const parameter of parametersOf(operation, 'query').filter(({ required }) => required !== true)) {
        const parts = await good(operation)
        if (
          parts.query.some(([name]) => name === parameter.name) ||
          NOT_TOGETHER[operation.operationId]?.includes(parameter.name)
        )
          continue
        const query = [...parts.query, [parameter.name, exampleOf(parameter)] as const]
        answers.push(...(await expectSuccess(operation, askOf({ ...parts, query }), `with ${parameter.name}`)))
      }
      for (const unknown of ['unknown', '__proto__', 'constructor', 'toString']) {
        const parts = await good(operation)
        const query = [...parts.query, [unknown, 'GARBAGE'], [unknown, 'GARBAGE']] as const
        const body =
          bodySchema(operation) === null
            ? parts.body
            : {
                ...JSON.parse(JSON.stringify(parts.body)),
                unknown: { GARBAGE: [1] },
                constructor: null,
                ['__proto__']: { client_id: 'GARBAGE' },
              }
        answers.push(...(await expectSuccess(operation, askOf({ ...parts, query, body }), `with ${unknown}`)))
      }
      return answers
    })
    expect(faults).toEqual([])
  })
})

/** Optional parameters that exclude what the examples say, or whose example is somebody else's. */
const NOT_TOGETHER: Readonly<Record<string, readonly string[]>> = {
  calculateLocateByQuery: ['quantity', 'price', 'start_date', 'end_date'],
  searchRecords: ['cursor'],
  webhooks: ['client_id'],
}

describeWhole('bad input', () => {
  test('in any field is refused with 400 that names the field, and what a schema allows is not', async () => {
    const faults = await ofEach(async (operation) => {
      const answers: string[] = []
      for (const variation of variations(await good(operation))) answers.push(...(await tried(operation, variation)))
      return answers
    })
    expect(faults).toEqual([])
  }, 120_000)

  async function tried(operation: Operation, { what, parts, fault }: Variation): Promise<string[]> {
    const { answer, faults } = await send(operation, askOf(parts))
    const named =
      answer.status === 400 ? (JSON.parse(answer.text).validation_errors as { field: string; location: string }[]) : []
    const says = `${operation.operationId}, ${what}: ${answer.status} ${answer.text.slice(0, 300)}`
    if (answer.status >= 400 && answer.text.includes('GARBAGE')) faults.push(`${says} repeats what was sent`)
    if (fault === null) {
      const refused =
        named.some(({ field }) => what.includes(field)) &&
        !RULES[operation.operationId]?.some((field) => what.includes(` ${field}`))
      return refused ? [...faults, `${says}, which the document allows`] : faults
    }
    if (PER_LINE[operation.operationId] === fault.field && answer.status === 200) return faults
    const { field, location } = fault
    const found = named.some((one) => one.field.toLowerCase().startsWith(field) && one.location === location)
    return found ? faults : [...faults, `${says}, and not a 400 about ${field}`]
  }

  test('in a body that cannot be read is refused with the code for it', async () => {
    const faults = await ofEach(async (operation) => {
      if (!MAY_HAVE_BODY.has(operation.method)) return []
      const parts = await good(operation)
      const request = askOf(parts)
      const needed = parts.body !== undefined && operation.requestBody?.required === true
      const answers: string[] = []
      const expects = async (code: string, body: string | Buffer, headers: Record<string, string> = {}) => {
        const asked = { ...request, body, headers: { ...request.headers, ...headers } }
        answers.push(
          ...(await expectCode(
            operation,
            asked,
            code,
            `${JSON.stringify(headers)} ${body.toString('latin1').slice(0, 60)}`,
          )),
        )
      }
      for (const body of UNREADABLE) await expects('INVALID_PARAMETER', body)
      if (needed && !BODY_MAY_BE_LEFT_OUT.has(operation.operationId))
        for (const body of ['null', '[]', '1', '"GARBAGE"', '', ' ']) await expects('INVALID_PARAMETER', body)
      for (const type of [
        'text/xml',
        'application/x-www-form-urlencoded',
        'GARBAGE',
        'application/json; charset=utf-16',
      ])
        await expects('UNSUPPORTED_MEDIA_TYPE', '{}', { 'content-type': type })
      await expects('UNSUPPORTED_MEDIA_TYPE', '{}', { 'content-encoding': 'gzip' })
      return answers
    })
    expect(faults).toEqual([])
  })
})

/** Lists whose items fail one by one. */
const PER_LINE: Readonly<Record<string, string>> = { calculateLocateBatch: 'lines' }

/** Fields that depend on others. */
const RULES: Readonly<Record<string, readonly string[]>> = {
  calculateLocate: ['price'],
  calculateLocateByQuery: ['price'],
  customRate: ['model'],
  putBroker: ['day_count'],
  searchRecords: ['page', 'cursor'],
  exportRecords: ['to'],
  replayRecords: ['to'],
  placeLegalHold: ['to'],
  whatIf: ['to'],
  rateHistory: ['interval', 'from', 'to'],
  rateHistories: ['interval', 'from', 'to'],
  comparePacks: ['position_value', 'quantity', 'price'],
  addWebhook: ['url'],
}

/** Methods of requests that may have a body, used or not. */
const MAY_HAVE_BODY = new Set(['post', 'put', 'delete'])

const BODY_MAY_BE_LEFT_OUT = new Set(['rotateApiKey'])

const UNREADABLE: readonly (string | Buffer)[] = [
  '{',
  '{"GARBAGE":1,"GARBAGE":1}',
  '{"GARBAGE":01}',
  '{"GARBAGE":"\\ud800"}',
  '\ufeff{}',
  '['.repeat(100),
  Buffer.from([0x7b, 0xff, 0x7d]),
]

describeWhole('every documented failure', () => {
  test('that a client can bring about is what it gets, and the others have a reason', async () => {
    const faults = await ofEach(async (operation) => {
      const answers: string[] = []
      for (const code of clientFailuresOf(operation).filter((one) => one !== 'PAYLOAD_TOO_LARGE')) {
        const name = `${operation.operationId} ${code}`
        if (name in NOT_FROM_OUTSIDE) continue
        const provoke = PROVOKE[code]
        if (provoke === undefined) {
          answers.push(`${name}: nothing here brings it about`)
          continue
        }
        const requests = await provoke(operation)
        for (const request of requests.slice(0, -1)) answers.push(...(await send(operation, request)).faults)
        answers.push(...(await expectCode(operation, requests.at(-1) as Ask, code, 'provoked')))
      }
      return answers
    })
    expect(faults).toEqual([])
  })

  test('without a way to bring it about is one that is documented', () => {
    const documented = all.flatMap((operation) =>
      clientFailuresOf(operation).map((code) => `${operation.operationId} ${code}`),
    )
    expect(Object.keys(NOT_FROM_OUTSIDE).filter((name) => !documented.includes(name))).toEqual([])
  })

  test('of the limits of size is given by the length alone, before a body is sent', async () => {
    const faults = await ofEach(async (operation) => {
      if (!MAY_HAVE_BODY.has(operation.method)) return []
      const { method = '', path, key, headers = {} } = askOf(await good(operation))
      const lines = [
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        ...(key === undefined ? [] : [`x-api-key: ${key}`]),
        'content-type: application/json',
        'content-length: 100000000',
      ]
      const [answer] = await exchange(deployed, [rawRequest(method, path, lines)])
      if (answer?.status !== 413) return [`${operation.operationId}: ${answer?.status} ${answer?.body.slice(0, 200)}`]
      return judged(operation, { path }, wholeAnswer(answer))
    })
    expect(faults).toEqual([])
  })
})

/** The codes of the document's 4xx answers. */
function clientFailuresOf(operation: Operation): string[] {
  interface OfCode {
    readonly allOf?: readonly OfCode[]
    readonly properties?: { readonly error_code?: { readonly enum?: readonly string[] } }
  }
  return Object.entries(operation.responses)
    .filter(([status]) => status.startsWith('4'))
    .flatMap(([, { content }]) => {
      const schema = content?.[JSON_TYPE]?.schema as OfCode | undefined
      // All failures have one shape; the codes of a status are beside it.
      return schema?.allOf?.at(-1)?.properties?.error_code?.enum ?? schema?.properties?.error_code?.enum ?? []
    })
}

/** Requests of an operation, the last of which fails with the code. */
const PROVOKE: Readonly<Record<string, (operation: Operation) => Promise<Ask[]>>> = {
  INVALID_PARAMETER: async (operation) => {
    const wrong = variations(await good(operation)).find(({ fault }) => fault !== null)
    return [wrong === undefined ? { ...askOf(await good(operation)), body: '{' } : askOf(wrong.parts)]
  },
  UNAUTHORIZED: async (operation) => {
    const { headers: _, key: __, ...request } = askOf(await good(operation))
    return [request]
  },
  FORBIDDEN: async (operation) => {
    const role = ROLES.find((one) => !rolesFor(operation).includes(one))
    // Where every role may, a broker may not for another.
    return [
      askOf(
        role === undefined
          ? named(await good(operation, 'broker'), 'client_id', 'demo-percentage')
          : await good(operation, role),
      ),
    ]
  },
  TICKER_NOT_FOUND: async (operation) => [askOf(named(await good(operation), 'ticker', 'ZZZZZ'))],
  CLIENT_NOT_FOUND: async (operation) => {
    const parts = await good(operation)
    if (operation.operationId === 'rotateApiKey') return [askOf({ ...parts, path: { key_id: keyIdOf(things.asleep) } })]
    const other = named(parts, 'client_id', 'nobody-here')
    return [askOf(other === parts ? { ...parts, key: things.asleep } : other)]
  },
  NOT_FOUND: async (operation) => {
    const parts = await good(operation)
    return [
      askOf({
        ...parts,
        path: Object.fromEntries(
          Object.keys(parts.path).map((name) => [name, ABSENT[name] ?? `no absent ${name} is known`]),
        ),
      }),
    ]
  },
  CONFLICT: async (operation) => {
    const parts = await good(operation)
    if (operation.operationId === 'revokeApiKey')
      return [askOf({ ...parts, path: { key_id: keyIdOf(things.keys.admin) } })]
    return Array(operation.operationId === 'addWebhook' ? WEBHOOKS_MAX + 1 : 2).fill(askOf(parts))
  },
  PRECONDITION_REQUIRED: async (operation) => {
    const request = askOf(await good(operation))
    return [request, request]
  },
  PRECONDITION_FAILED: async (operation) => {
    const request = askOf(await good(operation))
    return [request, { ...request, headers: { 'if-match': '"999"' } }]
  },
  UNSUPPORTED_MEDIA_TYPE: async (operation) => [
    { ...askOf(await good(operation)), body: '<GARBAGE/>', headers: { 'content-type': 'text/xml' } },
  ],
  IDEMPOTENCY_CONFLICT: async (operation) => {
    const parts = await good(operation)
    const headers = { ...parts.headers, 'idempotency-key': things.another('key') }
    return [askOf({ ...parts, headers }), askOf({ ...parts, headers, body: withOneMore(parts.body) })]
  },
  RATE_LIMIT_EXCEEDED: async (operation) => {
    const parts = await good(operation)
    const key = await things.keyForOne(FIRST.find((one) => rolesFor(operation).includes(one)) as Role)
    // Opening a session takes the one as well.
    const own = parts.key === null ? { headers: { cookie: await sessionOf(things, key) } } : { key }
    const request = askOf({ ...parts, ...own })
    return parts.key === null ? [request] : [request, request]
  },
}

const keyIdOf = (key: string) => key.split('_')[1] as string

/** Well-formed, and nobody's. */
const ABSENT: Readonly<Record<string, string>> = {
  audit_id: '01900000-0000-7000-8000-000000000000',
  approval_id: '01900000-0000-7000-8000-000000000000',
  hold_id: '01900000-0000-7000-8000-000000000000',
  webhook_id: '01900000-0000-7000-8000-000000000000',
  key_id: 'AAAAAAAAAAAA',
}

/** Documented, and not to be had by asking. */
const NOT_FROM_OUTSIDE: Readonly<Record<string, string>> = {
  'putBroker CONFLICT': 'two who make the same broker at one moment',
  'putStock CONFLICT': 'two who make the same stock at one moment',
  'putLogLevel CONFLICT': 'one of several services, without Redis',
  'webhooks NOT_FOUND': 'a deployment without webhooks',
  'addWebhook NOT_FOUND': 'a deployment without webhooks',
  'signIn NOT_FOUND': 'a deployment without sessions',
  'refreshSession NOT_FOUND': 'a deployment without sessions',
  'signOut NOT_FOUND': 'a deployment without sessions',
}

/** The request with another value wherever one of this name stands; the same request when none does. */
function named(parts: Parts, name: string, value: string): Parts {
  if (name in parts.path) return { ...parts, path: { ...parts.path, [name]: value } }
  if (parametersOf(parts.operation, 'query').some((parameter) => parameter.name === name))
    return { ...parts, query: [...parts.query.filter(([other]) => other !== name), [name, value]] }
  const body = bodySchema(parts.operation)?.properties
  return body !== undefined && name in body ? { ...parts, body: { ...(parts.body as object), [name]: value } } : parts
}

/** A body that asks for something else: its first number is one more. */
function withOneMore(body: unknown): unknown {
  let found = false
  return JSON.parse(JSON.stringify(body), (_, value: unknown) => {
    if (found || typeof value !== 'number') return value
    found = true
    return value + 1
  })
}

describeWhole('nothing else', () => {
  test('is answered: another method of a documented address is 405 and names those that are documented', async () => {
    const faults: string[] = []
    for (const operation of all) {
      const parts = await good(operation)
      const { path } = askOf(parts)
      const address = path.split('?')[0] as string
      const allowed = methodsAt(address)
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
        if (allowed.includes(method)) continue
        const answer = await ask(deployed, { method, path: address, key: things.keys.admin })
        const names = String(answer.headers.allow).split(', ')
        const fault = answer.status !== 405 || names.join() !== allowed.join()
        if (fault) faults.push(`${method} ${address}: ${answer.status}, Allow: ${answer.headers.allow}`)
      }
    }
    expect([...new Set(faults)]).toEqual([])
  })

  test('is there: what stands between documented addresses is 404', async () => {
    const addresses = new Set(
      all.flatMap(({ path }) => beginningsOf(path)).filter((address) => methodsAt(address).length === 0),
    )
    for (const address of addresses) {
      const { status } = await ask(deployed, { path: address, key: things.keys.admin })
      expect([address, status]).toEqual([address, 404])
    }
    expect(addresses.size).toBeGreaterThan(2)
  })
})

/** The documented methods of an address, as Allow has them. */
function methodsAt(address: string): string[] {
  const found = all
    .filter(({ path }) => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(address))
    .map(({ method }) => method.toUpperCase())
  return [...new Set([...found, ...(found.includes('GET') ? ['HEAD'] : [])])].sort()
}

/** `/a/{b}/c`: `/`, `/a`, `/a/x`. */
function beginningsOf(path: string): string[] {
  const parts = path
    .replaceAll(/\{[^}]+\}/g, 'x')
    .split('/')
    .slice(1)
  return parts.map((_, index) => `/${parts.slice(0, index).join('/')}`).slice(1)
}

/** Successes that other deployments give. */
const NOT_HERE: Readonly<Record<string, string>> = {
  'putBroker 202 application/json': 'where a second person must approve',
}

// The last: about everything above.
describeWhole('every documented success', () => {
  test('was seen, in each of its forms', () => {
    const unseen = all.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([status]) => Number(status) < 400)
        .flatMap(([status, { content }]) =>
          Object.keys(content ?? { '': null }).map((type) =>
            [operationId, status, status === '304' ? '' : type].join(' '),
          ),
        )
        .filter((name) => !seen.has(name) && !(name in NOT_HERE)),
    )
    expect(unseen).toEqual([])
  })
})
