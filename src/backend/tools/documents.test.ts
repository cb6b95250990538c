// The documents that are made of the program: that they are those of this program, whole, and in the forms that they claim.
import { existsSync, readFileSync } from 'node:fs'
import { Compile } from 'typebox/schema'
import { beforeAll, describe, expect, test } from 'vitest'
import { FAILURES } from '../server/problem.ts'
import { type Document, documentFaults, type Operation, operations } from '../test/end-to-end/openapi-document.ts'
import { allTableRows, differences } from '../test/tidy/tables.ts'
import { PROJECT_ROOT } from '../test/tidy/tree.ts'
import { contractText } from './contract-document.ts'
import { generatedDocuments } from './documents.ts'

let document: Document & {
  readonly webhooks?: Record<string, { readonly post?: Pick<Operation, 'requestBody'> }>
}
let collection: Folder
beforeAll(async () => {
  document = JSON.parse(await contractText())
  collection = JSON.parse(readFileSync(`${PROJECT_ROOT}docs/api/postman-collection.json`, 'utf8'))
})

test('are what `npm run documents` writes now', async () => {
  const stale = [...(await generatedDocuments())].filter(
    ([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text,
  )
  expect(stale.map(([path]) => path.slice(PROJECT_ROOT.length))).toEqual([])
})

// ---- the contract

interface Media {
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Record<string, { readonly value: unknown }>
}

/** What an operation does not say. */
function gaps(operation: Operation & { readonly summary?: string; readonly description?: string }): string[] {
  const { operationId, parameters = [], requestBody, responses, security } = operation
  const say = (what: string) => `${operationId}: no ${what}`
  const failures = Object.entries(responses).filter(([status]) => status >= '400')
  const bodies = Object.entries((requestBody?.content ?? {}) as Record<string, Media>)
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content as Record<string, Media>).map(([type, media]) => ({ status, type, media })),
  )
  return [
    ...(operation.summary ? [] : [say('summary')]),
    ...(operation.description ? [] : [say('description')]),
    ...((security ?? []).length > 0 ? [] : [say('security')]),
    ...(failures.some(([status]) => status === '500') ? [] : [say('list of failures')]),
    ...parameters
      .filter((one) => !(one as { description?: string }).description)
      .map(({ name }) => say(`description of ${name}`)),
    ...parameters
      .filter(
        (one) =>
          (one as { example?: unknown }).example === undefined &&
          (one.schema as { examples?: unknown[] }).examples === undefined,
      )
      .map(({ name }) => say(`example of ${name}`)),
    ...bodies.filter(([, media]) => media.example === undefined).map(([type]) => say(`example of the body as ${type}`)),
    ...answers
      .filter(({ media }) => media.example === undefined && media.examples === undefined)
      .map(({ status, type }) => say(`example of ${status} as ${type}`)),
    ...[
      ...parameters.map(({ name, schema }) => [name, schema] as const),
      ...bodies.map(([, { schema }]) => ['body', schema] as const),
      ...answers.map(({ status, media }) => [status, media.schema] as const),
    ]
      .flatMap(([place, schema]) => numbersWithoutUnit(schema, place))
      .map((place) => say(`unit of ${place}`)),
  ]
}

function numbersWithoutUnit(schema: object, place: string): string[] {
  const keywords = schema as Record<string, unknown>
  const types = [keywords.type].flat()
  const own = (types.includes('number') || types.includes('integer')) && keywords['x-unit'] === undefined ? [place] : []
  const inner = (name: string) =>
    [keywords[name]].flat().filter((one) => typeof one === 'object' && one !== null) as object[]
  return [
    ...own,
    ...Object.entries((keywords.properties as Record<string, object> | undefined) ?? {}).flatMap(([name, one]) =>
      numbersWithoutUnit(one, `${place}.${name}`),
    ),
    ...['items', 'additionalProperties', 'anyOf', 'oneOf', 'allOf'].flatMap((name) =>
      inner(name).flatMap((one) => numbersWithoutUnit(one, place)),
    ),
  ]
}

/** Examples that their schemas would refuse. */
function badExamples({ operationId, requestBody, responses }: Operation): string[] {
  const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)]
  return contents.flatMap((content) =>
    Object.entries((content ?? {}) as Record<string, Media>).flatMap(([type, media]) => {
      const examples = [media.example, ...Object.values(media.examples ?? {}).map(({ value }) => value)]
      return examples
        .filter((example) => example !== undefined)
        .flatMap((example) => valuesOf(type, example))
        .filter((value) => !Compile(media.schema).Check(value))
        .map((value) => `${operationId} ${type}: ${JSON.stringify(value).slice(0, 200)}`)
    }),
  )
}

