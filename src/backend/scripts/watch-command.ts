// The command of who watches: a line for every move, until it is stopped.
import type { Command } from 'commander'
import type { RateStreamEvent } from '../client/rate-events.ts'
import { decimal, minus } from '../pricing/decimal.ts'
import { type AskingOptions, type CommandTools, given, READING, wholeFromOne } from './command-tools.ts'
import { basisPoints, change, percentPoints, shares } from './formats.ts'

interface WatchOptions extends AskingOptions {
  readonly seconds?: number
}

export function addWatchCommand(program: Command, { asking, engine, print, note }: CommandTools): void {
  asking(program, 'watch', 'show rates as they move, until it is stopped')
    .argument('[tickers...]', 'as GME BRK.B; else every stock')
    .option('--seconds <count>', 'stop by itself after so long', wholeFromOne)
    .action(async (tickers: readonly string[], options: WatchOptions) => {
      const signal = options.seconds === undefined ? undefined : AbortSignal.timeout(options.seconds * 1000)
      const asked = given('tickers', tickers.length === 0 ? undefined : tickers)
      try {
        for await (const event of engine(options, READING).rates.watch(asked, { signal })) {
          if (options.json) {
            print(JSON.stringify(event))
            continue
          }
          const line = eventLine(event, new Date())
          if (line === null) continue
          if (line.aside) note(line.text)
          else print(line.text)
        }
      } catch (error) {
        if (!signal?.aborted) throw error
      }
    })
}

/** Null: nothing that a person has to know. What is not about rates and feeds goes aside. */
export function eventLine(
  event: RateStreamEvent,
  now: Date,
): { readonly text: string; readonly aside: boolean } | null {
  const at = now.toISOString().slice(11, 19)
  const line = (text: string) => ({ text: `${at}  ${text}`, aside: false })
  const aside = (text: string) => ({ text: `${at}  ${text}`, aside: true })
  switch (event.type) {
    case 'rate': {
      const rate = decimal(event.current_rate)
      const moved = event.previous_rate === null ? '' : change(basisPoints(minus(rate, decimal(event.previous_rate))))
      const facts = [
        event.ticker.padEnd(8),
        `${percentPoints(rate)} %`.padStart(14),
        (moved === '' ? '' : `${moved} bp`).padStart(14),
        ` ${event.borrow_status}`.padEnd(8),
        `${shares(event.availability)} shares`,
      ]
      return line(`${facts.join('')}${event.degraded.length === 0 ? '' : `  (${event.degraded.join(', ')})`}`)
    }
    case 'feed':
      if (event.previous_state === null && event.state === 'up') return null
      return line(`feed ${event.feed} is ${event.state}${event.data === null ? '' : `, its data ${event.data}`}`)
    case 'reset':
      if (event.unknown.length > 0) return aside(`there is no rate for ${event.unknown.join(', ')}`)
      return event.load === null ? null : aside(`listening to all stocks under ${event.pricing_model}`)
    case 'status':
      return aside(
        event.state === 'live'
          ? 'moves are shown at once again'
          : event.late_seconds_max === null
            ? 'rates are not known now; moves are shown when they are again'
            : event.late_seconds_max === 0
              ? 'the feeds are not known now'
              : `moves are late, up to ${event.late_seconds_max} s`,
      )
    case 'end':
      return aside(`the engine ended the stream: ${event.reason.replaceAll('_', ' ')}`)
    case 'connection':
      if (event.state === 'open') return null
      return aside(`the stream is lost; again in ${Math.round((event.retry_ms ?? 0) / 1000)} s`)
  }
}
