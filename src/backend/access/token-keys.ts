// What access tokens are signed and checked with: secrets (HS256) or key pairs (EdDSA, ES256, RS256). Several may be in force, so that
// one can replace another: the first signs, all of them check. An algorithm belongs to its key, so a token cannot choose one.
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Algorithm, createSigner, createVerifier } from 'fast-jwt'

/** What a token says. Times are whole seconds since 1970. */
export interface TokenClaims {
  /** The key that the session was opened with. */
  readonly sub: string
  /** The session. */
  readonly sid: string
  readonly iat: number
  readonly exp: number
}

export interface TokenKeys {
  sign(claims: TokenClaims): string
  /** What a token says that one of the keys has signed; whether it has expired is for the caller to see. Anything else is null. */
  claimsOf(token: string): TokenClaims | null
}

/** A reason why keys cannot be used, in words that repeat nothing of them. */
export class TokenKeyError extends Error {}

export const SECRET_BYTES_MIN = 32
const KEYS_MAX = 10
const RSA_BITS_MIN = 2048
/** Characters of a token: ours have some 250, with an RSA key some 600. */
const TOKEN_LENGTH_MAX = 2048
const ISSUER = 'borrow-rate-engine'

/**
 * @param texts secrets and PEM keys, the one that signs first; of the others public keys are enough
 * @throws TokenKeyError when one cannot be used
 */
export function tokenKeys(texts: readonly string[]): TokenKeys {
  if (texts.length === 0) throw new TokenKeyError('there is none')
  if (texts.length > KEYS_MAX) throw new TokenKeyError(`there are more than ${KEYS_MAX}`)
  const keys = texts.map(keyOf)
  const first = keys[0] as TokenKey
  if (first.privateKey === null) throw new TokenKeyError('the first one is a public key, which cannot sign')
  const sign = createSigner({ key: first.privateKey, algorithm: first.algorithm, iss: ISSUER })
  const verifiers = keys.map(({ publicKey, algorithm }) =>
    createVerifier({
      key: publicKey,
      algorithms: [algorithm],
      allowedIss: ISSUER,
      requiredClaims: ['iss', 'sub', 'sid', 'iat', 'exp'],
      ignoreExpiration: true,
    }),
  )
  return {
    sign: (claims) => sign({ ...claims }),
    claimsOf(token) {
      if (token.length > TOKEN_LENGTH_MAX) return null
      for (const verify of verifiers) {
        try {
          return claimsIn(verify(token))
        } catch {
          // Not by this key.
        }
      }
      return null
    },
  }
}

function claimsIn(payload: Readonly<Record<string, unknown>>): TokenClaims | null {
  const { sub, sid, iat, exp } = payload
  const sound =
    typeof sub === 'string' && typeof sid === 'string' && Number.isSafeInteger(iat) && Number.isSafeInteger(exp)
  return sound ? { sub, sid, iat: iat as number, exp: exp as number } : null
}

// ---- keys

interface TokenKey {
  readonly algorithm: Algorithm
  /** Null: it only checks. */
  readonly privateKey: string | null
  readonly publicKey: string
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g

/** The keys of a file: PEM blocks, and of what is around them each line as a secret. */
export function keysIn(text: string): string[] {
  const keys: string[] = []
  let readTo = 0
  const secrets = (between: string) =>
    keys.push(
      ...between
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
    )
  for (const match of text.matchAll(PEM)) {
    secrets(text.slice(readTo, match.index))
    keys.push(match[0])
    readTo = match.index + match[0].length
  }
  secrets(text.slice(readTo))
  return keys
}

function keyOf(text: string): TokenKey {
  if (text.startsWith('-----BEGIN ')) return keyPairOf(text)
  if (Buffer.byteLength(text) < SECRET_BYTES_MIN) {
    throw new TokenKeyError(`a secret is shorter than ${SECRET_BYTES_MIN} bytes`)
  }
  return { algorithm: 'HS256', privateKey: text, publicKey: text }
}

function keyPairOf(pem: string): TokenKey {
  const isPublic = pem.startsWith('-----BEGIN PUBLIC KEY')
  let publicKey: KeyObject
  try {
    publicKey = createPublicKey(isPublic ? pem : createPrivateKey(pem))
  } catch {
    throw new TokenKeyError('a PEM key cannot be read')
  }
  return {
    algorithm: algorithmOf(publicKey),
    privateKey: isPublic ? null : pem,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  }
}

function algorithmOf(key: KeyObject): Algorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return 'EdDSA'
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return 'ES256'
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= RSA_BITS_MIN) return 'RS256'
  throw new TokenKeyError(`a key is neither Ed25519, nor of the curve P-256, nor RSA of ${RSA_BITS_MIN} bits or more`)
}

// ---- a secret of one's own

/** In a data folder, readable by its owner alone. */
const OWN_SECRET_FILE = 'session-secret'
const OWN_SECRET_BYTES = 48

/** The secret of an engine that has its data to itself: made at the first start, and kept with the data. */
export function ownSecret(folder: string, name = OWN_SECRET_FILE): string {
  const file = join(folder, name)
  if (!existsSync(file))
    writeFileSync(file, `${randomBytes(OWN_SECRET_BYTES).toString('base64url')}\n`, { mode: 0o600 })
  return readFileSync(file, 'utf8').trim()
}
