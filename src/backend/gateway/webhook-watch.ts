// What rates and feeds do, for webhooks: the same watches as for streams, wanted by who has registered in place of who listens. One
// gateway watches for all. What it sees when it begins is told to the queue as well, which compares it with what each webhook was told
// last: so what moved while nobody watched is told late, and is not lost.
import { decimal } from '../pricing/decimal.ts'
import { asRate, asTicker, type Ticker } from '../pricing/units.ts'
import type { RateNews, WatchedRate } from '../quotes/rate-news.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import type { EventQueue } from '../webhooks/event-queue.ts'
import type { RateSeen } from '../webhooks/events.ts'
import type { Watcher, WatchLease } from '../webhooks/watchers.ts'
import { type FeedNow, feedWatch } from './feed-watch.ts'
import { type RateMove, rateWatch, type Wanted } from './rate-watch.ts'

export interface WebhookWatch {
  /** For invalidations, as they are heard. */
  readonly heard: {
    tickers(keys: readonly string[]): void
    brokers(keys: readonly string[]): void
    all(): void
  }
  /** Webhooks were added or removed here. */
  refresh(): void
  stats(): {
    /** False: another gateway does, or there is nobody to watch for. */
    readonly watching: boolean
    readonly names: number
    /** Every name was looked at: from now on what moves is seen. */
    readonly ready: boolean
  }
  /** Resolves when nothing of it is under way, and another gateway may watch. */
  close(): Promise<void>
}

export interface WebhookWatchOptions {
  readonly news: RateNews
  readonly feeds: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  readonly clock: () => Date
  /** Of a question that no request asks. */
  readonly context: () => CallContext
  readonly lease: WatchLease
  readonly readWatchers: () => Promise<readonly Watcher[]>
  readonly queue: Pick<EventQueue, 'rates' | 'feed'>
  readonly onFailure: (error: unknown) => void
  readonly everyMs?: number
  readonly feedsEveryMs?: number
}

/** How often webhooks are read again, and the lease is renewed. */
const EVERY_MS = 5_000
/** How long it is believed which model a broker has, when nothing is heard of it. */
const MODEL_MS = 60_000

/** The webhooks of brokers that have one pricing model. */
interface Audience {
  /** Says whether it is still the same. */
  readonly key: string
  readonly webhookIds: readonly string[]
  readonly wanted: Wanted
}

