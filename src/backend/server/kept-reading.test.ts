import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { keptReading } from './kept-reading.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Answers with the number of the question; every one that is listed fails. */
function asked(failing: readonly number[] = []) {
  const failures: unknown[] = []
  let questions = 0
  const reading = keptReading({
    read: async () => {
      questions += 1
      if (failing.includes(questions)) throw new Error(`question ${questions}`)
      return questions
    },
    everyMs: 1000,
    onFailure: (error) => failures.push(error),
  })
  return { reading, failures, questions: () => questions }
}

describe('a reading that is kept', () => {
  test('is nothing before it was started, and then by the clock, whoever looks at it', async () => {
    const { reading, questions } = asked()
    expect(reading.latest()).toBeNull()
    reading.start()
    await vi.advanceTimersByTimeAsync(0)
    expect(reading.latest()).toBe(1)
    for (let look = 0; look < 100; look += 1) reading.latest()
    expect(questions()).toBe(1)
    await vi.advanceTimersByTimeAsync(2000)
    expect(reading.latest()).toBe(3)
    await reading.stop()
    await vi.advanceTimersByTimeAsync(5000)
    expect(questions()).toBe(3)
  })

  test('stays what it was while nobody answers, and goes on after', async () => {
    const { reading, failures } = asked([2])
    reading.start()
    await vi.advanceTimersByTimeAsync(1000)
    expect(reading.latest()).toBe(1)
    expect(failures).toEqual([new Error('question 2')])
    await vi.advanceTimersByTimeAsync(1000)
    expect(reading.latest()).toBe(3)
    await reading.stop()
  })

  test('is asked for once by two at a time', async () => {
    const { reading, questions } = asked()
    await Promise.all([reading.readNow(), reading.readNow()])
    expect(questions()).toBe(1)
  })
})
