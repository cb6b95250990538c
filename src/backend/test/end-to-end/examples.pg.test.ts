// The examples of the published contract are requests that a real engine answers, one after the other as the collection of requests has
// them, and answers as it gives them. UPDATE_EXAMPLES=1 records the answers anew.
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type JsonObject, type JsonValue, NumberToken, readJson } from '../../server/json-reader.ts'
import { contractText } from '../../tools/contract-document.ts'
import { type Caller, type ExampleRequest, exampleRequests, type Given } from '../../tools/example-requests.ts'
import { prettyJson } from '../../tools/pretty-json.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { type Answer, ask } from './http.ts'
import { pendingApproval } from './market.ts'

const FILE = fileURLToPath(new URL('../../gateway/answer-examples.json', import.meta.url))
const RECORDING = process.env.UPDATE_EXAMPLES === '1'
/** What makes a thing comes before what shows it, so that lists are not empty. */
const REQUESTS = exampleRequests(readJson(await contractText()) as JsonObject).sort(
  (one, other) => Number(Object.keys(other.captures).length > 0) - Number(Object.keys(one.captures).length > 0),
)
/** Such lists are long where they stand for all that there is; two items show what they are. */
const ITEMS_MAX = 12
const ITEMS_SHOWN = 2
const LINES_SHOWN = 3
/** Some answers are asked for in a form by the header Accept, some by a parameter. */
const FORMATS: Readonly<Record<string, string>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
  'text/csv': 'csv',
}
/** A record is sealed within a second or so. */
const SEALED_WAIT_MS = 10_000
const WEBHOOK_URL = 'http://127.0.0.1:1/hooks'

let deployed: Deployment
const values = new Map<string, string>()
const recorded = readJson(readFileSync(FILE, 'utf8')) as Record<string, JsonObject>
let cookie = ''

beforeAll(async () => {
  deployed = await startDeployment({
    prepare: async (database) => {
      values.set('approval_id', await pendingApproval(database))
    },
    // Nothing is sent to it: nobody listens there, and the rates stand still.
    environment: { WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' },
  })
  values.set('webhook_url', WEBHOOK_URL)
  values.set('now', '1')
})
afterAll(() => {
  if (RECORDING) writeFileSync(FILE, prettyJson(sorted(recorded)))
})

const KEYS: Readonly<Record<Exclude<Caller, 'cookie'>, keyof Deployment['keys']>> = {
  desk: 'desk',
  broker: 'demo-classic',
  auditor: 'auditor',
  admin: 'admin',
}

/** What the request knows only here. */
function filled(text: string): string {
  return text
    .replaceAll('{{$guid}}', () => randomUUID())
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values.get(name) ?? `{{${name}}}`)
}

async function send(request: ExampleRequest, accept: string): Promise<Answer> {
  const { method, caller, body } = request
  const named = (given: readonly Given[]) =>
    given.filter(({ sent }) => sent).map(({ name, value }) => [name, filled(value)] as const)
  const path = request.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(filled(request.pathValues.find((one) => one.name === name)?.value ?? '')),
  )
  const form = request.query.find(({ name, choices }) => name === 'format' && choices.includes(FORMATS[accept] ?? ''))
  const query = new URLSearchParams({
    ...Object.fromEntries(named(request.query)),
    ...(form !== undefined && { format: FORMATS[accept] ?? '' }),
  }).toString()
  const answer = await ask(deployed, {
    method,
    path: `${path}${query === '' ? '' : `?${query}`}`,
    headers: { accept, ...Object.fromEntries(named(request.headers)), ...(caller === 'cookie' && { cookie }) },
    ...(caller !== 'cookie' && { key: deployed.keys[KEYS[caller]] }),
    ...(body !== null && { body: filled(prettyJson(ofToday(body))) }),
  })
  cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] || cookie
  return answer
}

/** A range of records as one that has some. */
function ofToday(body: JsonValue): JsonValue {
  const hasRange = typeof body === 'object' && body !== null && 'from' in body && 'to' in body && !('reason' in body)
  const today = new Date().toISOString().slice(0, 10)
  return hasRange ? { ...body, from: today, to: today } : body
}

