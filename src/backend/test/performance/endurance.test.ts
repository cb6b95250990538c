// What an endurance run judges, on runs that are made up: what is flat passes, and each thing that is not fails by its name alone.
import { expect, test } from 'vitest'
import { flatness, type Sample } from './endurance.ts'

/** An hour, a sample each five seconds: the heap goes up and down between collections. */
function hour(different: (index: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 720 }, (_, index) => ({
    ...{ at_seconds: (index + 1) * 5, answered: 5_000, p50_ms: 2, p99_ms: 9 + (index % 3), lag_p99_ms: 0.3 },
    ...{ resident_mib: 180 + (index % 7), postgres_mib: 90, heap_mib: 60 + (index % 20) * 2 },
    ...{ files: 60 + (index % 2), handles: 40, queued: 0 },
    ...different(index),
  }))
}

const missed = (samples: readonly Sample[], missing = 0) =>
  flatness(samples, missing)
    .filter(({ met }) => !met)
    .map(({ name }) => name.replace(/,? ?growth over .*/, ''))

test('an hour that is flat', () => {
  expect(missed(hour())).toEqual([])
})

test('growth while it warms up is no leak', () => {
  expect(missed(hour((index) => (index < 100 ? { resident_mib: 100 + index } : {})))).toEqual([])
})

test.each<[string, (index: number) => Partial<Sample>]>([
  ['resident memory', (index) => ({ resident_mib: 180 + index / 15 })],
  ['heap after collections', (index) => ({ heap_mib: 60 + index / 20 + (index % 20) * 2 })],
  ['p99, last quarter', (index) => ({ p99_ms: 9 + index / 50 })],
  ['open files more than in the first quarter', (index) => ({ files: 60 + Math.floor(index / 40) })],
  ['active handles more than in the first quarter', (index) => ({ handles: 40 + Math.floor(index / 40) })],
  ['share of windows in which the generator was late', (index) => ({ lag_p99_ms: index % 5 === 0 ? 9 : 0.3 })],
])('not flat: %s', (name, different) => {
  expect(missed(hour(different))).toEqual([name])
})

/** Two minutes of it: the last quarter of what is judged is the last 25 seconds or less. */
const shortRun = (different: (at_seconds: number) => Partial<Sample> = () => ({})) =>
  hour()
    .slice(0, 24)
    .map((sample) => ({ ...sample, ...different(sample.at_seconds) }))

test('a few minutes in which the machine was slow for a while, and its generator late', () => {
  const slow = (at_seconds: number) => (at_seconds > 90 ? { p50_ms: 6, p99_ms: 90, lag_p99_ms: 20 } : {})
  expect(missed(shortRun(slow))).toEqual([])
})

test.each<[string, (at_seconds: number) => Partial<Sample>]>([
  ['resident memory', (at_seconds) => ({ resident_mib: 180 + at_seconds * 2 })],
  ['heap after collections', (at_seconds) => ({ heap_mib: 60 + at_seconds * 2 })],
  ['p50, last quarter', (at_seconds) => ({ p50_ms: 2 + at_seconds ** 2 / 100 })],
  ['open files more than in the first quarter', (at_seconds) => ({ files: 60 + at_seconds })],
  ['active handles more than in the first quarter', (at_seconds) => ({ handles: 40 + at_seconds })],
])('not flat in a few minutes: %s', (name, different) => {
  expect(missed(shortRun(different))).toEqual([name])
})

test('a request without an answer, or a record that still waits', () => {
  expect(missed(hour(), 1)).toEqual(['requests without an answer, records that still wait'])
})

test('what was not seen is not flat', () => {
  expect(missed(hour(() => ({ files: Number.NaN })))).toEqual(['open files more than in the first quarter'])
})
