// The keys of the chain. The sealer signs heads with an Ed25519 key that lies in a file of its own; whoever verifies needs the public
// half alone. A key has an id by which a head names it, so that heads of older keys can still be verified after a change:
// their public keys are in the file of trusted keys.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import { chmodSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from '../server/configuration.ts'

export interface SigningKey {
  /** First 16 hex digits of the SHA-256 of the public key (SPKI, DER). */
  readonly keyId: string
  readonly publicKeyPem: string
  /** @returns the Ed25519 signature over the text's UTF-8, 64 bytes */
  sign(text: string): Buffer
}

export interface TrustedKeys {
  has(keyId: string): boolean
  /** @returns whether the key is trusted and made this signature of this text */
  verify(keyId: string, text: string, signature: Uint8Array): boolean
}

/** A key file that cannot be used, in a sentence for a person. Nothing of what is in the file is repeated. */
export class KeyFileError extends Error {}

const HOW_TO_MAKE_ONE = 'node dist/scripts/generate_signing_key.js --file audit-signing-key.pem'
/** In the data folder of an engine with a database of its own. */
const OWN_KEY_FILE = 'audit-signing-key.pem'
/** No file of keys is anywhere near as large. */
const FILE_BYTES_MAX = 1_000_000
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g

/**
 * The key in a file: PKCS #8, PEM, not encrypted.
 * @throws KeyFileError when the file cannot be read, or holds no such key
 */
export function readSigningKey(file: string): SigningKey {
  let key: KeyObject
  const text = readKeyFile(file)
  try {
    key = createPrivateKey(text)
  } catch {
    // The reason may quote the key.
    throw new KeyFileError(`${file} holds no private key in PEM that can be read without a passphrase`)
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new KeyFileError(`${file} holds a key of another kind than Ed25519: ${key.asymmetricKeyType}`)
  }
  const publicKey = createPublicKey(key)
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key),
  }
}

/**
 * Makes a key and writes it to a file that only this account may read. A file that is there stays as it is, and no reader ever
 * sees half a key.
 * @throws KeyFileError when there is a file of that name already, or it cannot be written
 */
export function createSigningKey(file: string): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const aside = `${file}.${randomBytes(6).toString('hex')}`
  try {
    writeFileSync(aside, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' })
    chmodSync(aside, 0o600)
    linkSync(aside, file) // unlike a rename, it refuses to take the place of another
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EEXIST')
      throw new KeyFileError(`${file} is there already; a key is never overwritten`, { cause: error })
    throw new KeyFileError(`${file} cannot be written: ${message}`, { cause: error })
  } finally {
    rmSync(aside, { force: true })
  }
  return readSigningKey(file)
}

/**
 * Every public key in the files (PEM, any number in each), and those that are given.
 * @throws KeyFileError when a file cannot be read, holds no key, or holds something else: above all a private key
 */
export function readTrustedKeys(
  files: readonly string[],
  also: readonly Pick<SigningKey, 'publicKeyPem'>[] = [],
): TrustedKeys {
  const keys = new Map<string, KeyObject>()
  const trust = (key: KeyObject) => keys.set(keyIdOf(key), key)
  for (const file of files) for (const key of publicKeysIn(file)) trust(key)
  for (const { publicKeyPem } of also) trust(createPublicKey(publicKeyPem))
  return {
    has: (keyId) => keys.has(keyId),
    verify(keyId, text, signature) {
      const key = keys.get(keyId)
      return key !== undefined && verify(null, Buffer.from(text, 'utf8'), key, signature)
    },
  }
}

/**
 * The keys that the settings name.
 * @param settings.ownFolder a data folder of our own, where a key is made when none is named; null: one must be named
 * @throws ConfigurationError that says what to set or what to type
 */
export function chainKeys(settings: {
  /** AUDIT_SIGNING_KEY_FILE */
  readonly signingKeyFile: string | null
  /** AUDIT_TRUSTED_KEYS_FILE */
  readonly trustedKeysFile: string | null
  readonly ownFolder: string | null
}): { readonly key: SigningKey; readonly trusted: TrustedKeys } {
  const { signingKeyFile, trustedKeysFile, ownFolder } = settings
  if (signingKeyFile === null && ownFolder === null) {
    throw new ConfigurationError([
      `AUDIT_SIGNING_KEY_FILE must be set: it names the file with the key that signs the record. To make one: ${HOW_TO_MAKE_ONE}`,
    ])
  }
  const named = <T>(setting: string, read: () => T): T => {
    try {
      return read()
    } catch (error) {
      if (error instanceof KeyFileError) throw new ConfigurationError([`${setting}: ${error.message}`])
      throw error
    }
  }
  const key = named('AUDIT_SIGNING_KEY_FILE', () =>
    signingKeyFile === null ? ownKey(join(ownFolder as string, OWN_KEY_FILE)) : readSigningKey(signingKeyFile),
  )
  const trusted = named('AUDIT_TRUSTED_KEYS_FILE', () =>
    readTrustedKeys(trustedKeysFile === null ? [] : [trustedKeysFile], [key]),
  )
  return { key, trusted }
}

/** The key of an engine of our own: made once. Of two engines that start at once on one folder, both use the one that was first. */
function ownKey(file: string): SigningKey {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    try {
      return createSigningKey(file)
    } catch (error) {
      if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'EEXIST') throw error
    }
  }
  return readSigningKey(file)
}

function publicKeysIn(file: string): KeyObject[] {
  const blocks = [...readKeyFile(file).matchAll(PEM_BLOCK)]
  if (blocks.length === 0) throw new KeyFileError(`${file} holds no public key in PEM`)
  return blocks.map(([block, kind]) => {
    if (kind !== 'PUBLIC KEY') {
      throw new KeyFileError(`${file} holds a ${kind}: only public keys belong there (-----BEGIN PUBLIC KEY-----)`)
    }
    let key: KeyObject
    try {
      key = createPublicKey(block)
    } catch (error) {
      throw new KeyFileError(`${file} holds a public key that cannot be read: ${(error as Error).message}`)
    }
    if (key.asymmetricKeyType !== 'ed25519') {
      throw new KeyFileError(`${file} holds a key of another kind than Ed25519: ${key.asymmetricKeyType}`)
    }
    return key
  })
}

function readKeyFile(file: string): string {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) throw new Error(`it is larger than ${FILE_BYTES_MAX} bytes`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new KeyFileError(`the key file ${file} cannot be read: ${(error as Error).message}`)
  }
}

function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}
