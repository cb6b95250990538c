// For receivers of webhooks: whether a delivery is from the engine, new, and unaltered. It needs no connection to the engine, and runs
// wherever the platform has Web Crypto: Node, browsers, workers.
import { COUNTS } from './answers.ts'
import { parseExactJson } from './exact-json.ts'
import type { WebhookEvent } from './webhooks.ts'

/** A delivery that is not to be believed, and why. */
export class WebhookSignatureError extends Error {
  override readonly name = 'WebhookSignatureError'
}

/** How far the time of a delivery may lie from now, either way. */
export const WEBHOOK_TOLERANCE_SECONDS = 300

type HeaderValue = string | readonly string[] | null | undefined
/** Of a request as Node, fetch and most frameworks have them; names in small letters. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | { readonly [name: string]: HeaderValue | ((name: string) => string | null) }

/**
 * Checks a delivery and reads it. Its `id` is the same at every try: whoever has dealt with an id answers 200 and does nothing.
 * @param delivery.body as it came, text or bytes: what was parsed and written again has another signature
 * @param delivery.secrets one, or while one takes the place of another both
 * @throws WebhookSignatureError when the delivery is not to be believed
 */
export async function verifyWebhook(delivery: {
  readonly headers: WebhookHeaders
  readonly body: string | Uint8Array
  readonly secrets: readonly string[]
  readonly toleranceSeconds?: number
  readonly now?: Date
}): Promise<WebhookEvent> {
  const { headers, secrets, toleranceSeconds = WEBHOOK_TOLERANCE_SECONDS, now = new Date() } = delivery
  const body = typeof delivery.body === 'string' ? delivery.body : new TextDecoder().decode(delivery.body)
  const id = headerOf(headers, 'webhook-id')
  const timestamp = headerOf(headers, 'webhook-timestamp')
  const signatures = headerOf(headers, 'webhook-signature').split(' ')
  if (!/^[0-9]{1,12}$/.test(timestamp)) throw new WebhookSignatureError('The time of the delivery cannot be read')
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > toleranceSeconds) {
    throw new WebhookSignatureError('The delivery is too old, or from the future')
  }
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`)
  if (!(await anyFits(signatures, secrets, signed))) {
    throw new WebhookSignatureError('No signature of the delivery fits')
  }
  return parseExactJson(body, COUNTS) as WebhookEvent
}

/** Web Crypto compares in constant time. */
async function anyFits(
  signatures: readonly string[],
  secrets: readonly string[],
  signed: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const { subtle } = globalThis.crypto
  for (const secret of secrets) {
    const bytes = bytesOf(secret.replace(/^whsec_/, ''))
    if (bytes === null || bytes.length === 0) throw new TypeError('a webhook secret is whsec_ and base64')
    const key = await subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    for (const signature of signatures) {
      const given = signature.startsWith('v1,') ? bytesOf(signature.slice(3)) : null
      if (given !== null && (await subtle.verify('HMAC', key, given, signed))) return true
    }
  }
  return false
}

function headerOf(headers: WebhookHeaders, name: string): string {
  const value = typeof headers.get === 'function' ? headers.get(name) : (headers as Record<string, HeaderValue>)[name]
  if (typeof value !== 'string' || value === '') throw new WebhookSignatureError(`The delivery has no ${name}`)
  return value
}

/** Null: no base64. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}
