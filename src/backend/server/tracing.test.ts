import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FakeCollector, startCollector } from '../test/fakes/fake-collector.ts'
import { ownContext } from './call-context.ts'
import { createMetrics } from './metrics.ts'
import { isSampled, isTraceparent, newTraceparent, spanIdOf, traceIdOf } from './traceparent.ts'
import { inSpan, openTracing, streamInSpan, type Tracer } from './tracing.ts'

const warnings: unknown[] = []
const log = { warn: (line: unknown) => void warnings.push(line) } as never
let collector: FakeCollector
beforeEach(async () => {
  collector = await startCollector()
})
afterEach(() => collector.close())

const open = (sampledShare = 1, endpoint = collector.url): Promise<Tracer> =>
  openTracing({
    service: 'test',
    version: '1.2.3',
    endpoint,
    sampledShare,
    log,
    metrics: createMetrics({ service: 'test', processMetrics: false }),
  })

describe('a trace context', () => {
  test('of a request is taken as it is when it is valid, and begun anew when not', async () => {
    const tracer = await open(0)
    const given = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    expect(tracer.contextOf(given)).toBe(given)
    for (const invalid of [undefined, 'x', given.replace('00-', 'ff-'), given.replace(/4bf.{29}/, '0'.repeat(32))]) {
      const begun = tracer.contextOf(invalid)
      expect(isTraceparent(begun)).toBe(true)
      expect(traceIdOf(begun)).not.toBe(traceIdOf(given))
      expect(isSampled(begun)).toBe(false)
    }
    await tracer.close()
  })

  test('that begins here is sampled by the share that was asked for', async () => {
    const all = await open(1)
    expect(isSampled(all.contextOf(undefined))).toBe(true)
    await all.close()
  })
})

describe('a span', () => {
  test('is sent with its parent, what was set, and the service it is of, at the latest when the tracer closes', async () => {
    const tracer = await open()
    const parent = newTraceparent(true)
    const span = tracer.start('work', 'client', parent, { 'quote.id': 'q1' })
    span?.set('names', 3)
    span?.end()
    await tracer.close()
    expect(collector.spans()).toEqual([
      expect.objectContaining({
        service: 'test',
        name: 'work',
        traceId: traceIdOf(parent),
        parentId: spanIdOf(parent),
        spanId: spanIdOf(span?.traceparent ?? ''),
        kind: 3,
        failed: false,
        attributes: { 'quote.id': 'q1', names: 3 },
      }),
    ])
  })

  test('of a trace that is not sampled is none', async () => {
    const tracer = await open()
    expect(tracer.start('work', 'internal', newTraceparent(false))).toBeNull()
    await tracer.close()
    expect(collector.spans()).toEqual([])
  })

  test('of work that fails says so by a code alone, and what failed goes on', async () => {
    const tracer = await open()
    const context = { ...ownContext('request-1'), traceparent: newTraceparent(true) }
    const failure = Object.assign(new Error('with what a client sent'), { code: 'TICKER_NOT_FOUND' })
    await expect(
      inSpan(tracer, 'look up', 'internal', context, async (inner) => {
        expect(traceIdOf(inner.traceparent)).toBe(traceIdOf(context.traceparent))
        expect(inner.traceparent).not.toBe(context.traceparent)
        throw failure
      }),
    ).rejects.toBe(failure)
    await tracer.close()
    expect(collector.spans()).toMatchObject([{ name: 'look up', failed: true }])
  })
})

describe('a stream', () => {
  const letters = async function* () {
    yield 'a'
    yield 'b'
  }

  test.each([
    [
      'to its end',
      async (stream: AsyncIterable<string>) => {
        let word = ''
        for await (const letter of stream) word += letter
        expect(word).toBe('ab')
      },
    ],
    [
      'until its reader has enough',
      async (stream: AsyncIterable<string>) => {
        for await (const letter of stream) {
          expect(letter).toBe('a')
          break
        }
      },
    ],
  ])('has a span %s', async (_, read) => {
    const tracer = await open()
    const context = { ...ownContext('request-1'), traceparent: newTraceparent(true) }
    await read(streamInSpan(tracer, 'letters', 'server', context, letters))
    await tracer.close()
    expect(collector.spans()).toMatchObject([{ name: 'letters', kind: 2, failed: false }])
  })
})

test('without a tracer the work runs in the context it was given', async () => {
  const context = ownContext('request-1')
  expect(await inSpan(null, 'work', 'internal', context, async (inner) => inner)).toBe(context)
})

test('a collector that cannot be reached is a line in the log, once a minute', async () => {
  warnings.length = 0
  const tracer = await open(1, 'http://127.0.0.1:9')
  for (let span = 0; span < 3; span += 1) tracer.start('work', 'internal', newTraceparent(true))?.end()
  await tracer.close()
  expect(warnings).toHaveLength(1)
})
