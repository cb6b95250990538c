// The Kubernetes API as a pod reaches it: an address from the environment, a token and an authority from the folder that is mounted
// for its service account. The token is renewed there every hour or so and is read again for each request.
//
// By hand on undici, which the engine has anyway, and not with a client library: one kind is read, one is written, and the library of
// the project (@kubernetes/client-node) would bring sixteen packages of its own for that, an OpenID client and a YAML reader among them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { StartError } from '../../server/run.ts'

export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface Write {
  readonly method: 'POST' | 'PATCH'
  readonly type: 'application/json' | 'application/apply-patch+yaml'
  readonly body: unknown
}

export interface ClusterAccess {
  /** That of the pod. */
  readonly namespace: string
  /** @throws ApiRefused, or the error of a connection */
  read<T>(path: string): Promise<T>
  write(path: string, write: Write): Promise<void>
  /**
   * Calls back when the watch is open, and for each event.
   * @returns when the API ended it, as it does every few minutes
   * @throws ApiRefused, or the error of a connection
   */
  watch(path: string, onEvent: () => void, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** The API said no, in its own words. */
export class ApiRefused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const ANSWER_TIMEOUT_MS = 10_000
/** The API ends a watch by itself after this; a connection that is dead without a word is given up a little later. */
const WATCH_SECONDS = 240
const WATCH_SILENCE_MS = (WATCH_SECONDS + 30) * 1000
const ANSWER_BYTES_MAX = 4_194_304

/** @throws StartError outside of a pod */
export function clusterAccess(
  environment: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT_FOLDER,
): ClusterAccess {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = environment
  if (!host) throw new StartError('This runs in a pod of a Kubernetes cluster: KUBERNETES_SERVICE_HOST is not set.')
  const origin = `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  const mounted = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8').trim()
    } catch (cause) {
      throw new StartError(`The service account is not mounted: ${join(folder, name)} cannot be read.`, { cause })
    }
  }
  const namespace = mounted('namespace')
  let authority = mounted('ca.crt')
  let agent = new Agent({ connect: { ca: authority } })

  async function ask(path: string, options: Partial<Write> & { signal?: AbortSignal; bodyTimeout?: number } = {}) {
    const now = mounted('ca.crt')
    if (now !== authority) {
      void agent.close()
      authority = now
      agent = new Agent({ connect: { ca: authority } })
    }
    const { method = 'GET', type, body, signal, bodyTimeout = ANSWER_TIMEOUT_MS } = options
    const answer = await request(`${origin}${path}`, {
      dispatcher: agent,
      method,
      headers: {
        authorization: `Bearer ${mounted('token')}`,
        accept: 'application/json',
        'user-agent': 'traffic-split-controller',
        ...(type !== undefined && { 'content-type': type }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout,
    })
    if (answer.statusCode < 400) return answer.body
    const text = await answer.body.text()
    throw new ApiRefused(answer.statusCode, messageOf(text))
  }

  return {
    namespace,
    async read<T>(path: string) {
      const body = await ask(path)
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer to ${path} is larger than ${ANSWER_BYTES_MAX} bytes`)
        chunks.push(chunk)
      }
      return JSON.parse(Buffer.concat(chunks).toString()) as T
    },
    async write(path, write) {
      const body = await ask(path, write)
      await body.dump()
    },
    async watch(path, onEvent, signal) {
      const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}`
      const body = await ask(`${path}?${query}`, { signal, bodyTimeout: WATCH_SILENCE_MS })
      onEvent()
      // What happened is not read: whoever is told looks at everything anew.
      for await (const _ of body) onEvent()
    },
    close: () => agent.destroy(),
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text
  } catch {
    return text.slice(0, 200)
  }
}
