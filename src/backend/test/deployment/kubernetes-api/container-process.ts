// A command of a container, running on this machine: what it writes is kept as the container's log, and may be listened to.
import { spawn } from 'node:child_process'
import { type Keeper, startKeeper } from '../../../tools/keep.ts'

export interface Command {
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly workingDirectory: string
}

export interface LogLine {
  readonly at: Date
  readonly text: string
}

export interface Output {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

export interface ContainerProcess {
  /** null while it runs. */
  readonly exitCode: number | null
  readonly log: readonly LogLine[]
  write(input: Buffer): void
  endInput(): void
  /** Everything it has written so far, and then what it writes. @returns a function that ends it */
  listen(listener: (output: Output) => void): () => void
  /** Resolves when it has ended and everything it wrote has been read. */
  readonly ended: Promise<number>
  kill(): void
}

const NOT_FOUND = 127
const KILLED = 137

let keeper: Keeper | null = null

export function startContainerProcess({ words, environment, workingDirectory }: Command): ContainerProcess {
  const [program = '', ...rest] = words
  const child = spawn(program, rest, { cwd: workingDirectory, env: { ...environment }, stdio: 'pipe', detached: true })
  keeper ??= startKeeper()
  keeper.mind(child)
  const log: LogLine[] = []
  const outputs: Output[] = []
  const listeners = new Set<(output: Output) => void>()
  const unfinished = { stdout: '', stderr: '' }
  const take = (stream: Output['stream'], bytes: Buffer) => {
    outputs.push({ stream, bytes })
    const lines = (unfinished[stream] + bytes.toString()).split('\n')
    unfinished[stream] = lines.pop() as string
    for (const text of lines) log.push({ at: new Date(), text })
    for (const listener of [...listeners]) listener({ stream, bytes })
  }
  let exitCode: number | null = null
  const ended = new Promise<number>((done) => {
    const end = (code: number) => {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (unfinished[stream] !== '') log.push({ at: new Date(), text: unfinished[stream] })
        unfinished[stream] = ''
      }
      exitCode ??= code
      done(exitCode)
    }
    child.once('error', () => {
      const why = `exec: "${program}": executable file not found in $PATH\n`
      take('stderr', Buffer.from(why))
      end(NOT_FOUND)
    })
    child.once('close', (code) => end(code ?? KILLED))
  })
  child.stdout.on('data', (bytes: Buffer) => take('stdout', bytes))
  child.stderr.on('data', (bytes: Buffer) => take('stderr', bytes))
  child.stdin.on('error', () => {}) // it does not read, or has ended
  return {
    get exitCode() {
      return exitCode
    },
    log,
    ended,
    write: (input) => void child.stdin.write(input),
    endInput: () => child.stdin.end(),
    listen(listener) {
      for (const output of outputs) listener(output)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    kill() {
      if (exitCode !== null || child.pid === undefined) return
      try {
        process.kill(-child.pid, 'SIGKILL') // with what it started
      } catch {
        child.kill('SIGKILL')
      }
    },
  }
}
