import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { readSigningKey, readTrustedKeys } from '../audit/signing-key.ts'

const SCRIPT = fileURLToPath(new URL('./generate_signing_key.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'generate-signing-key-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(...words: string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', SCRIPT, ...words], { encoding: 'utf8' })
}

test('generate_signing_key makes a key, prints its public half alone, shows it again, and overwrites nothing', () => {
  const file = join(folder, 'key.pem')
  const made = run('--file', file)
  const key = readSigningKey(file)
  expect(made).toMatchObject({ status: 0, stdout: key.publicKeyPem })
  expect(made.stderr).toContain(`Made the key ${key.keyId} in ${file}.`)
  const text = readFileSync(file, 'utf8')
  expect(run('--file', file, '--show')).toMatchObject({ status: 0, stdout: key.publicKeyPem })
  const again = run('--file', file)
  expect(again).toMatchObject({
    status: 1,
    stdout: '',
    stderr: `${file} is there already; a key is never overwritten\n`,
  })
  expect(readFileSync(file, 'utf8')).toBe(text)
  expect(readTrustedKeys([], [key]).has(key.keyId)).toBe(true)
})
