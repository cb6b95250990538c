// The same numbers as the library's own metrics, whatever is counted.
import fc from 'fast-check'
import { Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { counter, histogram } from './cheap-metrics.ts'

const BUCKETS = [0.001, 0.5, 1, 10]
const labels = fc.record({ route: fc.constantFrom('/a', '/b', '/c'), status: fc.constantFrom(200, 503, '200') })
/** Neither the order of lines nor that of labels in a line says anything. */
const lines = async (registry: Registry) =>
  (await registry.metrics())
    .split('\n')
    .map((line) => line.replace(/\{(.*)\}/, (_, inside: string) => inside.split(',').sort().join()))
    .sort()

test('a counter with labels and one without say what prom-client would say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(labels, fc.nat(5))), async (added) => {
      const [ours, theirs] = [new Registry(), new Registry()]
      const about = { name: 'things_total', help: 'Things', labelNames: ['route', 'status'] as const }
      const alone = { name: 'all_total', help: 'All' }
      const mine = [counter({ ...about, registers: [ours] }), counter({ ...alone, registers: [ours] })] as const
      const library = [
        new Counter({ ...about, registers: [theirs] }),
        new Counter({ ...alone, registers: [theirs] }),
      ] as const
      for (const [of, count] of added) {
        // The library takes a zero for nothing said.
        mine[0].inc(of, count + 1)
        library[0].inc(of, count + 1)
        mine[1].inc()
        library[1].inc()
      }
      expect(await lines(ours)).toEqual(await lines(theirs))
    }),
  )
})

test('a histogram with labels and one without say what prom-client would say', async () => {
  const value = fc.oneof(fc.double({ min: -1, max: 20, noNaN: true }), fc.constantFrom(...BUCKETS))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(labels, value)), async (seen) => {
      const [ours, theirs] = [new Registry(), new Registry()]
      for (const registry of [ours, theirs]) registry.setDefaultLabels({ service: 'test' })
      const about = { name: 'time_seconds', help: 'Time', labelNames: ['route', 'status'] as const, buckets: BUCKETS }
      const alone = { name: 'fee_usd', help: 'Fees', buckets: BUCKETS }
      const mine = [histogram({ ...about, registers: [ours] }), histogram({ ...alone, registers: [ours] })] as const
      const library = [
        new Histogram({ ...about, registers: [theirs] }),
        new Histogram({ ...alone, registers: [theirs] }),
      ] as const
      for (const [of, of_value] of seen) {
        mine[0].observe(of, of_value)
        library[0].observe(of, of_value)
        mine[1].observe(of_value)
        library[1].observe(of_value)
      }
      expect(await lines(ours)).toEqual(await lines(theirs))
    }),
  )
})

test('labels that a metric does not have, falling counters and what is no number are refused', () => {
  const registers = [new Registry()]
  const things = counter({ name: 'things_total', help: 'Things', labelNames: ['route'], registers })
  expect(() => things.inc({ other: 'x' } as object)).toThrow('no label other')
  expect(() => things.inc({ route: '/a' }, -1)).toThrow('only ever rises')
  const time = histogram({ name: 'time_seconds', help: 'Time', buckets: BUCKETS, registers })
  expect(() => time.observe(Number.NaN)).toThrow('finite')
})
