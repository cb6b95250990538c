// One process at a time does something to a folder. The lock is a file that names its holder; the file of a holder that
// died is no lock. (Node has no flock.)
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { processIdentity } from './process-identity.ts'

const POLL_MS = 20

/**
 * Runs `work` while this call alone holds the lock file.
 * @throws Error naming the holder when the lock is not free within `waitMs`.
 */
export async function withFolderLock<T>(lockFile: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + waitMs
  while (!take(lockFile)) {
    const holder = read(lockFile)
    if (holder !== null && !holds(holder)) discard(lockFile, holder)
    else if (performance.now() > deadline) {
      throw new Error(
        `${lockFile} is held by process ${holder?.split(' ')[0] ?? '?'}, which has not let go in ${waitMs} ms`,
      )
    } else await sleep(POLL_MS)
  }
  try {
    return await work()
  } finally {
    rmSync(lockFile, { force: true })
  }
}

let taken = 0

/** Writes the file under a name of our own and links it: so it appears whole, or not at all because somebody has it. */
function take(lockFile: string): boolean {
  taken += 1
  const own = `${lockFile}.${process.pid}.${taken}`
  writeFileSync(own, processIdentity(process.pid) ?? '', { mode: 0o600 })
  try {
    linkSync(own, lockFile)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

function holds(holder: string): boolean {
  const pid = Number(holder.split(' ')[0])
  return Number.isInteger(pid) && pid > 0 && processIdentity(pid) === holder
}

/** Takes a dead holder's file away; puts it back when somebody alive has locked in between. */
function discard(lockFile: string, dead: string): void {
  const aside = `${lockFile}.${process.pid}.dead`
  try {
    renameSync(lockFile, aside)
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, lockFile)
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function read(lockFile: string): string | null {
  try {
    return readFileSync(lockFile, 'utf8')
  } catch {
    return null
  }
}
