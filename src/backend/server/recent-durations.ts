// How long things took in the last minutes, as this process saw it: for a screen that has no Prometheus behind it. A ring of slots of time,
// each with its durations counted by buckets that grow by a tenth, so that its size is fixed and a figure is right to a twentieth.
import type { Clock } from './uuidv7.ts'

export interface RecentDurations {
  /** @param ms how long something took that has ended now */
  note(ms: number): void
  /** Of all slots together; null: nothing was noted. */
  figures(): DurationFigures | null
  /** One after the other, the oldest first, those without anything too; the last one is going on. */
  slots(): readonly DurationSlot[]
}

export interface DurationFigures {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly requests_per_second: number
}

export interface DurationSlot {
  /** When it began. */
  readonly at: Date
  readonly count: number
  /** Null: nothing was noted. */
  readonly p50_ms: number | null
  readonly p99_ms: number | null
}

const SHORTEST_MS = 0.05
const GROWTH = 1.1
/** Up to a minute. */
const BUCKETS = 148

interface Slot {
  /** Counted since 1970. */
  place: number
  readonly counts: Uint32Array
}

export function recentDurations(options: {
  readonly slotSeconds: number
  readonly slots: number
  readonly clock: Clock
}): RecentDurations {
  const { slots: slotsKept, clock } = options
  const slotMs = options.slotSeconds * 1000
  const ring: Slot[] = Array.from({ length: slotsKept }, () => ({ place: -1, counts: new Uint32Array(BUCKETS) }))
  const nothing = new Uint32Array(BUCKETS)

  /** The counts of a slot of time, if there are any. */
  function countsOf(place: number): Uint32Array | null {
    const slot = ring[place % slotsKept]
    return slot?.place === place ? slot.counts : null
  }

  /** Places of the slots that count, the oldest first. */
  function places(): number[] {
    const now = Math.floor(clock().getTime() / slotMs)
    return Array.from({ length: slotsKept }, (_, index) => now - slotsKept + 1 + index)
  }

  return {
    note(ms) {
      const place = Math.floor(clock().getTime() / slotMs)
      const slot = ring[place % slotsKept] as Slot
      if (slot.place !== place) {
        slot.place = place
        slot.counts.fill(0)
      }
      slot.counts[bucketOf(ms)]! += 1
    },
    figures() {
      const all = places()
      const counts = new Uint32Array(BUCKETS)
      for (const place of all) {
        for (const [bucket, count] of (countsOf(place) ?? nothing).entries()) counts[bucket]! += count
      }
      const total = sumOf(counts)
      if (total === 0) return null
      const seconds = (clock().getTime() - (all[0] as number) * slotMs) / 1000
      return {
        p50_ms: quantile(counts, total, 0.5),
        p99_ms: quantile(counts, total, 0.99),
        requests_per_second: rounded(total / seconds),
      }
    },
    slots: () =>
      places().map((place) => {
        const counts = countsOf(place) ?? nothing
        const count = sumOf(counts)
        return {
          at: new Date(place * slotMs),
          count,
          p50_ms: count === 0 ? null : quantile(counts, count, 0.5),
          p99_ms: count === 0 ? null : quantile(counts, count, 0.99),
        }
      }),
  }
}

function bucketOf(ms: number): number {
  const bucket = Math.ceil(Math.log(ms / SHORTEST_MS) / Math.log(GROWTH))
  return Math.min(Math.max(bucket, 0), BUCKETS - 1)
}

/** The middle of the bucket in which the one lies that so many are not longer than. */
function quantile(counts: Uint32Array, total: number, share: number): number {
  let left = Math.ceil(total * share)
  const bucket = counts.findIndex((count) => {
    left -= count
    return left <= 0
  })
  return rounded(SHORTEST_MS * GROWTH ** (bucket - 0.5))
}

function sumOf(counts: Uint32Array): number {
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Three digits: more would claim to be exact. */
function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
