// Sessions, for people at the console. Who shows an API key gets an access token for 15 minutes, which goes where the key would, and a
// cookie with which to renew it. The cookie changes each time; when an old one comes back two hold it, and the session ends for both.
//
// A token says whose it is, not what that may do: role, broker and limits are those of the key's row at each request, so a revoked key,
// another limit and a sign-out are seen within seconds, by every replica.
import type { Queryable } from '../database/connect.ts'
import type { Clock } from '../server/uuidv7.ts'
import { type ApiKeys, hashSecret, type Principal, randomBase62 } from './api-keys.ts'
import { orUnavailable, rowCopies } from './row-copies.ts'
import type { TokenKeys } from './token-keys.ts'

export const TOKEN_SECONDS = 15 * 60
export const COOKIE_SECONDS = 24 * 3600
/** However often it is renewed, a session ends so long after it was opened. */
export const SESSION_DAYS_MAX = 7
/** Of one key at once: beyond that the one that was renewed longest ago ends. */
export const SESSIONS_MAX = 100
/** Ended sessions are removed after so long, so many at a time. */
const KEPT_HOURS = 24
const REMOVED_AT_ONCE = 10_000
const REMOVE_EVERY_MS = 3_600_000

/** 130 bits. */
const SESSION_ID_LENGTH = 22
/** 256 bits. */
const SECRET_LENGTH = 43
const COOKIE = /^([0-9A-Za-z]{22})\.([0-9A-Za-z]{43})$/

export type EndReason = 'signed_out' | 'cookie_reused' | 'key_ended'

/** What a person gets who has signed in or renewed. */
export interface SignedIn {
  readonly principal: Principal
  readonly sessionId: string
  readonly accessToken: string
  readonly cookie: string
  /** Of the cookie. */
  readonly expiresAt: Date
}

export interface SessionHolder {
  readonly principal: Principal
  readonly sessionId: string
}

/** Whose an access token is. */
export interface TokenHolder extends SessionHolder {
  /** When the session ends unless it is renewed. */
  readonly endsAt: Date
}

export interface Sessions {
  /** For who has shown a key. */
  open(principal: Principal): Promise<SignedIn>
  /**
   * A new token and cookie for a cookie; null for one that is not good. An old one ends its session.
   * @param admit asked before anything changes; what it throws is thrown
   */
  renew(cookie: string, admit: (principal: Principal) => Promise<void>): Promise<SignedIn | null>
  /**
   * Whose an access token is. `ended`: it is one of ours, and it, its session or its key is no longer good. Null: it is none of ours.
   * @throws Problem SERVICE_UNAVAILABLE as keys do: while the store is away, sessions that were seen go on for a while
   */
  authenticate(token: string): Promise<TokenHolder | 'ended' | null>
  /** Whose a cookie is, which stays as it is; null for one that is not good. */
  holderOf(cookie: string): Promise<SessionHolder | null>
  /** Ends a session, or leaves one as it is that has ended. */
  end(sessionId: string, reason: EndReason): Promise<void>
  /** Stops removing what has ended. */
  close(): void
}

export interface SessionsOptions {
  readonly database: Queryable
  readonly keys: TokenKeys
  readonly apiKeys: ApiKeys
  readonly clock: Clock
  /** Told of failures off a request's path. */
  readonly onFailure?: (error: unknown) => void
  /** Told of a session that ended because an old cookie came back. */
  readonly onReuse?: (session: { readonly sessionId: string; readonly keyId: string }) => void
}

interface SessionRow {
  readonly keyId: string
  readonly endsAtMs: number
}

