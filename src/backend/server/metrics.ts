// What the engine counts, as Prometheus scrapes it. Labels come from closed sets only (route templates, error codes,
// tiers), never from what a client sends, so that the number of series has a bound. METRICS_ENABLED=false counts nothing.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { type Counts, counter, histogram, type Observations } from './cheap-metrics.ts'

export interface Metrics {
  /** False: nothing is counted, and nobody has to find out what only a metric would show. */
  readonly enabled: boolean
  readonly registry: Registry
  readonly httpRequests: Counts<'method' | 'route' | 'status'>
  readonly httpDuration: Observations<'method' | 'route'>
  /** Calls of our own other services at the private door. outcome: `ok`, or the error code that went back. */
  readonly internalCalls: Counts<'operation' | 'outcome'>
  readonly internalDuration: Observations<'operation'>
  /** outcome: `priced`, or the error code that stood in the way. */
  readonly quotes: Counts<'outcome'>
  readonly quoteFee: Observations<never>
  /** Inputs of quotes that were not live or freshly cached. */
  readonly fallbackInputs: Counts<'input' | 'source'>
  readonly rateLimited: Counts<'tier'>
  /** outcome: `unauthorized`, `slowed` or `refused` (too many at once). */
  readonly badCredentials: Counts<'outcome'>
  /** reason: `event_loop` or `in_flight`. */
  readonly shedRequests: Counts<'reason'>
  /** 1 while a component answers, as health checks see it; asked at each scrape. */
  readonly componentUp: Pick<Gauge<'component'>, 'set'>
  /** Connections of a pool, by the pool's name. */
  pool(name: string, pool: PoolSize): void
  /** A gauge that asks at each scrape. For queues and pools that know their own state. */
  gauge(name: string, help: string, read: () => number): void
  /** The same, with one label whose values are known beforehand. */
  gauges<L extends string>(name: string, help: string, label: string, reads: Readonly<Record<L, () => number>>): void
  /** A count since the start that somebody else keeps; its name ends in `_total`. */
  counter(name: string, help: string, read: () => number): void
  /** The same, with one label whose values are known beforehand. */
  counters<L extends string>(name: string, help: string, label: string, reads: Readonly<Record<L, () => number>>): void
  /** Times by the buckets that requests have. @returns what notes one, in seconds */
  durations(name: string, help: string): (seconds: number) => void
}

/** As our pools count themselves: who waits for a connection that is being opened waits too. */
export interface PoolSize {
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** Seconds: a quote takes a few milliseconds, a cold name up to 200, a batch seconds. */
const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const FEE_BUCKETS_USD = [1, 10, 30, 100, 300, 1000, 3000, 10_000, 100_000, 1_000_000]

export interface MetricsOptions {
  readonly service: string
  /** Memory, CPU, event loop: on in a process, off where many registries live in one. */
  readonly processMetrics?: boolean
  /** True unless said. */
  readonly enabled?: boolean
}

export function createMetrics(options: MetricsOptions): Metrics {
  if (options.enabled === false) return NO_METRICS
  const registry = new Registry()
  registry.setDefaultLabels({ service: options.service })
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const pools = new Map<string, PoolSize>()
  new Gauge({
    name: 'database_connections',
    help: 'Connections to the database by pool and state, and those who wait for one',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const [pool, { totalCount, idleCount, waitingCount }] of pools) {
        this.set({ pool, state: 'busy' }, totalCount - idleCount)
        this.set({ pool, state: 'idle' }, idleCount)
        this.set({ pool, state: 'waiting' }, waitingCount)
      }
    },
  })
  return {
    enabled: true,
    registry,
    httpRequests: counter({
      name: 'http_requests_total',
      help: 'Requests answered, by method, route template and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    httpDuration: histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the request line to the last byte handed over',
      labelNames: ['method', 'route'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    }),
    internalCalls: counter({
      name: 'internal_calls_total',
      help: 'Calls of other services of ours, by operation and outcome: ok, or the error code',
      labelNames: ['operation', 'outcome'],
      registers,
    }),
    internalDuration: histogram({
      name: 'internal_call_duration_seconds',
      help: 'Time from a call of another service of ours to its answer, by operation',
      labelNames: ['operation'],
      buckets: DURATION_BUCKETS_SECONDS,
      registers,
    }),
    quotes: counter({
      name: 'quotes_total',
      help: 'Quotes asked for, by outcome: priced, or the error code',
      labelNames: ['outcome'],
      registers,
    }),
    quoteFee: histogram({
      name: 'quote_fee_usd',
      help: 'Total fee of priced quotes in USD',
      buckets: FEE_BUCKETS_USD,
      registers,
    }),
    fallbackInputs: counter({
      name: 'fallback_inputs_total',
      help: 'Inputs of quotes that were stale or stood in for, by input and source',
      labelNames: ['input', 'source'],
      registers,
    }),
    rateLimited: counter({
      name: 'rate_limited_total',
      help: 'Requests refused because the window of the broker was used up, by tier',
      labelNames: ['tier'],
      registers,
    }),
    badCredentials: counter({
      name: 'bad_credentials_total',
      help: 'Tries with a credential that is not valid: answered at once, slowed, or refused unread',
      labelNames: ['outcome'],
      registers,
    }),
    shedRequests: counter({
      name: 'shed_requests_total',
      help: 'Requests refused because the process could not keep up, by reason',
      labelNames: ['reason'],
      registers,
    }),
    componentUp: new Gauge({
      name: 'component_up',
      help: '1 while what the process stands on answers, by component',
      labelNames: ['component'],
      registers,
    }),
    pool(name, pool) {
      pools.set(name, pool)
    },
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    },
    gauges(name, help, label, reads) {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          for (const [value, read] of entriesOf(reads)) this.set({ [label]: value }, read())
        },
      })
    },
    counter(name, help, read) {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    counters(name, help, label, reads) {
      new Counter({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset()
          for (const [value, read] of entriesOf(reads)) this.inc({ [label]: value }, read())
        },
      })
    },
    durations(name, help) {
      const times = histogram({ name, help, buckets: DURATION_BUCKETS_SECONDS, registers })
      return (seconds) => times.observe(seconds)
    },
  }
}

const entriesOf = (reads: Readonly<Record<string, () => number>>) => Object.entries(reads)

const nothing = () => {}

const NO_METRICS: Metrics = {
  enabled: false,
  // Of whoever registers there itself; nobody reads it.
  registry: new Registry(),
  httpRequests: { inc: nothing },
  httpDuration: { observe: nothing },
  internalCalls: { inc: nothing },
  internalDuration: { observe: nothing },
  quotes: { inc: nothing },
  quoteFee: { observe: nothing },
  fallbackInputs: { inc: nothing },
  rateLimited: { inc: nothing },
  badCredentials: { inc: nothing },
  shedRequests: { inc: nothing },
  componentUp: { set: nothing },
  pool: nothing,
  gauge: nothing,
  gauges: nothing,
  counter: nothing,
  counters: nothing,
  durations: () => nothing,
}
