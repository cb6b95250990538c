// The snippets of docs/webhooks.md, run: what receivers copy from there believes what the engine sends, and nothing else.
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { verifyWebhook } from '../client/webhook-signature.ts'
import { FAILURES_MAX, RETRY_DELAYS_SECONDS, TRIES_MAX } from './delivery.ts'
import { DEAD_DAYS, DELIVERED_DAYS, WAITING_HOURS_MAX } from './letting-go.ts'
import { newWebhookSecret, signatureHeaders } from './signature.ts'

const text = readFileSync(new URL('../../../docs/webhooks.md', import.meta.url), 'utf8')
const snippets = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')

type Check = (headers: object, body: string | Uint8Array, secret: string) => boolean

describe('the check by hand', () => {
  const load = async (): Promise<Check> => {
    const own = snippets.find((snippet) => snippet.includes('isFromTheEngine'))
    const module = await import(`data:text/javascript,${encodeURIComponent(own ?? '')}`)
    return module.isFromTheEngine
  }
  const body = '{"id":"e-1","note":"ü"}'
  const secret = newWebhookSecret()
  const at = new Date()

  test('believes what the engine sends, as text and as bytes, also while the secret is replaced', async () => {
    const isFromTheEngine = await load()
    const headers = signatureHeaders([newWebhookSecret(), secret], { id: 'e-1', at, body })
    expect(isFromTheEngine(headers, body, secret)).toBe(true)
    expect(isFromTheEngine(headers, Buffer.from(body), secret)).toBe(true)
  })

  test('believes nothing else', async () => {
    const isFromTheEngine = await load()
    const headers = signatureHeaders([secret], { id: 'e-1', at, body })
    const old = signatureHeaders([secret], { id: 'e-1', at: new Date(at.getTime() - 600_000), body })
    expect(isFromTheEngine(headers, `${body} `, secret)).toBe(false)
    expect(isFromTheEngine(headers, body, newWebhookSecret())).toBe(false)
    expect(isFromTheEngine({ ...headers, 'webhook-id': 'e-2' }, body, secret)).toBe(false)
    expect(isFromTheEngine(old, body, secret)).toBe(false)
    expect(isFromTheEngine({}, body, secret)).toBe(false)
  })
})

test('the receiver with the typed client takes what the engine sends, and nothing else', async () => {
  const secret = newWebhookSecret()
  const seen: unknown[] = []
  const code = (snippets.find((snippet) => snippet.includes('verifyWebhook')) ?? '').replaceAll(/^import .*$/gm, '')
  const receiver = await startSnippet(code, { WEBHOOK_SECRET: secret }, (...words) => seen.push(words))
  const body = '{"id":"e-1","type":"batch_done","created_at":"2026-11-24T12:00:00Z","data":{"total_fee":456.50}}'
  const headers = signatureHeaders([secret], { id: 'e-1', at: new Date(), body })
  const send = (what: string) =>
    fetch(receiver.url, { method: 'POST', headers, body: what }).then(({ status }) => status)
  expect([await send(body), await send(body.replace('456', '457'))]).toEqual([204, 401])
  expect(seen).toEqual([['batch_done', 'e-1']])
  await receiver.stop()
})

/** Runs a snippet that makes a server and lets it listen; here it does so on a free port of this machine. */
async function startSnippet(code: string, env: object, log: (...words: unknown[]) => void) {
  let server: Server | undefined
  const make = (listener: RequestListener) => {
    server = createServer(listener)
    return { listen: () => server?.listen(0, '127.0.0.1') }
  }
  new Function('createServer', 'verifyWebhook', 'process', 'console', code)(make, verifyWebhook, { env }, { log })
  const listening = server as Server
  await new Promise((resolve) => listening.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    stop: () => {
      listening.closeAllConnections()
      return new Promise((resolve) => listening.close(resolve))
    },
  }
}

test('the figures of the page are those of the program', () => {
  expect(TRIES_MAX).toBe(8)
  expect(RETRY_DELAYS_SECONDS).toEqual([10, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600, 15 * 3600])
  expect([FAILURES_MAX, WAITING_HOURS_MAX, DELIVERED_DAYS, DEAD_DAYS]).toEqual([5, 25, 7, 30])
  expect(text).toContain('10 seconds, 1 minute, 5 minutes, 30 minutes, 2 hours, 6 hours and 15 hours')
  expect(text).toContain(`what could not be\ndelivered for ${WAITING_HOURS_MAX} hours`)
})
