// The blocks of a document in one shell, as a person types them one after the other: what one exports, the next one has. Each begins in
// the root of the project, and the first command that fails is the end.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'

export interface Typed {
  readonly text: string
  /** Settings of this block alone, said before it and taken back after. */
  readonly environment: Readonly<Record<string, string>>
}

export interface Outcome {
  /** null: it was not come to. */
  readonly status: number | null
  readonly output: string
}

export interface ShellOptions {
  readonly root: string
  /** Where what is printed is kept. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

/** @returns how each block ended */
export async function typeInto(blocks: readonly Typed[], options: ShellOptions): Promise<Outcome[]> {
  const { root, folder, environment, timeoutMs } = options
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'script')
  writeFileSync(script, `set -euo pipefail\n${blocks.map((block, at) => blockText(block, at, options)).join('\n')}\n`)
  const child = spawn('bash', [script], { env: { ...environment }, cwd: root, stdio: 'ignore', detached: true })
  const keeper = startKeeper()
  keeper.mind(child)
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, timeoutMs)
  await new Promise((done) => child.once('close', done))
  clearTimeout(timer)
  return blocks.map((_, at) => outcomeOf(folder, at))
}

function blockText(
  { text, environment }: Typed,
  at: number,
  { root, folder, environment: outside }: ShellOptions,
): string {
  const names = Object.keys(environment)
  const said = Object.entries(environment).map(([name, value]) => `export ${name}=${quoted(value)}`)
  const log = join(folder, `${at}.log`)
  return [
    `cd ${quoted(root)}`,
    ...said,
    `: >${quoted(log)}`,
    '{',
    text,
    `} >>${quoted(log)} 2>&1 </dev/null`,
    `echo 0 >${quoted(join(folder, `${at}.status`))}`,
    ...names.map((name) => (name in outside ? `export ${name}=${quoted(outside[name] as string)}` : `unset ${name}`)),
  ].join('\n')
}

function outcomeOf(folder: string, at: number): Outcome {
  const [log, status] = [join(folder, `${at}.log`), join(folder, `${at}.status`)]
  if (!existsSync(log)) return { status: null, output: '' }
  return { status: existsSync(status) ? 0 : 1, output: readFileSync(log, 'utf8') }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
