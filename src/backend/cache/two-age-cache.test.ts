import { describe, expect, test } from 'vitest'
import { type CacheStore, StoreUnavailable } from './cache-store.ts'
import { memoryStore } from './memory-store.ts'
import { type Codec, type TwoAgeOptions, twoAgeCache } from './two-age-cache.ts'

interface Rate {
  readonly rate: string
}

const CODEC: Codec<Rate> = { write: ({ rate }) => rate, read: (text) => ({ rate: refusingEmpty(text) }) }

function refusingEmpty(text: string): string {
  if (text === '') throw new Error('empty')
  return text
}

/** A cache on a fixed day: fresh for 300 s, stale for an hour, no chance in it. */
function desk(options: Partial<TwoAgeOptions<Rate>> & { wrap?: (store: CacheStore) => CacheStore } = {}) {
  let nowMs = Date.parse('2026-03-02T14:30:00Z')
  const clock = () => new Date(nowMs)
  const store = memoryStore({ clock })
  const cache = twoAgeCache<Rate>({
    store: options.wrap?.(store) ?? store,
    name: 'lender',
    codec: CODEC,
    freshSeconds: 300,
    staleSeconds: 3600,
    announces: 'ticker',
    clock,
    random: () => 0,
    ...options,
  })
  const loads: string[] = []
  return {
    store,
    cache,
    loads,
    pass: (seconds: number) => {
      nowMs += seconds * 1000
    },
    /** A load that answers at once. */
    answer: (rate: string | null) => async () => {
      loads.push(String(rate))
      return rate === null ? null : { rate }
    },
  }
}

/** A load that answers when it is told to. */
function held() {
  let settle: { resolve(rate: string): void; reject(error: Error): void } = { resolve: () => {}, reject: () => {} }
  let asked = 0
  const promise = new Promise<Rate>((resolve, reject) => {
    settle = { resolve: (rate) => resolve({ rate }), reject }
  })
  const load = () => {
    asked += 1
    return promise
  }
  return {
    load,
    asked: () => asked,
    resolve: (rate: string) => settle.resolve(rate),
    reject: (e: Error) => settle.reject(e),
  }
}

/** Everything that is under way in this process comes to an end. */
const quiet = () => new Promise((resolve) => setTimeout(resolve, 2))