/** Of NDJSON the schema describes a line. */
function valuesOf(type: string, example: unknown): unknown[] {
  if (type !== 'application/x-ndjson' || typeof example !== 'string') return [example]
  return example
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
}

describe('the contract', () => {
  test('is a sound OpenAPI 3.1 document', () => {
    expect(documentFaults(document)).toEqual([])
  })

  test('says of every operation what it is for, who may, how it fails, what each number counts, and gives examples', () => {
    expect(operations(document).flatMap(gaps)).toEqual([])
  })

  test('says what the numbers in events count, those of the stream and of webhooks', () => {
    const streamed = operations(document).flatMap((operation) =>
      Object.entries((operation as { 'x-events'?: Record<string, object> })['x-events'] ?? {}),
    )
    const delivered = Object.entries(document.webhooks ?? {}).flatMap(([event, { post }]) =>
      Object.values(post?.requestBody?.content ?? {}).map(({ schema }) => [event, schema] as const),
    )
    expect([streamed.length, delivered.length].every((count) => count > 2)).toBe(true)
    expect([...streamed, ...delivered].flatMap(([event, schema]) => numbersWithoutUnit(schema, event))).toEqual([])
  })

  test('of which anything that is left out is noticed', () => {
    const [whole] = operations(document).filter(({ operationId }) => operationId === 'calculateLocate') as [Operation]
    // biome-ignore lint/suspicious/noExplicitAny: what is spoilt is reached into
    const without = (spoil: (copy: Record<string, any>) => void) => {
      const copy = structuredClone(whole) as unknown as Record<string, unknown>
      spoil(copy)
      return gaps(copy as unknown as Operation)
    }
    expect(gaps(whole)).toEqual([])
    expect(without((copy) => Reflect.deleteProperty(copy, 'description'))).toEqual(['calculateLocate: no description'])
    expect(without((copy) => Reflect.deleteProperty(copy.responses, '500'))).toEqual([
      'calculateLocate: no list of failures',
    ])
    expect(without((copy) => Object.assign(copy, { security: [] }))).toEqual(['calculateLocate: no security'])
    expect(
      without((copy) => {
        const body = (copy.requestBody as { content: Record<string, Media> }).content['application/json'] as Media
        Reflect.deleteProperty(body, 'example')
        Reflect.deleteProperty((body.schema as { properties: { quantity: object } }).properties.quantity, 'x-unit')
      }),
    ).toEqual([
      'calculateLocate: no example of the body as application/json',
      'calculateLocate: no unit of body.quantity',
    ])
  })

  test('gives only examples that its own schemas allow', () => {
    expect(operations(document).flatMap(badExamples)).toEqual([])
  })

  test('knows every code that can be answered, and no other', () => {
    const documented = operations(document).flatMap(({ responses }) =>
      Object.values(responses).flatMap(({ content = {} }) =>
        Object.values(content as Record<string, Media>).flatMap(({ examples = {} }) => Object.keys(examples)),
      ),
    )
    // The answer to a method that a path does not have belongs to no operation.
    expect(differences([...new Set(documented), 'METHOD_NOT_ALLOWED'], Object.keys(FAILURES))).toEqual([])
  })
})

test("docs/architecture/api-design.md lists the contract's operations, all of them and no other", () => {
  const text = readFileSync(`${PROJECT_ROOT}docs/architecture/api-design.md`, 'utf8')
  const documented = allTableRows(text).flatMap(([first = '']) => pathsOf(first))
  const real = operations(document).map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  expect(differences(documented, real)).toEqual([])
})

/** `GET, POST /api/v1/x, DELETE /api/v1/x/{id}` as one entry for each method and path. Paths below the root are those of every service. */
function pathsOf(cell: string): string[] {
  let methods: string[] = []
  let pending = true
  return cell.split(', ').flatMap((part) => {
    const words = part.split(' ')
    const named = words.filter((word) => /^[A-Z]+$/.test(word))
    if (named.length > 0) {
      methods = pending ? [...methods, ...named] : named
      pending = true
    }
    const path = words.find((word) => word.startsWith('/api/v1/'))
    if (path === undefined) return []
    const found = methods.map((method) => `${method} ${path}`)
    pending = false
    return found
  })
}

