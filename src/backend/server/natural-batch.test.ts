import { describe, expect, test } from 'vitest'
import { naturalBatch, type Outcome } from './natural-batch.ts'

/** A batcher whose batches leave when the test says so. */
function held(limits: { lanes: number; batchMax: number; queueMax: number }) {
  const sent: {
    items: readonly number[]
    arrive: (outcomes?: Outcome<number>[]) => void
    lose: (error: Error) => void
  }[] = []
  const batch = naturalBatch<number, number>({
    ...limits,
    send: (items) =>
      new Promise((resolve, reject) => {
        sent.push({
          items,
          arrive: (outcomes = items.map((item) => ({ ok: true, value: item * 10 }))) => resolve(outcomes),
          lose: reject,
        })
      }),
    refuse: (reason) => new Error(reason),
  })
  return { sent, batch }
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('natural batching', () => {
  test('a lone item leaves at once, and what arrives while the lane is busy shares the next batch', async () => {
    const { sent, batch } = held({ lanes: 1, batchMax: 100, queueMax: 100 })
    const first = batch.add(1)
    await turn()
    const rest = [2, 3, 4].map((item) => batch.add(item))
    await turn()
    expect(sent.map(({ items }) => items)).toEqual([[1]])
    expect(batch.load()).toEqual({ queued: 3, inFlight: 1 })
    sent[0]!.arrive()
    expect(await first).toBe(10)
    await turn()
    expect(sent[1]!.items).toEqual([2, 3, 4])
    sent[1]!.arrive()
    expect(await Promise.all(rest)).toEqual([20, 30, 40])
  })

  test('no batch is larger than its bound and no more travel at once than there are lanes', async () => {
    const { sent, batch } = held({ lanes: 2, batchMax: 2, queueMax: 100 })
    const all = [1, 2, 3, 4, 5].map((item) => batch.add(item))
    await turn()
    expect(sent.map(({ items }) => items)).toEqual([
      [1, 2],
      [3, 4],
    ])
    for (const { arrive } of sent) arrive()
    await turn()
    sent[2]!.arrive()
    expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50])
  })

  test('an item beyond the bound of the queue is refused, those before it are not', async () => {
    const { sent, batch } = held({ lanes: 1, batchMax: 1, queueMax: 1 })
    const first = batch.add(1)
    await turn()
    const second = batch.add(2)
    await expect(batch.add(3)).rejects.toThrow('full')
    sent[0]!.arrive()
    await turn()
    sent[1]!.arrive()
    expect(await Promise.all([first, second])).toEqual([10, 20])
  })

  test('each item has its own outcome, and a lost batch fails its own items only', async () => {
    const { sent, batch } = held({ lanes: 1, batchMax: 2, queueMax: 100 })
    const results = Promise.allSettled([1, 2, 3, 4, 5].map((item) => batch.add(item)))
    await turn()
    sent[0]!.arrive([
      { ok: true, value: 10 },
      { ok: false, error: new Error('bad') },
    ])
    await turn()
    sent[1]!.lose(new Error('lost'))
    await turn()
    sent[2]!.arrive()
    const settled = await results
    expect(settled.map((r) => (r.status === 'fulfilled' ? r.value : (r.reason as Error).message))).toEqual([
      10,
      'bad',
      'lost',
      'lost',
      50,
    ])
  })

  test('items that are added together are told together, each with its own outcome, also those that are not taken', async () => {
    const { sent, batch } = held({ lanes: 1, batchMax: 2, queueMax: 3 })
    const together = batch.addAll([1, 2, 3, 4])
    await turn()
    expect(sent.map(({ items }) => items)).toEqual([[1, 2]])
    sent[0]!.arrive([
      { ok: false, error: new Error('bad') },
      { ok: true, value: 20 },
    ])
    await turn()
    sent[1]!.arrive()
    expect(await together).toEqual([
      { ok: false, error: new Error('bad') },
      { ok: true, value: 20 },
      { ok: true, value: 30 },
      { ok: false, error: new Error('full') },
    ])
    expect(await batch.addAll([])).toEqual([])
    await batch.close()
    expect(await batch.addAll([5])).toEqual([{ ok: false, error: new Error('closed') }])
  })

  test('closing waits for everything taken, and takes nothing more', async () => {
    const { sent, batch } = held({ lanes: 1, batchMax: 1, queueMax: 10 })
    const taken = [batch.add(1), batch.add(2)]
    await turn()
    let closed = false
    const closing = batch.close().then(() => {
      closed = true
    })
    await expect(batch.add(3)).rejects.toThrow('closed')
    sent[0]!.arrive()
    await turn()
    expect(closed).toBe(false)
    sent[1]!.arrive()
    await closing
    expect(await Promise.all(taken)).toEqual([10, 20])
    await batch.close()
  })
})

describe('items that are settled one by one', () => {
  test('resolve as they finish, and a slow one keeps neither its neighbours nor the lane', async () => {
    const slow: ((value: string) => void)[] = []
    const sent: string[][] = []
    const batch = naturalBatch<string, string>({
      lanes: 1,
      batchMax: 10,
      queueMax: 10,
      refuse: (reason) => new Error(reason),
      send: async (items, settle) => {
        sent.push([...items])
        for (const [index, item] of items.entries()) {
          if (item === 'slow') slow.push((value) => settle(index, { ok: true, value }))
          else settle(index, { ok: true, value: `${item} done` })
        }
        return undefined
      },
    })
    const late = batch.add('slow')
    expect(await batch.add('quick')).toBe('quick done')
    expect(await batch.add('next')).toBe('next done')
    expect(sent).toEqual([['slow', 'quick'], ['next']])
    expect(batch.load()).toEqual({ queued: 0, inFlight: 1 })

    let closed = false
    const closing = batch.close().then(() => {
      closed = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(closed).toBe(false)
    slow[0]?.('at last')
    expect(await late).toBe('at last')
    await closing
  })

  test('that have no outcome yet are refused when the batch fails', async () => {
    const batch = naturalBatch<string, string>({
      lanes: 1,
      batchMax: 10,
      queueMax: 10,
      refuse: (reason) => new Error(reason),
      send: async (_items, settle) => {
        settle(0, { ok: true, value: 'kept' })
        throw new Error('the connection broke')
      },
    })
    const [first, second] = await Promise.allSettled([batch.add('a'), batch.add('b')])
    expect(first).toEqual({ status: 'fulfilled', value: 'kept' })
    expect(second).toMatchObject({ status: 'rejected' })
    await batch.close()
  })
})
