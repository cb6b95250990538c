// Lets one process at a time do a piece of work: two starts in the same folder must not install or build over each other.
// Plain JavaScript without dependencies, because it runs before anything is installed.
import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'

const POLL_MS = 200
const WAIT_MINUTES_MAX = 20

/**
 * Runs `work` while holding the lock file. A lock whose process is gone is taken over.
 * @param {string} lockFile its path; it holds the owner's process id
 * @param {string} waitingFor what the other process is doing, for the line that a waiting person reads
 * @param {() => Promise<void> | void} work
 */
export async function oneAtATime(lockFile, waitingFor, work) {
  await take(lockFile, waitingFor)
  const release = () => rmSync(lockFile, { force: true })
  process.on('exit', release)
  const leave = () => process.exit(1)
  process.on('SIGINT', leave)
  process.on('SIGTERM', leave)
  try {
    await work()
  } finally {
    release()
    process.off('exit', release)
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
  }
}

async function take(lockFile, waitingFor) {
  const giveUpAt = Date.now() + WAIT_MINUTES_MAX * 60_000
  let said = false
  while (!tryTake(lockFile)) {
    const owner = readOwner(lockFile)
    if (owner !== null && !isAlive(owner)) {
      takeAway(lockFile, owner)
      continue
    }
    if (!said && owner !== null) {
      console.log(`Waiting for process ${owner}, which is ${waitingFor}.`)
      said = true
    }
    if (Date.now() > giveUpAt) {
      throw new Error(`${lockFile} was held for ${WAIT_MINUTES_MAX} minutes. Stop process ${owner} or remove the file.`)
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

function tryTake(lockFile) {
  try {
    const file = openSync(lockFile, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** The owner's process id, or null while the file is being written or has just gone. */
function readOwner(lockFile) {
  try {
    const owner = Number(readFileSync(lockFile, 'utf8'))
    return Number.isSafeInteger(owner) && owner > 0 ? owner : null
  } catch {
    return null
  }
}

function isAlive(processId) {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Removes a dead owner's lock. Renaming first makes sure that only one of several waiting processes does. */
function takeAway(lockFile, deadOwner) {
  if (readOwner(lockFile) !== deadOwner) return
  const aside = `${lockFile}.${process.pid}`
  try {
    renameSync(lockFile, aside)
    rmSync(aside, { force: true })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
}
