// The limit that all replicas of the gateway share, counted in Redis by one script: it reads the window, decides and adds in one
// step that nothing comes between, by Redis's own clock, in one round trip. While Redis is away each replica limits by itself, by
// the same rule (rate-limit.ts), and goes back with the first request that Redis answers.
//
// rate-limiter-flexible has the same purpose, and not the same rule. Its own script adds before it looks, and a script of ours can
// only answer with a count above the limit, which loses what is left; the limiter in memory that stands in adds first, always, and
// has no script; the limit belongs to the limiter, where here each broker has its own; and it waits for a Redis that hangs. What
// would be left of it is a call of this script.

import type { Clock } from '../server/uuidv7.ts'
import { inProcessRateLimiter, type RateLimiter, type Taken, taken, WINDOW_MS } from './rate-limit.ts'

/** Runs a script where a key lies, atomically. Rejects soon when the store is away, and at once when that is known. */
export type RunScript = (script: string, key: string, values: readonly number[]) => Promise<unknown>

export interface SharedRateLimiterOptions {
  readonly runScript: RunScript
  /** Stands before each client's key. */
  readonly keyPrefix: string
  /** Of the limiter that stands in. */
  readonly clock: Clock
  readonly windowMs?: number
  /** Windows that the stand-in keeps. */
  readonly windowsMax?: number
  /** Told when this process begins to count alone, with the reason, and when it no longer does. */
  readonly onChange?: (counted: Taken['counted'], reason: unknown) => void
}

export interface SharedRateLimiter extends RateLimiter {
  /** How the last request was counted, and how many were counted alone since the start. */
  state(): { readonly counted: Taken['counted']; readonly aloneRequests: number }
  /** The same after asking Redis, when the last request was counted alone. Counts nothing. */
  check(): Promise<Taken['counted']>
}

/**
 * The key holds what was used and lives as long as the window. Values: limit, cost, length of a window in ms, what the same request
 * took earlier, what was left of the window then in ms. Answer: allowed or not, what is used now, what is left of the window in ms.
 */
const TAKE = `
local limit, cost, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local left = redis.call('pttl', KEYS[1])
local used, earlier = 0, 0
if left > 0 then
  used = tonumber(redis.call('get', KEYS[1]))
  if left <= tonumber(ARGV[5]) then earlier = math.min(tonumber(ARGV[4]), used) end
else
  left = 0
end
local allowed = used - earlier + cost <= limit
local change = (allowed and cost or 0) - earlier
if left > 0 then
  if change ~= 0 then redis.call('incrby', KEYS[1], change) end
elseif change > 0 then
  redis.call('set', KEYS[1], change, 'px', window)
  left = window
end
return {allowed and 1 or 0, used + change, left}
`

/** No client has this name: it is shorter than one. */
const CHECK_KEY = '-'

export function sharedRateLimiter(options: SharedRateLimiterOptions): SharedRateLimiter {
  const { runScript, keyPrefix, windowMs = WINDOW_MS, onChange = () => {} } = options
  const alone = inProcessRateLimiter(options)
  let counted: Taken['counted'] = 'together'
  let aloneRequests = 0

  function note(now: Taken['counted'], reason: unknown): void {
    if (now === counted) return
    counted = now
    onChange(now, reason)
  }

  async function together(clientId: string, limit: number, cost: number, earlier: Taken | null): Promise<Taken> {
    const before = earlier?.counted === 'together' ? earlier : null
    const values = [limit, cost, windowMs, before?.cost ?? 0, before?.leftMs ?? 0]
    const [allowed, used, leftMs] = (await runScript(TAKE, keyPrefix + clientId, values)) as [number, number, number]
    return taken({ allowed: allowed === 1, limit, cost, used, leftMs, windowMs, counted: 'together' })
  }

  return {
    async take(clientId, limit, cost, earlier = null) {
      try {
        const answer = await together(clientId, limit, cost, earlier)
        note('together', null)
        return answer
      } catch (reason) {
        note('alone', reason)
        aloneRequests += 1
        return await alone.take(clientId, limit, cost, earlier?.counted === 'alone' ? earlier : null)
      }
    },
    state: () => ({ counted, aloneRequests }),
    async check() {
      if (counted === 'alone') {
        await together(CHECK_KEY, 1, 0, null).then(
          () => note('together', null),
          () => {},
        )
      }
      return counted
    },
  }
}
