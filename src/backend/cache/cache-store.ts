// The place that the processes of an installation share for copies and news: Redis, or the memory of the one process there is.
// Nothing in it is the truth: whoever uses it carries on when it is away, slow or empty.

/**
 * Texts under keys, for a while, and messages to whoever listens. Every method but `state` and `subscribe` rejects with a
 * StoreUnavailable when the store does not answer in time; none waits longer than the store's own timeout.
 */
export interface CacheStore {
  get(key: string): Promise<string | null>
  /**
   * In the order of the keys. When the store has several nodes and some do not answer, their keys are null; it rejects only
   * when none answers.
   */
  getMany(keys: readonly string[]): Promise<(string | null)[]>
  /** @param expireSeconds a whole number, at least 1 */
  set(key: string, value: string, expireSeconds: number): Promise<void>
  /** Rejects when at least one entry was not taken. */
  setMany(entries: readonly StoreEntry[]): Promise<void>
  delete(keys: readonly string[]): Promise<void>
  /** To every listener of the channel that is connected at this moment, in this process and in others; in no certain order. */
  publish(channel: string, message: string): Promise<void>
  /**
   * Listens until the returned function is called. Resolves at once, also while the store is away: it connects when it can.
   * @param onConnected called when messages begin to arrive, at first and after every break: what was said before was missed
   * @param onLost called when they do so no more, until `onConnected`
   */
  subscribe(
    channel: string,
    handler: (message: string) => void,
    onConnected: () => void,
    onLost?: () => void,
  ): Promise<() => Promise<void>>
  /** Null where there is no Redis: the one process there is needs no script to do several things in one step. */
  readonly runScript: RunScript | null
  state(): StoreState
  close(): Promise<void>
}

/**
 * Runs a script in Redis's Lua, with the key and the values as its KEYS[1] and ARGV, in one step that nothing comes between and, once
 * the server knows it, in one round trip. Give always the same text: each one is kept by the server and by this process.
 */
export type RunScript = (script: string, key: string, values: readonly (string | number)[]) => Promise<unknown>

export interface StoreEntry {
  readonly key: string
  readonly value: string
  readonly expireSeconds: number
}

export interface StoreState {
  readonly connected: boolean
  /** Of a store with several nodes: the worst of theirs. */
  readonly breaker: 'closed' | 'open' | 'half-open'
  /** Commands that failed since the start, those that were not tried for the breaker's sake among them. */
  readonly failures: number
}

/** The store did not answer: away, too slow, or known to be so. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreUnavailable'
  }
}
