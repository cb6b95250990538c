// The one log: JSON lines through pino. A secret must not reach a line whichever way it is passed, so whatever stands under
// a secret's name is removed, at any depth. By hand, since pino's own removal by path costs several microseconds a line.
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'

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
      formatters: { level: (level) => ({ level }), log: (line) => withoutSecrets(line, 0) },
      messageKey: 'message',
      serializers: { err: (error) => withoutSecrets({ ...stdSerializers.err(error) }, 0) },
    },
    options.destination ?? pino.destination({ fd: 1, sync: false }),
  )
}

const SECRET_NAMES = new Set([
  'x-api-key',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'api_key',
  'apiKey',
  'access_token',
  'accessToken',
  'password',
  'secret',
])
const REMOVED = '[removed]'
/** Deeper than anything worth logging; what lies below is left out. */
const DEPTH_MAX = 6

/** The same object when it holds no secret, which is nearly always; else a copy without. */
function withoutSecrets(line: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | null = null
  for (const name of Object.keys(line)) {
    const value = line[name]
    const clean = SECRET_NAMES.has(name) ? REMOVED : typeof value === 'object' ? cleanValue(value, depth + 1) : value
    if (clean !== value) {
      copy ??= { ...line }
      copy[name] = clean
    }
  }
  return copy ?? line
}

function cleanValue(value: object | null, depth: number): unknown {
  // An Error is for its serializer; dates and decimals write themselves.
  if (value === null || value instanceof Error || 'toJSON' in value) return value
  if (depth > DEPTH_MAX) return '[deep]'
  if (Array.isArray(value)) {
    const items = value.map((item) => (typeof item === 'object' ? cleanValue(item, depth + 1) : item))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  return withoutSecrets(value as Record<string, unknown>, depth)
}
