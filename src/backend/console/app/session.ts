// Who is signed in. The key opens a session and is forgotten; the token lives in memory, the cookie that renews it in the browser,
// where no script sees it. A mark in local storage says whether asking for a renewal makes sense at all.
import { BorrowRateError, type SignedInAnswer } from '../../client/index.ts'
import { api, queries } from '../api.ts'

export type Role = 'broker' | 'desk' | 'auditor' | 'admin' | 'system'

export interface Person {
  readonly clientId: string
  /** As records and approvals name people. */
  readonly keyId: string
  readonly role: Role
  /** What the key is called: the person or the desk. */
  readonly label: string | null
}

export type SessionState =
  /** Whether there is a session is not known yet. */
  | { readonly kind: 'opening' }
  | { readonly kind: 'out'; readonly because: string | null }
  | { readonly kind: 'in'; readonly person: Person }
  /** The engine did not answer: signed in or not, nothing can be shown. */
  | { readonly kind: 'away'; readonly error: unknown }

const MARK = 'borrow-desk-session'

let state: SessionState = localStorage.getItem(MARK) === null ? { kind: 'out', because: null } : { kind: 'opening' }
const listeners = new Set<() => void>()

function become(next: SessionState): void {
  state = next
  for (const listener of listeners) listener()
}

export const session = {
  get: (): SessionState => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },

  /** Goes on with the session of the browser's cookie, if there is one. */
  async resume(): Promise<void> {
    if (state.kind !== 'opening' && state.kind !== 'away') return
    become({ kind: 'opening' })
    try {
      become({ kind: 'in', person: personOf(await api.session.refresh()) })
    } catch (error) {
      if (error instanceof BorrowRateError && (error.status === 401 || error.status === 404)) session.ended(null)
      else become({ kind: 'away', error })
    }
  },

  /** @throws BorrowRateError the key is not good, or the engine cannot say */
  async signIn(apiKey: string): Promise<void> {
    const signedIn = await api.session.signIn(apiKey)
    localStorage.setItem(MARK, 'open')
    become({ kind: 'in', person: personOf(signedIn) })
  },

  async signOut(): Promise<void> {
    // Whether the engine hears of it or not, this browser shows nothing more.
    await api.session.signOut().catch(() => {})
    session.ended(null)
  },

  /** The engine says that the session is over. */
  ended(because: string | null): void {
    localStorage.removeItem(MARK)
    queries.clear()
    become({ kind: 'out', because })
  },
}

// An answer of 401 that the client could not mend by renewing its token: the session is over, wherever it was noticed.
queries.getQueryCache().config.onError = noticeEnd
queries.getMutationCache().config.onError = noticeEnd

function noticeEnd(error: unknown): void {
  if (state.kind === 'in' && error instanceof BorrowRateError && error.status === 401)
    session.ended('Your session has ended.')
}

function personOf({ client_id, key_id, role, label }: SignedInAnswer): Person {
  return { clientId: client_id, keyId: key_id, role: role as Role, label }
}
