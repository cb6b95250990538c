// Whether a feed changed its state, for whoever listens: asked once for the whole process, every few seconds, and only while somebody
// does. Each replica of the data service has breakers of its own, so a state counts once it was seen twice in a row: two replicas that
// differ for a moment are no change.
import type { CallContext } from '../server/call-context.ts'

/** What is told of a feed; of whatever else health checks show, only its changes of these count. */
export interface FeedNow {
  readonly feed: string
  readonly provider: string | null
  /** `up` while prices can be made from it. */
  readonly state: string
  /** By the age of its data; null: it comes without files. */
  readonly data: string | null
  /** null: it is a file, and has none. */
  readonly breaker: string | null
}

export interface FeedChange {
  readonly now: FeedNow
  /** null: it was not known before. */
  readonly before: FeedNow | null
}

export interface FeedWatch {
  /** The feeds as they were last seen; none before the first look. */
  known(): readonly FeedNow[]
  start(): void
  stop(): void
}

const LOOK_EVERY_MS = 3_000
const FAILURES_TOLERATED = 1

export function feedWatch(options: {
  /** As `/health/external` shows them, by name. */
  readonly feeds: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  readonly context: () => CallContext
  /** Told of each feed at the first look too. */
  readonly onChange: (change: FeedChange) => void
  /** The feeds' states are not known now, or are again. */
  readonly onAway: (away: boolean) => void
  readonly lookEveryMs?: number
}): FeedWatch {
  const { feeds, context, onChange, onAway, lookEveryMs = LOOK_EVERY_MS } = options
  const settled = new Map<string, FeedNow>()
  const seen = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  let running = false
  let failures = 0
  let looks = 0
  let lives = 0

  /** @param life of one start: what was asked before a stop counts for nothing after the next start. */
  async function look(life: number): Promise<void> {
    const isOver = () => !running || life !== lives
    try {
      const states = await feeds(context())
      if (isOver()) return
      for (const [feed, health] of Object.entries(states)) note(feedNow(feed, health))
      looks += 1
      if (failures > FAILURES_TOLERATED) onAway(false)
      failures = 0
    } catch {
      // Whoever answers for the feeds says in its own log why it cannot.
      failures += 1
      if (!isOver() && failures === FAILURES_TOLERATED + 1) onAway(true)
    }
    if (isOver()) return
    timer = setTimeout(look, lookEveryMs, life)
    timer.unref()
  }

  function note(now: FeedNow): void {
    const text = JSON.stringify(now)
    const before = settled.get(now.feed) ?? null
    const seenBefore = seen.get(now.feed)
    seen.set(now.feed, text)
    if ((looks > 0 && seenBefore !== text) || JSON.stringify(before) === text) return
    settled.set(now.feed, now)
    onChange({ now, before })
  }

  return {
    known: () => [...settled.values()],
    start() {
      if (running) return
      running = true
      // What was known when nobody listened is old.
      settled.clear()
      seen.clear()
      looks = 0
      lives += 1
      void look(lives)
    },
    stop() {
      running = false
      clearTimeout(timer)
    },
  }
}

function feedNow(feed: string, health: unknown): FeedNow {
  const { provider, state, data, breaker, file } = health as Readonly<Record<string, unknown>>
  return {
    feed,
    provider: textOrNull(provider),
    state: textOrNull(state) ?? 'down',
    data: textOrNull(data) ?? textOrNull((file as { data?: unknown } | undefined)?.data),
    breaker: textOrNull((breaker as { state?: unknown } | undefined)?.state),
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