describe('each request of the contract is answered', () => {
  test.each(REQUESTS.filter(({ endless }) => !endless).map((request) => [request.operationId, request] as const))(
    '%s',
    async (operationId, request) => {
      const types = request.mediaTypes.length === 0 ? ['application/json'] : request.mediaTypes
      for (const type of request.method === 'GET' || types.length > 1 ? types : types.slice(0, 1)) {
        const answer = await send(request, type)
        expect(request.statuses, answer.text).toContain(answer.status)
        expect(answer.status, answer.text).toBeLessThan(300)
        for (const [member, variable] of Object.entries(request.captures)) {
          values.set(variable, String((JSON.parse(answer.text) as Record<string, unknown>)[member]))
        }
        if (String(answer.headers['content-type']).split(';')[0] !== type) continue
        const shown = shownAnswer(type, answer.text)
        if (RECORDING) recorded[operationId] = { ...recorded[operationId], [type]: shown }
        const example = recorded[operationId]?.[type]
        expect(example, `there is no example of ${operationId} as ${type}`).toBeDefined()
        if (type !== 'application/json') continue
        const expected = membersOf(example as JsonValue)
        if (request.method !== 'GET') expect(membersOf(shown)).toEqual(expected)
        // What is true a moment later, as that a record has its place in the chain, is looked for again.
        else await expect.poll(() => membersNow(request, type, shown), { timeout: SEALED_WAIT_MS }).toEqual(expected)
      }
    },
  )
})

/** Of what was answered, and from the second time on of what is answered now. */
const seen = new WeakSet<object>()
async function membersNow(request: ExampleRequest, type: string, first: JsonValue): Promise<unknown> {
  if (!seen.has(request)) {
    seen.add(request)
    return membersOf(first)
  }
  return membersOf(shownAnswer(type, (await send(request, type)).text))
}

/** An answer as it is shown: long lists cut, secrets taken out. */
function shownAnswer(type: string, text: string): JsonValue {
  if (type === 'application/json') return shortened(readJson(text))
  const lines = text.trimEnd().split(/\r?\n/)
  const kept = lines.length <= LINES_SHOWN ? lines : [...lines.slice(0, LINES_SHOWN - 1), lines.at(-1) ?? '']
  return `${kept.join('\n')}\n`
}

const SHOWN_URL = 'https://desk.example.com/hooks/borrow-rates'
/** Of the form that they have, and worth nothing. */
const SECRETS: Readonly<Record<string, string>> = {
  api_key: `bre_Yb3kQ0s9TzLm_${'0'.repeat(48)}`,
  access_token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJZYjNrUTBzOVR6TG0ifQ.c2lnbmF0dXJl',
  secret: `whsec_${'0'.repeat(43)}`,
}

function shortened(value: JsonValue, name = ''): JsonValue {
  if (typeof value === 'string') return value === WEBHOOK_URL ? SHOWN_URL : (SECRETS[name] ?? value)
  if (Array.isArray(value)) {
    return (value.length > ITEMS_MAX ? value.slice(0, ITEMS_SHOWN) : value).map((item) => shortened(item, name))
  }
  if (typeof value !== 'object' || value === null || value instanceof NumberToken) return value
  return Object.fromEntries(Object.entries(value).map(([own, inner]) => [own, shortened(inner, own)]))
}

/** The members of an answer and of what stands in them, by name; of a list those of its items. */
function membersOf(value: JsonValue, depth = 2): string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : membersOf(value[0] as JsonValue, depth)
  if (typeof value !== 'object' || value === null || value instanceof NumberToken || depth === 0) return []
  return Object.entries(value).flatMap(([name, inner]) => [
    name,
    ...membersOf(inner, depth - 1).map((own) => `${name}.${own}`),
  ])
}

function sorted(examples: Record<string, JsonObject>): JsonObject {
  return Object.fromEntries(Object.entries(examples).sort(([one], [other]) => one.localeCompare(other)))
}
