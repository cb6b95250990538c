import { describe, expect, test } from 'vitest'
import { validated } from './validators.ts'

const SINCE = new Date('2026-11-24T15:00:00.900Z')

function has(headers: Record<string, string>, of = { etag: 'W/"a1"', lastModified: SINCE as Date | null }) {
  const given: Record<string, string> = {}
  const reply = {
    header(name: string, value: string) {
      given[name] = value
      return reply
    },
  }
  return { known: validated({ headers } as never, reply as never, of), given }
}

describe('an answer', () => {
  test('has its validators, and is for one client alone', () => {
    expect(has({}).given).toEqual({
      etag: 'W/"a1"',
      'cache-control': 'private, no-cache',
      'last-modified': 'Tue, 24 Nov 2026 15:00:00 GMT',
    })
    expect(has({}, { etag: 'W/"a1"', lastModified: null }).given).not.toHaveProperty('last-modified')
  })

  test.each<[Record<string, string>, boolean]>([
    [{}, false],
    [{ 'if-none-match': 'W/"a1"' }, true],
    [{ 'if-none-match': '"a1"' }, true],
    [{ 'if-none-match': '"b2", W/"a1"' }, true],
    [{ 'if-none-match': '*' }, true],
    [{ 'if-none-match': '"a2"' }, false],
    [{ 'if-none-match': '' }, false],
    [{ 'if-modified-since': 'Tue, 24 Nov 2026 15:00:00 GMT' }, true],
    [{ 'if-modified-since': 'Tue, 24 Nov 2026 15:00:01 GMT' }, true],
    [{ 'if-modified-since': 'Tue, 24 Nov 2026 14:59:59 GMT' }, false],
    [{ 'if-modified-since': 'yesterday' }, false],
    // A tag says more than a date, and is what counts.
    [{ 'if-none-match': '"a2"', 'if-modified-since': 'Tue, 24 Nov 2026 15:00:00 GMT' }, false],
    [{ 'if-none-match': '"a1"', 'if-modified-since': 'Tue, 24 Nov 2020 15:00:00 GMT' }, true],
  ])('that is asked for with %o is known: %s', (headers, known) => {
    expect(has(headers).known).toBe(known)
  })

  test('without a moment is not known by one', () => {
    const headers = { 'if-modified-since': 'Tue, 24 Nov 2026 15:00:00 GMT' }
    expect(has(headers, { etag: 'W/"a1"', lastModified: null }).known).toBe(false)
  })
})
