// API keys: `bre_<key id>_<secret>`. The prefix lets a leaked key be recognised, the id finds its row, and of the secret
// only the SHA-256 is kept: 48 random base62 characters cannot be guessed, so a slow hash would add nothing. What was shown and found to
// be right is compared as it is while the copy of its row is fresh, since hashing costs more than the price of a quote.
//
// A key's row is kept in memory for a few seconds, so that a request costs no trip to the database; a revoked key works
// until its copy has aged. When the database is away the copy serves a while longer, and a key without one is answered
// SERVICE_UNAVAILABLE: a store's failure is never a 401.
import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Queryable } from '../database/connect.ts'
import { recentlyUsed } from '../server/recently-used.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { Role } from './roles.ts'
import { rowCopies } from './row-copies.ts'

export type Tier = 'standard' | 'premium' | 'internal'

/** Who asks: what a valid key stands for. */
export interface Principal {
  readonly keyId: string
  readonly clientId: string
  readonly role: Role
  readonly tier: Tier
  /** The broker's own limit, or null for its tier's. */
  readonly requestsPerMinute: number | null
  readonly brokerActive: boolean
  /** What its maker called the key: as a rule, who holds it. */
  readonly label: string | null
  /** Of the key. */
  readonly expiresAt: Date
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const KEY_ID_LENGTH = 12
const SECRET_LENGTH = 48
const KEY = /^bre_([0-9A-Za-z]{12})_([0-9A-Za-z]{48})$/
const KEY_WITHIN = /bre_[0-9A-Za-z]{12}_[0-9A-Za-z]{16}/

export const EXPIRES_IN_DAYS = 90
/** The longest life of a key. */
export const EXPIRES_IN_DAYS_MAX = 3650
const DAY_MS = 86_400_000

/** A new key. The whole text is shown once, to its owner; the row takes the id and the hash. */
export function generateApiKey(): { apiKey: string; keyId: string; secretHash: Buffer } {
  const keyId = randomBase62(KEY_ID_LENGTH)
  const secret = randomBase62(SECRET_LENGTH)
  return { apiKey: `bre_${keyId}_${secret}`, keyId, secretHash: hashSecret(secret) }
}

/** Whether a key stands somewhere in a text, or enough of one to be one: such a text is not kept. */
export function holdsApiKey(text: string): boolean {
  return KEY_WITHIN.test(text)
}

/** @returns id and secret of a text that has the form of a key, else null. */
export function parseApiKey(text: string): { keyId: string; secret: string } | null {
  const match = KEY.exec(text)
  return match === null ? null : { keyId: match[1] as string, secret: match[2] as string }
}

/** SHA-256 of the secret, 32 bytes. */
export function hashSecret(secret: string): Buffer {
  return hash('sha256', secret, 'buffer')
}

/** Letters and digits by chance; each stands for nearly six bits. */
export function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: above it the first letters would come more often.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % 62]
    }
  }
  return text
}

export interface NewApiKey {
  readonly clientId: string
  readonly role: Role
  readonly label?: string
  /** 90 unless said. */
  readonly expiresInDays?: number
}

