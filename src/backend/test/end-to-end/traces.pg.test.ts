// One request is one trace, from the door to the database, whatever number of processes it passes.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SERVICES } from '../../gateway/operations.ts'
import { type CollectedSpan, type FakeCollector, startCollector } from '../fakes/fake-collector.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask } from './http.ts'

let collector: FakeCollector
let deployed: Deployment
beforeAll(async () => {
  collector = await startCollector()
  deployed = await startDeployment({
    environment: {
      OTEL_ENABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER_ARG: '0',
      LOCAL_COPY_SECONDS: '0',
    },
  })
})
afterAll(() => collector?.close())

const CLIENTS_SPAN = '00f067aa0ba902b7'
let traces = 0
/** A trace of a client's own, which asks for it to be sampled. */
function newTrace(sampled = true): { readonly id: string; readonly headers: Record<string, string> } {
  traces += 1
  const id = traces.toString(16).padStart(32, 'a')
  return { id, headers: { traceparent: `00-${id}-${CLIENTS_SPAN}-${sampled ? '01' : '00'}` } }
}
const QUOTE = { ticker: 'GME', position_value: 50_000, loan_days: 30, client_id: 'demo-classic' }
const quote = (headers: Record<string, string>, body: object = QUOTE) =>
  ask(deployed, { path: '/api/v1/calculate-locate', key: deployed.keys['demo-classic'], body, headers })
const spansOf = (id: string) => collector.spans().filter(({ traceId }) => traceId === id)

/** Spans are sent some seconds after they end. @returns what `look` finds, once it finds something */
const seen = <T>(look: () => T | undefined | null | false): Promise<T> =>
  vi.waitFor(
    () => {
      const found = look()
      if (found === undefined || found === null || found === false) throw new Error(`not seen: ${look}`)
      return found
    },
    { timeout: 15_000, interval: 50 },
  )

/** Every span's parent is there, and lasts as long at least; only the first has the client's. */
function expectWhole(spans: readonly CollectedSpan[]): void {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  expect(byId.size).toBe(spans.length)
  expect(spans.filter(({ parentId }) => parentId === CLIENTS_SPAN)).toHaveLength(1)
  for (const { name, parentId, startNs, endNs } of spans) {
    expect(endNs, name).toBeGreaterThanOrEqual(startNs)
    if (parentId !== CLIENTS_SPAN) expect(byId.has(parentId), `the parent of ${name}`).toBe(true)
  }
}

/** The names on the way from a span up to the client, each with its service. */
function wayUp(spans: readonly CollectedSpan[], from: CollectedSpan): string[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const way: string[] = []
  for (let span: CollectedSpan | undefined = from; span !== undefined; span = byId.get(span.parentId)) {
    way.push(`${span.service}: ${span.name}`)
  }
  return way
}

