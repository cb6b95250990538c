import { describe, expect, test } from 'vitest'
import { reachOf } from './reachable-address.ts'

const reach = reachOf([])

describe('an address is called when anybody on the internet could call it', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.128.0.1', '223.255.255.255', '192.0.1.1'])(
    '%s',
    (address) => expect(reach(address)).toBe('public'),
  )
  test.each(['2606:4700::1111', '2a00:1450:4001::1', '2001:4860:4860::8888', '2003::1'])('%s', (address) =>
    expect(reach(address)).toBe('public'),
  )
})

describe('and never when it is inside', () => {
  test.each([
    ['this host', '0.0.0.0'],
    ['this host', '0.1.2.3'],
    ['private', '10.0.0.1'],
    ['private', '10.255.255.255'],
    ['private', '172.16.0.1'],
    ['private', '172.31.255.254'],
    ['private', '192.168.1.1'],
    ['shared by customers of a provider', '100.64.0.1'],
    ['loopback', '127.0.0.1'],
    ['loopback', '127.255.255.254'],
    ['link-local', '169.254.1.1'],
    ['metadata of AWS, Google, Azure and more', '169.254.169.254'],
    ['credentials of a container in AWS', '169.254.170.2'],
    ['metadata of Alibaba', '100.100.100.200'],
    ['metadata of Oracle', '192.0.0.192'],
    ['the host of a machine in Azure', '168.63.129.16'],
    ['documentation', '192.0.2.1'],
    ['documentation', '198.51.100.7'],
    ['documentation', '203.0.113.9'],
    ['benchmarks', '198.19.0.1'],
    ['multicast', '224.0.0.1'],
    ['multicast', '239.255.255.250'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['nothing', '::'],
    ['loopback', '::1'],
    ['loopback, in full', '0000:0000:0000:0000:0000:0000:0000:0001'],
    ['private', 'fc00::1'],
    ['metadata of AWS', 'fd00:ec2::254'],
    ['private', 'fdff:ffff::1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['documentation', '2001:db8::1'],
    ['documentation', '3fff::1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['6to4 around a private address', '2002:a00:1::1'],
    ['not given out', '4000::1'],
    ['discarded', '100::1'],
    ['segments of a route', '5f00::1'],
    ['loopback, mapped', '::ffff:127.0.0.1'],
    ['loopback, mapped in hexadecimal', '::ffff:7f00:1'],
    ['loopback, mapped in full', '0:0:0:0:0:FFFF:7F00:0001'],
    ['private, mapped', '::ffff:10.0.0.1'],
    ['metadata, mapped', '::ffff:a9fe:a9fe'],
    ['loopback in a form that nobody uses any more', '::127.0.0.1'],
    ['loopback, translated', '::ffff:0:127.0.0.1'],
    ['private, through the translator of the network', '64:ff9b::10.0.0.1'],
    ['this host, through the translator', '64:ff9b::'],
    ['through a translator of the place', '64:ff9b:1::808:808'],
  ])('%s: %s', (_what, address) => expect(reach(address)).toBe('refused'))

  test.each(['', 'localhost', '127.1', '0177.0.0.1', '2130706433', '0x7f000001', '1.2.3.4/8', '[::1]', '1.2.3.4 '])(
    'a text that is no address: %j',
    (text) => expect(reach(text)).toBe('refused'),
  )
})

test('a public address in disguise is that address', () => {
  expect(reach('::ffff:8.8.8.8')).toBe('public')
  expect(reach('64:ff9b::8.8.8.8')).toBe('public')
})

test('what the operator names is allowed, as narrow as it was named', () => {
  const own = reachOf(['10.1.0.0/16', '127.0.0.1', 'fd00:1::/32'])
  expect(['10.1.2.3', '127.0.0.1', '::ffff:10.1.2.3', 'fd00:1::5'].map(own)).toEqual(Array(4).fill('allowed'))
  expect(['10.2.0.1', '127.0.0.2', 'fd00:2::5', '::1'].map(own)).toEqual(Array(4).fill('refused'))
  expect(own('8.8.8.8')).toBe('public')
})
