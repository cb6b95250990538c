// The lock in front of installing and building, with real processes: it is only good for anything between processes.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MODULE = new URL('./one-at-a-time.mjs', import.meta.url).href

let folder: string
let lock: string
let diary: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'))
  lock = join(folder, 'lock')
  diary = join(folder, 'diary')
  writeFileSync(diary, '')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A program that takes the lock, writes into the diary, works for a while and writes again. */
function program(name: string, workMs: number): string[] {
  const code = `
    import { appendFileSync } from 'node:fs'
    import { oneAtATime } from ${JSON.stringify(MODULE)}
    await oneAtATime(${JSON.stringify(lock)}, 'working', async () => {
      appendFileSync(${JSON.stringify(diary)}, '${name} begins\\n')
      await new Promise((resolve) => setTimeout(resolve, ${workMs}))
      appendFileSync(${JSON.stringify(diary)}, '${name} ends\\n')
    })`
  return ['--input-type=module', '--eval', code]
}

const run = (name: string, workMs: number) => promisify(execFile)(process.execPath, program(name, workMs))

test('two processes work one after the other, and the one that waits says for whom', async () => {
  const results = await Promise.all([run('one', 300), run('two', 300)])
  const [first, second, third, fourth] = readFileSync(diary, 'utf8').split('\n')
  expect([second, fourth]).toEqual([first?.replace('begins', 'ends'), third?.replace('begins', 'ends')])
  expect(results.map(({ stdout }) => stdout).join('')).toMatch(/^Waiting for process [0-9]+, which is working\.\n$/)
  expect(existsSync(lock)).toBe(false)
})

test('a lock whose process was killed is taken over', async () => {
  const child = spawn(process.execPath, program('killed', 60_000))
  while (!existsSync(lock) || readFileSync(diary, 'utf8') === '')
    await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(existsSync(lock)).toBe(true)
  await run('heir', 0)
  expect(readFileSync(diary, 'utf8')).toBe('killed begins\nheir begins\nheir ends\n')
})

test('a process that is told to stop lets go of the lock', async () => {
  const child = spawn(process.execPath, program('stopped', 60_000))
  while (readFileSync(diary, 'utf8') === '') await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGTERM')
  await once(child, 'exit')
  expect(existsSync(lock)).toBe(false)
})
