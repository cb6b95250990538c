// Secrets that must be read again, to sign with, lie encrypted in the database: AES-256-GCM under a key derived from a setting, bound to
// the webhook that they belong to. A copy of the database alone signs nothing, and a secret that is moved to another row opens nothing.
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

export interface SecretBox {
  /** @param owner what the secret belongs to: it opens for nobody else */
  seal(secret: string, owner: string): Buffer
  /** @throws SecretBoxError when none of the keys has sealed it for this owner */
  open(sealed: Buffer, owner: string): string
}

/** A sealed secret that does not open. The message repeats nothing of it. */
export class SecretBoxError extends Error {}

const VERSION = 1
const KEY_BYTES = 32
const FINGERPRINT_BYTES = 4
const IV_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + FINGERPRINT_BYTES
const DERIVATION = 'borrow-rate-engine webhook secrets 1'

/** @param settings at least one: the first seals, all of them open, so that one can take the place of another */
export function secretBox(settings: readonly string[]): SecretBox {
  const keys = settings.map((text) => {
    const key = Buffer.from(hkdfSync('sha256', text, '', DERIVATION, KEY_BYTES))
    return { key, fingerprint: createHash('sha256').update(key).digest().subarray(0, FINGERPRINT_BYTES) }
  })
  const [first] = keys
  if (first === undefined) throw new TypeError('a box needs a key')
  return {
    seal(secret, owner) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', first.key, iv).setAAD(Buffer.from(owner))
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), first.fingerprint, iv, sealed, cipher.getAuthTag()])
    },
    open(sealed, owner) {
      const fingerprint = sealed.subarray(1, HEAD_BYTES)
      const found = keys.find((key) => key.fingerprint.equals(fingerprint))
      if (sealed[0] !== VERSION || sealed.length < HEAD_BYTES + IV_BYTES + TAG_BYTES || found === undefined) {
        throw new SecretBoxError('no key of WEBHOOK_SECRET_KEY has sealed this secret')
      }
      const iv = sealed.subarray(HEAD_BYTES, HEAD_BYTES + IV_BYTES)
      const decipher = createDecipheriv('aes-256-gcm', found.key, iv, { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(owner))
        .setAuthTag(sealed.subarray(-TAG_BYTES))
      try {
        const opened = decipher.update(sealed.subarray(HEAD_BYTES + IV_BYTES, -TAG_BYTES))
        return Buffer.concat([opened, decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new SecretBoxError('a sealed secret was altered, or belongs to another webhook', { cause })
      }
    },
  }
}
