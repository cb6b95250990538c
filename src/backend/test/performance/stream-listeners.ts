// Thousands of listeners to the stream of rates in one process, with as little as a socket each: what is measured is the engine.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Listeners {
  readonly open: number
  /** How often one was told to come again before it could begin. */
  readonly turnedAway: number
  /** Since `reset`: events of rates that came, to all together, and when the last of them did. */
  counted(): { readonly events: number; readonly bytes: number; readonly lastAtMs: number }
  reset(): void
  close(): void
}

export interface Listening {
  readonly url: string
  readonly apiKey: string
  readonly count: number
  /** The `tickers` of a listener; null: all. */
  readonly tickers: (index: number) => string | null
}

/** Connections that are being opened at once. */
const OPENING = 100
/** Connections of one address to another cannot be more than there are ports: each address has fewer. */
const PER_ADDRESS = 5_000
const OK = 'HTTP/1.1 200 OK'
const BUSY = 'HTTP/1.1 503 '
const RETRY_MS = 1_000
const TRIES_MAX = 30
const BEGAN = 'event: reset'
const RATE = Buffer.from('event: rate')

/** Opens them, and waits until each has its `reset`. @throws Error when one is refused */
export async function listeners({ url, apiKey, count, tickers }: Listening): Promise<Listeners> {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  let began = 0
  let events = 0
  let bytes = 0
  let lastAtMs = 0
  let turnedAway = 0

  /** Comes again when it is told to, as any client does. */
  async function begin(index: number): Promise<void> {
    for (let tries = 1; !(await beginOnce(index)); tries += 1) {
      if (tries >= TRIES_MAX) throw new Error('a stream was refused again and again')
      turnedAway += 1
      await sleep(RETRY_MS)
    }
    began += 1
  }

  /** False: it was told to come again. */
  function beginOnce(index: number): Promise<boolean> {
    return new Promise((settle, fail) => {
      const localAddress = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`
      const socket = connect({ host: hostname, port: Number(port), localAddress })
      const names = tickers(index)
      const path = `/api/v1/rates/stream${names === null ? '' : `?tickers=${names}`}`
      socket.on('connect', () => {
        socket.write(`GET ${path} HTTP/1.1\r\nhost: engine\r\nx-api-key: ${apiKey}\r\n\r\n`)
      })
      let head: string | null = ''
      socket.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (head !== null) {
          head += piece.toString('latin1')
          if (head.startsWith(BUSY)) {
            socket.destroy()
            settle(false)
            return
          }
          if (head.length >= OK.length && !head.startsWith(OK)) fail(new Error(head.slice(0, 500)))
          if (!head.includes(BEGAN)) return
          head = null
          sockets.push(socket)
          settle(true)
        }
        let found = 0
        for (let at = piece.indexOf(RATE); at >= 0; at = piece.indexOf(RATE, at + 1)) found += 1
        if (found === 0) return
        events += found
        lastAtMs = performance.now()
      })
      socket.on('error', fail)
    })
  }

  const opening = new Set<Promise<void>>()
  for (let index = 0; index < count; index += 1) {
    const one: Promise<void> = begin(index).finally(() => opening.delete(one))
    opening.add(one)
    if (opening.size >= OPENING) await Promise.race(opening)
  }
  await Promise.all(opening)
  if (began !== count) throw new Error(`${began} of ${count} streams began`)
  return {
    get open() {
      return sockets.filter((socket) => !socket.destroyed).length
    },
    turnedAway,
    counted: () => ({ events, bytes, lastAtMs }),
    reset() {
      events = 0
      bytes = 0
      lastAtMs = 0
    },
    close() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
