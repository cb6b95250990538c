// kubectl, with a limit on each command. What only reads is told apart from what writes: a rehearsal prints the second and does not type it.
import { execFile } from 'node:child_process'

export interface Kubectl {
  /** @returns what it printed. @throws KubectlRefused */
  read(words: readonly string[]): Promise<string>
  /** @param input for its standard input. @throws KubectlRefused */
  write(words: readonly string[], input?: string): Promise<string>
  /** Waits for something as long as it takes, up to the limit. @throws KubectlRefused */
  wait(words: readonly string[], limitMs: number): Promise<string>
}

/** It ended with another status than 0, or not in time: in its own words. */
export class KubectlRefused extends Error {}

const COMMAND_MS_MAX = 60_000
/** Beyond kubectl's own limit, which says what it waited for. */
const KILL_LATER_MS = 15_000
const OUTPUT_BYTES_MAX = 33_554_432

/** @param print where given, what would be written is told to it instead */
export function createKubectl(namespace: string, print?: (line: string) => void): Kubectl {
  const type = (words: readonly string[], limitMs: number, input?: string) =>
    new Promise<string>((done, fail) => {
      const all = ['-n', namespace, ...words]
      const child = execFile(
        'kubectl',
        all,
        { timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: OUTPUT_BYTES_MAX },
        (error, stdout, stderr) => {
          if (error === null) return done(stdout)
          const isMissing = (error as { code?: unknown }).code === 'ENOENT'
          const why = isMissing
            ? 'there is no such program'
            : stderr.trim() || (error.killed ? `no end within ${limitMs / 1000} s` : error.message)
          fail(new KubectlRefused(`kubectl ${words.slice(0, 3).join(' ')}: ${why}`))
        },
      )
      child.stdin?.on('error', () => {})
      child.stdin?.end(input ?? '')
    })
  const show = (words: readonly string[], input?: string) => {
    print?.(`kubectl -n ${namespace} ${words.join(' ')}${input === undefined ? '' : ` <<< '${input}'`}`)
    return Promise.resolve('')
  }
  return {
    read: (words) => type(words, COMMAND_MS_MAX),
    write: (words, input) => (print === undefined ? type(words, COMMAND_MS_MAX, input) : show(words, input)),
    wait: (words, limitMs) => {
      const all = [...words, `--timeout=${Math.ceil(limitMs / 1000)}s`]
      return print === undefined ? type(all, limitMs + KILL_LATER_MS) : show(all)
    },
  }
}
