// Runs a command of the command line as a person would, against an engine at the socket.
import { commandLine, failureText } from '../scripts/commands.ts'

export interface Ran {
  /** What was printed, or the sentence it failed with. */
  readonly text: string
  /** What was said beside it. */
  readonly notes: string
  readonly status: number
  /** What the bar was told: done and total. */
  readonly shown: readonly (readonly [number, number | null])[]
}

/** @param words without the program's own name; where the engine is and a key are added */
export async function runCommand(baseUrl: string, ...words: string[]): Promise<Ran> {
  const printed: string[] = []
  const notes: string[] = []
  const shown: (readonly [number, number | null])[] = []
  let status = 0
  const program = commandLine({
    environment: { BORROW_RATE_URL: baseUrl, BORROW_RATE_API_KEY: 'key-1' },
    dataDir: '/nonexistent',
    print: (text) => printed.push(text),
    note: (text) => notes.push(text),
    progress: () => ({ update: (done, total) => shown.push([done, total]), done: () => {} }),
    setExitStatus: (to) => {
      status = to
    },
    importFile: async () => {},
  })
  for (const command of [program, ...program.commands, ...program.commands.flatMap((one) => one.commands)]) {
    command.exitOverride().configureOutput({ writeErr: (text) => notes.push(text) })
  }
  try {
    await program.parseAsync(words, { from: 'user' })
    return { text: printed.join('\n'), notes: notes.join('\n'), status, shown }
  } catch (error) {
    const refusedWords = (error as { code?: unknown }).code
    const isUsage = typeof refusedWords === 'string' && refusedWords.startsWith('commander.')
    return { text: isUsage ? (error as Error).message : failureText(error), notes: notes.join('\n'), status: 1, shown }
  }
}
