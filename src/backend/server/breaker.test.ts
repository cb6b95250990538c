import { describe, expect, test } from 'vitest'
import { type BreakerState, breaker } from './breaker.ts'

const LIMITS = { failures: 3, windowSeconds: 30, openSeconds: 60, successes: 2 }

function atTheClock() {
  let now = 0
  const states: BreakerState[] = []
  const subject = breaker(
    LIMITS,
    () => new Date(now),
    (state) => states.push(state),
  )
  return {
    subject,
    states,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
    fail: (times: number) => {
      for (let i = 0; i < times; i += 1) subject.enter()?.failed()
    },
  }
}

describe('a breaker', () => {
  test('opens at the number of failures within the window, and then lets nobody through', () => {
    const { subject, fail } = atTheClock()
    fail(2)
    expect(subject.state).toBe('closed')
    fail(1)
    expect(subject.state).toBe('open')
    expect(subject.enter()).toBeNull()
    expect(subject.passable).toBe(false)
  })

  test('forgets failures that lie before the window', () => {
    const { subject, fail, pass } = atTheClock()
    fail(2)
    pass(30)
    fail(2)
    expect(subject.state).toBe('closed')
    fail(1)
    expect(subject.state).toBe('open')
  })

  test('tries with one call at a time after the pause, and closes after the successes it wants', () => {
    const { subject, states, fail, pass } = atTheClock()
    fail(3)
    pass(59.999)
    expect(subject.enter()).toBeNull()
    pass(0.001)
    expect(subject.passable).toBe(true)
    const trial = subject.enter()
    expect(subject.state).toBe('half-open')
    expect(subject.enter()).toBeNull()
    trial?.succeeded()
    expect(subject.state).toBe('half-open')
    subject.enter()?.succeeded()
    expect(subject.state).toBe('closed')
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  test('opens again for the whole pause when a trial fails', () => {
    const { subject, fail, pass } = atTheClock()
    fail(3)
    pass(60)
    subject.enter()?.succeeded()
    subject.enter()?.failed()
    expect(subject.state).toBe('open')
    pass(59)
    expect(subject.enter()).toBeNull()
    pass(1)
    expect(subject.enter()).not.toBeNull()
  })

  test('lets the next one try when a trial was withdrawn', () => {
    const { subject, fail, pass } = atTheClock()
    fail(3)
    pass(60)
    subject.enter()?.withdrawn()
    expect(subject.state).toBe('half-open')
    expect(subject.enter()).not.toBeNull()
  })

  test('does not listen to calls that began in an earlier state', () => {
    const { subject, fail, pass } = atTheClock()
    const slow = [subject.enter(), subject.enter()]
    fail(3)
    pass(60)
    subject.enter()?.succeeded()
    slow[0]?.succeeded()
    expect(subject.state).toBe('half-open')
    slow[1]?.failed()
    expect(subject.state).toBe('half-open')
  })
})
