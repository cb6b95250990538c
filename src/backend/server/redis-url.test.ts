import { describe, expect, test } from 'vitest'
import { readRedisUrl } from './redis-url.ts'

const PLAIN = { cluster: false, tls: false, username: null, password: null, database: 0 }

describe('the address of a Redis', () => {
  test.each([
    ['redis://cache', { ...PLAIN, nodes: [{ host: 'cache', port: 6379 }] }],
    ['redis://10.0.0.7:7000/3', { ...PLAIN, nodes: [{ host: '10.0.0.7', port: 7000 }], database: 3 }],
    ['redis://[::1]:7000/', { ...PLAIN, nodes: [{ host: '::1', port: 7000 }] }],
    ['rediss://:s%40cret@cache', { ...PLAIN, nodes: [{ host: 'cache', port: 6379 }], tls: true, password: 's@cret' }],
    ['redis://engine:x@cache', { ...PLAIN, nodes: [{ host: 'cache', port: 6379 }], username: 'engine', password: 'x' }],
    [
      'rediss+cluster://a:7000,b:7001',
      {
        ...PLAIN,
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
        cluster: true,
        tls: true,
      },
    ],
    ['redis+cluster://one-of-them', { ...PLAIN, nodes: [{ host: 'one-of-them', port: 6379 }], cluster: true }],
  ])('%s', (text, address) => {
    expect(readRedisUrl(text)).toEqual(address)
  })

  test.each([
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://a,b',
    'redis://cache:0',
    'redis://cache:70000',
    'redis://cache/x',
    'redis://a b',
    'redis+cluster://a/1',
    'redis://u:%zz@cache',
    'redis://cache?tls=1',
  ])('%s is none', (text) => {
    expect(readRedisUrl(text)).toBeNull()
  })
})
