// The guide's kubectl lines by name, and a shell of an operator to type them into.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'
import { PROJECT_ROOT } from '../tidy/tree.ts'

const LINES = new URL('./fixtures/guide-kubectl.txt', import.meta.url)
const COMMAND_TIMEOUT_MS = 120_000

export interface Typed {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface OperatorShell {
  /** A command as it would be typed in the project's folder, which is a copy. */
  type(command: string, variables?: Readonly<Record<string, string>>): Promise<Typed>
}

export function guideLines(): ReadonlyMap<string, string> {
  const blocks = readFileSync(LINES, 'utf8').split(/^== /m).slice(1)
  return new Map(
    blocks.map((block) => {
      const end = block.indexOf('\n')
      return [block.slice(0, end), block.slice(end + 1).trimEnd()]
    }),
  )
}

/** @param folder for the copy and for what kubectl keeps */
export function operatorShell(folder: string, kubeconfig: string): OperatorShell {
  const project = join(folder, 'project')
  const home = join(folder, 'home')
  mkdirSync(home, { recursive: true })
  const manifests = 'infrastructure/kubernetes'
  cpSync(join(PROJECT_ROOT, manifests), join(project, manifests), { recursive: true })
  const keeper = startKeeper()
  return {
    type(command, variables = {}) {
      const environment = { PATH: process.env.PATH ?? '', HOME: home, KUBECONFIG: kubeconfig, ...variables }
      const child = spawn('bash', ['-euo', 'pipefail', '-c', command], {
        cwd: project,
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      // With all that it started.
      const late = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), COMMAND_TIMEOUT_MS)
      keeper.mind(child)
      const said = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].on('data', (bytes: Buffer) => {
          said[stream] += bytes.toString()
        })
      }
      return new Promise((done) =>
        child.once('close', (status) => {
          clearTimeout(late)
          done({ status, ...said })
        }),
      )
    },
  }
}
