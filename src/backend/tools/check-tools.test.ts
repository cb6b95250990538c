// The table of tools, against tools that are made for the test and stand alone on the path.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const BACKEND = fileURLToPath(new URL('..', import.meta.url))

/** What each prints, as the real ones do, at exactly the version that is needed. */
const JUST_ENOUGH: Readonly<Record<string, string>> = {
  aws: 'aws-cli/2.13.0 Python/3.11.4 Linux/6.1 exe/x86_64.debian.12 prompt/off',
  kubectl: '{ "clientVersion": { "major": "1", "minor": "34", "gitVersion": "v1.34.0-eks-1" } }',
  terraform: 'Terraform v1.11.0\non linux_amd64',
  helm: 'v3.12.0+gc9f554d',
  docker: 'Docker version 24.0.0, build 98fdcd7',
  git: 'git version 2.40.0',
}

/** Each starts a process, which a busy machine takes its time for. */
const STARTING = { timeout: 30_000 }

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function checkTools(printed: Readonly<Record<string, string | null>>): { status: number | null; lines: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'tools-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(printed)) {
    if (text !== null) writeFileSync(join(folder, name), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 })
  }
  const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', 'tools/check-tools.ts'], {
    cwd: BACKEND,
    env: { PATH: folder },
    encoding: 'utf8',
  })
  return { status, lines: stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  ').trim()) }
}

test('each just new enough is all that is needed', STARTING, () => {
  const { status, lines } = checkTools(JUST_ENOUGH)
  expect(status).toBe(0)
  expect(lines.filter((line) => line.endsWith('  ok'))).toEqual([
    'AWS CLI  2.13.0  2.13.0 or newer  ok',
    'kubectl  1.34.0  1.34.0 or newer  ok',
    'Terraform  1.11.0  1.11.0 or newer  ok',
    'Helm  3.12.0  3.12.0 or newer  ok',
    'Docker  24.0.0  24.0.0 or newer  ok',
    'Git  2.40.0  2.40.0 or newer  ok',
  ])
})

test('what is newer in front counts, whatever stands behind', STARTING, () => {
  const { status, lines } = checkTools({ ...JUST_ENOUGH, helm: 'v4.0.0', docker: 'Docker version 29.0.4, build x' })
  expect(status).toBe(0)
  expect(lines).toContain('Helm  4.0.0  3.12.0 or newer  ok')
})

test('each that is old, missing or silent is named with where to get it, and fails', STARTING, () => {
  const { status, lines } = checkTools({
    ...JUST_ENOUGH,
    aws: 'aws-cli/1.32.99 Python/3.11.4',
    terraform: 'Terraform v1.5.7',
    docker: null,
    git: 'git is here',
  })
  expect(status).toBe(1)
  expect(lines).toContain('AWS CLI  1.32.99  2.13.0 or newer  too old')
  expect(lines).toContain('Terraform  1.5.7  1.11.0 or newer  too old')
  expect(lines).toContain('Docker  not found  24.0.0 or newer  missing')
  expect(lines).toContain('Git  says no version  2.40.0 or newer  missing')
  expect(lines).toContain('Docker  https://docs.docker.com/engine/install/')
  expect(lines).not.toContain('Helm  https://helm.sh/docs/intro/install/')
})
