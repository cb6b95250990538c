// Counters and histograms for what happens in every request. The library looks its series up by a text made of the labels, each time;
// here a series is found by its label values and a number is added, and the library's form is made when somebody scrapes.
import { Counter, type Metric, type Registry } from 'prom-client'

export interface Counts<L extends string> {
  /** One more, or so many; a number alone counts for what has no labels. */
  inc(labels?: Labels<L> | number, value?: number): void
}

export interface Observations<L extends string> {
  /** One value; alone for what has no labels. */
  observe(labels: Labels<L> | number, value?: number): void
}

type Labels<L extends string> = Partial<Record<L, string | number>>

interface MetricOptions<L extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly L[]
  readonly registers: Registry[]
}

/** What is kept for each combination of label values, found by one look into a map a label. */
class Series<L extends string, T> {
  readonly all: { readonly labels: Labels<L>; readonly kept: T }[] = []
  private readonly names: readonly L[]
  private readonly make: () => T
  private readonly root = new Map<unknown, unknown>()
  private alone: T | undefined

  constructor(names: readonly L[], make: () => T) {
    this.names = names
    this.make = make
    if (names.length === 0) this.alone = this.add({})
  }

  of(labels: Labels<L>): T {
    if (this.alone !== undefined) return this.alone
    const { names } = this
    const last = names.length - 1
    let level = this.root
    for (let i = 0; i < last; i += 1) {
      const value = textOf(labels[names[i]!])
      let next = level.get(value)
      if (next === undefined) {
        next = new Map()
        level.set(value, next)
      }
      level = next as Map<unknown, unknown>
    }
    const value = textOf(labels[names[last]!])
    let kept = level.get(value) as T | undefined
    if (kept === undefined) {
      kept = this.add({ ...labels })
      level.set(value, kept)
    }
    return kept
  }

  private add(labels: Labels<L>): T {
    for (const name of Object.keys(labels)) {
      if (!this.names.includes(name as L)) throw new TypeError(`this metric has no label ${name}`)
    }
    const kept = this.make()
    this.all.push({ labels, kept })
    return kept
  }
}

/** 200 and '200' are one series. */
function textOf(value: string | number | undefined): string | undefined {
  return typeof value === 'number' ? String(value) : value
}

/** A counter, as prom-client's. */
export function counter<L extends string = never>(options: MetricOptions<L>): Counts<L> {
  const series = new Series(options.labelNames ?? [], () => ({ count: 0 }))
  new Counter({
    ...options,
    labelNames: [...(options.labelNames ?? [])],
    collect() {
      this.reset()
      for (const { labels, kept } of series.all) this.inc(labels, kept.count)
    },
  })
  return {
    inc(labels, value = 1) {
      const added = typeof labels === 'number' ? labels : value
      if (!(added >= 0)) throw new TypeError('a counter only ever rises')
      series.of(typeof labels === 'object' ? labels : {}).count += added
    },
  }
}

/** A histogram, as prom-client's: one more series than bounds counts what lies above all of them. */
export function histogram<L extends string = never>(
  options: MetricOptions<L> & { readonly buckets: readonly number[] },
): Observations<L> {
  const { name, help, buckets } = options
  const series = new Series(options.labelNames ?? [], () => ({ counts: new Float64Array(buckets.length + 1), sum: 0 }))
  const observe = (labels: Labels<L>, value: number): void => {
    if (!Number.isFinite(value)) throw new TypeError('what is observed must be a finite number')
    const kept = series.of(labels)
    let at = 0
    while (at < buckets.length && value > buckets[at]!) at += 1
    kept.counts[at]! += 1
    kept.sum += value
  }
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: series.all.flatMap(({ labels, kept }) => {
      let count = 0
      const below = [...kept.counts].map((inBucket, at) => {
        count += inBucket
        return { labels: { le: buckets[at] ?? '+Inf', ...labels }, value: count, metricName: `${name}_bucket` }
      })
      return [
        ...below,
        { labels, value: kept.sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ]
    }),
  })
  for (const registry of options.registers) registry.registerMetric({ name, get } as unknown as Metric)
  return {
    observe: (labels, value) => (typeof labels === 'number' ? observe({}, labels) : observe(labels, value as number)),
  }
}
