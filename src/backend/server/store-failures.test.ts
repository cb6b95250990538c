import { describe, expect, test } from 'vitest'
import { Problem } from './problem.ts'
import { problemOfStore } from './store-failures.ts'

const withCode = (code: string) => Object.assign(new Error('connect 10.0.0.1:5432'), { code })

describe('a store that is away', () => {
  test.each(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EAI_AGAIN', '08006', '53300', '57P01', '57P03'])(
    'by the code %s is 503 with Retry-After, and the client does not learn where it is',
    (code) => {
      const problem = problemOfStore(withCode(code))
      expect(problem).toMatchObject({ code: 'SERVICE_UNAVAILABLE', status: 503 })
      expect(problem?.retryAfterSeconds).toBeGreaterThan(0)
      expect(problem?.message).not.toContain('10.0.0.1')
      expect(problem?.cause).toBeInstanceOf(Error)
    },
  )

  test.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
  ])('by the words "%s" is as well', (words) => {
    expect(problemOfStore(new Error(words))).toMatchObject({ code: 'SERVICE_UNAVAILABLE' })
  })

  test('under several addresses that all refused is as well', () => {
    expect(problemOfStore(new AggregateError([withCode('ECONNREFUSED')]))).toMatchObject({ status: 503 })
  })
})

describe('a bug', () => {
  test.each([
    withCode('42601'),
    withCode('42P01'),
    withCode('23505'),
    withCode('ERR_INVALID_ARG_TYPE'),
    new TypeError('x is undefined'),
    new Error('said: Connection terminated'),
    'ECONNREFUSED',
    null,
  ])('%s stays one', (error) => {
    expect(problemOfStore(error)).toBeNull()
  })

  test('a problem that has a name already keeps it', () => {
    expect(problemOfStore(new Problem('AUDIT_UNAVAILABLE', 'The log is away'))).toBeNull()
  })
})
