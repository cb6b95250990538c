import { describe, expect, test } from 'vitest'
import type { Ticker } from '../pricing/units.ts'
import { eventRing, ofNames } from './event-ring.ts'

const [A, B] = ['A', 'B'] as [Ticker, Ticker]
const text = (index: number, number: number) => `é${number}(${index});`

function ring(limits: { eventsMax?: number; bytesMax?: number } = {}) {
  const made = eventRing({ eventsMax: 10, bytesMax: 10_000, ...limits })
  made.append([A, B, null], 1_000, text)
  made.append([B], 2_000, text)
  return made
}

const eventsAfter = (number: number, wanted: Ticker[] | null, from = ring()) =>
  from.after(number, wanted && new Set(wanted))?.toString() ?? null

describe('events after a number', () => {
  test.each([
    [0, null, 'é1(0);é2(1);é3(2);é4(0);'],
    [1, null, 'é2(1);é3(2);é4(0);'],
    [3, null, 'é4(0);'],
    [4, null, ''],
    [0, [A], 'é1(0);é3(2);'],
    [1, [A], 'é3(2);'],
    [0, [B], 'é2(1);é3(2);é4(0);'],
    [3, [A], ''],
  ])('%i for %s are %s', (number, wanted, expected) => {
    expect(eventsAfter(number, wanted as Ticker[] | null)).toBe(expected)
  })

  test.each([5, 1e12])('%i was never sent: there is no answer', (number) => {
    expect(eventsAfter(number, null)).toBeNull()
  })

  test('of an empty ring there are none after 0, and nothing is known of later ones', () => {
    const empty = eventRing({ eventsMax: 1, bytesMax: 1 })
    expect(eventsAfter(0, null, empty)).toBe('')
    expect(eventsAfter(1, null, empty)).toBeNull()
  })
})

describe('a ring that is full', () => {
  test('by number lets the oldest go, and does not answer who would have needed them', () => {
    const full = ring({ eventsMax: 3 })
    expect(eventsAfter(3, null, full)).toBe('é4(0);')
    expect(eventsAfter(2, null, full)).toBeNull()
    expect(full.stats()).toEqual({ events: 1, bytes: 7 })
    expect(full.lastNumber).toBe(4)
  })

  test('by size holds the newest at least', () => {
    const full = ring({ bytesMax: 1 })
    expect(eventsAfter(3, null, full)).toBe('é4(0);')
    expect(full.stats().events).toBe(1)
  })
})

test('of a batch each name has its own events, and those that concern everybody', () => {
  const batch = eventRing({ eventsMax: 9, bytesMax: 999 }).append([A, null, B], 1_000, text)
  expect(Buffer.concat(ofNames(batch, new Set([B]))).toString()).toBe('é2(1);é3(2);')
})

test.each([
  [500, 0],
  [1_000, 0],
  [1_001, 3],
  [2_000, 3],
  [2_001, 4],
])('at %i ms the newest event from before was %i', (ms, number) => {
  expect(ring().numberAt(ms)).toBe(number)
})
