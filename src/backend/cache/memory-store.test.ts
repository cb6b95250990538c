import { describe, expect, test } from 'vitest'
import { cacheStoreContract } from '../test/store-contract.ts'
import { memoryStore } from './memory-store.ts'

const clock = () => new Date()

describe('a store in memory', () => {
  const store = memoryStore({ clock })
  cacheStoreContract(() => store)

  test('has a limit: the least recently used leave first', async () => {
    const small = memoryStore({ clock, entriesMax: 2 })
    for (const key of ['a', 'b']) await small.set(key, 'x', 60)
    await small.get('a')
    await small.set('c', 'x', 60)
    expect(await small.getMany(['a', 'b', 'c'])).toEqual(['x', null, 'x'])
  })
})
