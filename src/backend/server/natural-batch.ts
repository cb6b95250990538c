// Batches that form by themselves. While a lane (a connection, usually) is idle, whatever is queued leaves at once; while all
// lanes are busy, the queue gathers. There is no timer: a lone item never waits, and the busier it gets the larger the
// batches grow. The audit log's commits are shared this way, and so are calls between services.

export interface GatheringOptions<Item> {
  /** Batches on their way at the same time. */
  readonly lanes: number
  /** Items in one batch, at most. */
  readonly batchMax: number
  /** Items that wait for a lane, at most; one more is not taken. */
  readonly queueMax: number
  /** Sends one batch. When it resolves its lane is free again; it never rejects. */
  readonly send: (items: readonly Item[]) => Promise<void>
  /** Told when a lane is free again. */
  readonly onFree?: () => void
}

/** The batches alone: what becomes of an item is known to whoever sends it. */
export interface Gathering<Item> {
  /** False: too many wait. */
  add(item: Item): boolean
  queued(): number
  /** Nothing waits, and every lane is free. */
  isIdle(): boolean
}

export function gathering<Item>(options: GatheringOptions<Item>): Gathering<Item> {
  const { lanes, batchMax, queueMax, send, onFree } = options
  let queue: Item[] = []
  let busyLanes = 0
  let flushing = false

  // On the next turn of the event loop, so that everything that arrived in this one shares the batch.
  function flushSoon(): void {
    if (flushing || busyLanes >= lanes || queue.length === 0) return
    flushing = true
    setImmediate(flush)
  }

  function flush(): void {
    flushing = false
    while (busyLanes < lanes && queue.length > 0) {
      busyLanes += 1
      void send(next()).then(free)
    }
  }

  function next(): readonly Item[] {
    if (queue.length > batchMax) return queue.splice(0, batchMax)
    const all = queue
    queue = []
    return all
  }

  function free(): void {
    busyLanes -= 1
    flushSoon()
    onFree?.()
  }

  return {
    add(item) {
      if (queue.length >= queueMax) return false
      queue.push(item)
      flushSoon()
      return true
    },
    queued: () => queue.length,
    isIdle: () => busyLanes === 0 && queue.length === 0,
  }
}

/** What became of one item. */
export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: Error }

export interface NaturalBatchOptions<Item, Result> extends Omit<GatheringOptions<Item>, 'send' | 'onFree'> {
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
  /** Resolves when every one has its outcome; in the items' order. One that is not taken has that as its outcome. */
  addAll(items: readonly Item[]): Promise<readonly Outcome<Result>[]>
  /** Items that wait, and items on their way. */
  load(): { readonly queued: number; readonly inFlight: number }
  /** Takes nothing more; resolves when everything taken has its outcome. */
  close(): Promise<void>
}

interface Entry<Item, Result> {
  readonly item: Item
  /** Its place among those that were added with it. */
  readonly index: number
  readonly settled: (outcome: Outcome<Result>, index: number) => void
  isOut: boolean
}

export function naturalBatch<Item, Result>(options: NaturalBatchOptions<Item, Result>): NaturalBatch<Item, Result> {
  const { refuse } = options
  const entries = gathering<Entry<Item, Result>>({ ...options, send: travel, onFree: noteDrained })
  let inFlight = 0
  let closed = false
  const onDrained: (() => void)[] = []

  async function travel(batch: readonly Entry<Item, Result>[]): Promise<void> {
    inFlight += batch.length
    for (const entry of batch) entry.isOut = true
    function settle(index: number, outcome: Outcome<Result>): void {
      const entry = batch[index] as Entry<Item, Result>
      if (!entry.isOut) return
      entry.isOut = false
      inFlight -= 1
      entry.settled(outcome, entry.index)
      noteDrained()
    }
    try {
      const outcomes = await options.send(
        batch.map(({ item }) => item),
        settle,
      )
      if (outcomes !== undefined) {
        const missing = { ok: false, error: new Error('a batch came back with an outcome missing') } as const
        for (const index of batch.keys()) settle(index, outcomes[index] ?? missing)
      }
    } catch (error) {
      for (const index of batch.keys()) settle(index, { ok: false, error: error as Error })
    }
  }

  function noteDrained(): void {
    if (onDrained.length > 0 && isDrained()) for (const drained of onDrained.splice(0)) drained()
  }

  const isDrained = () => inFlight === 0 && entries.isIdle()

  return {
    add(item) {
      if (closed) return Promise.reject(refuse('closed'))
      return new Promise<Result>((resolve, reject) => {
        const settled = (outcome: Outcome<Result>) => (outcome.ok ? resolve(outcome.value) : reject(outcome.error))
        if (!entries.add({ item, index: 0, settled, isOut: false })) reject(refuse('full'))
      })
    },
    addAll(items) {
      if (items.length === 0) return Promise.resolve([])
      return new Promise((resolve) => {
        const outcomes = new Array<Outcome<Result>>(items.length)
        let missing = items.length
        const settled = (outcome: Outcome<Result>, index: number) => {
          outcomes[index] = outcome
          missing -= 1
          if (missing === 0) resolve(outcomes)
        }
        for (const [index, item] of items.entries()) {
          if (closed) settled({ ok: false, error: refuse('closed') }, index)
          else if (!entries.add({ item, index, settled, isOut: false })) {
            settled({ ok: false, error: refuse('full') }, index)
          }
        }
      })
    },
    load: () => ({ queued: entries.queued(), inFlight }),
    close() {
      closed = true
      if (isDrained()) return Promise.resolve()
      return new Promise((drained) => onDrained.push(drained))
    },
  }
}
