import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Problem } from '../server/problem.ts'
import { localCopy } from './local-copy.ts'

function counted(seconds: number, load: (key: string) => Promise<{ of: string } | null>, awaySeconds = 60) {
  let loads = 0
  const copy = localCopy<{ of: string }>({
    seconds,
    awaySeconds,
    entriesMax: 10,
    load: (key) => {
      loads += 1
      return load(key)
    },
  })
  return { copy, loads: () => loads }
}

describe('a local copy', () => {
  test('loads a key once for callers that ask at the same time, and not again while it is fresh', async () => {
    const { copy, loads } = counted(60, async (key) => ({ of: key }))
    expect(await Promise.all([copy.get('GME'), copy.get('GME'), copy.get('GME')])).toEqual([
      { of: 'GME' },
      { of: 'GME' },
      { of: 'GME' },
    ])
    await copy.get('GME')
    expect(loads()).toBe(1)
  })

  test('keeps no failure: the next caller loads again', async () => {
    let failing = true
    const { copy, loads } = counted(60, async (key) => {
      if (failing) throw new Error('away')
      return { of: key }
    })
    await expect(copy.get('GME')).rejects.toThrow('away')
    failing = false
    expect(await copy.get('GME')).toEqual({ of: 'GME' })
    expect(loads()).toBe(2)
  })

  test('remembers that a key does not exist', async () => {
    const { copy, loads } = counted(60, async () => null)
    expect(await copy.get('NONE')).toBeNull()
    expect(await copy.get('NONE')).toBeNull()
    expect(loads()).toBe(1)
  })

  test('loads again after its seconds, and after being told to forget', async () => {
    const { copy, loads } = counted(0.02, async (key) => ({ of: key }))
    await copy.get('GME')
    await new Promise((resolve) => setTimeout(resolve, 40))
    await copy.get('GME')
    expect(loads()).toBe(2)
    copy.drop('GME')
    await copy.get('GME')
    copy.drop()
    await copy.get('GME')
    expect(loads()).toBe(4)
  })

  test.each([
    ['the key', 'GME'],
    ['everything', undefined],
  ])('a load that began before %s was dropped is answered, but not kept', async (_, dropped) => {
    const answers: ((value: { of: string }) => void)[] = []
    const { copy, loads } = counted(60, () => new Promise((resolve) => answers.push(resolve)))
    const before = copy.get('GME')
    copy.drop(dropped)
    const after = copy.get('GME')
    answers[0]?.({ of: 'old' })
    expect(await before).toEqual({ of: 'old' })
    answers[1]?.({ of: 'new' })
    expect(await after).toEqual({ of: 'new' })
    expect(await copy.get('GME')).toEqual({ of: 'new' })
    expect(loads()).toBe(2)
  })

  test('a load that is answered late, after a newer one, does not replace it', async () => {
    const answers: ((value: { of: string }) => void)[] = []
    const { copy } = counted(60, () => new Promise((resolve) => answers.push(resolve)))
    const before = copy.get('GME')
    copy.drop('GME')
    const after = copy.get('GME')
    answers[1]?.({ of: 'new' })
    await after
    answers[0]?.({ of: 'old' })
    await before
    expect(await copy.get('GME')).toEqual({ of: 'new' })
  })
})

describe('a copy past its time', () => {
  const AWAY = new Problem('SERVICE_UNAVAILABLE', 'away')
  /** Of 10 ms, with a place that does what is said once the copy has aged. */
  async function aged(then: () => Promise<{ of: string } | null>, awaySeconds?: number) {
    let now = async (): Promise<{ of: string } | null> => ({ of: 'before' })
    const it = counted(0.01, () => now(), awaySeconds)
    await it.copy.get('GME')
    now = then
    await sleep(20)
    return it
  }

  test('serves while the place is away, which is asked once a second meanwhile', async () => {
    const { copy, loads } = await aged(() => Promise.reject(AWAY))
    for (let n = 0; n < 5; n += 1) expect(await copy.get('GME')).toEqual({ of: 'before' })
    expect(loads()).toBe(2)
  })

  test('serves while a store of our own is away', async () => {
    const { copy } = await aged(() => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })))
    expect(await copy.get('GME')).toEqual({ of: 'before' })
  })

  test('serves when the place takes too long, and takes over what comes late', async () => {
    let answer: (value: { of: string }) => void = () => {}
    const { copy } = await aged(() => new Promise((resolve) => (answer = resolve)))
    const began = performance.now()
    expect(await copy.get('GME')).toEqual({ of: 'before' })
    expect(performance.now() - began).toBeLessThan(1_000)
    answer({ of: 'after' })
    await sleep(1)
    expect(await copy.get('GME')).toEqual({ of: 'after' })
  })

  test('gives way to what a place says that answers: a value, none, or a failure of its own', async () => {
    expect(await (await aged(async () => ({ of: 'after' }))).copy.get('GME')).toEqual({ of: 'after' })
    expect(await (await aged(async () => null)).copy.get('GME')).toBeNull()
    await expect((await aged(() => Promise.reject(new Error('damaged')))).copy.get('GME')).rejects.toThrow('damaged')
  })

  test('is gone when it was dropped, and after its minutes', async () => {
    const dropped = await aged(() => Promise.reject(AWAY))
    dropped.copy.drop('GME')
    await expect(dropped.copy.get('GME')).rejects.toThrow('away')
    const old = await aged(() => Promise.reject(AWAY), 0.015)
    await expect(old.copy.get('GME')).rejects.toThrow('away')
  })

  test('that is doubted is asked for first, however long that takes, and serves only while the place is away', async () => {
    let answer: Promise<{ of: string }> = Promise.resolve({ of: 'before' })
    const { copy, loads } = counted(60, () => answer)
    await copy.get('GME')
    copy.doubt()
    answer = sleep(400).then(() => ({ of: 'after' }))
    expect(await copy.get('GME')).toEqual({ of: 'after' })
    copy.doubt()
    answer = Promise.reject(AWAY)
    answer.catch(() => {})
    expect(await copy.get('GME')).toEqual({ of: 'after' })
    expect(loads()).toBe(3)
  })

  test('what was being loaded when doubt came is not kept', async () => {
    const answers: ((value: { of: string }) => void)[] = []
    const { copy } = counted(60, () => new Promise((resolve) => answers.push(resolve)))
    const before = copy.get('GME')
    copy.doubt()
    const after = copy.get('GME')
    answers[0]?.({ of: 'old' })
    answers[1]?.({ of: 'new' })
    expect([await before, await after, await copy.get('GME')]).toEqual([{ of: 'old' }, { of: 'new' }, { of: 'new' }])
  })
})
