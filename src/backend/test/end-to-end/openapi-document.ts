// What an OpenAPI 3.1 document must be, as far as this one goes: a closed schema of the objects that it uses, so that a
// misplaced or outdated member (nullable, a body on GET) is a fault, and the rules that no schema can say.
import { Compile } from 'typebox/schema'
import { ROLES, type Role } from '../../access/roles.ts'

const text = { type: 'string', minLength: 1 }
const map = (values: object, names = '.') => ({
  type: 'object',
  propertyNames: { pattern: names },
  additionalProperties: values,
})
const closed = (required: string[], properties: Record<string, object>) => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
})

const mediaTypes = map(closed(['schema'], { schema: { type: 'object' }, example: {}, examples: {} }), '^[a-z]+/')
const parameter = {
  ...closed(['name', 'in', 'schema'], {
    name: text,
    in: { enum: ['path', 'query', 'header'] },
    required: { type: 'boolean' },
    description: text,
    schema: { type: 'object' },
    example: {},
    examples: {},
  }),
  if: { properties: { in: { const: 'path' } } },
  // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
  then: { required: ['required'], properties: { required: { const: true } } },
}
const response = closed(['description'], { description: text, headers: {}, content: mediaTypes })
const operation = {
  summary: text,
  description: text,
  operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
  tags: { type: 'array', minItems: 1, items: text },
  security: { type: 'array', items: map({ type: 'array', items: text }) },
  parameters: { type: 'array', items: parameter },
  responses: { ...map(response, '^[1-5][0-9][0-9]$'), minProperties: 1 },
  'x-events': map({ type: 'object', required: ['type'] }),
  'x-roles': { type: 'array', minItems: 1, items: { enum: ROLES } },
}
const REQUIRED = ['summary', 'operationId', 'tags', 'responses']
const withBody = closed(REQUIRED, {
  ...operation,
  requestBody: closed(['content'], { description: text, required: { type: 'boolean' }, content: mediaTypes }),
})
const withoutBody = closed(REQUIRED, operation)
const DOCUMENT = closed(['openapi', 'info', 'paths'], {
  openapi: { type: 'string', pattern: '^3\\.1\\.[0-9]+$' },
  info: closed(['title', 'version'], { title: text, version: text, description: text }),
  servers: { type: 'array', items: closed(['url'], { url: text, description: text }) },
  tags: { type: 'array', items: closed(['name'], { name: text, description: text }) },
  components: closed([], {
    securitySchemes: map({
      anyOf: [
        closed(['type', 'name', 'in'], {
          type: { const: 'apiKey' },
          in: { enum: ['header', 'cookie'] },
          name: text,
          description: text,
        }),
        closed(['type', 'scheme', 'bearerFormat'], {
          type: { const: 'http' },
          scheme: { const: 'bearer' },
          bearerFormat: text,
          description: text,
        }),
      ],
    }),
    schemas: map({ type: 'object' }),
    headers: map(closed(['description', 'schema'], { description: text, schema: { type: 'object' } })),
    examples: map(closed(['value'], { summary: text, value: {} })),
  }),
  webhooks: map(closed(['post'], { post: withBody })),
  paths: map(closed([], { get: withoutBody, delete: withoutBody, post: withBody, put: withBody }), '^/'),
})

/** Keywords of JSON Schema 2020-12 and of OpenAPI's schema object. */
const KEYWORDS = new Set(
  `$ref $defs title description default deprecated readOnly writeOnly examples example type const enum multipleOf minimum maximum
   exclusiveMinimum exclusiveMaximum minLength maxLength pattern format minItems maxItems uniqueItems items prefixItems contains
   minProperties maxProperties required properties patternProperties additionalProperties propertyNames allOf anyOf oneOf not if
   then else`.split(/\s+/),
)

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: object
  readonly example?: unknown
}

export interface Media {
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>
}

export interface Operation {
  readonly path: string
  readonly method: string
  readonly operationId: string
  readonly tags: readonly string[]
  readonly security?: readonly Record<string, readonly string[]>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, Media> }
  /** Who may; left out: any role, or some other rule in the description. */
  readonly 'x-roles'?: readonly Role[]
  readonly responses: Record<
    string,
    { readonly headers?: Record<string, object>; readonly content?: Record<string, Media> }
  >
  /** The data of each event of a stream. */
  readonly 'x-events'?: Readonly<Record<string, object>>
}

