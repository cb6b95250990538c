// Memory that processes hold, as Linux tells it; NaN elsewhere.
import { readFileSync } from 'node:fs'
import { childrenOf } from './child-process.ts'

/** Resident memory of one process, MiB: its own pages, and those that it shares with others. */
export function residentMib(pid: number): number {
  return kib(`/proc/${pid}/status`, /^VmRSS:\s+([0-9]+) kB/m) / 1024
}

/** Of a process and its children together, MiB: a page that several hold counts once. */
export function togetherMib(pid: number): number {
  const of = [pid, ...childrenOf(pid)].map((each) => kib(`/proc/${each}/smaps_rollup`, /^Pss:\s+([0-9]+) kB/m))
  return of.reduce((sum, each) => sum + each, 0) / 1024
}

function kib(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1])
  } catch {
    return Number.NaN
  }
}
