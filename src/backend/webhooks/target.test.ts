// Targets of webhooks against a name server at the socket: what a name leads to is looked at each time, whole.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FakeDns, startFakeDns } from '../test/fakes/fake-dns.ts'
import { dnsResolver, type Targets, targets } from './target.ts'

let dns: FakeDns
let strict: Targets
let onPremises: Targets
beforeAll(async () => {
  dns = await startFakeDns()
  const resolveHost = dnsResolver([dns.address])
  strict = targets({ allowedNetworks: [], resolveHost })
  onPremises = targets({ allowedNetworks: ['10.0.0.0/8'], resolveHost })
})
afterAll(() => dns.stop())

const addressesOf = async (url: string, where = strict) =>
  (await where.resolve(url))?.addresses.map(({ address }) => address) ?? null

describe('a name', () => {
  test('leads to all its addresses', async () => {
    dns.names.set('hooks.example.com', ['93.184.216.34', '2606:2800:220:1::1'])
    expect(await addressesOf('https://hooks.example.com/a')).toEqual(['93.184.216.34', '2606:2800:220:1::1'])
  })

  test.each([
    ['a private address', ['10.0.0.5']],
    ['loopback', ['127.0.0.1']],
    ['metadata', ['169.254.169.254']],
    ['a private IPv6 address', ['fd00::5']],
    ['an IPv4 address mapped into IPv6', ['::ffff:10.0.0.5']],
    ['one that is public and one that is not', ['93.184.216.34', '10.0.0.5']],
    ['one that is public, and loopback in the other family', ['93.184.216.34', '::1']],
    ['nothing', []],
    ['more addresses than anybody needs', Array.from({ length: 40 }, (_, i) => `93.184.216.${i}`)],
  ])('that leads to %s is refused', async (_what, addresses) => {
    dns.names.set('inside.example.com', addresses)
    expect(await addressesOf('https://inside.example.com/')).toBeNull()
  })

  test('that does not exist is refused, and one whose server is silent within seconds', async () => {
    dns.silent.add('silent.example.com')
    const startedAt = performance.now()
    expect(await addressesOf('https://nowhere.example.com/')).toBeNull()
    expect(await addressesOf('https://silent.example.com/')).toBeNull()
    expect(performance.now() - startedAt).toBeLessThan(9_000)
  }, 10_000)

  test('that leads elsewhere the next time is looked at the next time', async () => {
    dns.names.set('rebinding.example.com', (question) => (question === 0 ? ['93.184.216.34'] : ['127.0.0.1']))
    expect(await addressesOf('https://rebinding.example.com/')).toEqual(['93.184.216.34'])
    expect(await addressesOf('https://rebinding.example.com/')).toBeNull()
  })
})

describe('an address in the URL itself', () => {
  test.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.0.0.1./',
    'https://\uff11\uff12\uff17.0.0.1/',
    'https://127\u3002000\u30020\u30021/',
    'https://0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:10.0.0.1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1:8443/',
  ])('%s is refused', async (url) => {
    expect(strict.faultOf(url)).toBeNull()
    expect(await addressesOf(url)).toBeNull()
  })

  test('is taken when it is public', async () => {
    expect(await addressesOf('https://93.184.216.34:8443/')).toEqual(['93.184.216.34'])
    expect(await addressesOf('https://0x5d.0xb8.0xd8.0x22/')).toEqual(['93.184.216.34'])
  })
})

describe('a URL', () => {
  test.each([
    ['http://hooks.example.com/', 'https'],
    ['ftp://hooks.example.com/', 'https'],
    ['file:///etc/passwd', 'https'],
    ['javascript:alert(1)', 'https'],
    ['hooks.example.com', 'URL'],
    ['https://', 'URL'],
    ['https:// hooks.example.com/', 'URL'],
    ['https://hooks.example.com/\n', 'URL'],
    [`https://hooks.example.com/${'x'.repeat(2000)}`, 'URL'],
    ['https://user@hooks.example.com/', 'user'],
    ['https://user:password@hooks.example.com/', 'user'],
    ['https://hooks.example.com/#part', 'fragment'],
    ['https://hooks.example.com:0/', 'port'],
    [`https://hooks.example.com/bre_${'a'.repeat(12)}_${'b'.repeat(48)}`, 'API key'],
  ])('%s is refused', (url, word) => {
    expect(strict.faultOf(url)).toContain(word)
  })

  test('may be plain HTTP only into networks that the operator names', async () => {
    dns.names.set('bus.internal', ['10.1.2.3'])
    dns.names.set('hooks.example.com', ['93.184.216.34'])
    expect(onPremises.faultOf('http://bus.internal:9000/')).toBeNull()
    expect(await addressesOf('http://bus.internal:9000/', onPremises)).toEqual(['10.1.2.3'])
    expect(await addressesOf('https://bus.internal/', onPremises)).toEqual(['10.1.2.3'])
    expect(await addressesOf('http://hooks.example.com/', onPremises)).toBeNull()
    expect(await addressesOf('https://hooks.example.com/', onPremises)).toEqual(['93.184.216.34'])
    expect(await addressesOf('http://127.0.0.1/', onPremises)).toBeNull()
  })
})
