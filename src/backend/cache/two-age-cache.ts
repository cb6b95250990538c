// Copies with two ages in a store that the processes share. Young ones are used as they are. Older ones are used as well, and
// renewed behind the caller's back. Only what is missing or too old makes a caller wait, and callers of the same key wait for the
// same load. docs/decisions/0006-two-ages.md says why. What the copies say about the age of the data within is the data's matter.
import { recentlyUsed } from '../server/recently-used.ts'
import type { CacheStore } from './cache-store.ts'
import { type InvalidationKind, publishInvalidation } from './invalidation.ts'

export interface TwoAgeCache<V> {
  /**
   * A fresh copy; a stale one, with one load behind the caller's back; else what one shared load gives. Null: known not to exist.
   * Rejects as the load does, never for the store's sake: a store that is away is a miss that is counted.
   */
  get(key: string, load: () => Promise<V | null>): Promise<V | null>
  /**
   * The same for several keys, in their order.
   * @param loadMany is given the keys without a usable copy, each once, and answers in their order
   */
  getMany(
    keys: readonly string[],
    loadMany: (missing: readonly string[]) => Promise<readonly (V | null)[]>,
  ): Promise<(V | null)[]>
  /** Keeps a value that was just learned. A load that began before does not replace it. */
  put(key: string, value: V): Promise<void>
  /** The same of many, in one go. */
  putMany(entries: readonly { readonly key: string; readonly value: V }[]): Promise<void>
  /**
   * The keys changed at their source: their copies go, here at once, and the others are told. While the store is away this process
   * does not believe it about these keys, and clears them up there as soon as it can.
   */
  drop(keys: readonly string[]): Promise<void>
  /**
   * Another process dropped these keys: what is being loaded here for them may be from before, and is not kept.
   * For whoever listens to invalidations; null stands for every key.
   */
  forget(keys: readonly string[] | null): void
  stats(): TwoAgeStats
  /** Stops the clearing up after a store that was away. */
  close(): void
}

/** Since the start. */
export interface TwoAgeStats {
  readonly hits: number
  readonly staleHits: number
  readonly misses: number
  /** Answers of the store that did not come. */
  readonly failures: number
  /** Texts of the store that made no sense, and counted as misses. */
  readonly unreadable: number
  readonly renewals: number
  readonly renewalFailures: number
  /** Renewals left to a later caller because enough were under way. */
  readonly renewalsSkipped: number
  /** Keys dropped here that the store has yet to be told of: of this moment. */
  readonly dropsOwed: number
}

/** How a value becomes a text and comes back. `read` throws at a text that it does not know: that is a miss. */
export interface Codec<V> {
  write(value: V): string
  read(text: string): V
}

export interface TwoAgeOptions<V> {
  readonly store: CacheStore
  /** Stands before its keys in the store; changes when what the codec writes does. */
  readonly name: string
  readonly codec: Codec<V>
  /** Until this age a copy is used as it is. */
  readonly freshSeconds: number
  /** Until this age it is used and renewed; afterwards it does not exist. */
  readonly staleSeconds: number
  /** How long it is believed that a key does not exist. */
  readonly absentSeconds?: number
  /** What a drop is announced as. Null: to nobody. */
  readonly announces: InvalidationKind | null
  readonly clock: () => Date
  /** From 0 up to 1. */
  readonly random?: () => number
  /** Loads behind callers' backs at once. */
  readonly renewalsMax?: number
  /** For the log: nobody else hears of a renewal that failed. */
  readonly onRenewalFailure?: (keys: readonly string[], error: unknown) => void
}

const ABSENT_SECONDS = 5
const RENEWALS_MAX = 4
/** Ages are shortened by up to this share, by chance, so that keys written together do not age together. */
const JITTER_SHARE = 0.1
/** After a failed renewal the key is left alone for this long. */
const RENEWAL_PAUSE_MS = 1_000
/** A key written this shortly before news of its change may have been written with what was before. */
const NEWS_DELAY_MAX_MS = 2_000
const CLEAR_UP_EVERY_MS = 1_000
/** Keys that are remembered for these purposes, each. */
const REMEMBERED_MAX = 10_000

/** A load under way. Outdated: what it finds may be from before a change, and is not kept. */
interface Load<V> {
  /** Behind the backs of callers who have a stale copy. */
  readonly renewal: boolean
  outdated: boolean
  promise: Promise<V | null>
}

interface Copy<V> {
  readonly value: V | null
  readonly freshUntilMs: number
  readonly staleUntilMs: number
}

