// A figure that only a question to somebody else can tell, for metrics: it is asked for by the clock, and each scrape gets what was read
// last. Who does not answer is asked again; until then the last answer stays.
export interface KeptReading<T> {
  /** Null before the first answer. */
  latest(): T | null
  /** Asks now; a second question while one is under way is that one. Never rejects. */
  readNow(): Promise<void>
  /** Asks now, and goes on by the clock. */
  start(): void
  /** Ends it, the question under way too. */
  stop(): Promise<void>
}

export function keptReading<T>(options: {
  readonly read: () => Promise<T>
  readonly everyMs: number
  readonly onFailure: (error: unknown) => void
}): KeptReading<T> {
  const { read, everyMs, onFailure } = options
  let latest: T | null = null
  let underWay: Promise<void> | null = null
  let timer: NodeJS.Timeout | undefined

  async function ask(): Promise<void> {
    try {
      latest = await read()
    } catch (error) {
      onFailure(error)
    }
  }

  function readNow(): Promise<void> {
    underWay ??= ask().finally(() => {
      underWay = null
    })
    return underWay
  }

  return {
    latest: () => latest,
    readNow,
    start() {
      timer = setInterval(readNow, everyMs).unref()
      void readNow()
    },
    async stop() {
      clearInterval(timer)
      await underWay
    },
  }
}
