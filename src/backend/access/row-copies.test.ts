// Copies of rows that are doubted: read again at once, and still there while the store is away.
import { beforeEach, expect, test } from 'vitest'
import { COPY_FRESH_MS, type RowCopies, rowCopies } from './row-copies.ts'

interface Row {
  readonly broker: string
  readonly tier: string
}

let nowMs: number
let stored: Map<string, Row>
let reads: string[]
let away: boolean
let held: Promise<void> | null
let copies: RowCopies<Row>

beforeEach(() => {
  nowMs = 1_000_000
  stored = new Map([
    ['one', { broker: 'acme', tier: 'standard' }],
    ['other', { broker: 'zenith', tier: 'standard' }],
  ])
  reads = []
  away = false
  held = null
  copies = rowCopies({
    read: async (id) => {
      reads.push(id)
      const row = stored.get(id) ?? null
      await held
      if (away) throw new Error('away')
      return row
    },
    clock: () => new Date(nowMs),
    onFailure: () => {},
  })
})

const tierOf = async (id: string) => (await copies.get(id))?.tier
const doubtAcme = () => copies.doubt(({ broker }) => broker === 'acme')

test('the rows that are doubted are read again at their next use, and no others', async () => {
  await Promise.all([tierOf('one'), tierOf('other')])
  for (const [id, row] of stored) stored.set(id, { ...row, tier: 'premium' })
  expect(await tierOf('one')).toBe('standard')
  doubtAcme()
  expect(await tierOf('one')).toBe('premium')
  expect(await tierOf('other')).toBe('standard')
  nowMs += COPY_FRESH_MS - 1
  expect(await tierOf('one')).toBe('premium')
  expect(reads).toEqual(['one', 'other', 'one'])
})

test('a doubted copy serves while the store is away', async () => {
  await tierOf('one')
  doubtAcme()
  away = true
  expect(await tierOf('one')).toBe('standard')
  away = false
  stored.set('one', { broker: 'acme', tier: 'premium' })
  nowMs += 1_000
  expect(await tierOf('one')).toBe('premium')
})

test('what was being read meanwhile is not kept: it may be from before', async () => {
  let go = () => {}
  held = new Promise((resolve) => {
    go = resolve
  })
  const reading = tierOf('one')
  stored.set('one', { broker: 'acme', tier: 'premium' })
  doubtAcme()
  held = null
  go()
  expect(await reading).toBe('standard')
  expect(await tierOf('one')).toBe('premium')
})