export interface Document {
  readonly paths: Record<string, Record<string, Omit<Operation, 'path' | 'method'>>>
  readonly tags?: readonly { readonly name: string }[]
  readonly components?: { readonly securitySchemes?: Record<string, unknown> }
}

/** All operations, with what they refer to in the place of the references. */
export function operations(document: Document): Operation[] {
  const resolved = withoutReferences(document.paths, document) as Document['paths']
  return Object.entries(resolved).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method })),
  )
}

/** @throws Error for a reference that leads nowhere */
function withoutReferences(value: unknown, document: Document): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, document))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { $ref?: unknown }
  if (typeof $ref === 'string') return withoutReferences(referred($ref, document), document)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      // What an example holds is what it is, and refers to nothing.
      name === 'example' || name === 'value' ? inner : withoutReferences(inner, document),
    ]),
  )
}

function referred(reference: string, document: Document): unknown {
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((within, name) => (within as Record<string, unknown> | undefined)?.[name], document)
  if (found === undefined) throw new Error(`${reference} leads nowhere`)
  return found
}

/** Everything that is wrong with a document, in sentences. */
export function documentFaults(document: Document): string[] {
  const [sound, errors] = Compile(DOCUMENT).Errors(document)
  if (!sound) return errors.map((error) => `${error.instancePath}: ${error.message}`)
  const all = operations(document)
  const ids = all.map(({ operationId }) => operationId)
  const tags = new Set((document.tags ?? []).map(({ name }) => name))
  const schemes = new Set(Object.keys(document.components?.securitySchemes ?? {}))
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is the name of two operations`),
    ...all.flatMap((operation) => [
      ...operation.tags.filter((tag) => !tags.has(tag)).map((tag) => `${operation.operationId}: no tag ${tag}`),
      ...(operation.security ?? [])
        .flatMap(Object.keys)
        .filter((scheme) => !schemes.has(scheme))
        .map((scheme) => `${operation.operationId}: no scheme ${scheme}`),
      ...pathFaults(operation),
      ...schemasOf(operation).flatMap((schema) =>
        schemaFaults(schema).map((fault) => `${operation.operationId}: ${fault}`),
      ),
    ]),
  ]
}

/** The parameters in the path are those of its template, and no parameter is there twice. */
function pathFaults({ operationId, path, parameters = [] }: Operation): string[] {
  const wanted = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]).sort()
  const given = parameters
    .filter((one) => one.in === 'path')
    .map(({ name }) => name)
    .sort()
  const places = parameters.map((one) => `${one.in} ${one.name}`)
  return [
    ...(wanted.join() === given.join() ? [] : [`${operationId}: the path has ${wanted}, the parameters ${given}`]),
    ...places
      .filter((place, index) => places.indexOf(place) !== index)
      .map((place) => `${operationId}: ${place} twice`),
  ]
}

export function schemasOf({ parameters = [], requestBody, responses }: Operation): object[] {
  const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)]
  return [
    ...parameters.map(({ schema }) => schema),
    ...contents.flatMap((content) => Object.values(content ?? {}).map(({ schema }) => schema)),
  ]
}

/** A schema that compiles, of keywords that exist, and whose own examples satisfy it. */
function schemaFaults(schema: object, at = ''): string[] {
  const faults: string[] = []
  const keywords = schema as Record<string, unknown>
  for (const name of Object.keys(keywords)) {
    if (!KEYWORDS.has(name) && !name.startsWith('x-')) faults.push(`${at} has no keyword ${name}`)
  }
  const validator = Compile(schema)
  for (const example of (keywords.examples as unknown[] | undefined) ?? []) {
    if (!validator.Check(example)) faults.push(`${at}: its example does not satisfy it`)
  }
  for (const [name, inner] of Object.entries((keywords.properties as Record<string, object> | undefined) ?? {})) {
    faults.push(...schemaFaults(inner, `${at}/${name}`))
  }
  for (const name of ['items', 'additionalProperties', 'not']) {
    const inner = keywords[name]
    if (typeof inner === 'object' && inner !== null) faults.push(...schemaFaults(inner, `${at}/${name}`))
  }
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    for (const inner of (keywords[name] as object[] | undefined) ?? [])
      faults.push(...schemaFaults(inner, `${at}/${name}`))
  }
  return faults
}
