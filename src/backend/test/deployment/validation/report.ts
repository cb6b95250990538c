// What a run found: for a person while it goes on, and as a file for a pipeline.
import { writeFileSync } from 'node:fs'
import type { Outcome, Result } from './check.ts'

const MARKS: Readonly<Record<Outcome, string>> = { ok: 'ok', failed: 'FAILED', warning: 'warning', skipped: 'skipped' }
const MARK_WIDTH = 8
const NAME_WIDTH = 72

export interface Run {
  /** `smoke tests` or `integration tests`. */
  readonly what: string
  readonly environment: string
  readonly baseUrl: string
  readonly startedAt: Date
  readonly ms: number
  readonly results: readonly Result[]
}

/** A line for each result; what was expected and seen where it is not the same. */
export function resultText({ outcome, name, expected, seen, ms }: Result): string {
  const head = `  ${MARKS[outcome].padEnd(MARK_WIDTH)} ${name.padEnd(NAME_WIDTH)}`
  if (outcome === 'skipped') return `${head.trimEnd()}: ${seen}`
  const line = `${head} ${String(ms).padStart(6)} ms`
  if (outcome === 'ok') return seen === '' ? line : `${line}  ${seen}`
  return `${line}\n${' '.repeat(MARK_WIDTH + 5)}expected: ${expected}\n${' '.repeat(MARK_WIDTH + 5)}seen:     ${seen}`
}

export function totalText({ results, ms }: Pick<Run, 'results' | 'ms'>): string {
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length
  const parts = [`${count('ok')} passed`, `${count('failed')} failed`]
  if (count('warning') > 0) parts.push(`${count('warning')} with a warning`)
  if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`)
  return `${parts.join(', ')}, in ${(ms / 1000).toFixed(1)} s`
}

/** As JUnit XML when the file's name ends so, else as JSON. */
export function writeReport(file: string, run: Run): void {
  writeFileSync(file, file.endsWith('.xml') ? junit(run) : `${JSON.stringify(run, null, 2)}\n`)
}

function junit({ what, environment, results, ms, startedAt }: Run): string {
  const count = (outcome: Outcome) => results.filter((result) => result.outcome === outcome).length
  const name = attribute(`${what} of ${environment}`)
  const totals = `tests="${results.length}" failures="${count('failed')}" skipped="${count('skipped')}"`
  const about = `name="${name}" ${totals} time="${ms / 1000}" timestamp="${startedAt.toISOString()}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite ${about}>
${results.map(testCase).join('\n')}
  </testsuite>
</testsuites>
`
}

function testCase({ group, name, expected, outcome, seen, ms }: Result): string {
  const open = `    <testcase classname="${attribute(group)}" name="${attribute(name)}" time="${ms / 1000}"`
  const words = attribute(`expected ${expected}; seen: ${seen}`)
  if (outcome === 'failed') return `${open}><failure message="${words}"/></testcase>`
  if (outcome === 'skipped') return `${open}><skipped message="${attribute(seen)}"/></testcase>`
  if (outcome === 'warning') return `${open}><system-out>warning: ${words}</system-out></testcase>`
  return `${open}/>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function attribute(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no place for them
  return text.replaceAll(/[&<>"]/g, (sign) => ENTITIES[sign] as string).replaceAll(/[\u0000-\u001f]/g, ' ')
}
