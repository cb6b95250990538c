import { expect, test } from 'vitest'
import { factsOf, secondsText, shareText, uptimeText } from './facts.ts'

test('a fact has the form of its unit, and what is missing is a word', () => {
  expect(
    factsOf({
      state: 'up',
      latency_ms: '7.76',
      last_commit_ms: '32.46566200000234',
      lag_seconds: '0.252',
      sequence: 1234567,
      last_error_at: null,
      watching: false,
      since: '2026-11-29T14:32:07.123Z',
      circuit: { state: 'closed', failures: 0 },
      names: [],
    }),
  ).toEqual([
    { name: 'latency', text: '7.8 ms' },
    { name: 'last commit', text: '32.5 ms' },
    { name: 'lag', text: '0.3 s' },
    { name: 'sequence', text: '1,234,567' },
    { name: 'last error at', text: 'none' },
    { name: 'watching', text: 'no' },
    { name: 'since', text: '29 Nov 2026, 14:32:07 UTC' },
    { name: 'circuit state', text: 'closed' },
    { name: 'circuit failures', text: '0' },
    { name: 'names', text: 'none' },
  ])
})

test('times are exact while they are short; shares are percent', () => {
  expect(secondsText('0.04')).toBe('0.0 s')
  expect(secondsText(9)).toBe('9.0 s')
  expect(secondsText('75')).toBe('1 min')
  expect([12, 11_460, 90_000, 172_800].map(uptimeText)).toEqual(['12 s', '3 h 11 min', '1 d 1 h', '2 d'])
  expect(shareText('0.98765')).toBe('98.8 %')
  expect(shareText('1')).toBe('100.0 %')
})
