// The script that makes the state's bucket, with an `aws` on the path that writes down what it is asked.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ENVIRONMENTS } from './maintenance_windows.ts'

const SCRIPT = join(import.meta.dirname, 'bootstrap.sh')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bootstrap-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** @param answer what the bucket's HEAD request ends with: 0 when there is one */
function bootstrap(environment: string, answer: number) {
  const aws = join(folder, 'aws')
  const asked = join(folder, 'asked')
  writeFileSync(asked, '')
  writeFileSync(aws, `#!/bin/sh\necho "$*" >> "${asked}"\n[ "$2" != head-bucket ] || exit ${answer}\n`)
  chmodSync(aws, 0o755)
  const { status, stdout, stderr } = spawnSync('bash', [SCRIPT], {
    encoding: 'utf8',
    env: { PATH: `${folder}:${process.env.PATH}`, ENV: environment },
  })
  const calls = readFileSync(asked, 'utf8').split(/^(?=s3api )/m)
  return { status, stdout, stderr, calls, actions: calls.map((call) => call.split(/\s+/)[1]) }
}

const SETTINGS_OF_A_BUCKET = [
  'put-public-access-block',
  'put-bucket-ownership-controls',
  'put-bucket-versioning',
  'put-bucket-encryption',
  'put-bucket-policy',
  'put-bucket-lifecycle-configuration',
]

describe.each(ENVIRONMENTS)('bootstrap.sh for %s', (environment) => {
  test('makes a bucket that is not there, and sets it', () => {
    const { status, actions, calls, stdout } = bootstrap(environment, 1)
    expect(status).toBe(0)
    expect(actions).toEqual(['head-bucket', 'create-bucket', ...SETTINGS_OF_A_BUCKET])
    for (const call of calls) expect(call).toContain(`--bucket borrow-rate-engine-${environment}-terraform-state`)
    expect(stdout).toContain(`holds the state of ${environment}`)
  })

  test('sets one that is there again', () => {
    const { status, actions } = bootstrap(environment, 0)
    expect(status).toBe(0)
    expect(actions).toEqual(['head-bucket', ...SETTINGS_OF_A_BUCKET])
  })
})

test('the bucket is closed, versioned and encrypted, and its policies are JSON', () => {
  const { calls } = bootstrap('dev', 1)
  const said = (action: string) => calls.find((call) => call.includes(action)) ?? ''
  expect(said('put-public-access-block').match(/=true/g)).toHaveLength(4)
  expect(said('put-bucket-versioning')).toContain('Status=Enabled')
  expect(said('put-bucket-encryption')).toContain('"SSEAlgorithm":"aws:kms"')
  for (const [action, flag] of [
    ['put-bucket-policy', '--policy'],
    ['put-bucket-lifecycle-configuration', '--lifecycle-configuration'],
    ['put-bucket-encryption', '--server-side-encryption-configuration'],
  ] as const) {
    expect(() => JSON.parse(said(action).split(`${flag} `)[1] ?? ''), action).not.toThrow()
  }
})

test('another environment is refused before anything is asked', () => {
  const { status, stderr, actions } = bootstrap('production', 1)
  expect(status).toBe(2)
  expect(stderr).toContain('ENV is dev, staging or prod')
  expect(actions).toEqual([undefined])
})
