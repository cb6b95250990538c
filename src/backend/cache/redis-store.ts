// The store of an installation with several processes: a Redis, or a Redis cluster. Everything here serves one rule: a quote never
// waits for Redis longer than the time of one command, and not at all once Redis is known to be away or to hang.
import { createHash } from 'node:crypto'
import { Cluster, Redis } from 'ioredis'
import { type Breaker, type BreakerLimits, breaker } from '../server/breaker.ts'
import { REDIS_URL_FORM, type RedisAddress, readRedisUrl } from '../server/redis-url.ts'
import { type CacheStore, type StoreEntry, type StoreState, StoreUnavailable } from './cache-store.ts'
import { keySlot } from './key-slot.ts'
import { connectionOptions, reconnectDelayMs } from './redis-connection.ts'
import { redisListener } from './redis-listener.ts'

export interface RedisStoreOptions {
  /** As server/redis-url.ts reads it. */
  readonly url: string
  /** Stands before every key and channel, so that several installations can share a Redis. */
  readonly keyPrefix: string
  readonly commandTimeoutMs: number
  /** For each node. Connections that are known to be down do not count: they cost nobody time. */
  readonly breaker: BreakerLimits
  /** PEM file of the authority whose certificates are believed; null: those that Node believes. */
  readonly caFile: string | null
  readonly clock: () => Date
  /** The name of the process in Redis's list of clients. */
  readonly applicationName: string
  readonly log: { info(message: string): void; warn(message: string): void }
}

/** Keys of one batch: no other command waits behind more of them. */
const KEYS_MAX = 500
/** Nodes that a command may be sent on to when the cluster has moved its key. */
const REDIRECTIONS_MAX = 3
const REFRESH_EVERY_MS = 5_000
const REFRESH_AFTER_FAILURE_MS = 500
/** The one node of a store without a cluster, and whichever node takes a message. */
const ANY_NODE = 'any'

/**
 * A store in Redis. Connects at its first use, and again for ever.
 * @throws when the URL has another form, or the file of the authority cannot be read
 */
