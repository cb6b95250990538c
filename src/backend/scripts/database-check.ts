// Whether a database is what the engine left there: every migration as its file says, every table, index and trigger there and readable,
// the chain of the record whole, and how many rows there are. For one that was restored, before anybody writes to it. Changes nothing.
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { readTrustedKeys } from '../audit/signing-key.ts'
import { verifyChain } from '../audit/verify.ts'
import { readPassword } from '../database/connect.ts'
import { dumpSchema } from '../database/dump-schema.ts'
import { status, verify } from '../database/migrate.ts'

export interface DatabaseCheck {
  readonly good: boolean
  /** What is not as it should be, each a sentence. */
  readonly faults: readonly string[]
  readonly migrations: { readonly applied: number; readonly newest: string | null }
  /** Null: no keys were given to verify it with. */
  readonly chain: { readonly valid: boolean; readonly checked: number; readonly unsealed: number } | null
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>
  readonly newestRecordAt: string | null
  readonly tookMs: number
}

export interface CheckedDatabase {
  readonly url: string
  readonly passwordFile?: string | null
  /** Files of public keys; none: the chain is not verified. */
  readonly trustedKeys: readonly string[]
}

const SCHEMA = new URL('../database/schema.sql', import.meta.url)
const CONNECT_TIMEOUT_MS = 10_000

/** @throws the error of the connection, when there is none */
export async function checkDatabase({
  url,
  passwordFile = null,
  trustedKeys,
}: CheckedDatabase): Promise<DatabaseCheck> {
  const startedAt = performance.now()
  const states = await status(url, { passwordFile })
  const faults = states.filter(({ state }) => state !== 'applied').map(({ name, state }) => `${name} is ${state}`)
  if (states.length === 0) faults.push('there is no migration in it')
  if (faults.length === 0) {
    await verify(url, { passwordFile }).catch((error: Error) => void faults.push(error.message))
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => {})
  if (passwordFile !== null) client.password = await readPassword(passwordFile)
  await client.connect()
  try {
    if (faults.length === 0) faults.push(...(await missingStructure(client)))
    const isFit = faults.length === 0
    const chain = isFit && trustedKeys.length > 0 ? await verifiedChain(client, trustedKeys, faults) : null
    const applied = states.filter(({ state }) => state === 'applied')
    return {
      migrations: { applied: applied.length, newest: applied.at(-1)?.name ?? null },
      chain,
      rows: isFit ? await rowCounts(client) : {},
      newestRecordAt: isFit ? await newestRecord(client) : null,
      faults,
      good: faults.length === 0,
      tookMs: Math.round(performance.now() - startedAt),
    }
  } finally {
    await client.end().catch(() => {})
  }
}

/** What the migrations made and is not there. What is there besides is somebody else's. */
async function missingStructure(client: pg.Client): Promise<string[]> {
  const has = new Set((await dumpSchema(client)).split('\n'))
  const missing = readFileSync(SCHEMA, 'utf8')
    .split('\n')
    .filter((line) => !has.has(line))
  if (missing.length === 0) return []
  return [`the structure lacks ${missing.length} of what the migrations made, first: ${missing[0]?.trim()}`]
}

async function verifiedChain(client: pg.Client, trustedKeys: readonly string[], faults: string[]) {
  const verification = verifyChain({
    database: client,
    trusted: readTrustedKeys(trustedKeys),
    exportedHead: async () => null,
  })
  for await (const step of verification({ from: null, to: null }, new AbortController().signal)) {
    if (step.kind !== 'result') continue
    if (step.firstBad !== null) faults.push(`the chain of the record: ${step.firstBad.sentence}`)
    return { valid: step.valid, checked: step.checked, unsealed: step.unsealed }
  }
  throw new Error('the verification of the chain ended without a result')
}

/** Of every table of the engine; months are part of theirs. */
export async function rowCounts(client: pg.Client): Promise<Record<string, number>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where nspname = 'public' and relkind in ('r', 'p') and not relispartition order by 1`,
  )
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const { rows } = await client.query(`select count(*)::float8 as count from ${pg.escapeIdentifier(name)}`)
    counts[name] = rows[0].count
  }
  return counts
}

export async function newestRecord(client: pg.Client): Promise<string | null> {
  const { rows } = await client.query('select recorded_at from audit_records order by audit_id desc limit 1')
  return rows[0]?.recorded_at?.toISOString() ?? null
}