export function twoAgeCache<V extends object>(options: TwoAgeOptions<V>): TwoAgeCache<V> {
  const { store, name, codec, freshSeconds, staleSeconds, announces, clock } = options
  const { absentSeconds = ABSENT_SECONDS, random = Math.random, renewalsMax = RENEWALS_MAX } = options
  const reads = new Map<string, Promise<Copy<V> | null>>()
  const loads = new Map<string, Load<V>>()
  const pausedUntilMs = recentlyUsed<string, number>(REMEMBERED_MAX)
  const writtenAtMs = recentlyUsed<string, number>(REMEMBERED_MAX)
  /** Drops that the store was not told of: the number of the drop, by key. */
  const owed = new Map<string, number>()
  let drops = 0
  let clearingUp: NodeJS.Timeout | null = null
  let closed = false
  let renewing = 0
  const count = {
    hits: 0,
    staleHits: 0,
    misses: 0,
    failures: 0,
    unreadable: 0,
    renewals: 0,
    renewalFailures: 0,
    renewalsSkipped: 0,
  }

  const nowMs = () => clock().getTime()
  const storeKey = (key: string) => `${name}:${key}`

  // ---- the store ----

  /** What the store knows. Null: nothing, or it is away, or it cannot be believed about this key. */
  async function readMany(keys: readonly string[]): Promise<(Copy<V> | null)[]> {
    const believed = keys.filter((key) => !owed.has(key))
    if (believed.length === 0) return keys.map(() => null)
    let texts: readonly (string | null)[] = []
    try {
      texts =
        believed.length === 1 ? [await store.get(storeKey(believed[0]!))] : await store.getMany(believed.map(storeKey))
    } catch {
      count.failures += 1
    }
    const byKey = new Map(believed.map((key, index) => [key, texts[index] ?? null]))
    // Again: a drop may have come in between.
    return keys.map((key) => (owed.has(key) ? null : readCopy(byKey.get(key) ?? null)))
  }

  /** Callers of this moment share one question to the store. */
  function read(key: string): Promise<Copy<V> | null> {
    const underWay = reads.get(key)
    if (underWay !== undefined) return underWay
    const promise = readMany([key]).then(([copy = null]) => {
      if (reads.get(key) === promise) reads.delete(key)
      return copy
    })
    reads.set(key, promise)
    return promise
  }

  function readCopy(text: string | null): Copy<V> | null {
    if (text === null) return null
    const [, fresh, stale, kind] = HEAD.exec(text) ?? []
    try {
      if (kind === undefined) throw new Error('not written by this program')
      const value = kind === ABSENT ? null : codec.read(text.slice(text.indexOf('\n') + 1))
      return { value, freshUntilMs: Number(fresh), staleUntilMs: Number(stale) }
    } catch {
      count.unreadable += 1
      return null
    }
  }

  async function write(entries: readonly { readonly key: string; readonly value: V | null }[]): Promise<void> {
    const now = nowMs()
    for (const { key } of entries) writtenAtMs.set(key, now)
    try {
      const rows = entries.map(({ key, value }) => ({ key: storeKey(key), ...writeCopy(value, now) }))
      if (rows.length === 1) await store.set(rows[0]!.key, rows[0]!.value, rows[0]!.expireSeconds)
      else await store.setMany(rows)
    } catch {
      count.failures += 1
    }
  }

  function writeCopy(value: V | null, now: number): { value: string; expireSeconds: number } {
    const share = 1 - JITTER_SHARE * random()
    const staleMs = Math.round((value === null ? absentSeconds : staleSeconds) * 1000 * share)
    const freshMs = value === null ? staleMs : Math.min(staleMs, Math.round(freshSeconds * 1000 * share))
    const head = `${FORM} ${now + freshMs} ${now + staleMs} ${value === null ? ABSENT : PRESENT}\n`
    return {
      value: value === null ? head : head + codec.write(value),
      expireSeconds: Math.max(1, Math.ceil(staleMs / 1000)),
    }
  }

  // ---- loads ----

  /** Begins loads of keys that nobody loads, all answered by one question, and keeps what they find in one go. */
  function startLoads(
    keys: readonly string[],
    ask: () => Promise<readonly (V | null)[]>,
    renewal = false,
  ): Promise<V | null>[] {
    if (keys.length === 0) return []
    const begun = keys.map((key) => {
      const load: Load<V> = { renewal, outdated: false, promise: Promise.resolve(null) }
      loads.set(key, load)
      return { key, load }
    })
    // Not before every one of them is known to be under way.
    const answered = Promise.resolve().then(async () => {
      try {
        const values = await ask()
        if (values.length !== keys.length)
          throw new Error(`${name}: ${values.length} values for ${keys.length} keys were loaded`)
        // The callers have their values before the store does.
        const kept = begun.flatMap(({ key, load }, index) =>
          load.outdated ? [] : [{ key, value: values[index] ?? null }],
        )
        if (kept.length > 0) void write(kept)
        return values
      } finally {
        for (const { key, load } of begun) if (loads.get(key) === load) loads.delete(key)
      }
    })
    return begun.map(({ load }, index) => {
      load.promise = answered.then((values) => values[index] ?? null)
      return load.promise
    })
  }

  function renew(keys: readonly string[], ask: (keys: readonly string[]) => Promise<readonly (V | null)[]>): void {
    const now = nowMs()
    const due = keys.filter((key) => !loads.has(key) && (pausedUntilMs.get(key) ?? 0) <= now)
    if (due.length === 0) return
    if (renewing >= renewalsMax) {
      count.renewalsSkipped += due.length
      return
    }
    renewing += 1
    count.renewals += due.length
    void Promise.all(startLoads(due, () => ask(due), true))
      .catch((error: unknown) => {
        count.renewalFailures += due.length
        for (const key of due) pausedUntilMs.set(key, nowMs() + RENEWAL_PAUSE_MS)
        options.onRenewalFailure?.(due, error)
      })
      .finally(() => {
        renewing -= 1
      })
  }

  function judge(copy: Copy<V> | null): 'fresh' | 'stale' | 'missing' {
    const now = nowMs()
    if (copy === null || now >= copy.staleUntilMs) {
      count.misses += 1
      return 'missing'
    }
    if (now < copy.freshUntilMs) {
      count.hits += 1
      return 'fresh'
    }
    count.staleHits += 1
    return 'stale'
  }

  /** Nobody who asks from now on gets what was asked for before. */
  function outdate(key: string): void {
    reads.delete(key)
    const load = loads.get(key)
    if (load === undefined) return
    load.outdated = true
    loads.delete(key)
  }

  // ---- drops ----

  /** Tells the store, and the others through it; what does not arrive is tried again until it does. */
  async function clearUp(keys: readonly string[]): Promise<void> {
    const asked = drops
    try {
      await store.delete(keys.map(storeKey))
      if (announces !== null) await publishInvalidation(store, { kind: announces, keys })
      for (const key of keys) if ((owed.get(key) ?? 0) <= asked) owed.delete(key)
    } catch {
      count.failures += 1
    }
    if (owed.size === 0 || clearingUp !== null || closed) return
    clearingUp = setTimeout(() => {
      clearingUp = null
      void clearUp([...owed.keys()])
    }, CLEAR_UP_EVERY_MS)
    clearingUp.unref()
  }

  return {
    async get(key, load) {
      const underWay = loads.get(key)
      if (underWay?.renewal === false) {
        // The store did not have it a moment ago.
        count.misses += 1
        return await underWay.promise
      }
      const copy = await read(key)
      const age = judge(copy)
      if (age === 'missing') {
        return await (loads.get(key)?.promise ?? startLoads([key], async () => [await load()])[0]!)
      }
      if (age === 'stale') renew([key], async () => [await load()])
      return copy?.value ?? null
    },

    async getMany(keys, loadMany) {
      const asked = [...new Set(keys)]
      const copies = await readMany(asked)
      const ages = copies.map(judge)
      const ofAge = (wanted: string) => asked.filter((_, index) => ages[index] === wanted)
      const missing = ofAge('missing')
      const underWay = missing.flatMap((key) => loads.get(key)?.promise.then((value) => [key, value] as const) ?? [])
      const others = missing.filter((key) => !loads.has(key))
      const begun = startLoads(others, () => loadMany(others))
      renew(ofAge('stale'), loadMany)
      const loaded = await Promise.all([
        ...underWay,
        ...begun.map(async (promise, index) => [others[index]!, await promise] as const),
      ])
      const values = new Map<string, V | null>(asked.map((key, index) => [key, copies[index]?.value ?? null]))
      for (const [key, value] of loaded) values.set(key, value)
      return keys.map((key) => values.get(key) ?? null)
    },

    async put(key, value) {
      outdate(key)
      await write([{ key, value }])
    },

    async putMany(entries) {
      for (const { key } of entries) outdate(key)
      if (entries.length > 0) await write(entries)
    },

    async drop(keys) {
      if (keys.length === 0) return
      drops += 1
      for (const key of keys) {
        outdate(key)
        owed.delete(key)
        owed.set(key, drops)
      }
      for (const key of owed.keys()) {
        if (owed.size <= REMEMBERED_MAX) break
        owed.delete(key)
      }
      await clearUp(keys)
    },

    forget(keys) {
      for (const key of keys ?? [...loads.keys(), ...reads.keys()]) outdate(key)
      const since = nowMs() - NEWS_DELAY_MAX_MS
      const suspect = (keys ?? []).filter((key) => (writtenAtMs.get(key) ?? 0) > since)
      if (suspect.length === 0) return
      store.delete(suspect.map(storeKey)).catch(() => {
        count.failures += 1
      })
    },

    stats: () => ({ ...count, dropsOwed: owed.size }),

    close() {
      closed = true
      if (clearingUp !== null) clearTimeout(clearingUp)
    },
  }
}

/** The first line of a text in the store: the form, until when the copy is fresh, until when stale, and whether there is a value. */
const FORM = 'v1'
const PRESENT = '+'
const ABSENT = '-'
const HEAD = /^v1 (\d{1,16}) (\d{1,16}) ([+-])\n/
