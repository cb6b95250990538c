// The files that the tidy rules look at: what git knows, and what it would know after `git add`.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const PROJECT_ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
/** Where the program is, from the project's root. */
export const BACKEND = 'src/backend/'

export interface TreeFile {
  /** From the project's root, with `/`. */
  readonly path: string
  readonly bytes: number
  readonly text: string
}

const TEXT_BYTES_MAX = 5_000_000

export function projectFiles(): TreeFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    maxBuffer: 16_000_000,
  })
  const paths = [...new Set(listed.split('\0'))].filter((path) => path !== '' && existsSync(PROJECT_ROOT + path)).sort()
  return paths.map((path) => {
    const { size } = statSync(PROJECT_ROOT + path)
    return { path, bytes: size, text: size > TEXT_BYTES_MAX ? '' : readFileSync(PROJECT_ROOT + path, 'utf8') }
  })
}

/** A file that exists in a test only. */
export function sample(path: string, text: string, bytes = text.length): TreeFile {
  return { path, bytes, text }
}
