// The two images of a release, built as the deployment guide builds them.
import { execFileSync } from 'node:child_process'
import { extraAuthorities } from './stand-in-base.ts'

export const VERSION = '1.2.3'
export const IMAGE = `borrow-rate-engine:${VERSION}`
export const POOLER_IMAGE = `borrow-rate-engine-pgbouncer:${VERSION}`
export const DEBIAN_IMAGE = 'debian:trixie-slim'
export const NODE_IMAGE = 'node:24-trixie-slim'

/** What is said beside the line: the labels, and what this machine needs to reach its registry. */
export function buildArguments(revision: string): string[] {
  const authorities = extraAuthorities()
  const labels = {
    VERSION,
    REVISION: revision,
    CREATED: '2026-11-29T18:00:00Z',
    SOURCE: 'https://example.com/borrow-rate-engine',
  }
  return [
    ...['--network', 'host'],
    ...Object.entries(labels).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...(authorities === null ? [] : ['--build-arg', `NODE_EXTRA_CA_CERTS=${authorities}`]),
  ]
}

/** `docker build` and the words of the line, on the folder of the whole project. */
export function engineLine(folder: string): string[] {
  return ['-t', IMAGE, '-f', `${folder}/src/backend/Dockerfile`, `${folder}/src/backend/`]
}

export function poolerLine(folder: string): string[] {
  return ['-t', POOLER_IMAGE, `${folder}/infrastructure/pgbouncer/`]
}

/** A copy of the files that git knows, to change and to build from. */
export function copyOfTree(project: string, target: string): void {
  const listed = 'git ls-files -z src/backend infrastructure/pgbouncer'
  execFileSync('sh', ['-euc', `${listed} | tar --null -T - -c | tar -x -C "$1"`, 'sh', target], { cwd: project })
}
