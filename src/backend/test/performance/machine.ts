// What the figures were measured on: a number without its machine and its versions says nothing.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { embeddedPackageFolder } from '../../database/postgres-binaries.ts'
import { ENGINE_VERSION } from '../../server/engine-version.ts'
import { testBinaries } from '../postgres-found.ts'
import { wrkVersion } from './load.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory_gib: number
  readonly platform: string
  readonly node: string
  /** `18.4.0, embedded`, or what TEST_POSTGRES names. */
  readonly postgres: string
  readonly engine: string
  /** Of the sources, as `git describe` has it; null where there is no repository. */
  readonly commit: string | null
  /** What drives requests. */
  readonly load: string
  /** Processes that wanted to run, over the last minute. */
  readonly load_average: number
  /** The share of the processors that others used for the moment before, 0 to 1. */
  readonly busy_before: number
}

const BUSY_LOOK_MS = 500

export async function machine(): Promise<Machine> {
  const cpus = os.cpus()
  return {
    cpu: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.release()} ${os.arch()}`,
    node: process.version,
    postgres: postgresVersion(),
    engine: ENGINE_VERSION,
    commit: commit(),
    load: wrkVersion() ?? 'own client',
    load_average: os.loadavg()[0] ?? Number.NaN,
    busy_before: await busyShare(),
  }
}

/** The first lines of every part. */
export function machineLines(of: Machine, at: Date): string[] {
  const commit = of.commit === null ? '' : ` (${of.commit})`
  const others = `${(of.busy_before * 100).toFixed(0)} % of it busy before, load average ${of.load_average.toFixed(2)}`
  return [
    `${of.cpu}, ${of.cores} cores, ${of.memory_gib} GiB, ${of.platform}; ${others}`,
    `Node ${of.node}, PostgreSQL ${of.postgres}, engine ${of.engine}${commit}, load by ${of.load}; ${at.toISOString()}`,
    ...(of.load === 'own client'
      ? ['wrk is not installed: the own client costs more than what it measures and bounds every rate below']
      : []),
  ]
}

const BACKEND = join(import.meta.dirname, '../..')

function postgresVersion(): string {
  const folder = testBinaries()?.binariesFolder ?? null
  if (folder !== null) {
    const said = execFileSync(join(folder, 'postgres'), ['--version'], { encoding: 'utf8' })
    return /[0-9][0-9.]*/.exec(said)?.[0] ?? said.trim()
  }
  const { version } = JSON.parse(readFileSync(join(embeddedPackageFolder(), 'package.json'), 'utf8')) as {
    version: string
  }
  return `${version.replace(/-.*/, '')}, embedded`
}

/** With `-dirty` when a file of the engine differs from it: the results that a run before has left beside the documents do not count. */
function commit(): string | null {
  const git = (...args: string[]) => spawnSync('git', args, { cwd: BACKEND, encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', '--short=12', 'HEAD')
  if (status !== 0) return null
  const differs = git('status', '--porcelain', '--untracked-files=no', '--', '.').stdout.trim() !== ''
  return `${stdout.trim()}${differs ? '-dirty' : ''}`
}

/** What everything on the machine used of it while this process waited. */
async function busyShare(): Promise<number> {
  const [before, _] = [cpuTotals(), await sleep(BUSY_LOOK_MS)]
  const after = cpuTotals()
  return 1 - (after.idle - before.idle) / (after.all - before.all)
}

function cpuTotals(): { idle: number; all: number } {
  const times = os.cpus().map((cpu) => cpu.times)
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.reduce((sum, of) => sum + of.user + of.nice + of.sys + of.idle + of.irq, 0),
  }
}
