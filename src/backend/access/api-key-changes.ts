// What an administrator does with API keys: list, make, revoke, rotate. A change and its record are one transaction. A key that is
// rotated goes on for a while beside the one that takes its place, so that whoever calls with it can change over without a gap.
import type pg from 'pg'
import { type Change, changeRecordRow, HOUSE_CLIENT_ID, insertRecord } from '../audit/change-record.ts'
import type { Actor } from '../audit/quote-record.ts'
import type { Queryable } from '../database/connect.ts'
import { inTransaction } from '../database/transaction.ts'
import { invalidParameters, Problem } from '../server/problem.ts'
import type { Clock } from '../server/uuidv7.ts'
import { createApiKey, type NewApiKey } from './api-keys.ts'
import type { Role } from './roles.ts'

/** How long a key that is rotated goes on, unless said. */
export const OVERLAP_DAYS = 14
export const OVERLAP_DAYS_MAX = 90
const DAY_MS = 86_400_000

/** A key as it may be shown: nothing of its secret. */
export interface ApiKey {
  readonly keyId: string
  readonly clientId: string
  readonly role: Role
  readonly label: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  /** To the minute; null: never. */
  readonly lastUsedAt: Date | null
  /** In the future while a key that was replaced goes on; null: not revoked. */
  readonly revokedAt: Date | null
  /** The key that takes its place, or null. */
  readonly replacedBy: string | null
  /** Neither expired nor revoked yet. */
  readonly active: boolean
}

/** A new key, and the one place where its text ever stands. */
export interface IssuedKey {
  readonly key: ApiKey
  readonly apiKey: string
}

export interface ApiKeyChanges {
  /** The newest first. */
  list(ask: {
    /** Of this broker; null: of all. */
    readonly clientId: string | null
    /** True: those that are good now. False: those that no longer are. Null: all. */
    readonly active: boolean | null
    readonly skip: number
    readonly limit: number
  }): Promise<{ readonly items: readonly ApiKey[]; readonly total: number }>
  /**
   * Rejects with CLIENT_NOT_FOUND when there is no such broker or it is not active, with INVALID_PARAMETER when a role of staff is
   * given to anybody but the house.
   */
  create(key: NewApiKey, actor: Actor): Promise<IssuedKey>
  /**
   * Ends a key at once, and the sessions that were opened with it. One that has ended already is left as it is, without a record.
   * Rejects with NOT_FOUND.
   */
  revoke(keyId: string, actor: Actor): Promise<ApiKey>
  /**
   * A new key of the same broker, role and label. The old one ends after so many days, or at its own end when that is sooner.
   * Rejects with NOT_FOUND, with CONFLICT for a key that has ended or was replaced already, and as `create`.
   */
  rotate(
    keyId: string,
    ask: { readonly overlapDays: number; readonly expiresInDays: number },
    actor: Actor,
  ): Promise<IssuedKey & { readonly replaced: ApiKey }>
}

