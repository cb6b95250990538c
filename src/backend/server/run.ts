// The life of a process: it listens, serves, and on a signal drains and stops. SIGTERM and SIGINT: the health checks turn
// 503, what is in flight is answered, then the rest is closed. A second signal, not an echo of the first, ends it at once.

import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { ConfigurationError } from './configuration.ts'
import type { Health } from './health.ts'
import type { Log } from './log.ts'
import { textWithoutSecrets } from './secrets.ts'

/** A process that npm started gets one Ctrl-C twice, from the terminal and from npm: what follows so soon is the same signal. */
const SIGNAL_ECHO_MS = 500
/** Below the 30 s after which an orchestrator kills. */
const STOP_TIMEOUT_MS = 25_000
const IDLE_SWEEP_MS = 100
/** Ports that are tried after a taken one, when none was chosen. */
const OTHER_PORTS_MAX = 20
const PORT_MAX = 65_535

export interface RunOptions {
  readonly app: FastifyInstance
  readonly host: string
  readonly port: number
  /** False: a taken port is no reason to give up, the next free one is used. */
  readonly portChosen: boolean
  readonly health: Health
  readonly log: Log
  /** Another door to the same server, which is shut with it. */
  readonly openAnother?: () => Promise<{ readonly url: string; shut(): void }>
  /** Closes what the application stands on (logs, pools, the embedded database) once no request is left. */
  readonly stop: () => Promise<void>
  /** Between the health checks' 503 and the closed door, for load balancers to notice. */
  readonly drainMs?: number
}

/** A reason not to start, in a sentence for a person. The program prints it without a stack. */
export class StartError extends Error {}

/**
 * Runs a program's start. What a person can mend (a setting, a port, a database) is printed as its sentence, without a stack;
 * anything else is a bug and is shown whole, but for secrets. Either way the exit status is 1.
 */
export async function startProgram(start: () => Promise<void>): Promise<void> {
  try {
    await start()
  } catch (error) {
    console.error(isForAPerson(error) ? error.message : textWithoutSecrets(inspect(error)))
    process.exit(1)
  }
}

function isForAPerson(error: unknown): error is Error {
  return error instanceof Error && [StartError, ConfigurationError].some((kind) => error instanceof kind)
}

/**
 * Listens, and takes over the process's signals.
 * @returns the address it serves at
 * @throws StartError when the port cannot be had
 */
export async function run(options: RunOptions): Promise<{ url: string }> {
  const { app, health, log, stop, drainMs = 0 } = options
  const silent = silentConnections(app)
  const url = await listen(options)
  const another = await options.openAnother?.()
  const closing = closeWithGrace(
    {
      delay: STOP_TIMEOUT_MS,
      logger: null,
      // SIGUSR2 turns the log up: service-process.ts.
      skip: ['beforeExit', 'SIGINT', 'SIGTERM', 'SIGUSR2'],
      onSecondError: (err) => log.fatal({ err }, 'error while stopping'),
      onTimeout: (delay) => log.error({ delay }, 'stopping took too long'),
    },
    async ({ err }) => {
      if (err) log.fatal({ err }, 'stopping after an error nobody caught')
      health.drain()
      await sleep(drainMs)
      another?.shut()
      await closeDoor(app, silent)
      await stop()
      log.info('stopped')
    },
  )
  onSignals(log, () => void closing.close())
  log.info({ url, ...(another && { https_url: another.url }) }, 'listening')
  return { url }
}

function onSignals(log: Log, close: () => void): void {
  let firstAtMs: number | null = null
  const onSignal = (signal: NodeJS.Signals) => {
    const nowMs = performance.now()
    if (firstAtMs === null) {
      firstAtMs = nowMs
      log.info({ signal }, 'draining')
      close()
    } else if (nowMs - firstAtMs > SIGNAL_ECHO_MS) {
      log.warn({ signal }, 'second signal: stopping at once')
      process.exit(1)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}

/** Connections on which nothing was ever said: clients open some in advance. */
function silentConnections(app: FastifyInstance): () => Iterable<Socket> {
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => [...sockets].filter((socket) => socket.bytesRead === 0)
}

/** No new connections; the open ones end with their answers. */
async function closeDoor(app: FastifyInstance, silent: () => Iterable<Socket>): Promise<void> {
  // Connections that were busy when the door closed are not ended by the platform once they are idle, and those that were never
  // used it takes for busy ones.
  const sweep = setInterval(() => {
    app.server.closeIdleConnections()
    for (const socket of silent()) socket.destroy()
  }, IDLE_SWEEP_MS)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}

async function listen({ app, host, port, portChosen, log }: RunOptions): Promise<string> {
  const last = portChosen || port === 0 ? port : Math.min(port + OTHER_PORTS_MAX, PORT_MAX)
  for (let candidate = port; ; candidate += 1) {
    try {
      const url = await app.listen({ host, port: candidate })
      if (candidate !== port)
        log.warn(`Port ${port} is in use, so this process listens on ${candidate}. PORT chooses another.`)
      return url
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && candidate < last) continue
      throw startError(code, host, candidate, error)
    }
  }
}

function startError(code: string | undefined, host: string, port: number, cause: unknown): unknown {
  switch (code) {
    case 'EADDRINUSE':
      return new StartError(
        `Port ${port} on ${host} is in use. Stop the program that listens there, or choose another: PORT=${port + 1} npm start`,
        { cause },
      )
    case 'EACCES':
      return new StartError(`This account may not listen on port ${port}. Set PORT to 1024 or above.`, { cause })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(`${host} is not an address of this machine. Set HOST to 127.0.0.1 or 0.0.0.0.`, { cause })
    default:
      return cause
  }
}
