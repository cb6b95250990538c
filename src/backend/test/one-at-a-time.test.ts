import { spawn } from 'node:child_process'
import { lstatSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { processIdentity } from '../database/process-identity.ts'
import { oneAtATime } from './one-at-a-time.ts'

const lockOf = (name: string) => join(tmpdir(), `borrow-rate-engine-${name}.lock`)
const isHeld = (name: string) => lstatSync(lockOf(name), { throwIfNoEntry: false }) !== undefined

test('it is held while it is done, and given back when that fails', () => {
  const name = `test-${process.pid}-fails`
  expect(() =>
    oneAtATime(name, () => {
      throw new Error(`held: ${isHeld(name)}`)
    }),
  ).toThrow('held: true')
  expect(isHeld(name)).toBe(false)
})

test('whoever comes second waits for the first, also when that one dies with it', () => {
  const name = `test-${process.pid}-waits`
  const first = spawn('sleep', ['0.5'], { stdio: 'ignore' })
  const owner = processIdentity(first.pid as number) as string
  symlinkSync(owner, lockOf(name))
  expect(oneAtATime(name, () => processIdentity(first.pid as number))).toBeNull()
})
