// `kubectl exec`, `attach` and `run -it` over a WebSocket: each message begins with the number of its channel, and the end is said
// as a Status on the channel of errors (v4.channel.k8s.io; v5 adds a message that closes a channel).
import type { Tree } from './api-object.ts'
import type { ContainerProcess } from './container-process.ts'
import type { WebSocketConnection } from './web-socket.ts'

export const REMOTE_COMMAND_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

const STDIN = 0
const STDOUT = 1
const STDERR = 2
const ERROR = 3
const CLOSE_CHANNEL = 255

export interface Streams {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/**
 * Connects a process with a client until either ends.
 * @param isExec the process goes with its client, who is told how it ended; whoever attaches reads that in the pod's status
 */
export async function serveRemoteCommand(
  socket: WebSocketConnection,
  process: ContainerProcess,
  streams: Streams,
  isExec: boolean,
): Promise<void> {
  const say = (channel: number, payload: Buffer) => socket.send(Buffer.concat([Buffer.from([channel]), payload]))
  socket.onMessage((message) => {
    const channel = message[0]
    if (channel === STDIN && streams.stdin && message.length > 1) process.write(message.subarray(1))
    else if (channel === CLOSE_CHANNEL && message[1] === STDIN) process.endInput()
  })
  if (!streams.stdin) process.endInput()
  let isThere = true
  const left = new Promise<void>((done) =>
    socket.onClose(() => {
      isThere = false
      if (isExec) process.kill()
      done()
    }),
  )
  const stopListening = process.listen(({ stream, bytes }) => {
    // A terminal has one stream for both.
    if (stream === 'stdout' ? streams.stdout : streams.stderr) say(stream === 'stdout' ? STDOUT : STDERR, bytes)
    else if (streams.tty && streams.stdout) say(STDOUT, bytes)
  })
  const exitCode = await Promise.race([process.ended, left])
  stopListening()
  if (!isThere || exitCode === undefined) return
  say(ERROR, Buffer.from(JSON.stringify(endStatus(isExec ? exitCode : 0))))
  socket.close()
}

function endStatus(exitCode: number): Tree {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

/** Tells a client that has already been let in why there is nothing to talk to. */
export function refuseRemoteCommand(socket: WebSocketConnection, status: Tree): void {
  socket.send(Buffer.concat([Buffer.from([ERROR]), Buffer.from(JSON.stringify(status))]))
  socket.close()
}
