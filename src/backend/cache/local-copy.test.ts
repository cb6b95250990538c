import { describe, expect, test } from 'vitest'
import { localCopy } from './local-copy.ts'

function counted(seconds: number, load: (key: string) => Promise<{ of: string } | null>) {
  let loads = 0
  const copy = localCopy<{ of: string }>({
    seconds,
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
