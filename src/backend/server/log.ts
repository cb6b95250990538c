// The one log: JSON lines through pino. A secret must not reach a line whichever way it is passed, so what stands under a secret's
// name is removed before a line is written, and what has a secret's form after. By hand, since pino's own removal by path costs
// several microseconds a line.
import type { FastifyBaseLogger } from 'fastify'
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { isoText } from './iso-time.ts'
import { jsonString } from './json-writer.ts'
import { lineWithoutSecrets, textWithoutSecrets, withoutSecrets } from './secrets.ts'

/** Where a log writes to, and as who. */
const ORIGIN = Symbol('origin of a log')

export type Log = Logger & {
  readonly [ORIGIN]: { readonly destination: DestinationStream; readonly service: string }
}

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
  const destination = options.destination ?? standardOutput()
  const log: Logger = pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }), log: lineWithoutSecrets },
      messageKey: 'message',
      serializers: { err: (error) => withoutSecrets({ ...stdSerializers.err(error) }) },
      hooks: { streamWrite: textWithoutSecrets },
    },
    destination,
  )
  return Object.assign(log, { [ORIGIN]: { destination, service: options.service } })
}

/** Standard output, to which the lines of one turn of the event loop go together. */
function standardOutput(): DestinationStream & { flushSync(): void } {
  const output = pino.destination({ fd: 1, sync: false })
  let lines = ''
  const pass = () => {
    if (lines === '') return
    const text = lines
    lines = ''
    output.write(text)
  }
  const flushSync = () => {
    pass()
    output.flushSync()
  }
  process.prependListener('exit', flushSync)
  return {
    write(line) {
      if (lines === '') setImmediate(pass)
      lines += line
    },
    flushSync,
  }
}

/** What the line of a request says. Members that are null are left out. */
export interface RequestLine {
  readonly request_id: string
  readonly method: string
  readonly route: string
  readonly status: number
  readonly ms: number
  readonly client_id: string | null
  readonly key_id: string | null
  readonly quote_id: string | null
  readonly trace_id: string | null
  readonly aborted: boolean
}

/**
 * The writer of the one line that each request leaves, as the log would write it. The log walks through what
 * it is given in search of secrets; of this line only the id is a client's own text.
 */
export function requestLines(log: Log): (line: RequestLine, level: 'info' | 'debug') => void {
  const { destination, service } = log[ORIGIN]
  const about = `","service":${jsonString(service)},"request_id":`
  return (line, level) => {
    if (!log.isLevelEnabled(level)) return
    const id = jsonString(textWithoutSecrets(line.request_id))
    let text =
      `{"level":"${level}","time":"${isoText(new Date())}${about}${id},"method":"${line.method}","route":${jsonString(line.route)},` +
      `"status":${line.status},"ms":${line.ms}`
    if (line.client_id !== null) text += `,"client_id":${jsonString(line.client_id)}`
    if (line.key_id !== null) text += `,"key_id":${jsonString(line.key_id)}`
    if (line.quote_id !== null) text += `,"quote_id":"${line.quote_id}"`
    if (line.trace_id !== null) text += `,"trace_id":"${line.trace_id}"`
    if (line.aborted) text += ',"aborted":true'
    destination.write(`${text},"message":"request"}\n`)
  }
}

/**
 * The log of a request, whose lines name it. Nearly no request writes any beside its one line, so that what a line needs is made with the
 * first.
 */
class LogOfRequest {
  private readonly log: FastifyBaseLogger
  private readonly bindings: Record<string, unknown>
  private made: FastifyBaseLogger | undefined

  constructor(log: FastifyBaseLogger, bindings: Record<string, unknown>) {
    this.log = log
    this.bindings = bindings
  }

  private own(): FastifyBaseLogger {
    this.made ??= this.log.child(this.bindings)
    return this.made
  }

  get level(): string {
    return this.log.level
  }

  fatal(...line: unknown[]): void {
    this.own().fatal(...(line as [string]))
  }

  error(...line: unknown[]): void {
    this.own().error(...(line as [string]))
  }

  warn(...line: unknown[]): void {
    this.own().warn(...(line as [string]))
  }

  info(...line: unknown[]): void {
    this.own().info(...(line as [string]))
  }

  debug(...line: unknown[]): void {
    this.own().debug(...(line as [string]))
  }

  trace(...line: unknown[]): void {
    this.own().trace(...(line as [string]))
  }

  silent(...line: unknown[]): void {
    this.own().silent(...(line as [string]))
  }

  child(bindings: Record<string, unknown>): FastifyBaseLogger {
    return this.own().child(bindings)
  }
}

/** For the framework: the log of one request. */
export function logOfRequest(log: FastifyBaseLogger, bindings: Record<string, unknown>): FastifyBaseLogger {
  return new LogOfRequest(log, bindings) as unknown as FastifyBaseLogger
}
