// What the README promises somebody who has just cloned this: one command starts an engine that says what to try, the try gives
// a bill that adds up, Ctrl-C leaves nothing behind, and what was recorded is there at the next start. The example in the
// README is the output of this run; UPDATE_README=1 writes it there.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseExactJson } from '../../client/exact-json.ts'
import { decimal, plus } from '../../pricing/decimal.ts'
import { PROJECT_ROOT } from '../tidy/tree.ts'

const START_MS_MAX = 120_000
const STOP_MS_MAX = 20_000
const README = join(PROJECT_ROOT, 'README.md')
const EXAMPLE = /(<!-- example:start -->\n)([\s\S]*?)(<!-- example:end -->)/

let folder: string
let environment: NodeJS.ProcessEnv
let engine: { process: ChildProcess; output: () => string } | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'newcomer-'))
  await chmod(folder, 0o755) // as root the database runs as another user, who must get in
  environment = { ...process.env, DATA_DIR: join(folder, 'data'), PORT: '0', NODE_ENV: 'production' }
  delete environment.DATABASE_URL
})

afterAll(async () => {
  if (engine !== undefined) await stop()
  rmSync(folder, { recursive: true, force: true })
}, STOP_MS_MAX)

/** `npm start`, until it has printed something to try. */
async function start(): Promise<string> {
  const child = spawn('npm', ['start'], {
    cwd: PROJECT_ROOT,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, as in a terminal
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  engine = { process: child, output: () => output }
  const giveUpAt = Date.now() + START_MS_MAX
  while (!/^\s*curl .*$/m.test(output) || !output.includes('listening')) {
    if (child.exitCode !== null || Date.now() > giveUpAt)
      throw new Error(`npm start printed nothing to try:\n${output}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return output
}

/** What Ctrl-C does, a signal to npm and the engine alike, which npm passes on once more; how npm ended, and whether the engine that it started is gone. */
async function stop(): Promise<{ code: number | null; engineGone: boolean }> {
  const { process: child } = engine!
  const { pid } = JSON.parse(readFileSync(join(folder, 'data', 'engine.json'), 'utf8')) as { pid: number }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  process.kill(-child.pid!, 'SIGINT')
  const code = await ended
  engine = undefined
  return { code, engineGone: !isAlive(pid) }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function commandLine(...words: string[]): Promise<string> {
  const program = join(PROJECT_ROOT, 'src/backend/dist/scripts/borrow-rate-engine.js')
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], { env: environment })
  return stdout.trimEnd()
}

/** Everything in a text that another run says otherwise: ids, the time of the run, ages. */
function withoutTimes(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'ID')
    .replace(/[0-9]+ [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} UTC/g, 'TIME')
    .replace(/[0-9]+ (s|min|h|d)( [0-9]+ min)? old/g, 'AGE old')
}

describe('a newcomer', { timeout: START_MS_MAX + STOP_MS_MAX }, () => {
  let auditId = ''

  test('starts the engine with one command, and the printed call gives a bill that adds up', async () => {
    const output = await start()
    const [, address = '', key = '', body = ''] =
      /curl -s (\S+) .*'X-API-Key: (\S+)' .*-d '(\{.*\})'/.exec(output) ?? []
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body,
    })
    const quote = parseExactJson(await response.text()) as {
      status: string
      audit_id: string
      total_fee: string
      breakdown: { borrow_cost: string; markup: string; transaction_fees: string }
    }
    expect(quote.status).toBe('success')
    const { borrow_cost, markup, transaction_fees } = quote.breakdown
    const sum = plus(plus(decimal(borrow_cost), decimal(markup)), decimal(transaction_fees))
    expect(sum.toString()).toBe(quote.total_fee)
    auditId = quote.audit_id
  })

  test("gets what the README shows from the README's own command", async () => {
    const readme = readFileSync(README, 'utf8')
    const [, words = ''] = /^npm run quote -- (.*)$/m.exec(readme) ?? []
    const shown = `\`\`\`text\n${await commandLine('quote', ...words.split(' '))}\n\`\`\`\n`
    if (process.env.UPDATE_README === '1')
      writeFileSync(README, readme.replace(EXAMPLE, `$1${shown.replaceAll('$', '$$$$')}$3`))
    const example = EXAMPLE.exec(readFileSync(README, 'utf8'))?.[2] ?? ''
    expect(withoutTimes(example)).toBe(withoutTimes(shown))
  })

  test('stops it, and nothing stays behind', async () => {
    expect(await stop()).toEqual({ code: 0, engineGone: true })
    expect(existsSync(join(folder, 'data', 'postgres', 'postmaster.pid'))).toBe(false)
  })

  test('finds the recorded price after the next start', async () => {
    await start()
    const text = await commandLine('explain', auditId)
    expect(text).toContain(`Record ${auditId}`)
    expect(text).toContain('Lender rate')
  })
})
