// Reads of what is stored with a span each, so that a trace shows what the database, or the copies in front of it, had to do with an
// answer.
import { inSpan, type Tracer } from '../server/tracing.ts'
import type { StoredReads } from './stored-reads.ts'

/** Commands by the names that OpenTelemetry has for the systems. */
const COMMANDS = { postgresql: 'SELECT', redis: 'GET' } as const

/** The same reads. @param store that is asked first */
export function tracedReads(reads: StoredReads, tracer: Tracer | null, store: keyof typeof COMMANDS): StoredReads {
  if (tracer === null) return reads
  const about = (names: number) => ({ 'db.system.name': store, 'db.operation.name': COMMANDS[store], names })
  return {
    ...reads,
    one: (ticker, options) =>
      inSpan(
        tracer,
        `${store} observations`,
        'client',
        options.context,
        (context) => reads.one(ticker, { ...options, context }),
        about(1),
      ),
    many: (tickers, given) =>
      inSpan(
        tracer,
        `${store} observations`,
        'client',
        given,
        (context) => reads.many(tickers, context),
        about(tickers.length),
      ),
    overTime: (ticker, range, given) =>
      inSpan(
        tracer,
        `${store} rate history`,
        'client',
        given,
        (context) => reads.overTime(ticker, range, context),
        about(1),
      ),
  }
}
