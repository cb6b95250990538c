// What every answer keeps, whatever was asked: checked wherever an answer is looked at.
import { expect } from 'vitest'
import { FAILURES } from '../../server/problem.ts'
import type { Answer } from './http.ts'

/** The headers that every answer carries, refusals of unreadable connections included. */
export function expectOrdinaryHeaders(headers: Answer['headers']): void {
  expect(headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{8,64}$/)
  expect(headers['x-content-type-options']).toBe('nosniff')
  expect(headers['x-frame-options']).toMatch(/^(DENY|SAMEORIGIN)$/)
  expect(headers['content-security-policy']).toContain("default-src 'none'")
  const age = /max-age=(\d+)/.exec(String(headers['strict-transport-security']))?.[1]
  expect(Number(age)).toBeGreaterThanOrEqual(15_768_000)
  expect(headers).not.toHaveProperty('server')
  expect(headers).not.toHaveProperty('x-powered-by')
}

/** Words that only the inside of the program has. */
const INSIDE =
  /fastify|fst_|node_modules|\bpg\b|postgres|\bselect .* from\b|\binsert into\b|\.[jt]s\b|\bat [\w.]+ \(|prototype|undefined|\[object|stack|sqlstate|econn|hpe_|[a-z]Error\b/i

const MEMBERS = new Set(['status', 'error', 'error_code', 'details', 'validation_errors', 'valid_params'])

/**
 * A failure in the one shape: a known code under its status, a sentence, nothing of the inside, nothing of what was sent.
 * @param text the body as it came
 * @param sent what must not come back
 */
export function expectFailure(
  answer: Pick<Answer, 'status' | 'text'>,
  code: keyof typeof FAILURES,
  sent: readonly string[] = [],
): void {
  const body = JSON.parse(answer.text) as Record<string, unknown>
  expect(body).toMatchObject({ status: 'error', error_code: code })
  expect(answer.status).toBe(FAILURES[code].status)
  expect(Object.keys(body).filter((name) => !MEMBERS.has(name))).toEqual([])
  expect(String(body.error).length).toBeGreaterThan(10)
  expect(answer.text).not.toMatch(INSIDE)
  for (const part of sent) expect(answer.text).not.toContain(part)
  if (code !== 'INVALID_PARAMETER') return
  expect(body.error).toMatch(/^Invalid parameter/)
  const faults = body.validation_errors as readonly { field: string; location: string; message: string }[]
  expect(faults.length).toBeGreaterThan(0)
  for (const { field, location, message } of faults) {
    expect(body.error).toContain(field)
    expect(['body', 'query', 'path', 'header']).toContain(location)
    expect(message).toBeTruthy()
  }
}

/** What a log line may say when nobody but clients did something wrong. */
const ORDINARY_LINES = new Set([
  'request',
  'connection refused',
  'listening',
  'the private door is open',
  'Redis is connected',
  'a head of the chain was exported',
  'the audit log has more months',
  'migrated',
  'bad credentials keep coming from this address',
  'draining',
  'stopped',
])

/**
 * The log of a process that only clients have bothered: lines of the start, a line a request, nothing else. No stack, no
 * secret, nothing of what was sent.
 */
export function expectQuietLog(
  deployed: { logLines(): readonly string[]; readonly keys: object },
  sent: readonly string[],
): void {
  const lines = deployed.logLines().filter((line) => line.startsWith('{'))
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines) {
    const { level, message, status } = JSON.parse(line) as { level: string; message: string; status?: number }
    const ordinary = ORDINARY_LINES.has(message) || message.startsWith('Server listening at ')
    expect(ordinary && ['info', 'warn'].includes(level) && (status ?? 0) < 500, line).toBe(true)
  }
  const text = lines.join('\n')
  expect(text).not.toMatch(/stack|node_modules|password/)
  for (const key of Object.values(deployed.keys) as string[]) expect(text).not.toContain(key.split('_')[2])
  for (const part of sent) expect(text).not.toContain(part)
}
