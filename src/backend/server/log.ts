// The one log: JSON lines through pino. A secret must not reach a line whichever way it is passed, so what stands under a secret's
// name is removed before a line is written, and what has a secret's form after. By hand, since pino's own removal by path costs
// several microseconds a line.
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { lineWithoutSecrets, textWithoutSecrets, withoutSecrets } from './secrets.ts'

export type Log = Logger

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
export const LOG_LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

export interface LogOptions {
  /** The name of the process on every line. */
  readonly service: string
  readonly level: LogLevel
  /** Standard output unless a test listens. */
  readonly destination?: DestinationStream
}

export function createLog(options: LogOptions): Log {
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }), log: lineWithoutSecrets },
      messageKey: 'message',
      serializers: { err: (error) => withoutSecrets({ ...stdSerializers.err(error) }) },
      hooks: { streamWrite: textWithoutSecrets },
    },
    options.destination ?? pino.destination({ fd: 1, sync: false }),
  )
}
