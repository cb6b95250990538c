// What every cache store does, whatever is behind it.
import { expect, test } from 'vitest'
import type { CacheStore } from '../cache/cache-store.ts'
import { until } from './until.ts'

const PATIENCE_MS = 5_000

/** Registers the tests. The store is asked for in each of them, so that it may be made in a beforeAll. */
export function cacheStoreContract(store: () => CacheStore): void {
  test('gives back what was set, and null for what was not', async () => {
    await store().set('contract:one', 'päng \u{1F680}\n', 60)
    expect(await store().get('contract:one')).toBe('päng \u{1F680}\n')
    expect(await store().get('contract:none')).toBeNull()
  })

  test('several keys come back in their order, those that are missing as null and those asked for twice twice', async () => {
    const keys = Array.from({ length: 1200 }, (_, index) => `contract:many:${index}`)
    await store().setMany(keys.map((key, index) => ({ key, value: `of ${index}`, expireSeconds: 60 })))
    expect(await store().getMany(keys)).toEqual(keys.map((_, index) => `of ${index}`))
    const asked = ['contract:many:7', 'contract:none', 'contract:many:3', 'contract:many:7']
    expect(await store().getMany(asked)).toEqual(['of 7', null, 'of 3', 'of 7'])
    expect(await store().getMany([])).toEqual([])
    await store().setMany([])
  })

  test('keys with a hash tag are keys like others', async () => {
    const keys = ['{contract}:a', '{contract}:b', 'contract:{', 'contract:{}:x']
    await store().setMany(keys.map((key) => ({ key, value: `of ${key}`, expireSeconds: 60 })))
    expect(await store().getMany(keys)).toEqual(keys.map((key) => `of ${key}`))
  })

  test('a value leaves after its seconds', async () => {
    await store().set('contract:short', 'soon gone', 1)
    await until('the value has left', PATIENCE_MS, async () => (await store().get('contract:short')) === null)
  })

  test('a set replaces, a delete removes several, and deleting nothing is fine', async () => {
    await store().setMany(['a', 'b', 'c'].map((key) => ({ key: `contract:${key}`, value: 'old', expireSeconds: 60 })))
    await store().set('contract:a', 'new', 60)
    await store().delete(['contract:b', 'contract:c', 'contract:none'])
    await store().delete([])
    expect(await store().getMany(['contract:a', 'contract:b', 'contract:c'])).toEqual(['new', null, null])
  })

  test('a listener is told when it is connected, and hears what is said in its channel from then on, our own words too', async () => {
    const heard: string[] = []
    let connections = 0
    const stop = await store().subscribe(
      'contract-news',
      (message) => heard.push(message),
      () => {
        connections += 1
      },
    )
    await until('it is connected', PATIENCE_MS, () => connections === 1)
    await store().publish('contract-news', 'one')
    await store().publish('contract-other', 'not for us')
    await store().publish('contract-news', 'two')
    await until('both were heard', PATIENCE_MS, () => heard.length === 2)
    expect(heard.toSorted()).toEqual(['one', 'two'])
    await stop()
    await store().publish('contract-news', 'three')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heard).toHaveLength(2)
    expect(connections).toBe(1)
  })

  test('several listen to one channel, each is told that it is connected, and one stopping does not stop the others', async () => {
    const heard: string[] = []
    let connected = 0
    const listen = (name: string) =>
      store().subscribe(
        'contract-shared',
        (message) => heard.push(`${name} ${message}`),
        () => {
          connected += 1
        },
      )
    const stops = [await listen('first')]
    await until('the first is connected', PATIENCE_MS, () => connected === 1)
    stops.push(await listen('second'))
    await until('the second is connected', PATIENCE_MS, () => connected === 2)
    await store().publish('contract-shared', 'hello')
    await until('both heard it', PATIENCE_MS, () => heard.length === 2)
    await stops[0]?.()
    await store().publish('contract-shared', 'again')
    await until('the other heard it', PATIENCE_MS, () => heard.length === 3)
    expect(heard.toSorted()).toEqual(['first hello', 'second again', 'second hello'])
    await stops[1]?.()
  })

  test('says that it is connected, and that nothing failed', () => {
    expect(store().state()).toEqual({ connected: true, breaker: 'closed', failures: 0 })
  })
}
