// What waits for an answer, each until a moment of its own, by one timer for all: a timer for each would cost more than the call that
// it is for. It is set for the first that is due, and mostly nobody waits that long.

export interface Waiting {
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number
  /** The moment has come, and it still waits. */
  readonly giveUp: () => void
}

export interface Deadlines {
  add(waiting: Waiting): void
  /** It waits no more. */
  remove(waiting: Waiting): void
}

export function deadlines(): Deadlines {
  const all = new Set<Waiting>()
  let timer: NodeJS.Timeout | undefined
  /** What the timer is set for. */
  let nextMs = Number.POSITIVE_INFINITY

  function set(deadlineMs: number): void {
    clearTimeout(timer)
    nextMs = deadlineMs
    timer = setTimeout(look, Math.max(1, deadlineMs - Date.now())).unref()
  }

  function look(): void {
    const now = Date.now()
    nextMs = Number.POSITIVE_INFINITY
    let first = Number.POSITIVE_INFINITY
    for (const waiting of all) {
      if (waiting.deadlineMs > now) {
        first = Math.min(first, waiting.deadlineMs)
      } else {
        all.delete(waiting)
        waiting.giveUp()
      }
    }
    // Whoever was told may have begun to wait for something else.
    if (first < nextMs) set(first)
  }

  return {
    add(waiting) {
      all.add(waiting)
      if (waiting.deadlineMs < nextMs) set(waiting.deadlineMs)
    },
    remove: (waiting) => void all.delete(waiting),
  }
}
