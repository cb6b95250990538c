// Refusals on the record: who was turned away (401, 403, 429), from where, at what, how often. Noting one costs a look into a map
// and never waits; once a minute what has gathered is written, an address and key to a record. Everything has a bound: what does not
// fit is counted together, and what cannot be written for long is dropped, counted.
import type { Clock } from '../server/uuidv7.ts'
import { sameSender } from './sender.ts'

export interface Refusal {
  /** Of the sender. */
  readonly address: string
  /** The key that was shown, proven or not; null: none that has the form of one. */
  readonly keyId: string | null
  /** The broker of a credential that is valid; null: it is not, so the key's id is only what the sender says. */
  readonly clientId: string | null
  readonly errorCode: string
  /** The template of the route. */
  readonly route: string
}

/** The refusals of one address and key within a minute. */
export interface RefusalSummary {
  /** IPv6 as its /64; null: of many, those that did not fit. */
  readonly address: string | null
  readonly keyId: string | null
  readonly clientId: string | null
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
  readonly refusals: readonly RefusedRoute[]
}

export interface RefusedRoute {
  readonly errorCode: string
  readonly route: string
  readonly count: number
  readonly firstAt: Date
  readonly lastAt: Date
}

export interface RefusalsOptions<Row> {
  /** A summary as it is kept. Called once a summary, so that trying again keeps the same record. */
  readonly rowOf: (summary: RefusalSummary) => Row
  /** Keeps it; rejects when it is not kept. */
  readonly append: (row: Row) => Promise<void>
  readonly clock: Clock
  readonly everyMs?: number
  readonly onFailure?: (reason: unknown) => void
}

export interface Refusals {
  note(refusal: Refusal): void
  /** Writes what has gathered. Never rejects: what is not kept waits for the next time. */
  write(): Promise<void>
  stats(): RefusalStats
  /** Writes once more, and gives up what is not kept then. */
  close(): Promise<void>
}

export interface RefusalStats {
  /** Records that wait to be written, or to be written again. */
  readonly waiting: number
  /** Since the start. */
  readonly written: number
  /** Records that were given up since the start. */
  readonly dropped: number
}

const EVERY_MS = 60_000
/** Addresses and keys told apart within a minute: of valid credentials, and as many again of others, which anybody can invent. */
const SUMMARIES_MAX = 1000
/** Keys that are told apart for one address, when they are not valid ones. */
const CLAIMED_KEYS_MAX = 10
/** Codes and routes told apart in one record. */
const ROUTES_MAX = 50
const OTHER_ROUTES = 'other'
/** Records that wait while they cannot be written. */
const WAITING_MAX = 5_000
/** Records on their way at once: a few commits. */
const WRITTEN_AT_ONCE = 256
/** A record that was refused so often is not written any more: an hour of tries. */
const TRIES_MAX = 60

interface Gathered {
  readonly address: string | null
  readonly keyId: string | null
  readonly clientId: string | null
  readonly routes: Map<string, { errorCode: string; route: string; count: number; firstMs: number; lastMs: number }>
}

export function refusals<Row>(options: RefusalsOptions<Row>): Refusals {
  const { rowOf, append, clock, everyMs = EVERY_MS, onFailure = () => {} } = options
  let proven = new Map<string, Gathered>()
  let claimed = new Map<string, Gathered>()
  let claimedKeys = new Map<string, number>()
  let waiting: { readonly row: Row; tries: number }[] = []
  let written = 0
  let dropped = 0
  let writing: Promise<void> = Promise.resolve()

  const timer = setInterval(() => void write(), everyMs)
  timer.unref()

  function gatheredOf(refusal: Refusal): Gathered {
    const { clientId } = refusal
    const address = sameSender(refusal.address)
    const groups = clientId === null ? claimed : proven
    const exact = JSON.stringify([address, refusal.keyId])
    const found = groups.get(exact)
    if (found !== undefined) return found
    if (groups.size >= SUMMARIES_MAX) return groupOf(groups, null, null, null)
    if (clientId !== null || refusal.keyId === null) return groupOf(groups, address, refusal.keyId, clientId)
    const keys = claimedKeys.get(address) ?? 0
    if (keys >= CLAIMED_KEYS_MAX) return groupOf(groups, address, null, null)
    claimedKeys.set(address, keys + 1)
    return groupOf(groups, address, refusal.keyId, null)
  }

  function groupOf(
    groups: Map<string, Gathered>,
    address: string | null,
    keyId: string | null,
    clientId: string | null,
  ): Gathered {
    const name = JSON.stringify([address, keyId])
    let group = groups.get(name)
    if (group === undefined) {
      group = { address, keyId, clientId, routes: new Map() }
      groups.set(name, group)
    }
    return group
  }

  function note(refusal: Refusal): void {
    const { routes } = gatheredOf(refusal)
    const nowMs = clock().getTime()
    const { errorCode } = refusal
    let route = refusal.route
    if (routes.size >= ROUTES_MAX && !routes.has(`${errorCode} ${route}`)) route = OTHER_ROUTES
    const name = `${errorCode} ${route}`
    const known = routes.get(name)
    if (known === undefined) routes.set(name, { errorCode, route, count: 1, firstMs: nowMs, lastMs: nowMs })
    else {
      known.count += 1
      known.lastMs = nowMs
    }
  }

  /** What has gathered becomes records that wait. */
  function gather(): void {
    const groups = [...proven.values(), ...claimed.values()]
    proven = new Map()
    claimed = new Map()
    claimedKeys = new Map()
    for (const group of groups) waiting.push({ row: rowOf(summaryOf(group)), tries: 0 })
    const over = waiting.length - WAITING_MAX
    if (over > 0) {
      waiting.splice(0, over)
      dropped += over
    }
  }

  /** Writes what waits, part by part, until a part is not taken at all: then the store is away, and the rest waits with it. */
  async function writeWaiting(): Promise<void> {
    gather()
    const again: typeof waiting = []
    while (waiting.length > 0) {
      const part = waiting.splice(0, WRITTEN_AT_ONCE)
      const outcomes = await Promise.allSettled(part.map(({ row }) => append(row)))
      const failed = part.filter((_, index) => outcomes[index]?.status === 'rejected')
      written += part.length - failed.length
      for (const entry of failed) {
        entry.tries += 1
        if (entry.tries < TRIES_MAX) again.push(entry)
        else dropped += 1
      }
      const failure = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failure !== undefined) onFailure(failure.reason)
      if (failed.length === part.length) break
    }
    waiting = [...again, ...waiting]
  }

  function write(): Promise<void> {
    writing = writing.then(writeWaiting)
    return writing
  }

  return {
    note,
    write,
    stats: () => ({ waiting: waiting.length, written, dropped }),
    async close() {
      clearInterval(timer)
      await write()
      dropped += waiting.length
      waiting = []
    },
  }
}

function summaryOf({ address, keyId, clientId, routes }: Gathered): RefusalSummary {
  const all = [...routes.values()]
  return {
    address,
    keyId,
    clientId,
    count: all.reduce((sum, { count }) => sum + count, 0),
    firstAt: new Date(Math.min(...all.map(({ firstMs }) => firstMs))),
    lastAt: new Date(Math.max(...all.map(({ lastMs }) => lastMs))),
    refusals: all.map(({ errorCode, route, count, firstMs, lastMs }) => ({
      errorCode,
      route,
      count,
      firstAt: new Date(firstMs),
      lastAt: new Date(lastMs),
    })),
  }
}
