// What a fresh database is given. Reference data for every installation; on top of that, for whoever only wants to look: demo
// brokers, a replayed excerpt of market data, and keys. Everything here may be run again and again: rows that are there stay.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { createApiKey, hashSecret, parseApiKey } from '../access/api-keys.ts'
import type { Role } from '../access/roles.ts'
import {
  type ImportOptions,
  type ImportResult,
  importEvents,
  importLenderFile,
  importVolatilityHistory,
} from '../market-data/import.ts'
import type { Queryable } from './connect.ts'

/** The broker that the keys of staff belong to. */
export const HOUSE = 'house'

interface SeededBroker {
  readonly client_id: string
  readonly name: string
  /** Percent points. */
  readonly markup_percentage: string
  readonly transaction_fee_type: 'FLAT' | 'PERCENTAGE'
  /** USD when FLAT, percent points when PERCENTAGE. */
  readonly transaction_amount: string
  readonly day_count: 'ACT/365' | 'ACT/360'
  readonly convention_pack: string
  readonly pricing_model: string
  readonly tier: 'standard' | 'premium' | 'internal'
}

const HOUSE_BROKER: SeededBroker = {
  client_id: HOUSE,
  name: 'House (staff)',
  markup_percentage: '0',
  transaction_fee_type: 'FLAT',
  transaction_amount: '0',
  day_count: 'ACT/360',
  convention_pack: 'notional',
  pricing_model: 'standard-v1',
  tier: 'internal',
}

const DEMO_BROKERS: readonly SeededBroker[] = [
  {
    client_id: 'demo-classic',
    name: 'Demo: the classic form',
    markup_percentage: '5',
    transaction_fee_type: 'FLAT',
    transaction_amount: '25',
    day_count: 'ACT/365',
    convention_pack: 'notional',
    pricing_model: 'standard-v1',
    tier: 'standard',
  },
  {
    client_id: 'demo-percentage',
    name: 'Demo: a percentage fee',
    markup_percentage: '3.5',
    transaction_fee_type: 'PERCENTAGE',
    transaction_amount: '0.5',
    day_count: 'ACT/360',
    convention_pack: 'notional',
    pricing_model: 'standard-v1',
    tier: 'premium',
  },
  {
    client_id: 'demo-collateral',
    name: 'Demo: US collateral mark',
    markup_percentage: '2.5',
    transaction_fee_type: 'FLAT',
    transaction_amount: '15',
    day_count: 'ACT/360',
    convention_pack: 'us-collateral-mark',
    pricing_model: 'desk-v1',
    tier: 'premium',
  },
]

/** Files of demo-data/ and whose data they are (its README says more). */
const DEMO_FILES = [
  { file: 'ibkr-usa-20251228-excerpt.txt', provider: 'ibkr-excerpt-2025-12-28', take: importLenderFile },
  { file: 'vix-daily.csv', provider: 'cboe-vix-history', take: importVolatilityHistory },
  { file: 'demo-events.csv', provider: 'demo-events', take: importEvents },
] as const satisfies readonly {
  file: string
  provider: string
  take: (pool: pg.Pool, options: ImportOptions) => Promise<ImportResult>
}[]

/** What every installation needs: the house broker. (The pricing models come with the migrations.) */
export async function seedReferenceData(database: Queryable): Promise<void> {
  await addBrokers(database, [HOUSE_BROKER])
}

export interface DemoFileTaken {
  readonly file: string
  readonly result: ImportResult
}

/**
 * Demo brokers and demo market data. Terms that somebody changed, and real data that somebody imported, are left alone.
 * Run it at each start: events are dated in days from `now`, so that there are always some ahead.
 */
export async function seedDemoData(pool: pg.Pool, { now }: { now: Date }): Promise<DemoFileTaken[]> {
  await addBrokers(pool, DEMO_BROKERS)
  const taken: DemoFileTaken[] = []
  for (const { file, provider, take } of DEMO_FILES) {
    const source = readFileSync(new URL(`./demo-data/${file}`, import.meta.url), 'utf8')
    taken.push({ file, result: await take(pool, { source, provider, demo: true, receivedAt: now }) })
  }
  return taken
}