describe('the two ages', () => {
  test('a fresh copy is used without a load', async () => {
    const { cache, answer, loads, pass } = desk()
    await cache.get('GME', answer('0.19'))
    pass(299)
    expect(await cache.get('GME', answer('0.20'))).toEqual({ rate: '0.19' })
    expect(loads).toEqual(['0.19'])
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, staleHits: 0 })
  })

  test('a stale copy is used at once, and renewed behind the back of the caller', async () => {
    const { cache, answer, pass } = desk()
    await cache.get('GME', answer('0.19'))
    pass(300)
    const renewal = held()
    expect(await cache.get('GME', renewal.load)).toEqual({ rate: '0.19' })
    renewal.resolve('0.20')
    await quiet()
    expect(await cache.get('GME', answer('never'))).toEqual({ rate: '0.20' })
    expect(cache.stats()).toMatchObject({ hits: 1, staleHits: 1, misses: 1, renewals: 1 })
  })

  test('a copy past its second age does not exist: the caller waits', async () => {
    const { cache, answer, pass } = desk()
    await cache.get('GME', answer('0.19'))
    pass(3600)
    expect(await cache.get('GME', answer('0.21'))).toEqual({ rate: '0.21' })
  })

  test('many callers of a stale copy cause one renewal', async () => {
    const { cache, answer, pass } = desk()
    await cache.get('GME', answer('0.19'))
    pass(400)
    const renewal = held()
    await Promise.all(Array.from({ length: 20 }, () => cache.get('GME', renewal.load)))
    expect(renewal.asked()).toBe(1)
    renewal.resolve('0.20')
  })

  test('a renewal that fails is told to the log, costs no caller anything, and is not repeated within a second', async () => {
    const failures: unknown[] = []
    const { cache, answer, pass } = desk({ onRenewalFailure: (keys, error) => failures.push([keys, error]) })
    await cache.get('GME', answer('0.19'))
    pass(400)
    let asked = 0
    const away = async () => {
      asked += 1
      throw new Error('feed away')
    }
    for (let i = 0; i < 3; i += 1) {
      expect(await cache.get('GME', away)).toEqual({ rate: '0.19' })
      await quiet()
    }
    expect(asked).toBe(1)
    expect(failures).toEqual([[['GME'], new Error('feed away')]])
    pass(1)
    await cache.get('GME', away)
    await quiet()
    expect(asked).toBe(2)
    expect(cache.stats()).toMatchObject({ renewals: 2, renewalFailures: 2, staleHits: 4 })
  })

  test('renewals are limited; what is left over waits for a later caller', async () => {
    const { cache, answer, pass } = desk({ renewalsMax: 2 })
    for (const ticker of ['AMC', 'BYND', 'GME']) await cache.get(ticker, answer('0.19'))
    pass(400)
    const renewal = held()
    for (const ticker of ['AMC', 'BYND', 'GME']) await cache.get(ticker, renewal.load)
    await quiet()
    expect(renewal.asked()).toBe(2)
    expect(cache.stats()).toMatchObject({ renewals: 2, renewalsSkipped: 1 })
    renewal.resolve('0.20')
    await quiet()
    await cache.get('GME', renewal.load)
    await quiet()
    expect(renewal.asked()).toBe(3)
  })

  test('keys written together do not age together, and none gets older than it may', async () => {
    const chances = [0, 0.5, 0.999]
    const { cache, answer, pass } = desk({ random: () => chances.shift() ?? 0 })
    for (const ticker of ['AMC', 'BYND', 'GME']) await cache.get(ticker, answer('0.19'))
    const stale = async () => {
      const before = cache.stats().staleHits
      for (const ticker of ['AMC', 'BYND', 'GME']) await cache.get(ticker, () => new Promise(() => {}))
      return cache.stats().staleHits - before
    }
    expect(await stale()).toBe(0)
    pass(271)
    expect(await stale()).toBe(1)
    pass(15)
    expect(await stale()).toBe(2)
    pass(14)
    expect(await stale()).toBe(3)
  })
})

describe('loads', () => {
  test('callers of the same missing key share one load', async () => {
    const { cache } = desk()
    const load = held()
    const callers = Promise.all([cache.get('GME', load.load), cache.get('GME', load.load), cache.get('GME', load.load)])
    await quiet()
    const late = cache.get('GME', load.load)
    load.resolve('0.19')
    expect(await callers).toEqual([{ rate: '0.19' }, { rate: '0.19' }, { rate: '0.19' }])
    expect(await late).toEqual({ rate: '0.19' })
    expect(load.asked()).toBe(1)
  })

  test('a failed load fails for all who wait for it, and is not kept', async () => {
    const { cache, answer } = desk()
    const load = held()
    const callers = Promise.allSettled([cache.get('GME', load.load), cache.get('GME', load.load)])
    load.reject(new Error('database away'))
    expect((await callers).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await cache.get('GME', answer('0.19'))).toEqual({ rate: '0.19' })
  })

  test('a load that throws before it promises anything fails like any other', async () => {
    const { cache, answer } = desk()
    const thrower = () => {
      throw new Error('at once')
    }
    await expect(cache.get('GME', thrower)).rejects.toThrow('at once')
    await expect(cache.getMany(['GME', 'AMC'], thrower)).rejects.toThrow('at once')
    expect(await cache.get('GME', answer('0.19'))).toEqual({ rate: '0.19' })
  })

  test('that a key does not exist is believed for some seconds', async () => {
    const { cache, answer, loads, pass } = desk()
    expect(await cache.get('NONE', answer(null))).toBeNull()
    pass(4)
    expect(await cache.get('NONE', answer('0.5'))).toBeNull()
    pass(1)
    expect(await cache.get('NONE', answer('0.5'))).toEqual({ rate: '0.5' })
    expect(loads).toEqual(['null', '0.5'])
  })

  test('a text that cannot be read is a miss', async () => {
    const { cache, answer, store } = desk()
    for (const text of ['', 'v0 1 2 +\n0.19', 'v1 9999999999999 9999999999999 +\n', 'v1 9999999999999 +\n0.19']) {
      await store.set('lender:GME', text, 60)
      expect(await cache.get('GME', answer('0.21'))).toEqual({ rate: '0.21' })
      await quiet()
    }
    expect(cache.stats()).toMatchObject({ unreadable: 4, misses: 4 })
  })
})

