#!/usr/bin/env node
// Quarterly maintenance of the database: indexes built anew, tables vacuumed and analyzed, while it serves. In its window, or when told
// not to wait for it.
// Exit status: 0 everything was done; 1 nothing was, with the reason; 2 some steps were left out, and are named.
import { Command, Option } from 'commander'
import { maintain, type Step, type TableState, tableStates } from '../database/maintenance.ts'
import { nextWindow, WINDOWS, type WindowedEnvironment, windowEnd, windowText } from '../database/maintenance-window.ts'
import { chosenDatabase } from './chosen-database.ts'

interface Words {
  readonly environment: WindowedEnvironment
  readonly now?: true
  readonly reportOnly?: true
  readonly lockTimeoutMs: number
  readonly json?: true
  readonly only?: readonly string[]
}

const program = new Command('db_maintenance')
  .description(
    'Works on DATABASE_DIRECT_URL, else DATABASE_URL (or the same with _FILE), else the embedded database of DATA_DIR.',
  )
  .addOption(
    new Option('--environment <name>', 'whose window it is').choices(Object.keys(WINDOWS)).makeOptionMandatory(),
  )
  .option('--now', 'also outside of the window')
  .option('--report-only', 'say how large and how dead tables and indexes are, and change nothing')
  .option('--only <table...>', 'these tables and their indexes')
  .option('--lock-timeout-ms <n>', 'for each try to have a lock', positive, 5_000)
  .option('--json', 'print one JSON object')
  .action(async (words: Words) => {
    const { environment, now, reportOnly, lockTimeoutMs, json, only } = words
    const startedAt = new Date()
    const end = windowEnd(environment, startedAt)
    if (end === null && now !== true && reportOnly !== true) {
      const next = nextWindow(environment, startedAt).toISOString().slice(0, 16).replace('T', ' ')
      throw new Error(
        `the window of ${environment} (UTC: ${windowText(environment)}) is not open; the next begins at ${next}. --now does not wait for it`,
      )
    }
    const database = await chosenDatabase(process.env)
    try {
      const before = await tableStates(database)
      if (json !== true) console.log(statesText(before))
      if (reportOnly === true) {
        if (json === true) console.log(JSON.stringify({ tables: before, steps: [] }))
        return
      }
      const steps = await maintain({
        ...database,
        lockTimeoutMs,
        ...(only !== undefined && { only }),
        mayGoOn: () => now === true || end === null || new Date() < end,
        tell: (step) => json !== true && console.log(stepText(step)),
      })
      const left = steps.filter(({ outcome }) => outcome === 'left out')
      if (json === true) console.log(JSON.stringify({ tables: await tableStates(database), steps }))
      else console.log(endText(steps, left.length))
      if (left.length > 0) process.exitCode = 2
    } finally {
      await database.close()
    }
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || error.name : String(error))
  process.exitCode = 1
}

function statesText(states: readonly TableState[]): string {
  const dead = ({ liveRows, deadRows }: TableState) => (deadRows === 0 ? 0 : (100 * deadRows) / (liveRows + deadRows))
  const rows = states.map((state) =>
    [
      sizeText(state.bytes).padStart(10),
      sizeText(state.indexBytes).padStart(10),
      `${dead(state).toFixed(0)} %`.padStart(6),
      `  ${(state.lastVacuum ?? 'never').slice(0, 16).replace('T', ' ').padEnd(16)}  ${state.table}`,
    ].join(''),
  )
  return ['     table   indexes  dead  last vacuum       table', ...rows, ''].join('\n')
}

function stepText({ work, name, outcome, why, bytesBefore, bytesAfter, tookMs }: Step): string {
  const what = `${work.padEnd(7)}  ${name}`
  if (outcome === 'left out') return `${what}: left out, ${why}`
  const change =
    work === 'reindex' && bytesBefore !== bytesAfter ? `, ${sizeText(bytesBefore)} to ${sizeText(bytesAfter)}` : ''
  return `${what}: ${(tookMs / 1000).toFixed(1)} s${change}`
}

function endText(steps: readonly Step[], left: number): string {
  const saved = steps.reduce((sum, { bytesBefore, bytesAfter }) => sum + Math.max(0, bytesBefore - bytesAfter), 0)
  return `${steps.length - left} of ${steps.length} steps done, ${sizeText(saved)} given back${left === 0 ? '' : `, ${left} left out`}`
}

function sizeText(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1_048_576).toFixed(1)} MB`
}

function positive(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1) throw new Error(`${text} is no whole number above 0`)
  return number
}
