import { expect, test } from 'vitest'
import { type ErrorCode, FAILURES, failureOf, invalidParameters, Problem, problemBody } from './problem.ts'

test('every 429 and 503 says when to come back, and nothing else does', () => {
  for (const code of Object.keys(FAILURES) as ErrorCode[]) {
    const { status, retryAfterSeconds } = failureOf(code)
    expect([code, retryAfterSeconds !== undefined]).toEqual([code, status === 429 || status === 503])
  }
})

test('a body holds the sentence and the code, and of the cause nothing', () => {
  const problem = new Problem('SERVICE_UNAVAILABLE', 'Come back later', { cause: new Error('password=1 at /srv/x.ts') })
  expect(problemBody(problem)).toEqual({ status: 'error', error: 'Come back later', error_code: 'SERVICE_UNAVAILABLE' })
  expect(problem.retryAfterSeconds).toBe(2)
  expect(problem.status).toBe(503)
})

test('all faults of a request are one problem', () => {
  const problem = invalidParameters([{ field: 'a', location: 'query', message: 'a is required' }], ['a', 'b'])
  expect(problemBody(problem)).toEqual({
    status: 'error',
    error: 'Invalid parameter: a is required',
    error_code: 'INVALID_PARAMETER',
    validation_errors: [{ field: 'a', location: 'query', message: 'a is required' }],
    valid_params: ['a', 'b'],
  })
})
