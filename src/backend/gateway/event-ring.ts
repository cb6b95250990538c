// The last events of a stream, for readers who come back. Events have numbers without gaps; the ring holds the newest as the bytes that
// were sent, until it is full by number or by size, and knows from which number on it is whole.
import type { Ticker } from '../pricing/units.ts'

/** Events that left together. */
export interface EventBatch {
  readonly firstNumber: number
  readonly lastNumber: number
  /** What each is about; null concerns everybody. */
  readonly about: readonly (Ticker | null)[]
  readonly atMs: number
  /** All of them, one after the other. */
  readonly bytes: Buffer
  /** Where each ends in the bytes. */
  readonly ends: readonly number[]
}

export interface EventRing {
  /** Of the newest event; 0 before the first. */
  readonly lastNumber: number
  /** @param text of each event, which knows its number */
  append(about: readonly (Ticker | null)[], atMs: number, text: (index: number, number: number) => string): EventBatch
  /** Of the newest event of before a moment; where it is not held any more, of the newest before those that are. */
  numberAt(ms: number): number
  /**
   * The events after a number, of some names or of all (null), as they were sent.
   * @returns null when some of them are not held any more, or were never sent
   */
  after(number: number, wanted: ReadonlySet<Ticker> | null): Buffer | null
  stats(): { readonly events: number; readonly bytes: number }
}

export function eventRing(limits: { readonly eventsMax: number; readonly bytesMax: number }): EventRing {
  const batches: EventBatch[] = []
  let lastNumber = 0
  let events = 0
  let bytes = 0
  return {
    get lastNumber() {
      return lastNumber
    },

    append(about, atMs, text) {
      const firstNumber = lastNumber + 1
      const texts = about.map((_, index) => text(index, firstNumber + index))
      let end = 0
      const ends = texts.map((each) => {
        end += Buffer.byteLength(each)
        return end
      })
      lastNumber += about.length
      const batch = { firstNumber, lastNumber, about, atMs, bytes: Buffer.from(texts.join('')), ends }
      batches.push(batch)
      events += about.length
      bytes += batch.bytes.length
      while (batches.length > 1 && (events > limits.eventsMax || bytes > limits.bytesMax)) {
        const oldest = batches.shift() as EventBatch
        events -= oldest.about.length
        bytes -= oldest.bytes.length
      }
      return batch
    },

    numberAt(ms) {
      const later = batches.findIndex((batch) => batch.atMs >= ms)
      return later === -1 ? lastNumber : (batches[later] as EventBatch).firstNumber - 1
    },

    after(number, wanted) {
      const heldFrom = batches[0]?.firstNumber ?? lastNumber + 1
      if (number > lastNumber || number < heldFrom - 1) return null
      const missed = batches.filter((batch) => batch.lastNumber > number)
      return Buffer.concat(
        missed.flatMap((batch) => {
          if (wanted !== null) return ofNames(batch, wanted, number)
          const from = number < batch.firstNumber ? 0 : batch.ends[number - batch.firstNumber]
          return [batch.bytes.subarray(from)]
        }),
      )
    },

    stats: () => ({ events, bytes }),
  }
}

/** The events of a batch about some names, and those that concern everybody. */
export function ofNames(batch: EventBatch, wanted: ReadonlySet<Ticker>, afterNumber = 0): Buffer[] {
  return batch.about.flatMap((ticker, index) => {
    if (batch.firstNumber + index <= afterNumber || (ticker !== null && !wanted.has(ticker))) return []
    return [batch.bytes.subarray(index === 0 ? 0 : batch.ends[index - 1], batch.ends[index])]
  })
}