export function webhookWatch(options: WebhookWatchOptions): WebhookWatch {
  const { news, clock, context, lease, readWatchers, queue, onFailure, everyMs = EVERY_MS } = options
  const audiences = new Map<string, Audience>()
  const models = new Map<string, { readonly model: string; readonly askedAtMs: number }>()
  let feedWebhookIds: readonly string[] = []
  let watching = false
  let closed = false
  let refreshing: Promise<void> = Promise.resolve()

  const rates = rateWatch({
    news,
    clock,
    context,
    onMoves: async (model, moves) => moved(model, moves),
    onAway: () => {},
    onFailure,
  })
  const feeds = feedWatch({
    feeds: options.feeds,
    context,
    onChange: ({ now, before }) =>
      queue.feed(feedWebhookIds, {
        feed: now.feed,
        now: stateOf(now),
        before: before && stateOf(before),
        at: clock(),
      }),
    onAway: () => {},
    ...(options.feedsEveryMs !== undefined && { lookEveryMs: options.feedsEveryMs }),
  })
  const timer = setInterval(refresh, everyMs)
  timer.unref()

  function moved(model: string, moves: readonly RateMove[]): void {
    const audience = audiences.get(model)
    if (audience === undefined) return
    const seen = moves.filter(({ now, before }) => now.rate !== before)
    if (seen.length > 0)
      queue.rates(
        audience.webhookIds,
        seen.map(({ now, before }) => seenRate(now, before)),
      )
  }

  function seenRate(now: WatchedRate, before: string | null): RateSeen {
    const previousRate = before === null ? null : rateOf(before)
    return { ticker: now.ticker, rate: rateOf(now.rate), previousRate, at: clock() }
  }

  function refresh(): void {
    if (closed) return
    refreshing = refreshing.then(() => (closed ? undefined : look().catch(onFailure)))
  }

  async function look(): Promise<void> {
    const watchers = await readWatchers()
    // Without anybody to tell nobody has to hold anything.
    const holds = watchers.length > 0 ? await lease.hold() : false
    if (watching && watchers.length === 0) await lease.release()
    watching = holds
    if (!holds) {
      letGo()
      return
    }
    await watchRates(watchers.filter(({ events }) => events.includes('rate_changed')))
    watchFeeds(watchers.filter(({ events }) => events.includes('feed_changed')))
  }

  function letGo(): void {
    for (const { wanted } of audiences.values()) wanted.release()
    audiences.clear()
    watchFeeds([])
  }

  // ---- rates

  async function watchRates(watchers: readonly Watcher[]): Promise<void> {
    const byModel = new Map<string, Watcher[]>()
    for (const watcher of watchers) {
      const model = await modelOf(watcher.clientId)
      if (model !== null) byModel.set(model, [...(byModel.get(model) ?? []), watcher])
    }
    for (const [model, { wanted }] of [...audiences]) {
      if (byModel.has(model)) continue
      wanted.release()
      audiences.delete(model)
    }
    for (const [model, own] of byModel) watchFor(model, own)
  }

  function watchFor(model: string, watchers: readonly Watcher[]): void {
    const tickers = namesOf(watchers)
    const webhookIds = watchers.map(({ webhookId }) => webhookId)
    const key = JSON.stringify([webhookIds, tickers])
    const before = audiences.get(model)
    if (before?.key === key) return
    const wanted = rates.want(model, tickers, () => tellKnown(model, key))
    audiences.set(model, { key, webhookIds, wanted })
    // After the new ones are wanted, so that what is known of the names in both stays known.
    before?.wanted.release()
    if (wanted.ready) tellKnown(model, key)
  }

  function tellKnown(model: string, key: string): void {
    const audience = audiences.get(model)
    if (audience?.key !== key) return
    queue.rates(
      audience.webhookIds,
      audience.wanted.known().map((now) => seenRate(now, null)),
    )
  }

  /** Null: the broker is not there, not active, or nobody knows now and nobody did before. */
  async function modelOf(clientId: string): Promise<string | null> {
    const known = models.get(clientId)
    const nowMs = clock().getTime()
    if (known !== undefined && nowMs - known.askedAtMs < MODEL_MS) return known.model
    try {
      const model = await news.modelOf(clientId, context())
      models.set(clientId, { model, askedAtMs: nowMs })
      return model
    } catch (error) {
      const isGone = error instanceof Problem && error.code === 'CLIENT_NOT_FOUND'
      if (isGone) models.delete(clientId)
      else onFailure(error)
      return isGone ? null : (known?.model ?? null)
    }
  }

  // ---- feeds

  function watchFeeds(watchers: readonly Watcher[]): void {
    const before = feedWebhookIds
    feedWebhookIds = watchers.map(({ webhookId }) => webhookId)
    if (feedWebhookIds.length === 0) feeds.stop()
    else feeds.start()
    // Whoever came since the feeds were looked at begins with what they are.
    if (before.length === 0 || feedWebhookIds.every((id) => before.includes(id))) return
    for (const now of feeds.known()) {
      queue.feed(feedWebhookIds, { feed: now.feed, now: stateOf(now), before: null, at: clock() })
    }
  }

  refresh()
  return {
    heard: {
      tickers: (keys) => rates.changed(keys),
      brokers(keys) {
        for (const key of keys) models.delete(key)
      },
      all() {
        models.clear()
        rates.changedAll()
      },
    },
    refresh,
    stats: () => ({
      watching,
      names: rates.stats().names,
      ready: watching && [...audiences.values()].every(({ wanted }) => wanted.ready),
    }),
    async close() {
      closed = true
      clearInterval(timer)
      await refreshing
      letGo()
      await rates.close()
      if (watching) await lease.release().catch(onFailure)
    },
  }
}

/** The names that any of them asks for; null: all. */
function namesOf(watchers: readonly Watcher[]): readonly Ticker[] | null {
  const names = new Set<Ticker>()
  for (const { tickers } of watchers) {
    if (tickers === null) return null
    for (const text of tickers) {
      const ticker = asTicker(text)
      if (ticker !== null) names.add(ticker)
    }
  }
  return [...names].sort()
}

const rateOf = (text: string) => asRate(decimal(text))

const stateOf = ({ state, data }: FeedNow) => ({ state, data })