describe('several keys', () => {
  test('only what is missing is loaded, each once, and the answers have the order of the question', async () => {
    const { cache, answer } = desk()
    await cache.get('AMC', answer('0.19'))
    const asked: string[][] = []
    const loadMany = async (missing: readonly string[]) => {
      asked.push([...missing])
      return missing.map((ticker) => (ticker === 'NONE' ? null : { rate: `of ${ticker}` }))
    }
    expect(await cache.getMany(['GME', 'AMC', 'NONE', 'GME'], loadMany)).toEqual([
      { rate: 'of GME' },
      { rate: '0.19' },
      null,
      { rate: 'of GME' },
    ])
    expect(asked).toEqual([['GME', 'NONE']])
    await quiet()
    await cache.getMany(['GME', 'AMC', 'NONE'], loadMany)
    expect(asked).toHaveLength(1)
  })

  test('stale ones are renewed by one question, and a key that somebody loads is waited for', async () => {
    const { cache, pass } = desk()
    const asked: string[][] = []
    const loadMany = async (missing: readonly string[]) => {
      asked.push([...missing])
      return missing.map((ticker) => ({ rate: `of ${ticker}, ${asked.length}` }))
    }
    await cache.getMany(['AMC', 'BYND'], loadMany)
    pass(400)
    const load = held()
    const single = cache.get('GME', load.load)
    await quiet()
    const several = cache.getMany(['AMC', 'BYND', 'GME'], loadMany)
    await quiet()
    load.resolve('0.3')
    expect(await several).toEqual([{ rate: 'of AMC, 1' }, { rate: 'of BYND, 1' }, { rate: '0.3' }])
    expect(await single).toEqual({ rate: '0.3' })
    expect(asked).toEqual([
      ['AMC', 'BYND'],
      ['AMC', 'BYND'],
    ])
  })

  test('none is none, and an answer of another length is an error, not a price', async () => {
    const { cache } = desk()
    expect(await cache.getMany([], async () => [])).toEqual([])
    await expect(cache.getMany(['GME', 'AMC'], async () => [{ rate: '0.19' }])).rejects.toThrow(
      'lender: 1 values for 2 keys were loaded',
    )
  })
})

