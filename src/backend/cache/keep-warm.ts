// The cache service's work: the whole universe is put into the cache at the start, names that are asked for a lot are renewed before
// they go stale, and when a feed brought new data everybody is told to forget what they keep. It asks the data service for each
// of these; it is never asked by a quote.
import type { CacheStore } from './cache-store.ts'
import { publishInvalidation } from './invalidation.ts'

/** What is asked of the data service. */
export interface WarmSource {
  /** Puts the next names by ticker into the cache. `last` is where to go on, null when that was all. */
  warm(after: string | null): Promise<{ readonly last: string | null; readonly names: number }>
  /** The names asked for most, lately. */
  hottest(): Promise<readonly string[]>
  /** Asks the feeds about those of the names that would soon be stale, and puts them into the cache. @returns how many */
  renew(names: readonly string[]): Promise<number>
  /** A text that changes when any feed brought new data. */
  feedsVersion(): Promise<string>
}

export interface KeepWarmStats {
  /** Names put into the cache by walks over the universe, and walks that were finished. */
  readonly warmed: number
  readonly walks: number
  readonly renewed: number
  readonly announcements: number
  readonly failures: number
  /** Whether the universe was walked since the last news. */
  readonly warm: boolean
}

export interface KeepWarm {
  stats(): KeepWarmStats
  /** Resolves when nothing of it is under way. */
  close(): Promise<void>
}

const LOOK_EVERY_MS = 2_000
/** After this the universe is walked again, whatever the news: the cache forgets by itself what nobody asks for. */
const WALK_EVERY_MS = 15 * 60_000

export function keepWarm(options: {
  readonly source: WarmSource
  readonly store: CacheStore
  readonly clock: () => Date
  readonly onFailure: (work: string, error: unknown) => void
  readonly lookEveryMs?: number
}): KeepWarm {
  const { source, store, clock, onFailure, lookEveryMs = LOOK_EVERY_MS } = options
  const count = { warmed: 0, walks: 0, renewed: 0, announcements: 0, failures: 0 }
  let version: string | null = null
  let newsToTell = false
  let walkedAtMs: number | null = null
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function attempt(work: string, run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      count.failures += 1
      onFailure(work, error)
    }
  }

  async function listen(): Promise<void> {
    const seen = await source.feedsVersion()
    if (seen === version) return
    newsToTell ||= version !== null
    version = seen
    walkedAtMs = null
  }

  async function walk(): Promise<void> {
    const now = clock().getTime()
    if (walkedAtMs !== null && now - walkedAtMs < WALK_EVERY_MS) return
    let after: string | null = null
    do {
      const { last, names } = await source.warm(after)
      count.warmed += names
      after = last
    } while (after !== null && !closed)
    if (closed) return
    walkedAtMs = now
    count.walks += 1
    if (!newsToTell) return
    // After the walk, not before: who forgets and asks again must not be given what the cache held until now.
    await publishInvalidation(store, { kind: 'all' })
    newsToTell = false
    count.announcements += 1
  }

  async function renew(): Promise<void> {
    const names = await source.hottest()
    if (names.length > 0) count.renewed += await source.renew(names)
  }

  async function look(): Promise<void> {
    await attempt('looking for news', listen)
    await attempt('walking the universe', walk)
    await attempt('renewing hot names', renew)
    if (!closed) timer = setTimeout(again, lookEveryMs)
  }

  let underWay: Promise<void> = Promise.resolve()
  const again = () => {
    underWay = look()
  }
  again()
  return {
    stats: () => ({ ...count, warm: walkedAtMs !== null }),
    async close() {
      closed = true
      clearTimeout(timer)
      await underWay
    },
  }
}
