// The whole universe of a lender, 17 000 names, 200 moves a second, and a hand that never rests on the wheel. The names are those of an
// imported file in a real engine. The moves are put into the engine's own stream by a server between it and the browser, so that there
// are just so many of them; all that reads them is the console's own. Chromium draws without a graphics card here, so frames a second
// are printed and not held to: what is held to is what a frame costs the page's main thread, in time of the processor.
import { request as ask, createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importLenderFile } from '../../market-data/import.ts'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { generatedLenderFile } from '../../test/performance/generated-lender-file.ts'
import { visit } from './browser.ts'

const NAMES = 17_000
const MOVES_A_SECOND = 200
const MEASURED_MS = 10_000
/** Of fifty frames a second each has 20 ms. */
const FRAME_MS_MAX = 20
const PUMP_MS = 50

let engine: Deployment
let between: { readonly url: string; readonly moves: () => number; close(): Promise<void> }
beforeAll(async () => {
  engine = await startDeployment({
    prepare: async (database) => {
      await importLenderFile(database, {
        source: generatedLenderFile(NAMES, 0, 0),
        provider: 'generated',
        demo: true,
        receivedAt: new Date(),
      })
    },
  })
  between = await moving(engine)
}, 180_000)
afterAll(() => between?.close())

test(`${NAMES} names scroll while ${MOVES_A_SECOND} of them move each second`, async () => {
  const { page, faults } = await visit({
    url: between.url,
    apiKey: engine.keys.desk,
    path: '/rates',
    reducedMotion: false,
  })
  await page.getByRole('grid', { name: 'Rates' }).waitFor({ timeout: 60_000 })
  const rows = Number(await page.getByRole('grid').getAttribute('aria-rowcount'))
  expect(rows).toBeGreaterThan(NAMES)
  await expect
    .poll(() => page.getByText(/[0-9]+ updates\/s/).textContent(), { timeout: 30_000 })
    .toMatch(/1[5-9][0-9]|2[0-9]{2}/)

  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  const spent = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]))
  }
  const movesBefore = between.moves()
  const before = await spent()
  const { frames, ms, rowsPassed } = await page.evaluate(async (measuredMs) => {
    const view = document.querySelector('.ag-body-viewport') as HTMLElement
    const begun = performance.now()
    let frames = 0
    let down = 1
    let passed = 0
    for (;;) {
      await new Promise(requestAnimationFrame)
      frames += 1
      const top = view.scrollTop
      view.scrollTop = top + down * 120
      passed += Math.abs(view.scrollTop - top)
      if (view.scrollTop === top) down = -down
      const ms = performance.now() - begun
      if (ms >= measuredMs) return { frames, ms, rowsPassed: Math.round(passed / 28) }
    }
  }, MEASURED_MS)
  const after = await spent()
  const moves = between.moves() - movesBefore
  const costMs = (name: string) => (((after[name] ?? 0) - (before[name] ?? 0)) * 1000) / frames

  const cost = costMs('TaskDuration')
  console.log(
    `  ${((frames * 1000) / ms).toFixed(1)} frames a second over ${(ms / 1000).toFixed(1)} s, without a graphics card; ` +
      `${rowsPassed} rows passed, ${Math.round((moves * 1000) / ms)} moves a second; ` +
      `a frame costs the main thread ${cost.toFixed(1)} ms of processor (script ${costMs('ScriptDuration').toFixed(1)}, ` +
      `style ${costMs('RecalcStyleDuration').toFixed(1)}, layout ${costMs('LayoutDuration').toFixed(1)})`,
  )
  expect(moves).toBeGreaterThan(((MOVES_A_SECOND * ms) / 1000) * 0.8)
  expect(rowsPassed).toBeGreaterThan(frames)
  expect(cost).toBeGreaterThan(0)
  expect(cost).toBeLessThan(FRAME_MS_MAX)

  // Nothing is behind: a name that moves last is shown as it is.
  await page
    .getByRole('contentinfo')
    .getByText(/updates\/s/)
    .waitFor()
  expect(faults).toEqual([])
}, 180_000)

/** The engine, with moves of its names in its stream of events: each name a little dearer or cheaper, one after the other. */
async function moving({ url, keys }: Deployment): Promise<typeof between> {
  const answer = await fetch(`${url}/api/v1/rates?format=ndjson`, {
    headers: { 'x-api-key': keys.desk, accept: 'application/x-ndjson' },
  })
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('{"ticker"'))
  const streams = new Set<ServerResponse>()
  let moves = 0
  const pump = setInterval(() => {
    for (const stream of streams) {
      for (let n = 0; n < (MOVES_A_SECOND * PUMP_MS) / 1000; n += 1) {
        moves += 1
        // A stride that meets every name, near ones in turn with far ones.
        stream.write(eventOf(lines[(moves * 7_919) % lines.length] as string, moves))
      }
    }
  }, PUMP_MS)
  const server: Server = createServer((request, response) => {
    const passed = ask(`${url}${request.url}`, { method: request.method, headers: request.headers }, (from) => {
      response.writeHead(from.statusCode ?? 502, from.headers)
      from.pipe(response)
      if (!request.url?.startsWith('/api/v1/rates/stream')) return
      streams.add(response)
      response.on('close', () => streams.delete(response))
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    moves: () => moves,
    async close() {
      clearInterval(pump)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An event of the stream out of a line of the list: the same row, at another rate. */
function eventOf(line: string, move: number): string {
  const [, rate = ''] = /"current_rate":([0-9.]+)/.exec(line) ?? []
  const moved = (Number(rate) * (1 + ((move % 7) - 3) / 1000)).toFixed(8).replace(/\.?0+$/, '')
  const row = line
    .replace(/"current_rate":[0-9.]+/, `"current_rate":${moved}`)
    .replace(/"name":(?:null|"(?:[^"\\]|\\.)*"),/, '')
    .replace(/"previous_close_rate":(?:null|[0-9.]+),/, '')
    .replace(/^\{/, `{"pricing_model":"standard-v1","previous_rate":${rate},`)
  return `event: rate\ndata: ${row}\n\n`
}
