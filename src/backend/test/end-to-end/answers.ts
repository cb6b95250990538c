// What every answer keeps, whatever was asked: checked wherever an answer is looked at.
import { expect } from 'vitest'
import { FAILURES } from '../../server/problem.ts'
import type { Answer } from './http.ts'

/** The headers that every answer carries, refusals of unreadable connections included. */
export function expectOrdinaryHeaders(headers: Answer['headers']): void {
  expect(headerFaults(headers)).toEqual([])
}

const ORDINARY_HEADERS: Readonly<Record<string, RegExp>> = {
  'x-request-id': /^[A-Za-z0-9._-]{8,64}$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^(DENY|SAMEORIGIN)$/,
  'content-security-policy': /default-src 'none'/,
  'strict-transport-security': /max-age=\d{8}/,
}
const HALF_A_YEAR_SECONDS = 15_768_000

/** What is missing or too much among the headers that every answer carries. */
export function headerFaults(headers: Answer['headers']): string[] {
  const faults = Object.entries(ORDINARY_HEADERS)
    .filter(([name, form]) => !form.test(String(headers[name] ?? '')))
    .map(([name]) => `${name} is ${headers[name]}`)
  const age = /max-age=(\d+)/.exec(String(headers['strict-transport-security']))?.[1]
  if (Number(age) < HALF_A_YEAR_SECONDS) faults.push('strict-transport-security is too short')
  for (const name of ['server', 'x-powered-by']) if (name in headers) faults.push(`there is a header ${name}`)
  return faults
}

/** Words that only the inside of the program has. */
const INSIDE =
  /fastify|fst_|node_modules|\bpg\b|postgres|\bselect .* from\b|\binsert into\b|\.[jt]s\b|\bat [\w.]+ \(|prototype|undefined|\[object|stack|sqlstate|econn|hpe_|[a-z]Error\b/i

const MEMBERS = new Set(['status', 'error', 'error_code', 'details', 'validation_errors', 'valid_params'])
const LOCATIONS = new Set(['body', 'query', 'path', 'header'])

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
  expect(JSON.parse(answer.text)).toMatchObject({ status: 'error', error_code: code })
  expect(failureFaults(answer, sent), answer.text).toEqual([])
}

/** What is wrong with a failure's form, in sentences. */
export function failureFaults(answer: Pick<Answer, 'status' | 'text'>, sent: readonly string[] = []): string[] {
  const body = bodyOf(answer.text)
  if (body === null) return ['it is no JSON object']
  const failure = (FAILURES as Readonly<Record<string, { readonly status: number }>>)[String(body.error_code)]
  const sentence = String(body.error)
  return [
    ...(body.status === 'error' ? [] : ['its status is not error']),
    ...(failure?.status === answer.status ? [] : [`${body.error_code} under ${answer.status}`]),
    ...Object.keys(body)
      .filter((name) => !MEMBERS.has(name))
      .map((name) => `there is a member ${name}`),
    ...(sentence.length > 10 ? [] : ['it is no sentence']),
    ...(INSIDE.test(answer.text) ? [`it names the inside: ${INSIDE.exec(answer.text)?.[0]}`] : []),
    ...sent.filter((part) => answer.text.includes(part)).map((part) => `it repeats ${part}`),
    ...(body.error_code === 'INVALID_PARAMETER' ? faultsOfParameters(sentence, body.validation_errors) : []),
  ]
}

function bodyOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function faultsOfParameters(sentence: string, named: unknown): string[] {
  const faults = (Array.isArray(named) ? named : []) as { field?: string; location?: string; message?: string }[]
  return [
    ...(sentence.startsWith('Invalid parameter') ? [] : ['its sentence does not begin with Invalid parameter']),
    ...(faults.length > 0 ? [] : ['it names no field']),
    ...faults.flatMap(({ field, location, message }) => [
      ...(field && sentence.includes(field) ? [] : [`its sentence does not name ${field}`]),
      ...(LOCATIONS.has(location ?? '') ? [] : [`${location} is no place`]),
      ...(message ? [] : [`nothing is said of ${field}`]),
    ]),
  ]
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
  'bad credentials keep coming from this address, and are slowed',
  'an old cookie of a session came back: the session has ended for all who hold one',
  'the log level changes',
  'the log level is that of the settings again',
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
