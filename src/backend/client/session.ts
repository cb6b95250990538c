// Who asks: an API key with every request, or a session that was opened with one. A session's access token lives for minutes and is
// renewed in time, by a cookie that the browser keeps; where there is no browser the client keeps it.
import { BorrowRateError } from './borrow-rate-error.ts'
import { type Ask, type CallOptions, type Connection, type Credential, pathOf } from './connection.ts'

export interface SignedInAnswer {
  readonly status: 'success'
  /** Of the key that the session was opened with; records and approvals name people so. */
  readonly key_id: string
  /** Goes into `Authorization: Bearer …`; the client does that by itself. */
  readonly access_token: string
  readonly token_type: 'Bearer'
  /** Seconds. */
  readonly expires_in: number
  readonly client_id: string
  readonly role: string
  /** What its maker called the key: as a rule, who holds it. */
  readonly label: string | null
}

/** Who a credential is. */
export interface WhoAmIAnswer {
  readonly status: 'success'
  readonly client_id: string
  readonly role: string
  /** What its maker called the key: as a rule, who holds it. */
  readonly label: string | null
  /** Of the key; of a session, when it ends unless it is renewed. */
  readonly expires_at: string
}

/** A token that has less than this to live is renewed before it is used. */
const RENEW_BEFORE_MS = 30_000

type Held =
  | { readonly kind: 'key'; readonly apiKey: string }
  | { readonly kind: 'token'; readonly accessToken: string; readonly renewAt: number }
  | null

export class Session implements Credential {
  /** Calls without a credential of their own: it is what they are about. */
  readonly #connection: Connection
  #held: Held
  /** The cookie, where the platform keeps none. */
  #cookie: string | null = null
  #renewal: Promise<SignedInAnswer> | null = null

  constructor(
    connection: Connection,
    held: { readonly apiKey?: string | undefined; readonly accessToken?: string | undefined },
  ) {
    this.#connection = connection
    this.#held =
      held.accessToken !== undefined
        ? { kind: 'token', accessToken: held.accessToken, renewAt: Number.POSITIVE_INFINITY }
        : held.apiKey !== undefined
          ? { kind: 'key', apiKey: held.apiKey }
          : null
  }

  /** Opens a session with a key, which the client then forgets: from now on it shows the session's tokens. */
  signIn(apiKey: string, options: CallOptions = {}): Promise<SignedInAnswer> {
    return this.#open(
      { method: 'POST', path: pathOf`/session`, headers: { 'x-api-key': apiKey }, repeatable: 'answered' },
      options,
    )
  }

  /**
   * A new token for the session's cookie: after a page was loaded anew, for one. The client does it by itself when a token runs out.
   * Rejects with UNAUTHORIZED when there is no session any more.
   */
  refresh(options: CallOptions = {}): Promise<SignedInAnswer> {
    // Each cookie is good once, so whoever wants a token while one is on its way gets that one.
    this.#renewal ??= inTurn(() =>
      this.#open(
        { method: 'POST', path: pathOf`/session/refresh`, headers: this.#cookieHeader() },
        { ...options, signal: undefined },
      ),
    ).finally(() => {
      this.#renewal = null
    })
    return unlessAborted(this.#renewal, options.signal)
  }

  /** Ends the session, everywhere within ten seconds. */
  async signOut(options: CallOptions = {}): Promise<void> {
    const held = this.#held
    const headers = { ...(held?.kind === 'token' && bearer(held.accessToken)), ...this.#cookieHeader() }
    await this.#connection.call({ method: 'DELETE', path: pathOf`/session`, headers, withCookies: true }, options)
    this.#held = null
    this.#cookie = null
  }

  /** Who the credential is: whose key, in which role, and what its maker called it. */
  whoAmI(options: CallOptions = {}): Promise<WhoAmIAnswer> {
    return this.#connection.showing(this).call({ method: 'GET', path: pathOf`/session` }, options)
  }

  async headers(options: CallOptions): Promise<Readonly<Record<string, string>>> {
    let held = this.#held
    if (held?.kind === 'token' && held.renewAt <= Date.now()) {
      // A token that cannot be renewed now may still be good for this call.
      await unlessAborted(
        this.refresh().catch(() => {}),
        options.signal,
      )
      held = this.#held
    }
    if (held === null) return {}
    return held.kind === 'key' ? { 'x-api-key': held.apiKey } : bearer(held.accessToken)
  }

  async renewed(sent: Readonly<Record<string, string>>, options: CallOptions): Promise<boolean> {
    const held = this.#held
    if (held?.kind !== 'token' || held.renewAt === Number.POSITIVE_INFINITY) return false
    // Another call may have renewed it meanwhile.
    if (sent.authorization !== bearer(held.accessToken).authorization) return true
    try {
      await unlessAborted(this.refresh(), options.signal)
      return true
    } catch (error) {
      if (error instanceof BorrowRateError && error.status === 401) this.#held = null
      return false
    }
  }

  async #open(ask: Ask, options: CallOptions): Promise<SignedInAnswer> {
    const { answer, headers } = await this.#connection.exchange<SignedInAnswer>({ ...ask, withCookies: true }, options)
    this.#held = {
      kind: 'token',
      accessToken: answer.access_token,
      renewAt: Date.now() + answer.expires_in * 1000 - RENEW_BEFORE_MS,
    }
    // A browser shows no page this header, and keeps the cookie itself.
    this.#cookie = headers.getSetCookie?.()[0]?.split(';')[0] ?? null
    return answer
  }

  #cookieHeader(): Readonly<Record<string, string>> {
    return this.#cookie === null ? {} : { cookie: this.#cookie }
  }
}

/** What was begun for several goes on when one of them has enough. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let end = () => {}
  const aborted = new Promise<never>((_, fail) => {
    end = () => fail(signal.reason)
    signal.addEventListener('abort', end, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function bearer(accessToken: string): { readonly authorization: string } {
  return { authorization: `Bearer ${accessToken}` }
}

/** Windows of one browser share the cookie, and must not show it at the same time. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const { locks } =
    (globalThis as { navigator?: { locks?: { request(name: string, work: () => Promise<T>): Promise<T> } } })
      .navigator ?? {}
  return locks === undefined ? work() : locks.request('borrow-rate-session', work)
}
