// A delivery as a receiver has it, against what the engine signs, and against the published test of the specification.
import { describe, expect, test } from 'vitest'
import { newWebhookSecret, signatureHeaders } from '../webhooks/signature.ts'
import { verifyWebhook, WebhookSignatureError } from './webhook-signature.ts'

const AT = new Date('2026-11-24T12:00:00.750Z')
const BODY =
  '{"id":"e-1","type":"batch_done","created_at":"2026-11-24T12:00:00Z","data":{"lines":2,"total_fee":456.50,"note":"ü"}}'
const secret = newWebhookSecret()
const headers = signatureHeaders([secret], { id: 'e-1', at: AT, body: BODY })
const check = (change: Partial<Parameters<typeof verifyWebhook>[0]> = {}) =>
  verifyWebhook({ headers, body: BODY, secrets: [secret], now: AT, ...change })

describe('a delivery of the engine', () => {
  test('is believed, and read without losing a digit', async () => {
    expect(await check()).toMatchObject({ id: 'e-1', type: 'batch_done', data: { lines: 2, total_fee: '456.50' } })
  })

  test('is believed as bytes, and with the headers as any platform has them', async () => {
    await check({ body: new TextEncoder().encode(BODY) })
    await check({ headers: new Headers(headers) })
    await check({ headers: Object.fromEntries(new Headers(headers)) })
  })

  test('is believed by either secret while one takes the place of the other', async () => {
    const next = newWebhookSecret()
    const both = signatureHeaders([next, secret], { id: 'e-1', at: AT, body: BODY })
    for (const secrets of [[secret], [next], [newWebhookSecret(), next]]) await check({ headers: both, secrets })
  })

  test.each<[string, Partial<Parameters<typeof verifyWebhook>[0]>]>([
    ['another body', { body: BODY.replace('456.50', '456.51') }],
    ['another id', { headers: { ...headers, 'webhook-id': 'e-2' } }],
    ['another time', { headers: { ...headers, 'webhook-timestamp': String(Math.floor(AT.getTime() / 1000) + 1) } }],
    ['another secret', { secrets: [newWebhookSecret()] }],
    ['no signature', { headers: { ...headers, 'webhook-signature': '' } }],
    [
      'a signature of another version',
      { headers: { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v2,') } },
    ],
    ['half a signature', { headers: { ...headers, 'webhook-signature': headers['webhook-signature'].slice(0, 20) } }],
    ['a signature that is no base64', { headers: { ...headers, 'webhook-signature': 'v1,***' } }],
    ['a header twice', { headers: { ...headers, 'webhook-signature': [headers['webhook-signature'], 'v1,AA=='] } }],
    ['no headers', { headers: {} }],
    ['a time that is none', { headers: { ...headers, 'webhook-timestamp': 'now' } }],
    ['a time of long ago', { now: new Date(AT.getTime() + 301_000) }],
    ['a time that is to come', { now: new Date(AT.getTime() - 301_000) }],
    ['no secret', { secrets: [] }],
  ])('is not believed with %s', async (_what, change) => {
    await expect(check(change)).rejects.toThrow(WebhookSignatureError)
  })

  test('is believed later by who allows more time', async () => {
    await check({ now: new Date(AT.getTime() + 3_000_000), toleranceSeconds: 3_600 })
  })
})

test('a secret that is none is a mistake of the receiver, and is said to be', async () => {
  await expect(check({ secrets: ['not base64 at all!'] })).rejects.toThrow(TypeError)
})

test('the signature is the one of the Standard Webhooks specification', async () => {
  // The example of its reference implementations.
  const given = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: new Date(1_614_265_330_000), body: '{"test": 2432232314}' }
  const signed = signatureHeaders(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], given)
  expect(signed['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})
