// What a process keeps: its heap and the buffers beside it, after a collection. When a process collects by itself depends on what it and
// its machine have to do; so it is told to, through the inspector that Node opens at a signal.
import { once } from 'node:events'
import { WebSocket } from 'undici'
import { until } from '../until.ts'

/** For the command line of the process: the inspector gets a free port. */
export const INSPECTABLE = '--inspect-port=127.0.0.1:0'

const OPENS_MS_MAX = 60_000
const LISTENING = /^Debugger listening on (ws:\S+)$/m

/** @param said what the process has written so far, its standard error included */
export async function keptBytes(pid: number, said: () => string): Promise<number> {
  process.kill(pid, 'SIGUSR1')
  await until('the inspector is open', OPENS_MS_MAX, () => LISTENING.test(said()))
  const socket = new WebSocket(LISTENING.exec(said())?.[1] as string)
  try {
    await once(socket, 'open')
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    const { result } = await ask(socket, 2, 'Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    })
    const { heapUsed, external } = (result as { value: NodeJS.MemoryUsage }).value
    return heapUsed + external
  } finally {
    socket.close()
  }
}

async function ask(socket: WebSocket, id: number, method: string, params: object = {}): Promise<{ result?: unknown }> {
  const answered = new Promise<{ result?: unknown }>((resolve, reject) => {
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as { id?: number; result?: { result?: unknown }; error?: unknown }
      if (answer.id !== id) return
      if (answer.result === undefined) reject(new Error(`${method}: ${JSON.stringify(answer.error)}`))
      else resolve(answer.result)
    })
    socket.addEventListener('close', () => reject(new Error(`${method}: the connection ended`)))
  })
  socket.send(JSON.stringify({ id, method, params }))
  return answered
}
