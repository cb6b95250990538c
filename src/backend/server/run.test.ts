// The life of a process, seen from outside: a child process with signals, ports and connections of its own.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer as createNetServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'

const PROGRAM = `
import { createHealth } from './server/health.ts'
import { createLog } from './server/log.ts'
import { createMetrics } from './server/metrics.ts'
import { run, StartError } from './server/run.ts'
import { createServer } from './server/server.ts'
const log = createLog({ service: 'test', level: 'info' })
const health = createHealth({ service: 'test', version: '1' })
const app = await createServer({ log, health, metrics: createMetrics({ service: 'test' }), newRequestId: () => 'request-1' })
app.get('/slow', async () => {
  console.log('slow began')
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.SLOW_MS ?? 300)))
  return { status: 'success' }
})
app.get('/throw', () => {
  setTimeout(() => { throw new Error('nobody catches this') })
  return {}
})
try {
  await run({
    app, log, health, host: '127.0.0.1',
    port: Number(process.env.PORT ?? 0), portChosen: process.env.PORT_CHOSEN === 'true',
    drainMs: Number(process.env.DRAIN_MS ?? 0),
    stop: async () => console.log('everything closed'),
  })
} catch (error) {
  if (!(error instanceof StartError)) throw error
  console.error(error.message)
  process.exit(1)
}
`

const children: ChildProcessWithoutNullStreams[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly output: () => string
  readonly url: () => string
  readonly exit: Promise<number | null>
}

function start(environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', PROGRAM], {
    cwd: new URL('..', import.meta.url).pathname,
    env: { ...process.env, ...environment },
  })
  children.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return {
    child,
    output: () => output,
    url: () => /"url":"([^"]+)"/.exec(output)?.[1] ?? '',
    exit: once(child, 'exit').then(([code]) => code as number | null),
  }
}

async function started(environment?: Record<string, string>): Promise<Running> {
  const running = start(environment)
  await expect.poll(running.url, { timeout: 15_000 }).not.toBe('')
  return running
}

async function occupied(): Promise<{ server: Server; port: number }> {
  const server = createNetServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, port: (server.address() as { port: number }).port }
}

describe('a signal', { timeout: 30_000 }, () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s lets what is in flight finish, then stops with 0', async (signal) => {
    const running = await started()
    const answer = fetch(`${running.url()}/slow`)
    await expect.poll(running.output).toContain('slow began')
    running.child.kill(signal)
    expect((await answer).status).toBe(200)
    expect(await running.exit).toBe(0)
    expect(running.output()).toContain('everything closed')
  })

  test('does not wait for connections that a client has opened in advance', async () => {
    const running = await started()
    const unused = connect(Number(new URL(running.url()).port), '127.0.0.1')
    await once(unused, 'connect')
    // The door has to know of it.
    expect((await fetch(`${running.url()}/health`)).status).toBe(200)
    const before = performance.now()
    running.child.kill('SIGTERM')
    expect(await running.exit).toBe(0)
    expect(performance.now() - before).toBeLessThan(3_000)
    unused.destroy()
  })

  test('turns health to 503 while the door is still open', async () => {
    const running = await started({ DRAIN_MS: '1500' })
    expect((await fetch(`${running.url()}/health`)).status).toBe(200)
    running.child.kill('SIGTERM')
    await expect.poll(running.output).toContain('draining')
    expect((await fetch(`${running.url()}/health`)).status).toBe(503)
    expect((await fetch(`${running.url()}/health/liveness`)).status).toBe(200)
    expect(await running.exit).toBe(0)
  })

  test('that comes twice at once, as from a terminal and from npm, is one', async () => {
    const running = await started()
    const answer = fetch(`${running.url()}/slow`)
    await expect.poll(running.output).toContain('slow began')
    running.child.kill('SIGINT')
    running.child.kill('SIGTERM')
    await expect.poll(running.output).toContain('draining')
    running.child.kill('SIGINT')
    expect((await answer).status).toBe(200)
    expect(await running.exit).toBe(0)
    expect(running.output()).toContain('everything closed')
  })

  test('that comes a second time ends the process at once', async () => {
    const running = await started({ SLOW_MS: '20000' })
    const answer = fetch(`${running.url()}/slow`).catch(() => 'cut off')
    await expect.poll(running.output).toContain('slow began')
    running.child.kill('SIGINT')
    await expect.poll(running.output).toContain('draining')
    await new Promise((resolve) => setTimeout(resolve, 700))
    running.child.kill('SIGINT')
    expect(await running.exit).not.toBe(0)
    expect(await answer).toBe('cut off')
  })
})

test('an error that nobody caught is logged and ends the process with 1', { timeout: 30_000 }, async () => {
  const running = await started()
  await fetch(`${running.url()}/throw`).catch(() => null)
  expect(await running.exit).toBe(1)
  expect(running.output()).toContain('nobody catches this')
  expect(running.output()).toContain('everything closed')
})

describe('a port that is taken', { timeout: 30_000 }, () => {
  test('is passed over when none was chosen', async () => {
    const { server, port } = await occupied()
    const running = await started({ PORT: String(port) })
    expect(running.output()).toContain(`Port ${port} is in use`)
    expect((await fetch(`${running.url()}/health`)).status).toBe(200)
    expect(running.url()).not.toContain(`:${port}`)
    server.close()
  })

  test('is said in a sentence when it was chosen', async () => {
    const { server, port } = await occupied()
    const running = start({ PORT: String(port), PORT_CHOSEN: 'true' })
    expect(await running.exit).toBe(1)
    expect(running.output().trim()).toBe(
      `Port ${port} on 127.0.0.1 is in use. Stop the program that listens there, or choose another: PORT=${port + 1} npm start`,
    )
    server.close()
  })
})