describe('a quote', () => {
  test('is one trace, with its id, from the door to the record in the database', async () => {
    const { id, headers } = newTrace()
    const { status, json } = await quote(headers)
    expect(status).toBe(200)
    await seen(() => spansOf(id).some(({ parentId }) => parentId === CLIENTS_SPAN))
    await seen(() => spansOf(id).some(({ name }) => name === 'postgresql quote record'))
    // With Redis its name is there before anybody asks: the cache service keeps it warm.
    const read = deployed.kind === 'all-in-one' ? 'postgresql observations' : 'redis observations'
    await seen(() => spansOf(id).some(({ name }) => name === read))
    const spans = spansOf(id)
    expectWhole(spans)
    const door = spans.find(({ parentId }) => parentId === CLIENTS_SPAN) as CollectedSpan
    expect(door.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/api/v1/calculate-locate',
      'http.response.status_code': 200,
      'quote.id': json.audit_id,
      'client.id': 'demo-classic',
    })
    const record = spans.find(({ name }) => name === 'postgresql quote record') as CollectedSpan
    expect(record.attributes['quote.id']).toBe(json.audit_id)
    const observations = spans.find(({ name }) => name === read) as CollectedSpan
    if (deployed.kind === 'five-services') {
      expect(wayUp(spans, record).map((step) => step.split(':')[0])).toEqual([
        'calculation-service',
        'calculation-service',
        'api-gateway',
        'api-gateway',
      ])
      expect(wayUp(spans, observations).map((step) => step.split(':')[0])).toEqual([
        'data-service',
        'data-service',
        'calculation-service',
        'calculation-service',
        'api-gateway',
        'api-gateway',
      ])
    } else {
      expect(wayUp(spans, record)).toEqual([
        'all-in-one: postgresql quote record',
        'all-in-one: POST /api/v1/calculate-locate',
      ])
    }
  })

  test('has the id of its trace in the line of its request', async () => {
    const { id, headers } = newTrace()
    await quote(headers)
    const line = await seen(() => deployed.logLines().find((text) => text.includes(`"trace_id":"${id}"`)))
    expect(JSON.parse(line)).toMatchObject({ route: '/api/v1/calculate-locate', trace_id: id })
  })

  test('that nobody wants to see makes no span', async () => {
    const unsampled = newTrace(false)
    await quote(unsampled.headers)
    const none = { id: 'none', headers: {} }
    await quote(none.headers)
    const { id, headers } = newTrace()
    await quote(headers)
    await seen(() => spansOf(id).length > 0)
    expect(spansOf(unsampled.id)).toEqual([])
    expect(collector.spans().filter(({ traceId }) => !/^a+[0-9a-f]{1,4}$/.test(traceId))).toEqual([])
  })

  test('that is refused says so with a code, and repeats nothing that was sent', async () => {
    const { id, headers } = newTrace()
    await quote(headers, { ...QUOTE, ticker: 'ZZZZQ' })
    const door = await seen(() => spansOf(id).find(({ parentId }) => parentId === CLIENTS_SPAN))
    expect(door.attributes['http.response.status_code']).toBe(404)
    await seen(() => deployed.kind !== 'five-services' || spansOf(id).some(({ failed }) => failed))
    expect(
      JSON.stringify(spansOf(id), (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
    ).not.toContain('ZZZZQ')
  })
})

test('what asks all five services is a trace with spans of all five', async () => {
  const { id, headers } = newTrace()
  const { status } = await ask(deployed, { path: '/api/v1/operations', key: deployed.keys.desk, headers })
  expect(status).toBe(200)
  const services = deployed.kind === 'five-services' ? [...SERVICES].sort() : ['all-in-one']
  await seen(() => new Set(spansOf(id).map(({ service }) => service)).size === services.length)
  await seen(() => spansOf(id).some(({ parentId }) => parentId === CLIENTS_SPAN))
  expect([...new Set(spansOf(id).map(({ service }) => service))].sort()).toEqual(services)
  expectWhole(spansOf(id))
})

test('health checks and scrapes are part of no trace', async () => {
  const { id, headers } = newTrace()
  for (const path of ['/health', '/health/details', '/metrics']) await ask(deployed, { path, headers })
  const after = newTrace()
  await quote(after.headers)
  await seen(() => spansOf(after.id).length > 0)
  expect(spansOf(id).filter(({ parentId }) => parentId === CLIENTS_SPAN)).toEqual([])
})

test('a collector that is away costs spans and a line in the log, no answer', async () => {
  collector.refuse(true)
  const { headers } = newTrace()
  expect((await quote(headers)).status).toBe(200)
  await seen(() => deployed.logLines().some((text) => text.includes('spans could not be sent')))
  collector.refuse(false)
  const back = newTrace()
  expect((await quote(back.headers)).status).toBe(200)
  await seen(() => spansOf(back.id).length > 0)
  const { text } = await ask(deployed, { path: '/metrics' })
  expect(Number(/^trace_spans_total\{.*outcome="sent".*\} (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(0)
})
