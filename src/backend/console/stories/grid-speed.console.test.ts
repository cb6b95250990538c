// The whole universe of a lender, 17 000 names, 200 moves a second, and a hand that never rests on the wheel. The names are those of an
// imported file in a real engine. The moves are put into the engine's own stream by a server between it and the browser, so that there
// are just so many of them; all that reads them is the console's own. Chromium draws without a graphics card here, so frames a second
// are printed and not held to, and neither is what its main thread draws for them. What is held to is the page's own work for a frame and
// for a second of moves, its scripts, styles and layout, in time of the processor: as many frames must fit into a second.
import { request as ask, createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { importLenderFile } from '../../market-data/import.ts'
import { type Deployment, startDeployment } from '../../test/end-to-end/deployment.ts'
import { generatedLenderFile } from '../../test/performance/generated-lender-file.ts'
import { visit } from './browser.ts'

const NAMES = 17_000
const MOVES_A_SECOND = 200
const FRAMES_A_SECOND = 50
const ALONE_SECONDS = 5
const BOTH_SECONDS = 10
const PUMP_MS = 50

let engine: Deployment
let between: { readonly url: string; readonly moves: () => number; rest(on: boolean): void; close(): Promise<void> }
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
  const rows = async () => Number(await page.getByRole('grid').getAttribute('aria-rowcount'))
  await expect.poll(rows, { timeout: 60_000 }).toBeGreaterThan(NAMES)
  await expect
    .poll(() => page.getByText(/[0-9]+ updates\/s/).textContent(), { timeout: 30_000 })
    .toMatch(/1[5-9][0-9]|2[0-9]{2}/)

  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
  /** What the page's main thread has worked, ms of processor; of it what is not drawing; and the frames that it has made. */
  const spent = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    const of = (name: string) => (metrics.find((metric) => metric.name === name)?.value ?? 0) * 1000
    const own = of('ScriptDuration') + of('RecalcStyleDuration') + of('LayoutDuration')
    return { all: of('TaskDuration'), own, frames: await page.evaluate(framesSoFar) }
  }
  const seconds = async (count: number) => {
    const windows: { readonly ms: number; readonly all: number; readonly own: number; readonly frames: number }[] = []
    for (let second = 0; second < count; second += 1) {
      const [begun, before] = [performance.now(), await spent()]
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const [after, ms] = [await spent(), performance.now() - begun]
      const [all, own] = [after.all - before.all, after.own - before.own]
      windows.push({ ms, all, own, frames: after.frames - before.frames })
    }
    return windows
  }

  // The moves alone, nothing, the wheel alone, then all together: of each the second in which the machine did least besides.
  const work = ({ own, ms }: { readonly own: number; readonly ms: number }) => (own * 1000) / ms
  const stillBefore = await page.evaluate(framesShown)
  const alone = await seconds(ALONE_SECONDS)
  const stillFrames = (await page.evaluate(framesShown)) - stillBefore
  const still = (stillFrames * 1000) / alone.reduce((total, { ms }) => total + ms, 0)
  const movesMs = least(alone.map(work))
  between.rest(true)
  const nothingMs = least((await seconds(ALONE_SECONDS)).map(work))
  await page.evaluate(scrollOn)
  const frameMs = least(
    (await seconds(ALONE_SECONDS)).map(({ own, ms, frames }) => (own - (nothingMs * ms) / 1000) / frames),
  )
  between.rest(false)
  const movesBefore = between.moves()
  const both = await seconds(BOTH_SECONDS)
  const sum = (of: (window: (typeof both)[number]) => number) => both.reduce((total, window) => total + of(window), 0)
  const [ms, frames, moves] = [
    sum((window) => window.ms),
    sum((window) => window.frames),
    between.moves() - movesBefore,
  ]
  const fitting = (1000 - movesMs) / frameMs
  console.log(
    `  ${still.toFixed(1)} frames a second with moves alone; scrolled besides ${((frames * 1000) / ms).toFixed(1)} frames a second over ${(ms / 1000).toFixed(1)} s, without a graphics card, ` +
      `${Math.round((moves * 1000) / ms)} moves a second, a frame with them ${(sum(({ all }) => all) / frames).toFixed(1)} ms of processor ` +
      `(${(sum(({ own }) => own) / frames).toFixed(1)} without drawing); without drawing a frame of scrolling alone ${frameMs.toFixed(1)} ms, ` +
      `the moves ${movesMs.toFixed(0)} ms a second: ${fitting.toFixed(0)} frames a second fit`,
  )
  expect(moves).toBeGreaterThan(((MOVES_A_SECOND * ms) / 1000) * 0.8)
  expect(frames).toBeGreaterThan(0)
  expect(fitting).toBeGreaterThan(FRAMES_A_SECOND)
  expect(faults).toEqual([])
}, 180_000)

function least(values: readonly number[]): number {
  return Math.min(...values.filter((value) => Number.isFinite(value)))
}

/** In the page: scrolls by a row in each frame, to the end and back. */
function scrollOn(): void {
  const counted = globalThis as { framesMade?: number }
  // Whatever the grid scrolls by.
  const view = [...document.querySelectorAll('[role="grid"], [role="grid"] *')].find(
    (element) => element.clientHeight > 200 && element.scrollHeight > 100 * element.clientHeight,
  )
  if (view === undefined) throw new Error('nothing scrolls')
  let down = 1
  const frame = () => {
    counted.framesMade = (counted.framesMade ?? 0) + 1
    const top = view.scrollTop
    view.scrollTop = top + down * 28
    if (view.scrollTop === top) down = -down
    requestAnimationFrame(frame)
  }
  requestAnimationFrame(frame)
}

/** In the page: the frames that it was given so far, whatever it did in them. */
function framesShown(): number {
  const counted = globalThis as { framesShown?: number }
  if (counted.framesShown === undefined) {
    counted.framesShown = 0
    const frame = () => {
      counted.framesShown = (counted.framesShown ?? 0) + 1
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  }
  return counted.framesShown
}

function framesSoFar(): number {
  return (globalThis as { framesMade?: number }).framesMade ?? 0
}

/** The engine, with moves of its names in its stream of events: each name a little dearer or cheaper, one after the other. */
async function moving({ url, keys }: Deployment): Promise<typeof between> {
  const answer = await fetch(`${url}/api/v1/rates?format=ndjson`, {
    headers: { 'x-api-key': keys.desk, accept: 'application/x-ndjson' },
  })
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('{"ticker"'))
  const streams = new Set<ServerResponse>()
  let moves = 0
  let rests = false
  const pump = setInterval(() => {
    if (rests) return
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
      // After the engine's first word, which is that everything is to be loaded.
      from.once('data', () => streams.add(response))
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
    rest: (on) => {
      rests = on
    },
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
