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
})