export function redisStore(options: RedisStoreOptions): CacheStore {
  const { keyPrefix, commandTimeoutMs, clock, log } = options
  const address = readRedisUrl(options.url)
  if (address === null) throw new Error(`the URL of Redis must have the form ${REDIS_URL_FORM}`)
  const client = address.cluster ? clusterClient(address, options) : singleClient(address, options)
  const breakers = new Map<string, Breaker>()
  let firstAttempt: Promise<void> | null = null
  let failures = 0
  let refreshedAtMs = 0
  let closed = false

  watch(client, log, () => closed)
  const listener = redisListener(() => listeningConnection(address, client, options))

  // ---- one command ----

  const isReady = () => client.status === 'ready'

  function connectOnce(): Promise<void> {
    firstAttempt ??= client.connect().catch(() => {})
    return firstAttempt
  }

  function breakerOf(node: string): Breaker {
    let found = breakers.get(node)
    if (found === undefined) {
      found = breaker(options.breaker, clock, (state) => log.warn(`Redis node ${node}: the breaker is ${state}`))
      breakers.set(node, found)
    }
    return found
  }

  /** Sends to a node what it may be sent, and waits as long as a command may take. */
  async function ask<T>(node: string, send: () => Promise<T>): Promise<T> {
    try {
      if (!isReady()) {
        // Only who comes before the end of the first attempt waits for it.
        await within(commandTimeoutMs, connectOnce())
        if (!isReady()) throw new StoreUnavailable('Redis is not connected')
      }
      const pass = breakerOf(node).enter()
      if (pass === null) {
        refresh()
        throw new StoreUnavailable(`Redis is left alone for a while (${node})`)
      }
      try {
        const answer = await within(commandTimeoutMs, send())
        pass.succeeded()
        return answer
      } catch (error) {
        if (isConnectionLoss(error)) pass.withdrawn()
        else pass.failed()
        refresh()
        throw error
      }
    } catch (error) {
      failures += 1
      if (error instanceof StoreUnavailable) throw error
      throw new StoreUnavailable(`Redis: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }

  /** In a cluster a failure may mean that a node has taken over from another: look soon, but not at every failure. */
  function refresh(): void {
    if (!(client instanceof Cluster)) return
    const now = clock().getTime()
    if (now - refreshedAtMs < REFRESH_AFTER_FAILURE_MS) return
    refreshedAtMs = now
    client.refreshSlotsCache()
  }

  // ---- several keys ----

  /** The primary that has a key. */
  function nodeOf(key: string): string {
    return client instanceof Cluster ? (client.slots[keySlot(key)]?.[0] ?? ANY_NODE) : ANY_NODE
  }

  /** Keys of the same group may go in one batch: in a cluster those that the same primary and the same replicas have. */
  function groupOf(key: string): string {
    return client instanceof Cluster ? (client.slots[keySlot(key)]?.join() ?? ANY_NODE) : ANY_NODE
  }

  /** Batches of what may go together, in pieces of a bearable size, with what is done to each; all at the same time. */
  async function inBatches<T>(
    items: readonly T[],
    keyOf: (item: T) => string,
    act: (batch: readonly T[]) => Promise<void>,
  ): Promise<PromiseSettledResult<void>[]> {
    // Before the first connection nobody knows which node has what.
    if (!isReady()) await within(commandTimeoutMs, connectOnce()).catch(() => {})
    const groups = new Map<string, T[]>()
    for (const item of items) {
      const name = groupOf(keyOf(item))
      const group = groups.get(name)
      if (group === undefined) groups.set(name, [item])
      else group.push(item)
    }
    const batches = [...groups.values()].flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / KEYS_MAX) }, (_, index) =>
        group.slice(index * KEYS_MAX, (index + 1) * KEYS_MAX),
      ),
    )
    return await Promise.allSettled(batches.map((batch) => ask(nodeOf(keyOf(batch[0]!)), () => act(batch))))
  }

  /** Several commands in one write. An error stands where the answer of a command would. */
  async function pipeline(commands: (string | number)[][]): Promise<unknown[]> {
    const answers = (await client.pipeline(commands).exec()) ?? []
    return answers.map(([error, answer]) => error ?? answer)
  }

  /** All of them or a rejection. */
  async function pipelineWhole(commands: (string | number)[][]): Promise<void> {
    const error = (await pipeline(commands)).find((answer) => answer instanceof Error)
    if (error !== undefined) throw error
  }

  async function readBatch(keys: readonly string[], found: Map<string, unknown>): Promise<void> {
    const values = address?.cluster ? await pipeline(keys.map((key) => ['get', key])) : await client.mget([...keys])
    if (values.length > 0 && values.every((value) => value instanceof Error)) throw values[0]
    for (const [index, key] of keys.entries()) found.set(key, values[index])
  }

  const digests = new Map<string, string>()

  /** By its digest; whole only to a server that does not know it yet, or not any more. */
  async function evaluate(script: string, key: string, values: readonly (string | number)[]): Promise<unknown> {
    let digest = digests.get(script)
    if (digest === undefined) {
      digest = createHash('sha1').update(script).digest('hex')
      digests.set(script, digest)
    }
    try {
      return await client.evalsha(digest, 1, key, ...values)
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return await client.eval(script, 1, key, ...values)
    }
  }

  const prefixed = (key: string) => keyPrefix + key
  const same = (key: string) => key

  return {
    async get(key) {
      const full = prefixed(key)
      return await ask(nodeOf(full), () => client.get(full))
    },

    async getMany(keys) {
      const found = new Map<string, unknown>()
      const outcomes = await inBatches(keys.map(prefixed), same, (batch) => readBatch(batch, found))
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
      if (failed.length > 0 && failed.length === outcomes.length) throw failed[0]!.reason
      return keys.map((key) => {
        const value = found.get(prefixed(key))
        return typeof value === 'string' ? value : null
      })
    },

    async set(key, value, expireSeconds) {
      const full = prefixed(key)
      await ask(nodeOf(full), () => client.set(full, value, 'EX', expireSeconds))
    },

    async setMany(entries) {
      const setting = (batch: readonly StoreEntry[]) =>
        pipelineWhole(batch.map(({ key, value, expireSeconds }) => ['set', prefixed(key), value, 'EX', expireSeconds]))
      allDone(await inBatches(entries, ({ key }) => prefixed(key), setting))
    },

    async delete(keys) {
      allDone(await inBatches(keys.map(prefixed), same, (batch) => pipelineWhole(batch.map((key) => ['del', key]))))
    },

    async publish(channel, message) {
      await ask(ANY_NODE, () => client.publish(prefixed(channel), message))
    },

    async subscribe(channel, handler, onConnected, onLost = () => {}) {
      return listener.listen(prefixed(channel), { handler, onConnected, onLost })
    },

    async runScript(script, key, values) {
      const full = prefixed(key)
      return await ask(nodeOf(full), () => evaluate(script, full, values))
    },

    state(): StoreState {
      const states = [...breakers.values()].map(({ state }) => state)
      const worst = (['open', 'half-open'] as const).find((state) => states.includes(state))
      return { connected: isReady(), breaker: worst ?? 'closed', failures }
    },

    async close() {
      closed = true
      listener.close()
      client.disconnect()
    },
  }
}

// ---- connections ----

function singleClient(address: RedisAddress, options: RedisStoreOptions): Redis {
  return new Redis({
    ...connectionOptions(address, options.caFile, options.applicationName),
    ...firstNode(address),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelayMs,
    // Commands of one turn of the event loop leave in one write: sixty requests that each count themselves are one packet, not sixty.
    enableAutoPipelining: true,
  })
}

function clusterClient(address: RedisAddress, options: RedisStoreOptions): Cluster {
  const { db: _, ...redisOptions } = connectionOptions(address, options.caFile, options.applicationName)
  return new Cluster([...address.nodes], {
    redisOptions,
    lazyConnect: true,
    // Without it all but the first command to a node fail until the node is connected. Nothing is asked of a cluster that is not ready.
    enableOfflineQueue: true,
    maxRedirections: REDIRECTIONS_MAX,
    slotsRefreshInterval: REFRESH_EVERY_MS,
    slotsRefreshTimeout: REFRESH_AFTER_FAILURE_MS,
    // Whoever waits is told at once that a node is away; asking again later is not worth their time.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: reconnectDelayMs,
  })
}

/** To any node that is known at this moment, those of the address among them. */
function listeningConnection(address: RedisAddress, client: Redis | Cluster, options: RedisStoreOptions): Redis {
  const known = client instanceof Cluster ? client.nodes().map(({ options: { host, port } }) => ({ host, port })) : []
  const candidates = known.length > 0 && Math.random() < 0.5 ? known : address.nodes
  const { host, port } = candidates[Math.floor(Math.random() * candidates.length)] ?? firstNode(address)
  return new Redis({
    ...connectionOptions(address, options.caFile, `${options.applicationName} listener`),
    host: host ?? firstNode(address).host,
    port: port ?? firstNode(address).port,
    enableOfflineQueue: false,
    autoResubscribe: false,
    retryStrategy: null,
  })
}

function firstNode(address: RedisAddress): { host: string; port: number } {
  const [first] = address.nodes
  if (first === undefined) throw new Error('an address of Redis without a host')
  return first
}

/** Says once when Redis is lost and once when it is there (again). */
function watch(client: Redis | Cluster, log: RedisStoreOptions['log'], isClosed: () => boolean): void {
  let said: 'nothing' | 'connected' | 'lost' = 'nothing'
  const lost = (reason: string) => {
    if (said === 'lost' || isClosed()) return
    said = 'lost'
    log.warn(`Redis is not connected: ${reason}. Quotes go on without it.`)
  }
  client.on('ready', () => {
    said = 'connected'
    log.info('Redis is connected')
  })
  client.on('error', (error: Error) => lost(error.message))
  client.on('close', () => lost('the connection was closed'))
}

// ---- promises ----

/**
 * Rejects when the promise has not settled in time; what it does later is nobody's concern. A process that was busy for longer than
 * the limit first reads what has come meanwhile: its own lateness is not Redis's.
 */
function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new StoreUnavailable(`Redis did not answer within ${limitMs} ms`))
    const timer = setTimeout(() => setImmediate(late), limitMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

function allDone(outcomes: readonly PromiseSettledResult<void>[]): void {
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

const CONNECTION_LOSS =
  /^(?:Connection is closed|Stream isn't writeable|Command aborted due to connection close|Cluster isn't ready|Cluster is ended|Reached the max retries per request limit|Socket timeout)/

/** The connection ended under the command, or there is none: known at once, and no reason to leave the server alone. */
function isConnectionLoss(error: unknown): boolean {
  return error instanceof Error && !(error instanceof StoreUnavailable) && CONNECTION_LOSS.test(error.message)
}
