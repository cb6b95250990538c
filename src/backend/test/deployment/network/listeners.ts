// probe.mjs at every host of a network, and what it finds.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Network } from './namespaces.ts'

export interface Port {
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

export interface Target extends Port {
  readonly address: string
}

export interface Listener {
  /** Who answered at each; null: nobody could be reached. */
  tryAll(targets: readonly Target[]): Promise<(string | null)[]>
  /** A request over HTTP from there. Status 0: nothing came, and the text says why. */
  get(
    url: string,
    asked?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: object },
  ): Promise<{ readonly status: number; readonly text: string }>
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./probe.mjs', import.meta.url))

/**
 * Starts one at a host; resolves when it listens.
 * @param caFile an authority that it believes when it asks over HTTPS
 */
export async function startListener(
  network: Network,
  host: string,
  ports: readonly Port[],
  caFile?: string,
): Promise<Listener> {
  const [program, ...words] = network.on(host)
  // It leaves when its input ends, which it does with this process, whatever becomes of that.
  const child = spawn(program, [...words, process.execPath, PROGRAM], {
    env: { ...process.env, ...(caFile !== undefined && { NODE_EXTRA_CA_CERTS: caFile }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ask = asker(host, child)
  await ask({ listen: { name: host, ports } })
  return {
    tryAll: async (targets) => (await ask({ try: targets })).tried as (string | null)[],
    get: async (url, { headers = {}, body } = {}) => {
      const told = { url, headers, body: body === undefined ? null : JSON.stringify(body) }
      return (await ask({ get: told })).got as { status: number; text: string }
    },
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done())
        child.stdin?.end()
      }),
  }
}

type Said = Readonly<Record<string, unknown>>

/** One question at a time, in the order in which they are asked. */
function asker(host: string, child: ChildProcess): (told: object) => Promise<Said> {
  const waiting: { done: (said: Said) => void; fail: (error: Error) => void }[] = []
  if (child.stdout === null || child.stdin === null) throw new Error('a listener has no input')
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.done(JSON.parse(line)))
  child.stdin.on('error', () => {})
  child.once('exit', (code) => {
    for (const { fail } of waiting.splice(0)) fail(new Error(`the listener at ${host} ended with ${code}`))
  })
  return (told) =>
    new Promise((done, fail) => {
      waiting.push({ done, fail })
      child.stdin?.write(`${JSON.stringify(told)}\n`)
    })
}
