import { describe, expect, test } from 'vitest'
import { createLog, logOfRequest, type RequestLine, requestLines } from './log.ts'

function linesOf(act: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = []
  act(createLog({ service: 'test', level: 'info', destination: { write: (line) => void lines.push(line) } }))
  return lines.join('')
}

test('a line is one JSON object with service, level as a word and an ISO time', () => {
  const line = JSON.parse(linesOf((log) => log.info({ a: 1 }, 'hello\n{"level":"fatal"}')))
  expect(line).toMatchObject({ service: 'test', level: 'info', a: 1, message: 'hello\n{"level":"fatal"}' })
  expect(line.time).toMatch(/^\d{4}-\d{2}-\d{2}T.*Z$/)
})

test('secrets are removed wherever a header may stand', () => {
  const headers = { 'x-api-key': 'HIDDEN', authorization: 'HIDDEN', cookie: 'HIDDEN', accept: 'text/csv' }
  const text = linesOf((log) => {
    log.info({ headers })
    log.info({ req: { headers } })
    log.info(headers)
    log.info({ request: headers })
    log.info({ a: [{ b: { headers } }] })
    log.error({ err: Object.assign(new Error('failed'), { request: { headers } }) })
    log.info({ key: { secret: 'HIDDEN', api_key: 'HIDDEN', password: 'HIDDEN' } })
    log.info({ signedIn: { accessToken: 'HIDDEN', cookie: 'HIDDEN' }, answer: { access_token: 'HIDDEN' } })
  })
  expect(text).not.toContain('HIDDEN')
  expect(text).toContain('text/csv')
})

test('an error is written whole, with its cause', () => {
  const text = linesOf((log) => log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed'))
  expect(text).toContain('outer')
  expect(text).toContain('inner')
})

describe('the line of a request', () => {
  const LINE: RequestLine = {
    request_id: 'request-1',
    method: 'POST',
    route: '/api/v1/calculate-locate',
    status: 200,
    ms: 1.25,
    client_id: 'desk-one',
    key_id: 'k4Tz91xQ',
    quote_id: '0193577d-1c00-7000-8000-000000000001',
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
    aborted: true,
  }
  const OPTIONAL = ['client_id', 'key_id', 'quote_id', 'trace_id'] as const
  const NOT_SAID = Object.fromEntries(OPTIONAL.map((name) => [name, null]))

  test.each<[string, RequestLine]>([
    ['with everything', LINE],
    ['with what every request has', { ...LINE, ...NOT_SAID, aborted: false }],
  ])('is what the log would write: %s', (_, line) => {
    const { request_id, ...rest } = line
    const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== false))
    const theirs = linesOf((log) => log.child({ request_id }).info(said, 'request'))
    const ours = linesOf((log) => requestLines(log)(line, 'info'))
    const withoutTime = (text: string) => text.replace(/"time":"[^"]+"/, '')
    expect(withoutTime(ours)).toBe(withoutTime(theirs))
    expect(Date.parse(JSON.parse(ours).time)).toBeGreaterThan(Date.now() - 60_000)
  })

  test('is written at its level, as the log is turned', () => {
    const text = linesOf((log) => {
      const write = requestLines(log)
      write(LINE, 'debug')
      log.level = 'debug'
      write({ ...LINE, request_id: 'request-2' }, 'debug')
      log.level = 'warn'
      write(LINE, 'info')
    })
    expect(text.match(/"request_id":"[^"]+"/g)).toEqual(['"request_id":"request-2"'])
  })

  test('keeps no secret that a client put into its id', () => {
    const text = linesOf((log) => requestLines(log)({ ...LINE, request_id: 'bre_0123456789ab_HIDDENHIDDEN' }, 'info'))
    expect(text).not.toContain('HIDDEN')
  })
})

test('the log of a request names it on every line, at every level, and on those of its children', () => {
  const text = linesOf((log) => {
    log.level = 'trace'
    const own = logOfRequest(log, { request_id: 'request-1' })
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
      own[level]({ level_is: level }, 'x')
    own.child({ part: 1 }).info('y')
    expect(own.level).toBe('trace')
  })
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map((line) => line.request_id)).toEqual(Array(7).fill('request-1'))
  expect(lines.slice(0, 6).every((line) => line.level === line.level_is)).toBe(true)
  expect(lines[6]).toMatchObject({ part: 1, message: 'y' })
})
