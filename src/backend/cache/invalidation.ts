// News that something changed at its source, from the process that changed it to all that keep copies, itself among them. News can
// be missed while a process is cut off from the store; therefore it doubts everything whenever it is connected again.
import type { CacheStore } from './cache-store.ts'

const INVALIDATION_KINDS = ['ticker', 'broker', 'model'] as const
/** What the keys of a message name. */
export type InvalidationKind = (typeof INVALIDATION_KINDS)[number]

/** `all` has no keys: anything may have changed. */
export type Invalidation =
  | { readonly kind: InvalidationKind; readonly keys: readonly string[] }
  | { readonly kind: 'all' }

const CHANNEL = 'invalidation'
/** Keys of one message; more are sent as several. */
const KEYS_MAX = 500
/** A longer message is not ours. */
const MESSAGE_CHARACTERS_MAX = 100_000
const KEY_CHARACTERS_MAX = 200

/** Tells every process. Rejects as the store does when it is away. */
export async function publishInvalidation(store: CacheStore, news: Invalidation): Promise<void> {
  if (news.kind === 'all') {
    await store.publish(CHANNEL, JSON.stringify({ kind: 'all', keys: [] }))
    return
  }
  for (let from = 0; from < news.keys.length; from += KEYS_MAX) {
    const keys = news.keys.slice(from, from + KEYS_MAX)
    await store.publish(CHANNEL, JSON.stringify({ kind: news.kind, keys }))
  }
}

export type InvalidationHandlers = { readonly [K in InvalidationKind]: (keys: readonly string[]) => void } & {
  /** Anything may have changed. Also after every connection to the store, the first one too: what was said before then was not heard. */
  readonly all: () => void
  /** Nothing is heard of any change, until the next `all`. */
  readonly lost?: () => void
}

export interface InvalidationListener {
  /** Messages since the start; malformed ones were ignored. */
  stats(): { readonly received: number; readonly malformed: number; readonly connections: number }
  close(): Promise<void>
}

/** Listens until it is closed. Resolves at once, also while the store is away. */
export async function onInvalidation(store: CacheStore, handlers: InvalidationHandlers): Promise<InvalidationListener> {
  const count = { received: 0, malformed: 0, connections: 0 }
  const stop = await store.subscribe(
    CHANNEL,
    (message) => {
      count.received += 1
      const news = readInvalidation(message)
      if (news === null) count.malformed += 1
      else if (news.kind === 'all') handlers.all()
      else handlers[news.kind](news.keys)
    },
    () => {
      count.connections += 1
      handlers.all()
    },
    handlers.lost,
  )
  return { stats: () => ({ ...count }), close: stop }
}

/** Null: not a message of ours. */
function readInvalidation(message: string): Invalidation | null {
  if (message.length > MESSAGE_CHARACTERS_MAX) return null
  let parsed: unknown
  try {
    parsed = JSON.parse(message)
  } catch {
    return null
  }
  if (typeof parsed !== 'object' || parsed === null) return null
  const { kind, keys } = parsed as { kind?: unknown; keys?: unknown }
  if (kind === 'all') return { kind }
  const known = INVALIDATION_KINDS.find((candidate) => candidate === kind)
  const isKey = (key: unknown) => typeof key === 'string' && key !== '' && key.length <= KEY_CHARACTERS_MAX
  if (known === undefined || !Array.isArray(keys) || keys.length > KEYS_MAX || !keys.every(isKey)) return null
  return { kind: known, keys: keys as string[] }
}
