import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { createServer } from '../server/server.ts'
import { consoleRoutes } from './console.ts'

const PAGE = '<!doctype html><title>Borrow desk</title>'
const SCRIPT = `console.log('${'rates '.repeat(400)}')`

let folder: string
let app: FastifyInstance

async function appWith(consoleFolder: string | null): Promise<FastifyInstance> {
  const made = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics: createMetrics({ service: 'test', processMetrics: false }),
    health: createHealth({ service: 'test', version: '1' }),
    newRequestId: () => 'request-1',
  })
  consoleRoutes(made, consoleFolder)
  await made.ready()
  return made
}

beforeAll(async () => {
  folder = `${mkdtempSync(join(tmpdir(), 'console-'))}/console/`
  mkdirSync(`${folder}assets`, { recursive: true })
  writeFileSync(join(folder, '..', 'secret.txt'), 'not of the console')
  writeFileSync(`${folder}index.html`, PAGE)
  writeFileSync(`${folder}theme-at-once.js`, '')
  writeFileSync(`${folder}assets/index-abc.js`, SCRIPT)
  writeFileSync(`${folder}assets/index-abc.js.br`, brotliCompressSync(SCRIPT))
  app = await appWith(folder)
})

afterAll(async () => {
  await app.close()
  rmSync(join(folder, '..'), { recursive: true, force: true })
})

test('every screen’s address gives the page, which may load from here alone and is asked for again each time', async () => {
  for (const url of ['/', '/rates', '/record?id=1', '/what-if', '/operations']) {
    const { statusCode, body, headers } = await app.inject(url)
    expect([url, statusCode, body]).toEqual([url, 200, PAGE])
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['cache-control']).toBe('no-cache')
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
    expect(headers['x-frame-options']).toBe('DENY')
  }
})

test('the addresses are those that the console itself knows', async () => {
  const known = readFileSync(new URL('../console/app/router.tsx', import.meta.url), 'utf8')
  const paths = [...known.matchAll(/path: '([^']+)'/g)].map(([, path = '']) => path)
  expect(paths.length).toBeGreaterThan(5)
  for (const path of paths) expect([path, (await app.inject(path)).statusCode]).toEqual([path, 200])
})

test('what it loads is kept for a year, and comes as it was compressed by the build', async () => {
  const plain = await app.inject('/assets/index-abc.js')
  expect(plain.body).toBe(SCRIPT)
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
  expect(plain.headers['content-type']).toContain('javascript')

  const small = await app.inject({ url: '/assets/index-abc.js', headers: { 'accept-encoding': 'gzip, br' } })
  expect(small.headers['content-encoding']).toBe('br')
  expect(small.headers['content-type']).toContain('javascript')
  expect(brotliDecompressSync(small.rawPayload).toString()).toBe(SCRIPT)
})

test('nothing else is there, and nothing outside of the folder', async () => {
  for (const url of [
    '/assets/nothing.js',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/index.html',
    '/assets/',
    '/no-such-screen',
  ]) {
    const { statusCode, body, headers } = await app.inject(url)
    expect([url, statusCode, JSON.parse(body).error_code]).toEqual([url, 404, 'NOT_FOUND'])
    expect(headers['cache-control']).toBe('no-store')
  }
  // A path that is no path is refused before anything is looked for.
  expect((await app.inject('/assets/..%2f..%2fsecret.txt')).statusCode).toBe(400)
  expect((await app.inject({ method: 'POST', url: '/rates' })).statusCode).toBe(405)
})

test('conditions and ranges that do not hold are refused in the shape of every failure', async () => {
  const old = { 'if-unmodified-since': 'Thu, 01 Jan 1998 00:00:00 GMT' }
  for (const [headers, status, code] of [
    [old, 412, 'PRECONDITION_FAILED'],
    [{ 'if-match': '"another"' }, 412, 'PRECONDITION_FAILED'],
    [{ range: 'bytes=999999-' }, 400, 'INVALID_PARAMETER'],
  ] as const) {
    const { statusCode, body } = await app.inject({ url: '/assets/index-abc.js', headers })
    expect([headers, statusCode, JSON.parse(body).error_code]).toEqual([headers, status, code])
  }
})

test('a build without a console has no such addresses', async () => {
  const without = await appWith(null)
  expect((await without.inject('/')).statusCode).toBe(404)
  await without.close()
})
