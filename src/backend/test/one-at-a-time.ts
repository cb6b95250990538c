// What two processes of a machine must not do at once, as installing a package: whoever comes second waits, and finds it done.
import { readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processIdentity } from '../database/process-identity.ts'

const LOOK_EVERY_MS = 200

/** Does it, after everybody else who does what has this name. Nothing else of this thread goes on meanwhile. */
export function oneAtATime<T>(name: string, work: () => T): T {
  // A link, because it is made and says whose it is in one step.
  const lock = join(tmpdir(), `borrow-rate-engine-${name}.lock`)
  while (!taken(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS)
  try {
    return work()
  } finally {
    rmSync(lock, { force: true })
  }
}

function taken(lock: string): boolean {
  try {
    symlinkSync(processIdentity(process.pid) as string, lock)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  try {
    const owner = readlinkSync(lock)
    if (processIdentity(Number.parseInt(owner, 10)) !== owner) rmSync(lock, { force: true })
  } catch {
    // It was given back in between.
  }
  return false
}
