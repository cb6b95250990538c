// Ending what a container engine leaves: the processes that hold its folder in their command line, and the mounts below it. Only ever of
// a folder that a test made.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const GONE_WAIT_MS = 5_000

/** Kills what still runs on the folder, unmounts what is mounted below it, and removes it. */
export async function clearFolder(folder: string): Promise<void> {
  const deadline = performance.now() + GONE_WAIT_MS
  for (let pids = processesOn(folder); pids.length > 0 && performance.now() < deadline; pids = processesOn(folder)) {
    for (const pid of pids.flatMap((one) => [...childrenOf(one), one])) kill(pid)
    await sleep(50)
  }
  // The deepest first.
  for (const mount of mountsBelow(folder).toReversed()) {
    try {
      execFileSync('umount', ['--lazy', mount], { stdio: 'ignore' })
    } catch {
      // It went with its process.
    }
  }
  rmSync(folder, { recursive: true, force: true })
}

export function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
}

export function processesOn(folder: string): number[] {
  return pids().filter((pid) => pid !== process.pid && textOf(`/proc/${pid}/cmdline`).includes(`${folder}/`))
}

function childrenOf(parent: number): number[] {
  const children = pids().filter((pid) => Number(/\) \S (\d+)/.exec(textOf(`/proc/${pid}/stat`))?.[1]) === parent)
  return children.flatMap((child) => [...childrenOf(child), child])
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}
