// The one log: JSON lines through pino. A secret must not reach a line whichever way it is passed, so headers that carry
// one are removed by path, and errors are written by their own serializer alone.
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'

export type Log = Logger

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
export const LOG_LEVELS: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']

const SECRET_NAMES = ['["x-api-key"]', 'authorization', 'cookie', '["set-cookie"]', 'api_key', 'password', 'secret']
const SECRET_PATHS = SECRET_NAMES.flatMap((name) => {
  const member = name.startsWith('[') ? name : `.${name}`
  return [name, `headers${member}`, `*${member}`, `*.headers${member}`]
})

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
      formatters: { level: (level) => ({ level }) },
      messageKey: 'message',
      redact: { paths: SECRET_PATHS, censor: '[removed]' },
      serializers: { err: stdSerializers.err },
    },
    options.destination ?? pino.destination({ fd: 1, sync: false }),
  )
}
