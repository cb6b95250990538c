import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { createHealth } from './health.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { createServer } from './server.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function service(overload: { eventLoopDelayMsMax: number; requestsInFlightMax: number }) {
  const metrics = createMetrics({ service: 'test', processMetrics: false })
  let made = 0
  const app = await createServer({
    log: createLog({ service: 'test', level: 'fatal' }),
    metrics,
    health: createHealth({ service: 'test', version: '0' }),
    newRequestId: () => `request-${made++}`,
    overload,
  })
  const waiting: (() => void)[] = []
  app.get('/wait', async () => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return { status: 'success' }
  })
  app.get('/quick', async () => ({ status: 'success' }))
  open.push(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, waiting, metrics }
}

describe('a process that cannot keep up', () => {
  test('refuses more requests than may be under way, with Retry-After, and still answers its health checks', async () => {
    const { url, waiting, metrics } = await service({ eventLoopDelayMsMax: 10_000, requestsInFlightMax: 2 })
    const held = [fetch(`${url}/wait`), fetch(`${url}/wait`)]
    while (waiting.length < 2) await sleep(5)
    const shed = await fetch(`${url}/quick`)
    expect(shed.status).toBe(503)
    expect(shed.headers.get('retry-after')).toBe('1')
    expect(await shed.json()).toMatchObject({ error_code: 'SERVICE_UNAVAILABLE' })
    expect((await fetch(`${url}/health`)).status).toBe(200)
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
    for (const release of waiting.splice(0)) release()
    expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200])
    expect((await fetch(`${url}/quick`)).status).toBe(200)
    expect(await metrics.registry.metrics()).toContain('shed_requests_total{reason="in_flight",service="test"} 1')
  })

  test('refuses while its event loop is late, and recovers by itself', async () => {
    const { url } = await service({ eventLoopDelayMsMax: 50, requestsInFlightMax: 1000 })
    expect((await fetch(`${url}/quick`)).status).toBe(200)
    let busy = true
    const load = (async () => {
      while (busy) {
        const until = performance.now() + 150
        while (performance.now() < until) Math.sqrt(until)
        await sleep(1)
      }
    })()
    let refused = 0
    for (let tries = 0; tries < 20 && refused === 0; tries += 1) {
      if ((await fetch(`${url}/quick`)).status === 503) refused += 1
    }
    expect((await fetch(`${url}/health`)).status).toBe(200)
    busy = false
    await load
    expect(refused).toBe(1)
    let recovered = false
    for (let tries = 0; tries < 40 && !recovered; tries += 1) {
      await sleep(50)
      recovered = (await fetch(`${url}/quick`)).status === 200
    }
    expect(recovered).toBe(true)
  })
  test('does not take a moment in which it measured nothing for an endless delay', async () => {
    const { url } = await service({ eventLoopDelayMsMax: 10_000, requestsInFlightMax: 1000 })
    await sleep(1_100)
    const statuses = new Set<number>()
    for (let tries = 0; tries < 8; tries += 1) {
      const asked = fetch(`${url}/quick`)
      // Longer than a sample, over and over: some begin and end with nothing in them.
      const until = performance.now() + 300
      while (performance.now() < until) Math.sqrt(until)
      statuses.add((await asked).status)
    }
    expect([...statuses]).toEqual([200])
  }, 20_000)
})
