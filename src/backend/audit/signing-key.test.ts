import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigurationError } from '../server/configuration.ts'
import { chainKeys, createSigningKey, KeyFileError, readSigningKey, readTrustedKeys } from './signing-key.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signing-key-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
function file(text?: string): string {
  files += 1
  const path = join(folder, `${files}.pem`)
  if (text !== undefined) writeFileSync(path, text)
  return path
}
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })

describe('a signing key', () => {
  test('is made in a file that only this account may read, and is read back as the same key', () => {
    const path = file()
    const made = createSigningKey(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const read = readSigningKey(path)
    expect(read).toMatchObject({ keyId: made.keyId, publicKeyPem: made.publicKeyPem })
    expect(read.sign('head')).toEqual(made.sign('head')) // Ed25519 signs the same text the same way
    expect(made.sign('head')).toHaveLength(64)
  })

  test('is named by the first 16 hex digits of the SHA-256 of its public half', () => {
    const { keyId, publicKeyPem } = createSigningKey(file())
    const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' })
    expect(keyId).toBe(createHash('sha256').update(der).digest('hex').slice(0, 16))
  })

  test('never takes the place of a file, and leaves nothing beside it', () => {
    const path = file('a key of somebody else')
    expect(() => createSigningKey(path)).toThrow(`${path} is there already; a key is never overwritten`)
    expect(readFileSync(path, 'utf8')).toBe('a key of somebody else')
    expect(readdirSync(folder).filter((name) => !name.endsWith('.pem'))).toEqual([])
    expect(() => createSigningKey(join(folder, 'nowhere', 'key.pem'))).toThrow(KeyFileError)
  })

  test.each([
    ['is not there', join(tmpdir(), 'no-such-key.pem'), /no-such-key\.pem cannot be read: ENOENT/],
    ['is empty', '', /holds no private key in PEM/],
    ['is no key', 'secret text', /holds no private key in PEM/],
    ['is encrypted', encrypted(), /holds no private key in PEM that can be read without a passphrase/],
    [
      'is of another kind',
      RSA.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      /another kind than Ed25519: rsa/,
    ],
  ])('whose file %s is refused with a sentence that does not repeat it', (what, text, sentence) => {
    const path = what === 'is not there' ? text : file(text)
    const read = () => readSigningKey(path)
    expect(read).toThrow(KeyFileError)
    expect(read).toThrow(sentence)
    expect(read).not.toThrow(/secret text/)
  })
})

describe('trusted keys', () => {
  test('verify what they signed, and nothing that was changed, and nothing of a key that is not among them', () => {
    const [old, now, foreign] = [createSigningKey(file()), createSigningKey(file()), createSigningKey(file())]
    const both = file(`the keys of 2025 and 2026\n${old.publicKeyPem}\n${now.publicKeyPem}`)
    const trusted = readTrustedKeys([both])
    expect(trusted.verify(old.keyId, 'head 1', old.sign('head 1'))).toBe(true)
    expect(trusted.verify(now.keyId, 'head 2', now.sign('head 2'))).toBe(true)
    expect(trusted.verify(now.keyId, 'head 2', old.sign('head 2'))).toBe(false)
    expect(trusted.verify(old.keyId, 'head 2', old.sign('head 1'))).toBe(false)
    expect(trusted.verify(old.keyId, 'head 1', Buffer.alloc(64))).toBe(false)
    expect(trusted.verify(old.keyId, 'head 1', Buffer.alloc(3))).toBe(false)
    expect(trusted.has(foreign.keyId)).toBe(false)
    expect(trusted.verify(foreign.keyId, 'head 1', foreign.sign('head 1'))).toBe(false)
  })

  test.each([
    ['no key', 'nothing', /holds no public key in PEM/],
    [
      'a private key',
      RSA.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      /holds a PRIVATE KEY: only public keys/,
    ],
    [
      'a key of another kind',
      RSA.publicKey.export({ type: 'spki', format: 'pem' }) as string,
      /another kind than Ed25519: rsa/,
    ],
    ['a damaged key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', /that cannot be read/],
  ])('are refused with a sentence when a file holds %s', (_, text, sentence) => {
    const read = () => readTrustedKeys([file(text)])
    expect(read).toThrow(KeyFileError)
    expect(read).toThrow(sentence)
  })
})

describe('the keys that the settings name', () => {
  test('a service without a key says what to set and what to type', () => {
    const none = () => chainKeys({ signingKeyFile: null, trustedKeysFile: null, ownFolder: null })
    expect(none).toThrow(ConfigurationError)
    expect(none).toThrow(/AUDIT_SIGNING_KEY_FILE must be set: .* node dist\/scripts\/generate_signing_key\.js --file/)
  })

  test('an engine with a data folder of its own makes its key there, once', () => {
    const ownFolder = mkdtempSync(join(folder, 'data-'))
    const settings = { signingKeyFile: null, trustedKeysFile: null, ownFolder }
    const { key, trusted } = chainKeys(settings)
    expect(statSync(join(ownFolder, 'audit-signing-key.pem')).mode & 0o777).toBe(0o600)
    expect(chainKeys(settings).key.keyId).toBe(key.keyId)
    expect(trusted.has(key.keyId)).toBe(true)
    const named = createSigningKey(file())
    const elsewhere = mkdtempSync(join(folder, 'data-'))
    writeFileSync(join(elsewhere, 'named.pem'), readFileSync(join(folder, `${files}.pem`)))
    const other = chainKeys({ ...settings, signingKeyFile: join(elsewhere, 'named.pem'), ownFolder: elsewhere })
    expect(other.key.keyId).toBe(named.keyId)
    expect(existsSync(join(elsewhere, 'audit-signing-key.pem'))).toBe(false)
  })

  test('after a change of key the old one is trusted when its public half is named, and the new one always is', () => {
    const old = createSigningKey(file())
    const signingKeyFile = file()
    const now = createSigningKey(signingKeyFile)
    const alone = chainKeys({ signingKeyFile, trustedKeysFile: null, ownFolder: null })
    expect([alone.trusted.has(now.keyId), alone.trusted.has(old.keyId)]).toEqual([true, false])
    const both = chainKeys({ signingKeyFile, trustedKeysFile: file(old.publicKeyPem), ownFolder: null })
    expect([both.trusted.has(now.keyId), both.trusted.has(old.keyId)]).toEqual([true, true])
  })

  test('a file that cannot be used is named with its setting', () => {
    const damaged = file('damaged')
    const settings = { signingKeyFile: damaged, trustedKeysFile: null, ownFolder: null }
    expect(() => chainKeys(settings)).toThrow(`AUDIT_SIGNING_KEY_FILE: ${damaged} holds no private key`)
    const signingKeyFile = file()
    createSigningKey(signingKeyFile)
    expect(() => chainKeys({ ...settings, signingKeyFile, trustedKeysFile: damaged })).toThrow(
      `AUDIT_TRUSTED_KEYS_FILE: ${damaged} holds no public key`,
    )
  })
})

function encrypted(): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret text' }) as string
}
