import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { onInvalidation } from './invalidation.ts'
import { type KeepWarm, keepWarm, type WarmSource } from './keep-warm.ts'
import { memoryStore } from './memory-store.ts'

const clock = () => new Date()
const open: KeepWarm[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

/** A data service with three steps of names, and a diary of what it was asked. */
function source(changes: Partial<WarmSource> = {}) {
  const diary: string[] = []
  let version = 'one'
  const warmSource: WarmSource = {
    async warm(after) {
      diary.push(`warm ${after}`)
      return after === null
        ? { last: 'F', names: 500 }
        : after === 'F'
          ? { last: 'P', names: 500 }
          : { last: null, names: 7 }
    },
    hottest: async () => ['GME', 'TSLA'],
    async renew(names) {
      diary.push(`renew ${names.join(' ')}`)
      return 1
    },
    feedsVersion: async () => version,
    ...changes,
  }
  return {
    diary,
    warmSource,
    news: (next: string) => {
      version = next
    },
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(5)
  expect(condition()).toBe(true)
}

function start(warmSource: WarmSource, failures: string[] = []) {
  const store = memoryStore({ clock })
  const warm = keepWarm({ source: warmSource, store, clock, lookEveryMs: 5, onFailure: (work) => failures.push(work) })
  open.push(warm)
  return { store, warm }
}

describe('keeping the cache warm', () => {
  test('walks the whole universe once at the start, step by step, and then leaves it alone', async () => {
    const { warmSource, diary } = source()
    const { warm } = start(warmSource)
    await until(() => warm.stats().renewed > 3)
    expect(diary.filter((line) => line.startsWith('warm'))).toEqual(['warm null', 'warm F', 'warm P'])
    expect(warm.stats()).toMatchObject({ warmed: 1007, walks: 1, announcements: 0, failures: 0, warm: true })
  })

  test('renews the names that are asked for most', async () => {
    const { warmSource, diary } = source()
    const { warm } = start(warmSource)
    await until(() => warm.stats().renewed > 0)
    expect(diary).toContain('renew GME TSLA')
  })

  test('when a feed brought new data walks again, and only then tells everybody to forget', async () => {
    const { warmSource, diary, news } = source()
    const { warm, store } = start(warmSource)
    await until(() => warm.stats().walks === 1)
    const heard: string[] = []
    const nothing = () => {}
    await onInvalidation(store, {
      ticker: nothing,
      broker: nothing,
      model: nothing,
      all: () => heard.push(`forget after ${diary.filter((line) => line.startsWith('warm')).length} steps`),
    })
    await until(() => heard.length === 1)
    heard.length = 0
    news('two')
    await until(() => warm.stats().announcements === 1)
    expect(heard).toEqual(['forget after 6 steps'])
  })

  test('goes on after failures of the data service, and says which work failed', async () => {
    let away = true
    const inner = source()
    const failures: string[] = []
    const { warm } = start(
      {
        ...inner.warmSource,
        feedsVersion: async () => {
          if (away) throw new Error('away')
          return 'one'
        },
      },
      failures,
    )
    await until(() => failures.includes('looking for news'))
    away = false
    await until(() => warm.stats().walks === 1)
    expect(warm.stats().failures).toBeGreaterThan(0)
  })
})
