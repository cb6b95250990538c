// Batches that form by themselves. While a lane (a connection, usually) is idle, whatever is queued leaves at once; while all
// lanes are busy, the queue gathers. There is no timer: a lone item never waits, and the busier it gets the larger the
// batches grow. The audit log's commits are shared this way, and so are calls between services.

/** What became of one item. */
export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: Error }

export interface NaturalBatchOptions<Item, Result> {
  /** Batches on their way at the same time. */
  readonly lanes: number
  /** Items in one batch, at most. */
  readonly batchMax: number
  /** Items that wait for a lane, at most; one more is refused. */
  readonly queueMax: number
  /**
   * Sends one batch. It gives one outcome for each item, in the items' order; or it settles items one by one as they finish
   * and gives nothing. When it resolves its lane is free again, even while items it settles later are still out. When it
   * rejects, every item of the batch that has no outcome yet does.
   */
  readonly send: (
    items: readonly Item[],
    settle: (index: number, outcome: Outcome<Result>) => void,
  ) => Promise<readonly Outcome<Result>[] | undefined>
  /** Makes the error for an item that is not taken. */
  readonly refuse: (reason: 'full' | 'closed') => Error
}

export interface NaturalBatch<Item, Result> {
  /** Resolves or rejects with the item's own outcome. */
  add(item: Item): Promise<Result>
  /** Items that wait, and items on their way. */
  load(): { readonly queued: number; readonly inFlight: number }
  /** Takes nothing more; resolves when everything taken has its outcome. */
  close(): Promise<void>
}

interface Entry<Item, Result> {
  readonly item: Item
  readonly resolve: (value: Result) => void
  readonly reject: (error: unknown) => void
}

export function naturalBatch<Item, Result>(options: NaturalBatchOptions<Item, Result>): NaturalBatch<Item, Result> {
  const { lanes, batchMax, queueMax, send, refuse } = options
  const queue: Entry<Item, Result>[] = []
  let busyLanes = 0
  let inFlight = 0
  let flushing = false
  let closed = false
  const onDrained: (() => void)[] = []

  // On the next turn of the event loop, so that everything that arrived in this one shares the batch.
  function flushSoon(): void {
    if (flushing || busyLanes >= lanes || queue.length === 0) return
    flushing = true
    setImmediate(() => {
      flushing = false
      while (busyLanes < lanes && queue.length > 0) void travel(queue.splice(0, batchMax))
    })
  }

  async function travel(batch: Entry<Item, Result>[]): Promise<void> {
    busyLanes += 1
    inFlight += batch.length
    const out = new Set(batch.keys())
    function settle(index: number, outcome: Outcome<Result>): void {
      if (!out.delete(index)) return
      inFlight -= 1
      const entry = batch[index] as Entry<Item, Result>
      if (outcome.ok) entry.resolve(outcome.value)
      else entry.reject(outcome.error)
      noteDrained()
    }
    try {
      const outcomes = await send(
        batch.map(({ item }) => item),
        settle,
      )
      if (outcomes !== undefined) {
        const missing = { ok: false, error: new Error('a batch came back with an outcome missing') } as const
        for (const index of batch.keys()) settle(index, outcomes[index] ?? missing)
      }
    } catch (error) {
      for (const index of [...out]) settle(index, { ok: false, error: error as Error })
    }
    busyLanes -= 1
    flushSoon()
    noteDrained()
  }

  function noteDrained(): void {
    if (isDrained()) for (const drained of onDrained.splice(0)) drained()
  }

  const isDrained = () => busyLanes === 0 && inFlight === 0 && queue.length === 0

  return {
    add(item) {
      if (closed) return Promise.reject(refuse('closed'))
      if (queue.length >= queueMax) return Promise.reject(refuse('full'))
      return new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject })
        flushSoon()
      })
    },
    load: () => ({ queued: queue.length, inFlight }),
    close() {
      closed = true
      if (isDrained()) return Promise.resolve()
      return new Promise((drained) => onDrained.push(drained))
    },
  }
}
