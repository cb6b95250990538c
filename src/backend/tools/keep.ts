// The side of keeper.mjs that is with whoever starts processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Keeper {
  /** Ends that process when this one is gone, unless it ended before. */
  mind(child: ChildProcess): void
  /** The same of a process that is not a child of this one. @returns how to say that it has ended */
  mindPid(pid: number, signal: 'SIGINT' | 'SIGKILL'): () => void
  /** Removes that folder when this process is gone. */
  mindFolder(path: string): void
}

const PROGRAM = fileURLToPath(new URL('./keeper.mjs', import.meta.url))

/** Starts one, in a process group of its own, where no Ctrl-C reaches it. */
export function startKeeper(): Keeper {
  const keeper = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  keeper.unref()
  const input = keeper.stdin as NodeJS.WritableStream & { unref?: () => void }
  input.unref?.()
  input.on('error', () => {}) // without it nothing is minded, and everything else works
  const say = (line: string) => void input.write(`${line}\n`)
  return {
    mind(child) {
      const { pid } = child
      if (pid === undefined) return
      say(`+${pid} SIGKILL`)
      child.once('exit', () => say(`-${pid}`))
    },
    mindPid(pid, signal) {
      say(`+${pid} ${signal}`)
      return () => say(`-${pid}`)
    },
    mindFolder: (path) => say(`folder ${path}`),
  }
}