// ---- the collection

interface Item {
  readonly name: string
  readonly request: {
    readonly method: string
    readonly url: {
      readonly raw: string
      readonly path: readonly string[]
      readonly variable?: readonly { key: string; value: string }[]
    }
    readonly auth: { readonly type: string }
    readonly body?: { readonly raw: string }
  }
  readonly event: readonly { readonly script: { readonly exec: readonly string[] } }[]
}
interface Folder {
  readonly item: readonly { readonly name: string; readonly item: readonly Item[] }[]
  readonly variable: readonly { readonly key: string }[]
}

const text = { type: 'string', minLength: 1 }
const closed = (required: string[], properties: Record<string, object>) => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
})
const anyText = { type: 'string' }
const pair = closed(['key', 'value'], {
  key: text,
  value: anyText,
  description: anyText,
  disabled: { const: true },
  type: { const: 'string' },
})

/** The part of Postman's format 2.1 that the collection uses, closed: what the format does not have would be left out by who reads it. */
const COLLECTION = closed(['info', 'item', 'variable'], {
  info: closed(['name', 'schema'], {
    _postman_id: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
    name: text,
    description: text,
    version: text,
    schema: { const: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
  }),
  variable: { type: 'array', items: pair },
  item: {
    type: 'array',
    minItems: 1,
    items: closed(['name', 'item'], {
      name: text,
      description: text,
      item: {
        type: 'array',
        minItems: 1,
        items: closed(['name', 'request', 'response', 'event'], {
          name: text,
          response: { type: 'array', maxItems: 0 },
          event: {
            type: 'array',
            items: closed(['listen', 'script'], {
              listen: { enum: ['test', 'prerequest'] },
              script: closed(['exec'], { type: { const: 'text/javascript' }, exec: { type: 'array', items: anyText } }),
            }),
          },
          request: closed(['method', 'header', 'url', 'auth'], {
            method: { enum: ['GET', 'POST', 'PUT', 'DELETE'] },
            description: text,
            header: { type: 'array', items: pair },
            auth: {
              anyOf: [
                closed(['type'], { type: { const: 'noauth' } }),
                closed(['type', 'apikey'], { type: { const: 'apikey' }, apikey: { type: 'array', items: pair } }),
              ],
            },
            body: closed(['mode', 'raw'], {
              mode: { const: 'raw' },
              raw: text,
              options: closed(['raw'], { raw: closed(['language'], { language: { const: 'json' } }) }),
            }),
            url: closed(['raw', 'host', 'path'], {
              raw: text,
              host: { const: ['{{address}}'] },
              path: { type: 'array', items: text },
              query: { type: 'array', items: pair },
              variable: { type: 'array', items: pair },
            }),
          }),
        }),
      },
    }),
  },
})

describe('the collection of requests', () => {
  const items = () => collection.item.flatMap(({ item }) => item)

  test('is one of version 2.1', () => {
    expect(Compile(COLLECTION).Errors(collection)[1]).toEqual([])
  })

  test('has each operation once, in the folders of the contract', () => {
    const asked = items().map(
      ({ request }) => `${request.method} /${request.url.path.join('/').replaceAll(/:(\w+)/g, '{$1}')}`,
    )
    const real = operations(document).map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect(asked.sort()).toEqual(real.sort())
    expect(collection.item.map(({ name }) => name)).toEqual((document.tags ?? []).map(({ name }) => name))
  })

  test('uses no variable that it does not have', () => {
    const known = new Set(collection.variable.map(({ key }) => key))
    const used = [...JSON.stringify(collection.item).matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '')
    expect(used.length).toBeGreaterThan(50)
    expect(used.filter((name) => !known.has(name))).toEqual([])
  })

  test('says for every part of a path what stands there', () => {
    for (const { request } of items()) {
      const parts = request.url.path.filter((part) => part.startsWith(':')).map((part) => part.slice(1))
      expect([request.url.raw, (request.url.variable ?? []).map(({ key }) => key)]).toEqual([request.url.raw, parts])
      for (const { value } of request.url.variable ?? []) expect(value).not.toBe('')
    }
  })

  test('has tests that run', () => {
    for (const { event } of items()) {
      for (const { script } of event) expect(() => new Function('pm', script.exec.join('\n'))).not.toThrow()
    }
  })
})
