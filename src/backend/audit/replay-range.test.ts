import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { auditRow } from '../test/audit-rows.ts'
import { collected, PLAIN_INPUTS, pagesOf, quoteRow } from '../test/recorded-quotes.ts'
import { NAMED_MAX, replayRange, type StreamRecords } from './replay-range.ts'

const DAY = { from: new Date('2026-11-24T00:00:00Z'), to: new Date('2026-11-25T00:00:00Z') }
const WHOLE_DAY = { ...DAY, clientId: null, ticker: null }
const NEVER = new AbortController().signal

const steps = (stream: StreamRecords, signal = NEVER) => collected(replayRange(stream)(WHOLE_DAY, signal))

const good = quoteRow(PLAIN_INPUTS)
const altered = { ...quoteRow(PLAIN_INPUTS), total_fee: '456.52' }
const damaged = { ...good, audit_id: '019abcde-0000-7000-8000-000000000002', record: '{' }
const newer = { ...good, audit_id: '019abcde-0000-7000-8000-000000000003', schema_version: 99 }
const change = auditRow({ record_type: 'stock_changed', total_fee: null, record: '{}' })

describe('a range', () => {
  test('is replayed to its end, whatever stands in it: each record that is not what it was is named, and all are counted', async () => {
    const found = await steps(pagesOf([[good, altered, change], [], [damaged, newer, good]]))
    expect(found).toEqual([
      {
        kind: 'difference',
        auditId: altered.audit_id,
        differences: [{ field: 'columns.total_fee', recorded: '456.52', replayed: '456.51' }],
      },
      { kind: 'progress', records: 3, at: change.occurred_at },
      { kind: 'not_replayable', auditId: damaged.audit_id, reason: 'damaged', sentence: expect.any(String) },
      { kind: 'not_replayable', auditId: newer.audit_id, reason: 'unknown_version', sentence: expect.any(String) },
      { kind: 'progress', records: 6, at: good.occurred_at },
      {
        kind: 'result',
        replayed: 3,
        identical: 2,
        different: 1,
        notReplayable: 2,
        otherRecords: 1,
        unnamed: 0,
        elapsedMs: expect.any(Number),
        recordsPerSecond: expect.any(Number),
      },
    ])
  })

  test('asks the stream for its own bounds, and one without records has a result too', async () => {
    const asked: unknown[] = []
    const nothing: StreamRecords = (range) => {
      asked.push(range)
      return pagesOf([])(range, 0)
    }
    expect(await steps(nothing)).toMatchObject([{ kind: 'result', replayed: 0, recordsPerSecond: 0 }])
    await collected(replayRange(nothing)({ ...DAY, clientId: 'classic', ticker: 'GME' }, NEVER))
    expect(asked).toEqual([DAY, { ...DAY, clientId: 'classic', ticker: 'GME' }])
  })

  test(`names ${NAMED_MAX} records at most and counts the others`, async () => {
    const found = await steps(pagesOf([Array.from({ length: NAMED_MAX }, () => altered), [damaged, altered, good]]))
    expect(found.filter(({ kind }) => kind === 'difference')).toHaveLength(NAMED_MAX)
    expect(found.at(-1)).toMatchObject({ different: NAMED_MAX + 1, notReplayable: 1, identical: 1, unnamed: 2 })
  })

  test('fails as its stream does', async () => {
    const broken: StreamRecords = async function* () {
      yield [good]
      throw new Error('the database is away')
    }
    await expect(steps(broken)).rejects.toThrow('the database is away')
  })

  test('ends when it is aborted, within the page', async () => {
    const controller = new AbortController()
    const read: number[] = []
    const page = Array.from({ length: 5_000 }, () => good)
    const stream = pagesOf([page, page, page], (index) => {
      read.push(index)
      setImmediate(() => controller.abort(new Error('enough')))
    })
    const replaying = steps(stream, controller.signal)
    await expect(replaying).rejects.toThrow('enough')
    expect(read).toEqual([0])
  })

  test('lets others have their turn every few milliseconds', async () => {
    const replaying = steps(pagesOf([Array.from({ length: 10_000 }, () => good)]))
    let over = false
    let turns = 0
    const watching = (async () => {
      while (!over) {
        await nextTurn()
        turns += 1
      }
    })()
    await replaying
    over = true
    await watching
    // Not how long they were, which is the machine's: that there were many, where work at a stretch leaves one or two.
    expect(turns).toBeGreaterThan(10)
  })
})
