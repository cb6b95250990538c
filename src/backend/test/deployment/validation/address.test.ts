// Where an environment answers and with which keys it is asked, from options, variables and files.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { baseUrlOf, keysOf } from './address.ts'

const folder = mkdtempSync(join(tmpdir(), 'address-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('an address: what is said, else the variable of the environment, on this machine the engine that runs', () => {
  expect(baseUrlOf('dev', 'https://dev.example.com/', { BASE_URL_DEV: 'https://other' })).toBe(
    'https://dev.example.com',
  )
  expect(baseUrlOf('prod', undefined, { BASE_URL_PROD: 'https://prices.example.com' })).toBe(
    'https://prices.example.com',
  )
  expect(baseUrlOf('local', undefined, { DATA_DIR: join(folder, 'nothing') })).toBe('http://127.0.0.1:8000')
  file('engine.json', '{"address":"http://127.0.0.1:8003"}')
  expect(baseUrlOf('local', undefined, { DATA_DIR: folder })).toBe('http://127.0.0.1:8003')
})

test('without an address it says which variable to set', () => {
  expect(() => baseUrlOf('staging', undefined, { BASE_URL_DEV: 'https://x' })).toThrow(
    /no address for staging. Set BASE_URL_STAGING/,
  )
  expect(() => baseUrlOf('dev', 'ftp://dev', {})).toThrow(/must begin with https/)
})

test('keys: from a file, else from a variable; an administrator may audit', () => {
  const key = file('key', 'from-a-file\n')
  expect(keysOf('dev', { 'api-key-file': key }, { BORROW_RATE_API_KEY: 'from-a-variable' })).toEqual({
    quoting: 'from-a-file',
  })
  expect(keysOf('dev', {}, { BORROW_RATE_API_KEY: 'desk', BORROW_RATE_ADMIN_KEY: 'admin' })).toEqual({
    quoting: 'desk',
    admin: 'admin',
    auditing: 'admin',
  })
})

test("the demonstration's keys open what runs on this machine, and nothing else", () => {
  const keys = ['desk', 'auditor', 'admin'].map((role) => ({
    name: role,
    role,
    clientId: 'house',
    apiKey: `${role}-key`,
  }))
  file('demo-keys.json', JSON.stringify({ keys }))
  const variables = { DATA_DIR: folder }
  expect(keysOf('local', {}, variables)).toEqual({ quoting: 'desk-key', auditing: 'auditor-key', admin: 'admin-key' })
  expect(keysOf('dev', {}, variables)).toEqual({})
})

test('a file that holds something else is named by its option, and its content is not shown', () => {
  const secret = file('two', 'one two\n')
  expect(() => keysOf('dev', { 'admin-key-file': secret }, {})).toThrow(
    /^The file that --admin-key-file names must hold one key/,
  )
  expect(() => keysOf('dev', { 'api-key-file': join(folder, 'none') }, {})).toThrow(
    '--api-key-file names cannot be read',
  )
})