export function apiKeyChanges(options: {
  readonly database: pg.Pool
  readonly clock: Clock
  /** Makes UUIDv7s, for records. */
  readonly newId: () => string
  /** Told after the commit that a key of a broker is another now. */
  readonly onChange: (keyId: string, clientId: string) => void
}): ApiKeyChanges {
  const { database, clock, newId, onChange } = options

  async function record(
    client: Queryable,
    change: Change & `api_key_${string}`,
    keys: { readonly before: ApiKey | null; readonly after: ApiKey },
    by: { readonly actor: Actor; readonly at: Date },
  ): Promise<void> {
    const { before, after } = keys
    await insertRecord(
      client,
      changeRecordRow({
        auditId: newId(),
        occurredAt: by.at,
        actor: by.actor,
        change,
        subject: { kind: 'api_key', id: after.keyId },
        clientId: after.clientId,
        before: before && recordedState(before),
        after: recordedState(after),
      }),
    )
  }

  async function issue(client: Queryable, wanted: NewApiKey, actor: Actor, at: Date): Promise<IssuedKey> {
    const { rows } = await client.query<{ active: boolean }>('select active from brokers where client_id = $1', [
      wanted.clientId,
    ])
    if (rows[0]?.active !== true) throw new Problem('CLIENT_NOT_FOUND', `Client not found: ${wanted.clientId}`)
    const { apiKey, keyId } = await createApiKey(client, () => at, wanted)
    const key = (await readKey(client, keyId, at)) as ApiKey
    await record(client, 'api_key_created', { before: null, after: key }, { actor, at })
    return { key, apiKey }
  }

  return {
    list: (ask) => listKeys(database, ask, clock()),

    async create(wanted, actor) {
      if (wanted.role !== 'broker' && wanted.clientId !== HOUSE_CLIENT_ID) {
        const message = `client_id must be ${HOUSE_CLIENT_ID} for every role but broker`
        throw invalidParameters([{ field: 'client_id', location: 'body', message }])
      }
      return await inTransaction(database, (client) => issue(client, wanted, actor, clock()))
    },

    async revoke(keyId, actor) {
      const at = clock()
      const key = await inTransaction(database, async (client) => {
        const before = await lockKey(client, keyId, at)
        if (before.revokedAt !== null && before.revokedAt <= at) return before
        const after = await endKey(client, before, at, at)
        await client.query(
          `update sessions set ended_at = $2, end_reason = 'key_ended'
            where key_id = $1 and ended_at is null and expires_at > $2`,
          [keyId, at],
        )
        await record(client, 'api_key_revoked', { before, after }, { actor, at })
        return after
      })
      onChange(keyId, key.clientId)
      return key
    },

    async rotate(keyId, { overlapDays, expiresInDays }, actor) {
      const at = clock()
      const rotated = await inTransaction(database, async (client) => {
        const before = await lockKey(client, keyId, at)
        if (!before.active) throw new Problem('CONFLICT', 'The key has ended: make a new one')
        if (before.replacedBy !== null)
          throw new Problem('CONFLICT', 'The key was replaced already: rotate the new one')
        const { clientId, role, label } = before
        const issued = await issue(
          client,
          { clientId, role, expiresInDays, ...(label !== null && { label }) },
          actor,
          at,
        )
        const overlapEnds = at.getTime() + overlapDays * DAY_MS
        const endsAt = new Date(Math.min(overlapEnds, before.expiresAt.getTime()))
        const replaced = await endKey(client, before, endsAt, at, issued.key.keyId)
        await record(client, 'api_key_rotated', { before, after: replaced }, { actor, at })
        return { ...issued, replaced }
      })
      onChange(keyId, rotated.replaced.clientId)
      return rotated
    },
  }
}

const recordedState = (key: ApiKey) => ({
  key_id: key.keyId,
  client_id: key.clientId,
  role: key.role,
  label: key.label,
  expires_at: key.expiresAt,
  revoked_at: key.revokedAt,
  replaced_by: key.replacedBy,
})

interface KeyRow {
  key_id: string
  client_id: string
  role: Role
  label: string | null
  created_at: Date
  expires_at: Date
  last_used_at: Date | null
  revoked_at: Date | null
  replaced_by: string | null
}

const COLUMNS = 'key_id, client_id, role, label, created_at, expires_at, last_used_at, revoked_at, replaced_by'

function keyOf(row: KeyRow, now: Date): ApiKey {
  return {
    keyId: row.key_id,
    clientId: row.client_id,
    role: row.role,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    replacedBy: row.replaced_by,
    active: row.expires_at > now && (row.revoked_at === null || row.revoked_at > now),
  }
}

async function listKeys(database: Queryable, ask: Parameters<ApiKeyChanges['list']>[0], now: Date) {
  const { clientId, active, skip, limit } = ask
  const which = `($1::text is null or client_id = $1)
    and ($2::boolean is null or (expires_at > $3 and (revoked_at is null or revoked_at > $3)) = $2)`
  const { rows } = await database.query<KeyRow>(
    `select ${COLUMNS} from api_keys where ${which} order by created_at desc, key_id desc offset $4 limit $5`,
    [clientId, active, now, skip, limit],
  )
  const count = await database.query<{ total: string }>(`select count(*) as total from api_keys where ${which}`, [
    clientId,
    active,
    now,
  ])
  return { items: rows.map((row) => keyOf(row, now)), total: Number(count.rows[0]?.total) }
}

async function readKey(database: Queryable, keyId: string, now: Date, lock = ''): Promise<ApiKey | null> {
  const { rows } = await database.query<KeyRow>(`select ${COLUMNS} from api_keys where key_id = $1 ${lock}`, [keyId])
  return rows[0] === undefined ? null : keyOf(rows[0], now)
}

/** The key as it is, which nobody changes before this transaction ends. */
async function lockKey(client: Queryable, keyId: string, now: Date): Promise<ApiKey> {
  const key = await readKey(client, keyId, now, 'for update')
  if (key === null) throw new Problem('NOT_FOUND', 'There is no such API key')
  return key
}

async function endKey(
  client: Queryable,
  key: ApiKey,
  endsAt: Date,
  now: Date,
  replacedBy: string | null = key.replacedBy,
): Promise<ApiKey> {
  await client.query('update api_keys set revoked_at = $2, replaced_by = $3 where key_id = $1', [
    key.keyId,
    endsAt,
    replacedBy,
  ])
  return { ...key, revokedAt: endsAt, replacedBy, active: key.expiresAt > now && endsAt > now }
}
