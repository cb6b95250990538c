// Who is slowed down and recorded: asked over real connections, since what matters is who speaks and not what he says.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { createServer } from '../server/server.ts'
import { sameSender, senderAddress } from './sender.ts'

describe('an address counts for', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['1:2:3::8', '1:2:3:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
  ])('%s: %s', (address, sender) => expect(sameSender(address)).toBe(sender))
})

describe('the sender is', () => {
  let url: string
  let stop: () => Promise<unknown>
  afterEach(() => stop())

  async function serve(trustedProxies: readonly string[]) {
    const app = await createServer({
      log: createLog({ service: 'test', level: 'fatal' }),
      metrics: createMetrics({ service: 'test', processMetrics: false }),
      health: createHealth({ service: 'test', version: '1' }),
      newRequestId: () => 'request-1',
      trustedProxies,
    })
    app.get('/me', (request) => ({ address: senderAddress(request) }))
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    stop = () => app.close()
  }

  async function senderOf(forwarded: string): Promise<string> {
    const headers = { 'x-forwarded-for': forwarded, 'x-real-ip': '203.0.113.99', forwarded: 'for=203.0.113.99' }
    return ((await (await fetch(`${url}/me`, { headers })).json()) as { address: string }).address
  }

  describe('without trusted proxies', () => {
    beforeEach(() => serve([]))
    test('who is connected, whatever the headers say', async () => {
      expect(await senderOf('203.0.113.7')).toBe('127.0.0.1')
    })
  })

  describe('with proxies that are not those who speak', () => {
    beforeEach(() => serve(['10.0.0.0/8']))
    test('who is connected, whatever the headers say', async () => {
      expect(await senderOf('203.0.113.7')).toBe('127.0.0.1')
      expect(await senderOf('203.0.113.7, 10.0.0.1')).toBe('127.0.0.1')
    })
  })

  describe('behind a trusted proxy', () => {
    beforeEach(() => serve(['127.0.0.1', '10.0.0.0/8']))
    test('the last address that no trusted proxy has: what a client wrote before it is not believed', async () => {
      expect(await senderOf('203.0.113.7')).toBe('203.0.113.7')
      expect(await senderOf('198.51.100.1, 203.0.113.7')).toBe('203.0.113.7')
      expect(await senderOf('198.51.100.1, 203.0.113.7, 10.1.2.3')).toBe('203.0.113.7')
      expect(await senderOf('2001:db8::7')).toBe('2001:db8::7')
    })
    test('who is connected, when what was passed on is no address', async () => {
      expect(await senderOf('not an address')).toBe('127.0.0.1')
      expect(await senderOf('203.0.113.7:4711')).toBe('127.0.0.1')
    })
  })
})