/** Every method throws Problem SERVICE_UNAVAILABLE when the store is away and it cannot do without. */
export function sessions(options: SessionsOptions): Sessions {
  const { database, keys, apiKeys, clock, onFailure = () => {}, onReuse = () => {} } = options
  const rows = rowCopies({ read: (sessionId) => readSession(database, sessionId), clock, onFailure })
  const removing = setInterval(() => removeEnded(database, clock()).catch(onFailure), REMOVE_EVERY_MS)
  removing.unref()

  function signedIn(principal: Principal, sessionId: string, secret: string, expiresAt: Date): SignedIn {
    const iat = Math.floor(clock().getTime() / 1000)
    const accessToken = keys.sign({ sub: principal.keyId, sid: sessionId, iat, exp: iat + TOKEN_SECONDS })
    return { principal, sessionId, accessToken, cookie: `${sessionId}.${secret}`, expiresAt }
  }

  async function end(sessionId: string, reason: EndReason): Promise<void> {
    await database.query(
      `update sessions set ended_at = $2, end_reason = $3 where session_id = $1 and ended_at is null`,
      [sessionId, clock(), reason],
    )
    rows.forget(sessionId)
  }

  /** The key of a session that a cookie is good for, or null. */
  async function keyOfCookie(cookie: ParsedCookie): Promise<string | null> {
    const { rows: found } = await orUnavailable(
      database.query<{ key_id: string }>(
        `select key_id from sessions where session_id = $1 and refresh_hash = $2 and ended_at is null and expires_at > $3`,
        [cookie.sessionId, cookie.hash, clock()],
      ),
    )
    return found[0]?.key_id ?? null
  }

  /** Somebody else has used the cookie since. Ends the session, when there is one of this id. */
  async function endReused(sessionId: string): Promise<void> {
    const { rows: ended } = await database.query<{ key_id: string }>(
      `update sessions set ended_at = $2, end_reason = 'cookie_reused'
        where session_id = $1 and ended_at is null and expires_at > $2 returning key_id`,
      [sessionId, clock()],
    )
    rows.forget(sessionId)
    if (ended[0] !== undefined) onReuse({ sessionId, keyId: ended[0].key_id })
  }

  return {
    async open(principal) {
      const sessionId = randomBase62(SESSION_ID_LENGTH)
      const secret = randomBase62(SECRET_LENGTH)
      const now = clock()
      const expiresAt = new Date(now.getTime() + COOKIE_SECONDS * 1000)
      await orUnavailable(
        database.query(
          `with over as (
             update sessions set ended_at = $3, end_reason = 'too_many'
              where session_id in (select session_id from sessions where key_id = $2 and ended_at is null and expires_at > $3
                                    order by refreshed_at desc offset $6))
           insert into sessions (session_id, key_id, refresh_hash, created_at, refreshed_at, expires_at)
           values ($1, $2, $5, $3, $3, $4)`,
          [sessionId, principal.keyId, now, expiresAt, hashSecret(secret), SESSIONS_MAX - 1],
        ),
      )
      return signedIn(principal, sessionId, secret, expiresAt)
    },

    async renew(cookie, admit) {
      const parsed = parseCookie(cookie)
      if (parsed === null) return null
      const { sessionId } = parsed
      const keyId = await keyOfCookie(parsed)
      if (keyId === null) {
        await orUnavailable(endReused(sessionId))
        return null
      }
      const principal = await apiKeys.principalOf(keyId)
      if (principal === null) {
        await orUnavailable(end(sessionId, 'key_ended'))
        return null
      }
      await admit(principal)
      const secret = randomBase62(SECRET_LENGTH)
      const { rows: renewed } = await orUnavailable(
        database.query<{ expires_at: Date }>(
          `update sessions
              set refresh_hash = $3, refreshed_at = $4,
                  expires_at = least($4::timestamptz + make_interval(secs => $5), created_at + make_interval(days => $6))
            where session_id = $1 and refresh_hash = $2 and ended_at is null and expires_at > $4
           returning expires_at`,
          [sessionId, parsed.hash, hashSecret(secret), clock(), COOKIE_SECONDS, SESSION_DAYS_MAX],
        ),
      )
      const session = renewed[0]
      if (session === undefined) {
        // Used a second time while it was used.
        await orUnavailable(endReused(sessionId))
        return null
      }
      rows.forget(sessionId)
      return signedIn(principal, sessionId, secret, session.expires_at)
    },

    async authenticate(token) {
      const claims = keys.claimsOf(token)
      if (claims === null) return null
      const nowMs = clock().getTime()
      if (claims.exp * 1000 <= nowMs) return 'ended'
      const session = await rows.get(claims.sid)
      if (session === null || session.endsAtMs <= nowMs || session.keyId !== claims.sub) return 'ended'
      const principal = await apiKeys.principalOf(session.keyId)
      return principal === null
        ? 'ended'
        : {
            principal,
            sessionId: claims.sid,
            endsAt: new Date(Math.min(session.endsAtMs, principal.expiresAt.getTime())),
          }
    },

    async holderOf(cookie) {
      const parsed = parseCookie(cookie)
      const keyId = parsed === null ? null : await keyOfCookie(parsed)
      const principal = keyId === null ? null : await apiKeys.principalOf(keyId)
      return parsed === null || principal === null ? null : { principal, sessionId: parsed.sessionId }
    },

    end: (sessionId, reason) => orUnavailable(end(sessionId, reason)),
    close: () => clearInterval(removing),
  }
}

interface ParsedCookie {
  readonly sessionId: string
  readonly hash: Buffer
}

function parseCookie(text: string): ParsedCookie | null {
  const [, sessionId, secret] = COOKIE.exec(text) ?? []
  return sessionId === undefined || secret === undefined ? null : { sessionId, hash: hashSecret(secret) }
}

async function readSession(database: Queryable, sessionId: string): Promise<SessionRow | null> {
  const { rows } = await database.query<{ key_id: string; ends_at: Date }>(
    `select key_id, least(expires_at, ended_at) as ends_at from sessions where session_id = $1`,
    [sessionId],
  )
  const row = rows[0]
  return row === undefined ? null : { keyId: row.key_id, endsAtMs: row.ends_at.getTime() }
}

async function removeEnded(database: Queryable, now: Date): Promise<void> {
  await database.query(
    `delete from sessions where session_id in
       (select session_id from sessions where expires_at < $1::timestamptz - make_interval(hours => $2) limit $3)`,
    [now, KEPT_HOURS, REMOVED_AT_ONCE],
  )
}
