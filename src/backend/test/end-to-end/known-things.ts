// What must be there for a documented operation to succeed: the ids, cookies and bodies that no document can give as examples.
// Everything else comes from the document; an operation that lands here needs something that exists.
import type pg from 'pg'
import { ROLES, type Role } from '../../access/roles.ts'
import type { Deployment } from './deployment.ts'
import { type Ask, ask } from './http.ts'
import { broker, close, list, pendingApproval } from './market.ts'

/** Parts of a request that stand in for what the document's examples say. */
export interface Given {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Null: none, a cookie stands in for it. */
  readonly key?: string | null
}

export interface Things {
  readonly deployed: Deployment
  /** Of staff of the house, and of demo-classic for the broker. */
  readonly keys: Readonly<Record<Role, string>>
  /** A broker's, that is not active. */
  readonly asleep: string
  /** Of a quote on the record. */
  readonly auditId: string
  /** Another name each time. */
  another(prefix: string): string
  /** Of a new broker that may ask once a minute. */
  keyForOne(role: Role): Promise<string>
  anotherTicker(): string
}

/** What a deployment must be told, for webhooks that lead to this machine. */
export const ENVIRONMENT = { WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' }
const ASLEEP = 'asleep'

/** Puts in place what the API cannot. */
export async function prepareThings(database: pg.Pool): Promise<void> {
  await list(database, { ticker: 'ZNA', rate: null })
  await close(database, 'GME', '22.50', new Date().toISOString().slice(0, 10))
  await broker(database, ASLEEP, { active: false })
}

export async function knownThings(deployed: Deployment): Promise<Things> {
  const { database } = deployed
  const keys = Object.fromEntries(
    await Promise.all(
      ROLES.map(async (role) => [role, await deployed.newKey(role === 'broker' ? CLASSIC : HOUSE, role)]),
    ),
  ) as Record<Role, string>
  const quoted = await ask(deployed, { path: '/api/v1/calculate-locate', key: keys.desk, body: QUOTE })
  let count = 0
  const next = () => {
    count += 1
    return count
  }
  const another = (prefix: string) => `${prefix}-${next()}`
  return {
    deployed,
    keys,
    async keyForOne(role) {
      const clientId = another('one-a-minute')
      await broker(database, clientId, { requests_per_minute: 1 })
      return deployed.newKey(clientId, role)
    },
    asleep: await deployed.newKey(ASLEEP, 'broker'),
    auditId: quoted.json.audit_id,
    another,
    anotherTicker: () =>
      `Z${next()
        .toString(26)
        .padStart(4, '0')
        .replaceAll(/./g, (digit) => LETTERS[Number.parseInt(digit, 26)] as string)}`,
  }
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const HOUSE = 'house'
const CLASSIC = 'demo-classic'
const QUOTE = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: CLASSIC }

/** By operation, called for each request that is to succeed. */
export const GIVEN: Readonly<Record<string, (things: Things, role: Role) => Given | Promise<Given>>> = {
  // One way of saying how much and one of saying how long.
  calculateLocate: () => ({ body: QUOTE }),
  calculateLocateByQuery: () => ({ query: { position_value: '50000', loan_days: '30' } }),
  putBroker: ({ another }) => ({ path: { client_id: another('made') } }),
  putStock: ({ anotherTicker }) => ({ path: { ticker: anotherTicker() } }),
  addPricingModel: ({ another }) => ({ body: { ...MODEL_NUMBERS, model: `${another('made')}-v1` } }),
  decideApproval: async ({ deployed }) => ({ path: { approval_id: await pendingApproval(deployed.database) } }),
  auditRecord: ({ auditId }) => ({ path: { audit_id: auditId } }),
  replayRecord: ({ auditId }) => ({ path: { audit_id: auditId } }),
  releaseLegalHold: async (things) => ({ path: { hold_id: await made(things, 'auditor', HOLD, 'hold_id') } }),
  rotateApiKey: async (things) => ({ path: { key_id: await made(things, 'admin', KEY, 'key_id') } }),
  revokeApiKey: async (things) => ({ path: { key_id: await made(things, 'admin', KEY, 'key_id') } }),
  addWebhook: async (things) => {
    await forgetWebhooks(things)
    return { body: WEBHOOK.body }
  },
  removeWebhook: webhookOf,
  rotateWebhookSecret: webhookOf,
  webhookDeliveries: webhookOf,
  replayWebhook: webhookOf,
  refreshSession: async (things) => ({ key: null, headers: { cookie: await sessionOf(things, things.keys.desk) } }),
  signOut: async (things) => ({ key: null, headers: { cookie: await sessionOf(things, things.keys.desk) } }),
}

const MODEL_NUMBERS = {
  volatility_weight: 0.015,
  volatility_threshold: 18.25,
  event_weight: 0.5,
  max_multiplier: 4,
  volatility_source: 'index',
}

const TODAY = new Date().toISOString().slice(0, 10)
const BY_SHARES = { ticker: 'GME', quantity: 333, price: '22.123456', loan_days: 7, client_id: 'demo-collateral' }
const BY_DATES = { ...BY_SHARES, ticker: 'ZNA', start_date: '2026-06-04', end_date: '2026-06-05', loan_days: undefined }

/** More that succeeds, where an operation can be asked in ways that look different in the answer. */
export const ALSO: Readonly<Record<string, readonly Given[]>> = {
  calculateLocate: [
    { body: { ...QUOTE, position_value: '999999999.99', loan_days: 365 } },
    { body: { ...QUOTE, ticker: 'ZNA' } },
    { body: BY_SHARES },
    { body: BY_DATES },
    { body: { ...BY_SHARES, price: undefined } },
  ],
  calculateLocateByQuery: [{ query: { position_value: '0.01', loan_days: '1' } }],
  calculateLocateBatch: [
    { body: { lines: [QUOTE, BY_SHARES, BY_DATES, { ticker: 'x' }, {}, null, 1, { ...QUOTE, ticker: 'ZZZZZ' }] } },
    { body: { lines: [QUOTE, {}] }, query: { format: 'ndjson' } },
    { body: { lines: [QUOTE, {}] }, query: { format: 'csv' } },
  ],
  rate: [{ path: { ticker: 'ZNA' } }],
  customRate: [{ path: { ticker: 'ZNA' }, query: { volatility_index: '99.9999', event_risk_factor: '10' } }],
  broker: [{ path: { client_id: 'demo-percentage' } }],
  whatIf: [
    { body: { from: TODAY, terms: { markup_percentage: 1 } } },
    { body: { from: TODAY, model: 'desk-v1' }, headers: { accept: 'application/x-ndjson' } },
    { body: { from: TODAY, model: MODEL_NUMBERS }, query: { format: 'csv' } },
  ],
  replayRecords: [{ body: { from: TODAY } }],
  searchRecords: [{ query: { record_type: 'quote', ticker: 'GME', from: '2026-01-01', page_size: '1' } }],
}

const HOLD: Ask = { path: '/api/v1/legal-holds', body: { ticker: 'ZZZZ', reason: 'Dispute' } }
const KEY: Ask = { path: '/api/v1/api-keys', body: { client_id: CLASSIC, role: 'broker' } }

/** Nobody listens there: what is delivered fails at once. */
const WEBHOOK = {
  path: '/api/v1/webhooks',
  body: { url: 'http://127.0.0.1:9/hooks', events: ['rate_changed'], threshold_bp: 1 },
}

/** A broker has only so many. */
async function forgetWebhooks({ deployed }: Things): Promise<void> {
  await deployed.database.query('update webhooks set removed_at = now() where removed_at is null')
}

/** A webhook that the role may see. */
async function webhookOf(things: Things, role: Role): Promise<Given> {
  await forgetWebhooks(things)
  return { path: { webhook_id: await made(things, role === 'broker' ? 'broker' : 'desk', WEBHOOK, 'webhook_id') } }
}

/** Makes something through the API. @returns its id */
async function made({ deployed, keys }: Things, role: Role, request: Ask, id: string): Promise<string> {
  const { status, json, text } = await ask(deployed, { ...request, key: keys[role] })
  if (status !== 201) throw new Error(`${request.path} was answered ${status} ${text}`)
  return json[id]
}

/** The cookie of a new session. */
export async function sessionOf({ deployed }: Things, key: string): Promise<string> {
  const { headers } = await ask(deployed, { method: 'POST', path: '/api/v1/session', key })
  return headers['set-cookie']?.[0]?.split(';')[0] ?? ''
}
