// The connection that listens. It is a connection of its own to one node; in a cluster any node will do, since each hears what is
// published at another. When it breaks, the next attempt may go to another node, and everybody is told when it is whole again.
import type { Redis } from 'ioredis'
import { reconnectDelayMs } from './redis-connection.ts'

/** A connection without traffic looks the same dead or alive: it is asked for a sign of life this often. */
const HEARTBEAT_MS = 5_000

interface Subscription {
  readonly handler: (message: string) => void
  readonly onConnected: () => void
  readonly onLost: () => void
}

export interface RedisListener {
  /** Begins to listen, and returns how to stop. */
  listen(channel: string, subscription: Subscription): () => Promise<void>
  close(): void
}

/** @param connect makes a connection that does not connect by itself nor again; called for every attempt */
export function redisListener(connect: () => Redis): RedisListener {
  const channels = new Map<string, Set<Subscription>>()
  let connection: Redis | null = null
  let attempts = 0
  let waiting: NodeJS.Timeout | null = null
  let closed = false
  /** Channels whose messages arrive. */
  const heard = new Set<string>()

  function open(): void {
    waiting = null
    attempts += 1
    const opened = connect()
    connection = opened
    const heartbeat = setInterval(() => {
      opened.ping().catch(() => {}) // an answer that does not come ends the connection
    }, HEARTBEAT_MS)
    heartbeat.unref()
    opened.on('error', () => {})
    opened.on('message', (channel: string, message: string) => {
      for (const { handler } of channels.get(channel) ?? []) handler(message)
    })
    opened.on('ready', () => {
      attempts = 0
      for (const channel of channels.keys()) subscribe(opened, channel)
    })
    opened.on('end', () => {
      clearInterval(heartbeat)
      if (connection === opened) {
        connection = null
        const lost = [...heard].flatMap((channel) => [...(channels.get(channel) ?? [])])
        heard.clear()
        if (!closed) for (const { onLost } of lost) onLost()
      }
      if (closed || channels.size === 0 || waiting !== null) return
      waiting = setTimeout(open, reconnectDelayMs(attempts + 1))
      waiting.unref()
    })
    opened.connect().catch(() => {})
  }

  function subscribe(on: Redis, channel: string): void {
    on.subscribe(channel).then(
      () => {
        if (connection === on) heard.add(channel)
        for (const { onConnected } of channels.get(channel) ?? []) onConnected()
      },
      () => on.disconnect(), // and begin again
    )
  }

  return {
    listen(channel, subscription) {
      const others = channels.get(channel)
      if (others !== undefined) others.add(subscription)
      else channels.set(channel, new Set([subscription]))
      if (connection === null && waiting === null) open()
      else if (connection?.status === 'ready') {
        if (others === undefined) subscribe(connection, channel)
        else setImmediate(subscription.onConnected)
      }
      return async () => {
        const left = channels.get(channel)
        left?.delete(subscription)
        if (left === undefined || left.size > 0) return
        channels.delete(channel)
        heard.delete(channel)
        if (connection?.status === 'ready') await connection.unsubscribe(channel).catch(() => {})
      }
    },
    close() {
      closed = true
      if (waiting !== null) clearTimeout(waiting)
      connection?.disconnect()
    },
  }
}
