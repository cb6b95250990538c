import { expect, test } from 'vitest'
import { createLog } from './log.ts'

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
