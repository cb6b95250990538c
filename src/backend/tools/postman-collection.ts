// The contract as a Postman collection, version 2.1 of that format: a folder for each group, a request for each operation with its
// examples, variables for the address and the keys, and a test that the answer is what the contract promises.
import type { JsonObject } from '../server/json-reader.ts'
import { type Caller, type ExampleRequest, exampleRequests, type Given } from './example-requests.ts'
import { prettyJson } from './pretty-json.ts'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'
/** The collection stays the same one when it is imported again. */
const COLLECTION_ID = '5b0f6c1e-6f0a-4b57-9d0b-2b6d2a1c7e10'

const DESCRIPTION = `Generated from the contract that an engine serves at /openapi.json; do not edit.

Set the variables \`address\`, \`desk_key\`, \`broker_key\`, \`auditor_key\` and \`admin_key\`; an engine that was started with \`npm start\` has keys
to try in \`demo-keys.json\` in the data folder that it names. Run folder by folder: ids that later requests need are taken from the answers
of earlier ones.`

const VARIABLES: readonly (readonly [key: string, value: string, description: string])[] = [
  ['address', 'http://127.0.0.1:8000', 'Where the engine listens.'],
  ['desk_key', '', 'A key of the role desk.'],
  ['broker_key', '', 'A key of the role broker, of demo-classic.'],
  ['auditor_key', '', 'A key of the role auditor.'],
  ['admin_key', '', 'A key of the role admin.'],
  [
    'webhook_url',
    'https://desk.example.com/hooks/borrow-rates',
    'An HTTPS address of yours that webhooks are sent to.',
  ],
  ['audit_id', '', 'Of the last quote; taken from its answer.'],
  ['hold_id', '', 'Of the last legal hold; taken from its answer.'],
  ['key_id', '', 'Of the last API key; taken from its answer.'],
  ['webhook_id', '', 'Of the last webhook; taken from its answer.'],
  ['approval_id', '', 'Of a change that waits: the list of approvals has it.'],
]

/** @param document the contract as the strict reader made it */
export function postmanCollection(document: JsonObject): JsonObject {
  const requests = exampleRequests(document)
  const info = document.info as JsonObject
  const tags = document.tags as JsonObject[]
  return {
    info: {
      _postman_id: COLLECTION_ID,
      name: info.title as string,
      description: DESCRIPTION,
      version: info.version as string,
      schema: SCHEMA,
    },
    item: tags
      .map((tag) => ({
        name: tag.name as string,
        description: tag.description as string,
        item: requests.filter((request) => request.tag === tag.name).map(itemOf),
      }))
      .filter((folder) => folder.item.length > 0),
    variable: VARIABLES.map(([key, value, description]) => ({ key, value, description, type: 'string' })),
  }
}

function itemOf(request: ExampleRequest): JsonObject {
  return {
    name: request.summary,
    request: {
      method: request.method,
      auth: authOf(request.caller),
      header: [
        ...(request.body === null ? [] : [{ key: 'Content-Type', value: 'application/json' }]),
        ...request.headers.map((header) => ({ ...parameterOf(header), key: headerName(header.name) })),
      ],
      ...(request.body !== null && {
        body: { mode: 'raw', raw: dynamic(prettyJson(request.body)), options: { raw: { language: 'json' } } },
      }),
      url: urlOf(request),
      description: request.description,
    },
    response: [],
    event: [{ listen: 'test', script: { type: 'text/javascript', exec: testsOf(request) } }],
  }
}

function authOf(caller: Caller): JsonObject {
  if (caller === 'cookie') return { type: 'noauth' }
  return {
    type: 'apikey',
    apikey: [
      { key: 'key', value: 'X-API-Key', type: 'string' },
      { key: 'value', value: `{{${caller}_key}}`, type: 'string' },
      { key: 'in', value: 'header', type: 'string' },
    ],
  }
}

function urlOf({ path, pathValues, query }: ExampleRequest): JsonObject {
  const segments = path
    .slice(1)
    .split('/')
    .map((segment) => segment.replace(/^\{(.*)\}$/, ':$1'))
  const sent = query.filter((one) => one.sent).map((one) => `${one.name}=${encodeURIComponent(one.value)}`)
  return {
    raw: `{{address}}/${segments.join('/')}${sent.length === 0 ? '' : `?${sent.join('&')}`}`,
    host: ['{{address}}'],
    path: segments,
    ...(query.length > 0 && { query: query.map(parameterOf) }),
    ...(pathValues.length > 0 && {
      variable: pathValues.map(({ name, value, description }) => ({ key: name, value, description })),
    }),
  }
}

function parameterOf({ name, value, description, sent }: Given): JsonObject {
  return { key: name, value: dynamic(value), description, ...(!sent && { disabled: true }) }
}

/** `If-None-Match`, as people write it. */
function headerName(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => `${dash}${letter.toUpperCase()}`)
}

/** Postman's own words for what is new each time. */
function dynamic(text: string): string {
  return text.replaceAll('{{now}}', '{{$timestamp}}').trimEnd()
}

function testsOf(request: ExampleRequest): string[] {
  const statuses = request.statuses.join(', ')
  return [
    `pm.test('answers ${statuses.replace(/, ([^,]*)$/, ' or $1')}', () => pm.expect(pm.response.code).to.be.oneOf([${statuses}]))`,
    "pm.test('names the request', () => pm.expect(pm.response.headers.get('X-Request-ID')).to.be.a('string'))",
    ...Object.entries(request.captures).map(
      ([member, variable]) =>
        `if (pm.response.code < 300) pm.collectionVariables.set('${variable}', pm.response.json().${member})`,
    ),
  ]
}