/** Makes and stores a key. The answer is the only place where its text ever stands. */
export async function createApiKey(
  database: Queryable,
  clock: Clock,
  key: NewApiKey,
): Promise<{ apiKey: string; keyId: string; expiresAt: Date }> {
  const { apiKey, keyId, secretHash } = generateApiKey()
  const createdAt = clock()
  const expiresAt = new Date(createdAt.getTime() + (key.expiresInDays ?? EXPIRES_IN_DAYS) * DAY_MS)
  await database.query(
    `insert into api_keys (key_id, secret_hash, client_id, role, label, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [keyId, secretHash, key.clientId, key.role, key.label ?? null, createdAt, expiresAt],
  )
  return { apiKey, keyId, expiresAt }
}

export interface ApiKeys {
  /**
   * The principal of a valid key. Unknown, malformed, expired and revoked keys are all the same null.
   * @throws Problem SERVICE_UNAVAILABLE when the store is away and no copy of the key's row is young enough
   */
  authenticate(headerValue: string): Promise<Principal | null>
  /** The principal of a valid key whose row is at hand; null when only `authenticate` can tell. */
  authenticateAtHand(headerValue: string): Principal | null
  /**
   * What a key stands for that was shown before; null when it is no longer valid.
   * @throws Problem SERVICE_UNAVAILABLE as above
   */
  principalOf(keyId: string): Promise<Principal | null>
  /** The key's row has changed, and this process knows it: the next request reads it. */
  forget(keyId: string): void
  /** These brokers, or keys of theirs, are others now: what a key of theirs stands for is read again at its next use. */
  doubtBrokers(clientIds: readonly string[]): void
}

export interface ApiKeysOptions {
  readonly database: Queryable
  readonly clock: Clock
  /** Told of failures off the request's path: a row that could not be read again, a last use that could not be noted. */
  readonly onFailure?: (error: unknown) => void
}

/** Keys whose last use this process remembers to have noted: as many as it has copies of. */
const LAST_USES_MAX = 150_000
const LAST_USE_EVERY_MS = 60_000

interface KeyRow {
  readonly secretHash: Buffer
  /** The secret that was found to have this hash, ASCII; null: none was yet. It goes with this copy of the row, after seconds. */
  proven: Uint8Array | null
  readonly revokedAtMs: number | null
  readonly principal: Principal
}

export function apiKeys({ database, clock, onFailure = () => {} }: ApiKeysOptions): ApiKeys {
  const rows = rowCopies({ read: (keyId) => readKeyRow(database, keyId), clock, onFailure })
  const lastUses = recentlyUsed<string, number>(LAST_USES_MAX)

  function noteUse(keyId: string, now: number): void {
    const last = lastUses.get(keyId)
    if (last !== undefined && now - last < LAST_USE_EVERY_MS) return
    lastUses.set(keyId, now)
    database
      .query(
        `update api_keys set last_used_at = $2
          where key_id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute')`,
        [keyId, new Date(now)],
      )
      .catch(onFailure)
  }

  /** The principal of a row whose key is valid now. */
  function principalNow(row: KeyRow): Principal | null {
    const now = clock().getTime()
    if (row.revokedAtMs !== null && row.revokedAtMs <= now) return null
    if (row.principal.expiresAt.getTime() <= now) return null
    noteUse(row.principal.keyId, now)
    return row.principal
  }

  function holderOf(row: KeyRow | null, secret: string): Principal | null {
    const shown = Buffer.from(secret, 'latin1')
    if (row !== null && row.proven !== null && timingSafeEqual(shown, row.proven)) return principalNow(row)
    const matches = timingSafeEqual(hashSecret(secret), row?.secretHash ?? NO_HASH)
    if (row === null || !matches) return null
    row.proven = new Uint8Array(shown)
    return principalNow(row)
  }

  return {
    async authenticate(headerValue) {
      const parsed = parseApiKey(headerValue)
      return parsed === null ? null : holderOf(await rows.get(parsed.keyId), parsed.secret)
    },
    authenticateAtHand(headerValue) {
      const parsed = parseApiKey(headerValue)
      const row = parsed === null ? null : rows.atHand(parsed.keyId)
      return parsed === null || row === null ? null : holderOf(row, parsed.secret)
    },
    async principalOf(keyId) {
      const row = await rows.get(keyId)
      return row === null ? null : principalNow(row)
    },
    forget: rows.forget,
    doubtBrokers: (clientIds) => rows.doubt(({ principal }) => clientIds.includes(principal.clientId)),
  }
}

/** Compared with when there is no row, so that a missing id takes as long as a wrong secret. */
const NO_HASH = randomBytes(32)

async function readKeyRow(database: Queryable, keyId: string): Promise<KeyRow | null> {
  const { rows } = await database.query<{
    secret_hash: Buffer
    client_id: string
    role: Role
    expires_at: Date
    revoked_at: Date | null
    tier: Tier
    requests_per_minute: number | null
    active: boolean
    label: string | null
  }>(
    `select k.secret_hash, k.client_id, k.role, k.label, k.expires_at, k.revoked_at, b.tier, b.requests_per_minute, b.active
       from api_keys k join brokers b on b.client_id = k.client_id
      where k.key_id = $1`,
    [keyId],
  )
  const row = rows[0]
  if (row === undefined) return null
  return {
    secretHash: row.secret_hash,
    proven: null,
    revokedAtMs: row.revoked_at?.getTime() ?? null,
    principal: {
      keyId,
      clientId: row.client_id,
      role: row.role,
      tier: row.tier,
      requestsPerMinute: row.requests_per_minute,
      brokerActive: row.active,
      label: row.label,
      expiresAt: row.expires_at,
    },
  }
}
