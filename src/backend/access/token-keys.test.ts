// Tokens as an attacker would send them: altered, stripped of their signature, signed with nothing or with the wrong thing.
import { createHmac, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { keysIn, ownSecret, type TokenClaims, TokenKeyError, tokenKeys } from './token-keys.ts'

const SECRET = 'a secret of more than thirty-two bytes'
const CLAIMS: TokenClaims = { sub: 'key1', sid: 'session1', iat: 1_790_000_000, exp: 1_790_000_900 }

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
const decoded = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())
const mac = (text: string, secret: string | Buffer, hash = 'sha256') =>
  createHmac(hash, secret).update(text).digest('base64url')

const pem = {
  ed25519: () => inPem(generateKeyPairSync('ed25519')),
  p256: () => inPem(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  rsa: () => inPem(generateKeyPairSync('rsa', { modulusLength: 2048 })),
}

function inPem({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) {
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

describe.each([
  ['HS256', () => ({ signing: SECRET, checking: SECRET })],
  ['EdDSA', () => pair(pem.ed25519())],
  ['ES256', () => pair(pem.p256())],
  ['RS256', () => pair(pem.rsa())],
])('a token by %s', (algorithm, make) => {
  test('is read by who has the key, and by nobody else', () => {
    const { signing } = make()
    const keys = tokenKeys([signing])
    const token = keys.sign(CLAIMS)
    expect(decoded(token.split('.')[0])).toMatchObject({ alg: algorithm })
    expect(keys.claimsOf(token)).toEqual(CLAIMS)
    expect(tokenKeys(['another secret of thirty-two bytes!!']).claimsOf(token)).toBeNull()
    expect(tokenKeys([make().signing === SECRET ? SECRET.toUpperCase() : make().signing]).claimsOf(token)).toBeNull()
  })

  test('that was altered, stripped or signed otherwise is none', () => {
    const { signing, checking } = make()
    const keys = tokenKeys([signing])
    const token = keys.sign(CLAIMS)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const admin = encoded({ ...decoded(payload), sub: 'admin' })
    const none = encoded({ alg: 'none', typ: 'JWT' })
    const hs256 = encoded({ alg: 'HS256', typ: 'JWT' })
    const hs512 = encoded({ alg: 'HS512', typ: 'JWT' })
    const forged = [
      `${header}.${admin}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${none}.${payload}.`,
      `${none}.${payload}.${signature}`,
      `${encoded({ alg: 'NONE' })}.${admin}.`,
      `${hs256}.${admin}.${mac(`${hs256}.${admin}`, '')}`,
      // The public key, which anybody may have, taken for a secret.
      ...(checking === SECRET ? [] : [`${hs256}.${admin}.${mac(`${hs256}.${admin}`, checking)}`]),
      `${hs512}.${payload}.${mac(`${hs512}.${payload}`, checking, 'sha512')}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      ` ${token}`,
      `${token}.`,
      '',
      '..',
      'x'.repeat(100_000),
    ]
    for (const text of forged) expect(keys.claimsOf(text), text.slice(0, 200)).toBeNull()
  })
})

function pair({ publicKey, privateKey }: { publicKey: string; privateKey: string }) {
  return { signing: privateKey, checking: publicKey }
}

test('a token without one of its claims, of another issuer, or with a claim of another kind is none', () => {
  const keys = tokenKeys([SECRET])
  const header = encoded({ alg: 'HS256', typ: 'JWT' })
  const signed = (claims: object) => {
    const payload = encoded(claims)
    return `${header}.${payload}.${mac(`${header}.${payload}`, SECRET)}`
  }
  const whole = { ...CLAIMS, iss: 'borrow-rate-engine' }
  expect(keys.claimsOf(signed(whole))).toEqual(CLAIMS)
  for (const name of Object.keys(whole)) expect(keys.claimsOf(signed({ ...whole, [name]: undefined })), name).toBeNull()
  for (const other of [{ iss: 'else' }, { sub: 1 }, { sid: {} }, { exp: 'never' }, { exp: 1e99 }]) {
    expect(keys.claimsOf(signed({ ...whole, ...other })), JSON.stringify(other)).toBeNull()
  }
})

describe('one key replaces another', () => {
  test('the first signs, all check, and what is no longer among them does not', () => {
    const [old, next] = [SECRET, 'the secret that comes next, long enough']
    const token = tokenKeys([old]).sign(CLAIMS)
    const both = tokenKeys([next, old])
    expect(both.claimsOf(token)).toEqual(CLAIMS)
    expect(tokenKeys([next]).claimsOf(both.sign(CLAIMS))).toEqual(CLAIMS)
    expect(tokenKeys([next]).claimsOf(token)).toBeNull()
  })

  test('a secret by a key pair, of which the old public key is enough', () => {
    const [old, next] = [pem.ed25519(), pem.p256()]
    const keys = tokenKeys(keysIn(`${next.privateKey}\n${SECRET}\n\n${old.publicKey}`))
    for (const signer of [SECRET, old.privateKey, next.privateKey]) {
      expect(keys.claimsOf(tokenKeys([signer]).sign(CLAIMS))).toEqual(CLAIMS)
    }
  })
})

test.each([
  ['none', [], 'there is none'],
  ['too short', ['p4ssw0rd'], 'shorter than 32 bytes'],
  ['a public key first', [pem.ed25519().publicKey], 'cannot sign'],
  ['a damaged key', ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'], 'cannot be read'],
  ['a weak key', [inPem(generateKeyPairSync('rsa', { modulusLength: 1024 })).privateKey], 'RSA of 2048 bits'],
  ['another curve', [inPem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' })).privateKey], 'P-256'],
  ['too many', Array.from({ length: 11 }, () => randomBytes(32).toString('hex')), 'more than 10'],
])('keys that cannot be used are refused, and not repeated: %s', (_, texts, reason) => {
  const refused = () => tokenKeys(texts)
  expect(refused).toThrow(TokenKeyError)
  expect(refused).toThrow(reason)
  if (texts[0]) expect(refused).not.toThrow(texts[0])
})

test('a secret of one’s own is made once, for nobody else to read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-'))
  try {
    const secret = ownSecret(folder)
    expect(Buffer.from(secret, 'base64url')).toHaveLength(48)
    expect(ownSecret(folder)).toBe(secret)
    expect(statSync(join(folder, 'session-secret')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'session-secret'), 'utf8')).toBe(`${secret}\n`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