describe('changes at the source', () => {
  test('a dropped key is loaded anew', async () => {
    const { cache, answer } = desk()
    await cache.get('GME', answer('0.19'))
    await cache.drop(['GME'])
    expect(await cache.get('GME', answer('0.25'))).toEqual({ rate: '0.25' })
  })

  test('a load that began before the drop does not bring the old value back, nor serve those who ask after it', async () => {
    const { cache, answer } = desk()
    const old = held()
    const before = cache.get('GME', old.load)
    await quiet()
    await cache.drop(['GME'])
    expect(await cache.get('GME', answer('new'))).toEqual({ rate: 'new' })
    old.resolve('old')
    expect(await before).toEqual({ rate: 'old' })
    await quiet()
    expect(await cache.get('GME', answer('never'))).toEqual({ rate: 'new' })
  })

  test('neither does a renewal, nor a load of several keys', async () => {
    const { cache, answer, pass } = desk()
    await cache.get('GME', answer('0.19'))
    pass(400)
    const renewal = held()
    await cache.get('GME', renewal.load)
    const several = cache.getMany(['AMC'], async (missing) => [
      await renewal.load(),
      ...missing.slice(1).map(() => null),
    ])
    await quiet()
    await cache.drop(['GME', 'AMC'])
    renewal.resolve('old')
    await several
    await quiet()
    expect(await cache.get('GME', answer('new'))).toEqual({ rate: 'new' })
    expect(await cache.get('AMC', answer('new'))).toEqual({ rate: 'new' })
  })

  test('what is put stays, whatever was being loaded', async () => {
    const { cache, answer } = desk()
    const old = held()
    const before = cache.get('GME', old.load)
    await quiet()
    await cache.put('GME', { rate: 'put' })
    old.resolve('old')
    await before
    await quiet()
    expect(await cache.get('GME', answer('never'))).toEqual({ rate: 'put' })
  })

  test('many are put with one command', async () => {
    const commands: string[] = []
    const { cache, answer } = desk({
      wrap: (store) => ({
        ...store,
        set: async () => void commands.push('set'),
        setMany: (entries) => {
          commands.push(`setMany of ${entries.length}`)
          return store.setMany(entries)
        },
      }),
    })
    await cache.putMany(['GME', 'AMC', 'BB'].map((key) => ({ key, value: { rate: key } })))
    expect(commands).toEqual(['setMany of 3'])
    expect(await cache.get('AMC', answer('never'))).toEqual({ rate: 'AMC' })
  })

  test('a drop elsewhere outdates what is being loaded here, and what was just written', async () => {
    const { cache, answer, store } = desk()
    const old = held()
    const before = cache.get('GME', old.load)
    await cache.get('AMC', answer('old'))
    await quiet()
    cache.forget(['GME', 'AMC'])
    old.resolve('old')
    await before
    await quiet()
    expect(await store.getMany(['lender:GME', 'lender:AMC'])).toEqual([null, null])
  })

  test('copies that are no news stay in the store when everything is forgotten here', async () => {
    const { cache, answer } = desk()
    await cache.get('AMC', answer('0.19'))
    cache.forget(null)
    expect(await cache.get('AMC', answer('never'))).toEqual({ rate: '0.19' })
  })
})

describe('a store that is away', () => {
  function breakable() {
    let away = false
    const fail = async <T>(call: () => Promise<T>): Promise<T> => {
      if (away) throw new StoreUnavailable('away')
      return await call()
    }
    const wrap = (store: CacheStore): CacheStore => ({
      ...store,
      get: (key) => fail(() => store.get(key)),
      getMany: (keys) => fail(() => store.getMany(keys)),
      set: (key, value, expireSeconds) => fail(() => store.set(key, value, expireSeconds)),
      setMany: (entries) => fail(() => store.setMany(entries)),
      delete: (keys) => fail(() => store.delete(keys)),
      publish: (channel, message) => fail(() => store.publish(channel, message)),
    })
    return {
      wrap,
      away: (now: boolean) => {
        away = now
      },
    }
  }

  test('is a miss that is counted, never an error', async () => {
    const { wrap, away } = breakable()
    const { cache, answer } = desk({ wrap })
    away(true)
    expect(await cache.get('GME', answer('0.19'))).toEqual({ rate: '0.19' })
    expect(await cache.getMany(['GME', 'AMC'], async () => [{ rate: '1' }, null])).toEqual([{ rate: '1' }, null])
    await cache.put('GME', { rate: '0.2' })
    await cache.drop(['GME'])
    await quiet()
    expect(cache.stats()).toMatchObject({ misses: 3, hits: 0, failures: 6 })
  })

  test('does not come back with what was dropped while it was away, and the others hear of it late but surely', async () => {
    const { wrap, away } = breakable()
    const { cache, answer, store } = desk({ wrap })
    const heard: string[] = []
    await store.subscribe(
      'invalidation',
      (message) => heard.push(message),
      () => {},
    )
    await cache.get('GME', answer('old'))
    away(true)
    await cache.drop(['GME'])
    away(false)
    expect(cache.stats().dropsOwed).toBe(1)
    expect(await store.get('lender:GME')).not.toBeNull()
    expect(await cache.get('GME', answer('new'))).toEqual({ rate: 'new' })
    await expect.poll(() => cache.stats().dropsOwed, { timeout: 3000 }).toBe(0)
    expect(await store.get('lender:GME')).toBeNull()
    await quiet()
    expect(heard).toEqual(['{"kind":"ticker","keys":["GME"]}'])
  })
})
