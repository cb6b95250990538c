// The engine that is looked at, as checks ask it: by the typed client, or with single requests whose status, headers and text are looked at
// as they came.
import { BorrowRateClient } from '../../../client/borrow-rate-client.ts'
import { parseExactJson } from '../../../client/exact-json.ts'
import { Unexpected } from './check.ts'

/** `quoting`: of a broker or the desk. `auditing`: of an auditor or an administrator. `admin`: of an administrator. */
export type KeyKind = 'quoting' | 'auditing' | 'admin'

export interface Target {
  /** Without a slash at the end. */
  readonly baseUrl: string
  readonly keys: Readonly<Partial<Record<KeyKind, string>>>
  /** Whose terms price the quotes that are made. */
  readonly clientId: string
  /** What is priced. */
  readonly ticker: string
  /** What a quote may take; more is a warning. */
  readonly latencyMs: number
  /** The version that should answer; null: any. */
  readonly version: string | null
  /** Whether one process may be all five services. */
  readonly mayBeOneProcess: boolean
  readonly timeoutMs: number
}

export interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly as?: KeyKind
  /** An object goes as JSON, text as it is. */
  readonly body?: object | string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** With every number as its exact text. Throws Unexpected when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: checks reach into answers and say what they find
  readonly json: any
  readonly ms: number
}

export interface Engine extends Omit<Target, 'keys'> {
  hasKey(kind: KeyKind): boolean
  /** Whether anything answers at the address. */
  isThere(): Promise<boolean>
  /** A request as it is; a refusal that names a time to come back is asked again once after it. Throws Unexpected when nothing answers. */
  ask(path: string, asked?: Asked): Promise<Answer>
  /** Server-sent events, from the opening on, until `enough` says so or the time is over. @returns what came */
  listen(path: string, as: KeyKind, enough: (text: string) => boolean, waitMs: number): Promise<Answer>
  client(kind: KeyKind): BorrowRateClient
  clientWithKey(apiKey: string): BorrowRateClient
}

/** By status: a window of requests, a moment of overload. */
const WAIT_SECONDS_MAX: Readonly<Record<number, number>> = { 429: 61, 503: 5 }
/** No connection came about. */
const NOBODY =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT|bad port)$/

export function engineAt(target: Target): Engine {
  const { baseUrl, keys, timeoutMs } = target
  const clientWithKey = (apiKey: string) => new BorrowRateClient({ baseUrl, apiKey, timeoutMs })
  const clients = new Map<KeyKind, BorrowRateClient>()
  const credential = (kind: KeyKind | undefined): Record<string, string> => {
    const key = kind === undefined ? undefined : keys[kind]
    return key === undefined ? {} : { 'x-api-key': key }
  }

  async function ask(path: string, asked: Asked = {}): Promise<Answer> {
    const answer = await askOnce(path, asked)
    const waitSeconds = Number(answer.headers.get('retry-after') ?? Number.NaN)
    if (!(waitSeconds <= (WAIT_SECONDS_MAX[answer.status] ?? 0))) return answer
    await new Promise((done) => setTimeout(done, waitSeconds * 1000))
    return askOnce(path, asked)
  }

  async function askOnce(path: string, { method, as, body, headers }: Asked): Promise<Answer> {
    const startedAt = performance.now()
    try {
      const response = await fetch(baseUrl + path, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...credential(as),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        signal: AbortSignal.timeout(timeoutMs),
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return answerOf(response, text, performance.now() - startedAt)
    } catch (error) {
      throw new Unexpected(whyNoAnswer(error, baseUrl, timeoutMs))
    }
  }

  return {
    ...target,
    hasKey: (kind) => keys[kind] !== undefined,
    isThere: () =>
      fetch(baseUrl, { signal: AbortSignal.timeout(timeoutMs) }).then(
        () => true,
        () => false,
      ),
    ask,
    async listen(path, as, enough, waitMs) {
      const startedAt = performance.now()
      const leaving = new AbortController()
      const late = setTimeout(() => leaving.abort(), waitMs)
      try {
        const response = await fetch(baseUrl + path, {
          headers: { ...credential(as), accept: 'text/event-stream' },
          signal: leaving.signal,
        })
        let text = ''
        const decoder = new TextDecoder()
        try {
          for await (const piece of response.body ?? []) {
            text += decoder.decode(piece as Uint8Array, { stream: true })
            if (enough(text)) break
          }
        } catch {
          // What came until the end of the wait, or of the connection, is what is looked at.
        }
        return answerOf(response, text, performance.now() - startedAt)
      } catch (error) {
        throw new Unexpected(whyNoAnswer(error, baseUrl, waitMs))
      } finally {
        clearTimeout(late)
        leaving.abort()
      }
    },
    client(kind) {
      const client = clients.get(kind) ?? clientWithKey(keys[kind] ?? '')
      clients.set(kind, client)
      return client
    },
    clientWithKey,
  }
}

function answerOf({ status, headers }: Response, text: string, ms: number): Answer {
  return {
    status,
    headers,
    text,
    ms: Math.round(ms),
    get json() {
      try {
        return parseExactJson(text)
      } catch {
        throw new Unexpected(`HTTP ${status} with what is no JSON: ${text.slice(0, 120)}`)
      }
    },
  }
}

function whyNoAnswer(error: unknown, baseUrl: string, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') {
    return `no answer from ${baseUrl} within ${timeoutMs / 1000} s`
  }
  const cause = error instanceof Error ? (error.cause as { code?: string; message?: string } | undefined) : undefined
  const reason = cause?.code ?? cause?.message ?? String(error)
  return NOBODY.test(reason)
    ? `nobody answers at ${baseUrl} (${reason})`
    : `no whole answer from ${baseUrl} (${reason})`
}
