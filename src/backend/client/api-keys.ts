// API keys, for an administrator's credential. The text of a key stands in the answer that makes it, and in no other.
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import { everyItem, type ListAnswer, type Page } from './lists.ts'

export type KeyRole = 'broker' | 'desk' | 'auditor' | 'admin' | 'system'

export interface NewApiKey {
  /** The broker that it belongs to; staff belong to house. */
  readonly clientId: string
  readonly role: KeyRole
  /** For people. */
  readonly label?: string
  /** 1 to 3650; 90 when it is left out. */
  readonly expiresInDays?: number
}

export interface ApiKeyAnswer {
  readonly key_id: string
  readonly client_id: string
  readonly role: KeyRole
  readonly label: string | null
  readonly created_at: string
  readonly expires_at: string
  readonly last_used_at: string | null
  /** In the future while a key that was rotated goes on. */
  readonly revoked_at: string | null
  readonly replaced_by: string | null
  /** Neither expired nor revoked. */
  readonly active: boolean
}

export type IssuedApiKey = {
  readonly status: 'success'
  /** The whole key, for X-API-Key. Shown this once. */
  readonly api_key: string
} & ApiKeyAnswer

export class ApiKeys {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A page, the newest first; `active` true: those that are good now, false: those that no longer are. */
  list(
    page: Page & { readonly clientId?: string; readonly active?: boolean } = {},
    options: CallOptions = {},
  ): Promise<ListAnswer<ApiKeyAnswer>> {
    const query = { client_id: page.clientId, active: page.active, skip: page.skip, limit: page.limit }
    return this.#connection.call({ method: 'GET', path: pathOf`/api-keys`, query }, options)
  }

  /** All of them, page by page while they are read. */
  all(
    which: { readonly clientId?: string; readonly active?: boolean } = {},
    options: CallOptions = {},
  ): AsyncIterable<ApiKeyAnswer> {
    return everyItem((page) => this.list({ ...which, ...page }, options))
  }

  create(key: NewApiKey, options: CallOptions = {}): Promise<IssuedApiKey> {
    const { clientId, role, label, expiresInDays } = key
    const body = { client_id: clientId, role, label, expires_in_days: expiresInDays }
    return this.#connection.call({ method: 'POST', path: pathOf`/api-keys`, body }, options)
  }

  /**
   * Ends a key for good, everywhere within ten seconds.
   * @param own true: also the key that this client calls with; without it that one is a CONFLICT
   */
  revoke(
    keyId: string,
    { own }: { readonly own?: boolean } = {},
    options: CallOptions = {},
  ): Promise<{ readonly status: 'success' } & ApiKeyAnswer> {
    return this.#connection.call({ method: 'DELETE', path: pathOf`/api-keys/${keyId}`, query: { own } }, options)
  }

  /** A new key in the place of one, which goes on for `overlapDays` (14 when it is left out, 0: not at all). */
  rotate(
    keyId: string,
    ask: { readonly overlapDays?: number; readonly expiresInDays?: number } = {},
    options: CallOptions = {},
  ): Promise<IssuedApiKey & { readonly replaced: ApiKeyAnswer }> {
    const body = { overlap_days: ask.overlapDays, expires_in_days: ask.expiresInDays }
    return this.#connection.call({ method: 'POST', path: pathOf`/api-keys/${keyId}/rotate`, body }, options)
  }
}
