// What every connection to Redis has in common: where to, as whom, how long to wait, and when to try again.
import { readFileSync } from 'node:fs'
import type { CommonRedisOptions } from 'ioredis'
import type { RedisAddress } from '../server/redis-url.ts'

/** Long enough for TLS on a busy machine, short enough to notice a host that is gone. */
const CONNECT_TIMEOUT_MS = 2_000
/** A connection that owes an answer for this long is dead, and replaced. */
const SILENCE_MAX_MS = 2_000
const RECONNECT_FIRST_MS = 50
const RECONNECT_MAX_MS = 2_000

/** What a single server and the nodes of a cluster both take. */
type ConnectionOptions = Omit<
  CommonRedisOptions,
  'retryStrategy' | 'enableOfflineQueue' | 'readOnly' | 'himportFieldsets' | 'replyMapping'
> & {
  readonly tls?: { readonly ca?: Buffer }
}

/** @throws when the file of the certificate authority cannot be read */
export function connectionOptions(address: RedisAddress, caFile: string | null, name: string): ConnectionOptions {
  return {
    ...(address.username === null ? {} : { username: address.username }),
    ...(address.password === null ? {} : { password: address.password }),
    ...(address.tls ? { tls: caFile === null ? {} : { ca: readFileSync(caFile) } } : {}),
    db: address.database,
    connectionName: name,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MAX_MS,
    lazyConnect: true,
    disableClientInfo: true,
    // What was asked on a connection ends with it: a set that arrives late would bring back what was dropped since.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  }
}

/** Twice as long each time, up to a limit, and by chance up to half of it less, so that not all come back at once. */
export function reconnectDelayMs(attempt: number): number {
  const most = Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(attempt - 1, 10), RECONNECT_MAX_MS)
  return Math.round(most * (1 - Math.random() / 2))
}
