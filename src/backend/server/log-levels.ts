// How much the log says, for a while: an operator who looks for a fault turns it up, and it goes back by itself. Nobody has to remember
// that a service in production writes everything.
import type { Log, LogLevel } from './log.ts'

export interface LogLevels {
  /** As of now. `until`: when it goes back; null: it is the one of the settings. */
  current(): { readonly level: LogLevel; readonly until: Date | null }
  /** Until a moment, which may be past: then it goes back now. */
  set(level: LogLevel, until: Date, by: string): void
  /** Back to the one of the settings. */
  reset(by: string): void
  /** By a signal, for who has nothing but a shell: everything for ten minutes, or back. */
  toggle(by: string): void
  close(): void
}

export const LOG_LEVEL_MINUTES_MAX = 1_440
const SIGNAL_MINUTES = 10
const MINUTE_MS = 60_000

export function logLevels(log: Log, clock: () => Date): LogLevels {
  const own = log.level as LogLevel
  let until: Date | null = null
  let timer: NodeJS.Timeout | undefined

  function set(level: LogLevel, end: Date, by: string): void {
    const ms = Math.min(end.getTime() - clock().getTime(), LOG_LEVEL_MINUTES_MAX * MINUTE_MS)
    if (ms <= 0) {
      reset(by)
      return
    }
    clearTimeout(timer)
    until = end
    // Said at the level of a warning, before and after: whoever turns it down sees that it happened, too.
    log.warn({ level_now: level, until: end, by }, 'the log level changes')
    log.level = level
    timer = setTimeout(() => reset('time'), ms)
    timer.unref()
  }

  function reset(by: string): void {
    clearTimeout(timer)
    if (until === null) return
    until = null
    log.level = own
    log.warn({ level_now: own, by }, 'the log level is that of the settings again')
  }

  return {
    current: () => ({ level: log.level as LogLevel, until }),
    set,
    reset,
    toggle(by) {
      if (until === null) set('debug', new Date(clock().getTime() + SIGNAL_MINUTES * MINUTE_MS), by)
      else reset(by)
    },
    close: () => clearTimeout(timer),
  }
}
