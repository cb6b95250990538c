#!/usr/bin/env node
// The command line's entry: plugs the process into the commands and turns a failure into a sentence and exit status 1.
import { defaultDataDir } from '../database/embedded.ts'
import { commandLine, failureText } from './commands.ts'
import { NO_PROGRESS, progressBar } from './progress.ts'

const { env } = process
const dataDir = env.DATA_DIR || defaultDataDir(env)

const program = commandLine({
  environment: env,
  dataDir,
  print: (text) => console.log(text),
  note: (text) => console.error(text),
  // Drawn on the error output: what is printed can be passed on.
  progress: (words, unit) => (process.stderr.isTTY === true ? progressBar(words, unit) : NO_PROGRESS),
  setExitStatus: (status) => {
    process.exitCode = status
  },
  importFile: async (path) => {
    // Loaded when it is needed: a quote has no use for the readers of feeds.
    const { importFile } = await import('./import-file.ts')
    await importFile(path, {
      environment: env,
      print: (text) => console.log(text),
      isTerminal: process.stdout.isTTY === true,
      clock: () => new Date(),
    })
  },
})

try {
  await program.parseAsync()
} catch (error) {
  console.error(failureText(error))
  process.exitCode = 1
}
