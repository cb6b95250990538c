// What every answer of the engine keeps, looked at in the words of the contract.
import type { FAILURES } from '../../../server/problem.ts'
import type { Answer } from './engine.ts'

const HEADERS: Readonly<Record<string, RegExp>> = {
  'x-request-id': /^[A-Za-z0-9._-]{8,64}$/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^(DENY|SAMEORIGIN)$/,
  'content-security-policy': /default-src 'none'/,
  'strict-transport-security': /max-age=\d{8}/,
}
const TOO_MUCH = ['server', 'x-powered-by']

/** What is missing or too much among the headers that every answer carries. */
export function headerFaults(headers: Headers): string[] {
  return [
    ...Object.entries(HEADERS)
      .filter(([name, form]) => !form.test(headers.get(name) ?? ''))
      .map(([name]) => `${name} is ${headers.get(name) ?? 'missing'}`),
    ...TOO_MUCH.filter((name) => headers.has(name)).map((name) => `there is a header ${name}`),
  ]
}

/** What is wrong with a refusal: its status, its code, its shape. */
export function refusalFaults(answer: Answer, status: number, code: keyof typeof FAILURES): string[] {
  if (answer.status !== status) return [`HTTP ${answer.status} in place of ${status}`]
  const { status: word, error, error_code, validation_errors } = answer.json
  return [
    ...(word === 'error' ? [] : [`its status is ${word}`]),
    ...(error_code === code ? [] : [`its code is ${error_code}, not ${code}`]),
    ...(typeof error === 'string' && error.length > 10 ? [] : ['it is no sentence']),
    ...(code !== 'INVALID_PARAMETER' || Array.isArray(validation_errors) ? [] : ['it names no field']),
  ]
}