async function addBrokers(database: Queryable, brokers: readonly SeededBroker[]): Promise<void> {
  await database.query(
    `insert into brokers (client_id, name, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack,
                          pricing_model, tier)
     select client_id, name, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack, pricing_model, tier
       from json_to_recordset($1::json) as broker (
         client_id text, name text, markup_percentage numeric, transaction_fee_type text, transaction_amount numeric, day_count text,
         convention_pack text, pricing_model text, tier text)
     on conflict (client_id) do nothing`,
    [JSON.stringify(brokers)],
  )
}

// ---- demo keys

/** A key that lies open in the data folder of a demonstration. */
export interface DemoKey {
  readonly name: string
  readonly role: Role
  readonly clientId: string
  readonly apiKey: string
}

export const DEMO_KEYS_FILE = 'demo-keys.json'

/** The labels of staff are what the console shows of who is signed in. */
const DEMO_KEYS: readonly (Omit<DemoKey, 'apiKey'> & { readonly label: string })[] = [
  { name: 'desk', role: 'desk', clientId: HOUSE, label: 'M. Okafor, desk (demo key)' },
  { name: 'admin', role: 'admin', clientId: HOUSE, label: 'R. Lindqvist, administration (demo key)' },
  { name: 'auditor', role: 'auditor', clientId: HOUSE, label: 'T. Nakamura, audit (demo key)' },
  ...DEMO_BROKERS.map(({ client_id }) => ({
    name: client_id,
    role: 'broker' as const,
    clientId: client_id,
    label: `${client_id} (demo key)`,
  })),
]
/** A key that expires sooner than this is replaced. */
const EXPIRY_MARGIN_MS = 7 * 86_400_000

/**
 * Keys for staff and for each demo broker, in `demo-keys.json` in the data folder, readable by its owner alone. For the embedded
 * database only. Keys that still work are kept; one that is lost, revoked or about to expire is made anew, and demo keys
 * that the file does not name are revoked.
 */
export async function seedDemoKeys(
  pool: pg.Pool,
  { dataDir, now }: { dataDir: string; now: Date },
): Promise<DemoKey[]> {
  const path = join(dataDir, DEMO_KEYS_FILE)
  const there = readDemoKeys(path)
  const keys: DemoKey[] = []
  for (const { label, ...wanted } of DEMO_KEYS) {
    const kept = there.find(
      (key) => key.name === wanted.name && key.role === wanted.role && key.clientId === wanted.clientId,
    )
    if (kept !== undefined && (await works(pool, kept.apiKey, now))) keys.push({ ...wanted, apiKey: kept.apiKey })
    else {
      const { clientId, role } = wanted
      const { apiKey } = await createApiKey(pool, () => now, { clientId, role, label })
      keys.push({ ...wanted, apiKey })
    }
  }
  // The file first: were it the other way round, a failure in between would leave nobody with a key that works.
  writeFileSync(`${path}.new`, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  await pool.query(
    'update api_keys set revoked_at = $1 where label = any($2) and revoked_at is null and key_id <> all($3)',
    [now, DEMO_KEYS.map(({ label }) => label), keys.map(({ apiKey }) => parseApiKey(apiKey)?.keyId)],
  )
  return keys
}

/** The keys of the file; none when it is missing or damaged. */
function readDemoKeys(path: string): readonly DemoKey[] {
  try {
    const { keys } = JSON.parse(readFileSync(path, 'utf8')) as { keys?: unknown }
    return Array.isArray(keys) ? keys : []
  } catch {
    return []
  }
}

async function works(database: Queryable, apiKey: unknown, now: Date): Promise<boolean> {
  const parsed = typeof apiKey === 'string' ? parseApiKey(apiKey) : null
  if (parsed === null) return false
  const { rowCount } = await database.query(
    'select from api_keys where key_id = $1 and secret_hash = $2 and revoked_at is null and expires_at > $3',
    [parsed.keyId, hashSecret(parsed.secret), new Date(now.getTime() + EXPIRY_MARGIN_MS)],
  )
  return rowCount === 1
}
