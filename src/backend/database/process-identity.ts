// Which process a number means. Process numbers are used again, so whoever writes one down writes the start time beside it.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/** True when a process of that number lives, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A text that no two processes share, though their numbers may be equal; null when no such process lives. */
export function processIdentity(pid: number): string | null {
  if (!isAlive(pid)) return null
  if (existsSync('/proc/self/stat')) {
    try {
      // The command's name, in brackets, may hold anything; the fields after it do not. Field 3 is the state, field 22 the start.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? null : `${pid} started ${fields[19]}`
    } catch {
      return null
    }
  }
  const started = ps(pid, 'lstart=')
  return started === '' ? null : `${pid} started ${started}`
}

/** The command line of a process, its words separated by blanks; empty when there is none. */
export function commandLine(pid: number): string {
  if (existsSync('/proc/self/stat')) {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    } catch {
      return ''
    }
  }
  return ps(pid, 'args=')
}

function ps(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}
