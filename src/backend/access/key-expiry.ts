// When keys end of which nobody has taken care: a key that a client is shown out with at three in the morning was known about for
// ninety days. Counted by the gateway a few times an hour, without naming a key.
import type { Queryable } from '../database/connect.ts'
import { type KeptReading, keptReading } from '../server/kept-reading.ts'
import type { Metrics } from '../server/metrics.ts'
import type { Clock } from '../server/uuidv7.ts'

export interface KeyExpiry {
  /** When the first of them ends; null: there is none. */
  readonly next: Date | null
  readonly within2Days: number
  readonly within14Days: number
}

const EVERY_MS = 5 * 60_000

/** Counts keys that are good now, of active brokers, and will end by their age. One that was rotated has another in its place. */
export async function readKeyExpiry(database: Queryable, now: Date): Promise<KeyExpiry> {
  const { rows } = await database.query<{ next: Date | null; within2Days: number; within14Days: number }>(
    `select min(k.expires_at) as next,
            count(*) filter (where k.expires_at <= $1::timestamptz + interval '2 days')::int as "within2Days",
            count(*) filter (where k.expires_at <= $1::timestamptz + interval '14 days')::int as "within14Days"
       from api_keys k join brokers b on b.client_id = k.client_id
      where b.active and k.revoked_at is null and k.expires_at > $1`,
    [now],
  )
  return rows[0] as KeyExpiry
}

/** The same for metrics. Starts at once, if anybody counts. */
export function keyExpiryMetrics(options: {
  readonly database: Queryable
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'enabled' | 'gauge' | 'gauges'>
  readonly onFailure: (error: unknown) => void
}): KeptReading<KeyExpiry> {
  const { database, clock, metrics, onFailure } = options
  const reading = keptReading({ read: () => readKeyExpiry(database, clock()), everyMs: EVERY_MS, onFailure })
  const { latest } = reading
  metrics.gauge(
    'api_key_next_expiry_seconds',
    'When the first API key ends that is good and was not rotated, seconds since 1970',
    () => (latest()?.next?.getTime() ?? Number.NaN) / 1000,
  )
  metrics.gauges(
    'api_keys_expiring',
    'API keys that are good, were not rotated, and end within that many days',
    'within_days',
    {
      2: () => latest()?.within2Days ?? Number.NaN,
      14: () => latest()?.within14Days ?? Number.NaN,
    },
  )
  if (metrics.enabled) reading.start()
  return reading
}
