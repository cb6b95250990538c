// One try of a delivery: a POST to addresses that were checked, on a connection of its own. Redirects are not followed, no proxy is
// asked, nothing of the answer but its status is read, and all of it has one deadline.
import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Target } from './target.ts'

/** What became of a try. `error` is for the owner of the webhook, and names nothing of the network. */
export type Posted =
  | { readonly delivered: true; readonly status: number }
  | { readonly delivered: false; readonly status: number | null; readonly error: string }

export interface PostOptions {
  readonly target: Target
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** PEM certificates of the authorities that are believed; null: those that the platform believes. */
  readonly authorities: readonly string[] | null
  readonly timeoutMs: number
  /** Breaks the try off. */
  readonly signal: AbortSignal
}

const USER_AGENT = 'borrow-rate-engine webhooks'

/** Never rejects. */
export async function post(options: PostOptions): Promise<Posted> {
  const late = AbortSignal.timeout(options.timeoutMs)
  try {
    const status = await exchange(options, AbortSignal.any([late, options.signal]))
    if (status >= 200 && status < 300) return { delivered: true, status }
    const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : ''
    return { delivered: false, status, error: `answered ${status}${redirect}` }
  } catch (error) {
    const seconds = options.timeoutMs / 1000
    return { delivered: false, status: null, error: late.aborted ? `no answer within ${seconds} s` : reasonOf(error) }
  }
}

function exchange({ target, headers, body, authorities }: PostOptions, signal: AbortSignal): Promise<number> {
  const { url, addresses } = target
  const first = addresses[0]
  // Where the connection goes is decided already: whoever asks for the name's addresses is told those that were checked.
  const checked: LookupFunction = (_hostname, { all }, found) => {
    if (all === true) found(null, [...addresses])
    else found(null, first?.address ?? '', first?.family)
  }
  const about: RequestOptions = {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': USER_AGENT,
      ...headers,
    },
    agent: false,
    lookup: checked,
    signal,
  }
  return new Promise((resolve, reject) => {
    const asked =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...about, ...(authorities !== null && { ca: [...authorities] }) })
        : httpRequest(url, about)
    asked.on('response', (answer) => {
      resolve(answer.statusCode ?? 0)
      // Whatever else comes is nobody's business here.
      answer.destroy()
    })
    asked.on('upgrade', (_answer, socket) => {
      socket.destroy()
      resolve(SWITCHING_PROTOCOLS)
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const SWITCHING_PROTOCOLS = 101

function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error
  const { code = '' } = (first ?? {}) as { code?: string }
  if (code === 'ECONNREFUSED') return 'the connection was refused'
  if (['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ETIMEDOUT'].includes(code)) return 'the host cannot be reached'
  if (['ECONNRESET', 'EPIPE'].includes(code)) return 'the connection was closed before an answer'
  if (code.startsWith('HPE_') || code === 'ERR_HTTP_INVALID_STATUS_CODE') return 'what answered is not HTTP'
  if (/CERT|SIGNATURE|ALTNAME|ISSUER/.test(code)) return 'the certificate is not one that is believed for this host'
  if (/^ERR_SSL|^EPROTO$|^ERR_TLS/.test(code)) return 'no secure connection could be made'
  return 'the request could not be made'
}
