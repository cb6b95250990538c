// The stream of rates: whoever listens, and what is written to whom.
//
// Listeners whose brokers have one pricing model stand in a group, which numbers its events and holds the last of them. Within it, those
// who want the same names stand in a channel: its bytes are made once and written to each. Nothing is kept for a listener but its
// connection; one that does not read what is written is cut. docs/rate-stream.md says what a listener may rely on.
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { WatchedCredential } from '../access/credentials.ts'
import type { Ticker } from '../pricing/units.ts'
import type { RateNews } from '../quotes/rate-news.ts'
import type { CallContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { type EventBatch, type EventRing, eventRing, ofNames } from './event-ring.ts'
import { type FeedChange, feedWatch } from './feed-watch.ts'
import { type RateMove, rateWatch, type Wanted } from './rate-watch.ts'
import * as write from './stream-text.ts'

/** Who listens. */
export interface Listening {
  readonly clientId: string
  readonly keyId: string
  /** Sorted, each once; null: every name. */
  readonly tickers: readonly Ticker[] | null
  /** Of the last event that it has, when it comes back. */
  readonly lastEventId: string | null
  readonly credential: WatchedCredential
}

export interface RateStream {
  /**
   * A place for a listener, or why there is none.
   * @returns the function that begins to write to its answer, whose head was sent
   * @throws Problem RATE_LIMIT_EXCEEDED when its key has all its places taken; SERVICE_UNAVAILABLE when this process has; and as `modelOf`
   *   of the news does
   */
  enter(listening: Listening, context: CallContext): Promise<(response: ServerResponse) => void>
  /** For invalidations, as they are heard. */
  readonly heard: {
    tickers(keys: readonly string[]): void
    brokers(keys: readonly string[]): void
    all(): void
    /** Nothing is heard until the next `all`. */
    lost(): void
  }
  /** Ends every stream with the advice to connect elsewhere, and takes no more. */
  drain(): void
  stats(): RateStreamStats
  /** Resolves when nothing of it is under way. */
  close(): Promise<void>
}

export interface RateStreamStats {
  readonly listeners: number
  readonly channels: number
  readonly watchedNames: number
  /** Since the start. */
  readonly events: number
  readonly resets: number
  readonly resumed: number
  /** Streams that were ended because nobody read them. */
  readonly cut: number
}

export interface RateStreamOptions {
  readonly news: RateNews
  readonly feeds: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  readonly clock: () => Date
  /** Of a question that no request asks. */
  readonly context: () => CallContext
  readonly listenersMax: number
  readonly listenersPerKeyMax: number
  readonly onFailure: (error: unknown, what: string) => void
  readonly limits?: Partial<Limits>
}

const LIMITS = {
  /** Events of a group that are held for who comes back, and their bytes. */
  heldEventsMax: 50_000,
  heldBytesMax: 24 * 1024 * 1024,
  /** Who missed more than this loads the rates anew: that is less. */
  resumeBytesMax: 2 * 1024 * 1024,
  /** Written to a listener and not yet taken by it. The bytes are the same for all, so what many do not read is held once. */
  pendingBytesMax: 6 * 1024 * 1024,
  heartbeatSeconds: 15,
  /** A listener that has not taken the last of it at so many heartbeats in a row has gone. */
  unreadHeartbeatsMax: 4,
  /** How often a credential is looked at; its row may be a copy of some seconds. */
  credentialSeconds: 5,
  /** How often it is asked which model a broker has, whatever is heard. */
  modelSeconds: 60,
  /** A channel that nobody listens to any more goes on for so long, so that who comes back has missed nothing. */
  channelKeptSeconds: 120,
  channelsKeptMax: 1_000,
}
type Limits = Readonly<typeof LIMITS>

const TICK_MS = 1_000
/** Writes between two turns of the event loop. */
const WRITES_AT_ONCE = 500
/** Questions about credentials or models at once. */
const QUESTIONS_AT_ONCE = 16
/** After news of a broker: the other side has heard it by then; and again, in case it had not. */
const MODEL_AFTER_MS = [100, 2_000] as const
const BUSY_RETRY_SECONDS = 10
const KEY_BUSY_RETRY_SECONDS = 30
/** A list of rates that is loaded is no older than this while news arrive. */
const LOADED_MS_MAX = 3_000
const NOTHING = Buffer.alloc(0)
/** Bytes of chance in the text that tells one life of a process from another. */
const LIFE_BYTES = 6

interface Group {
  readonly model: string
  readonly ring: EventRing
  readonly channels: Map<string, Channel>
  /** Channels by the names that they want. */
  readonly byTicker: Map<Ticker, Set<Channel>>
  /** Of the newest event that everybody has who listens. */
  delivered: number
}

interface Channel {
  readonly group: Group
  readonly key: string
  readonly tickers: readonly Ticker[] | null
  readonly wanted: ReadonlySet<Ticker> | null
  readonly listeners: Set<Listener>
  watched: Wanted
  /** From this event on it has missed nothing; null: its names are not all known yet. */
  since: number | null
  emptySinceMs: number
}

interface Listener {
  readonly listening: Listening
  readonly response: ServerResponse
  channel: Channel
  /** Waits for the names of its channel. */
  waits: WaitReason | null
  /** Of the newest event that was written to it, or that it knows by other means. */
  sent: number
  /** What it loaded may have been late: it is told when that is over. */
  doubtful: boolean
  unreadHeartbeats: number
  /** Its turn among those that get signs of life. */
  readonly turn: number
}

type WaitReason = write.ResetReason

interface Holder {
  readonly isGood: () => Promise<boolean>
  readonly listeners: Set<Listener>
  checking: boolean
  readonly turn: number
}

interface Client {
  model: string
  readonly listeners: Set<Listener>
  askedAtMs: number
}

export function rateStream(options: RateStreamOptions): RateStream {
  const { news, clock, context, onFailure } = options
  const limits: Limits = { ...LIMITS, ...options.limits }
  const life = randomBytes(LIFE_BYTES).toString('base64url').replaceAll(/[-_]/g, '0')
  const groups = new Map<string, Group>()
  const listeners = new Set<Listener>()
  const placesOfKey = new Map<string, number>()
  const holders = new Map<string, Holder>()
  const clients = new Map<string, Client>()
  /** Channels without listeners, the one that was left first in front. */
  const left = new Set<Channel>()
  const away = new Set<write.LateReason>(['news_away'])
  const count = { events: 0, resets: 0, resumed: 0, cut: 0 }
  const timers = new Set<NodeJS.Timeout>()
  let places = 0
  let ticks = 0
  let turns = 0
  let draining = false
  let delivering: Promise<void> = Promise.resolve()

  const nowMs = () => clock().getTime()
  /** Whether a rate that is loaded now may be older than one that was told. */
  const isLate = () => away.has('news_away') || away.has('rates_away')
  const nextTurn = () => {
    turns += 1
    return turns
  }
  const watch = rateWatch({
    news,
    clock,
    context,
    onMoves: moved,
    onAway: (isAway) => setAway('rates_away', isAway),
    onFailure: (error) => onFailure(error, 'rates could not be looked at'),
  })
  const feeds = feedWatch({
    feeds: options.feeds,
    context,
    onChange: feedChanged,
    onAway: (isAway) => setAway('feeds_away', isAway),
  })
  const ticking = setInterval(tick, TICK_MS)
  ticking.unref()

  // ---- who listens ----

  function takePlace(keyId: string): () => void {
    if (draining) throw new Problem('SERVICE_UNAVAILABLE', 'The service is stopping')
    if (places >= options.listenersMax) {
      throw new Problem('SERVICE_UNAVAILABLE', 'This process has all its streams in use', {
        retryAfterSeconds: BUSY_RETRY_SECONDS,
      })
    }
    const ofKey = placesOfKey.get(keyId) ?? 0
    if (ofKey >= options.listenersPerKeyMax) {
      throw new Problem(
        'RATE_LIMIT_EXCEEDED',
        `This key has ${options.listenersPerKeyMax} streams open, which is the most`,
        {
          retryAfterSeconds: KEY_BUSY_RETRY_SECONDS,
        },
      )
    }
    places += 1
    placesOfKey.set(keyId, ofKey + 1)
    return () => {
      places -= 1
      const now = (placesOfKey.get(keyId) ?? 1) - 1
      if (now === 0) placesOfKey.delete(keyId)
      else placesOfKey.set(keyId, now)
    }
  }

  function begin(listening: Listening, model: string, response: ServerResponse, leave: () => void): void {
    if (response.destroyed) {
      // It went away while it was asked which model it has.
      leave()
      return
    }
    const channel = channelOf(groupOf(model), listening.tickers)
    const listener: Listener = {
      listening,
      response,
      channel,
      waits: null,
      sent: channel.group.ring.lastNumber,
      doubtful: isLate(),
      unreadHeartbeats: 0,
      turn: nextTurn(),
    }
    listeners.add(listener)
    channel.listeners.add(listener)
    left.delete(channel)
    holderOf(listening.credential).listeners.add(listener)
    clientOf(listening.clientId, model).listeners.add(listener)
    response.once('close', () => {
      remove(listener)
      leave()
    })
    // A connection that broke says so here; `close` follows.
    response.on('error', () => {})
    if (listeners.size === 1) feeds.start()
    send(listener, write.opening())
    if (away.size > 0) send(listener, write.status(away))
    resumeOrReset(listener)
  }

  function remove(listener: Listener): void {
    if (!listeners.delete(listener)) return
    leaveChannel(listener)
    const { credential, clientId } = listener.listening
    const holder = holders.get(credential.id)
    holder?.listeners.delete(listener)
    if (holder?.listeners.size === 0) holders.delete(credential.id)
    const client = clients.get(clientId)
    client?.listeners.delete(listener)
    if (client?.listeners.size === 0) clients.delete(clientId)
    if (listeners.size === 0) feeds.stop()
  }

  function holderOf({ id, isGood }: WatchedCredential): Holder {
    let holder = holders.get(id)
    if (holder === undefined) {
      holder = { isGood, listeners: new Set(), checking: false, turn: nextTurn() }
      holders.set(id, holder)
    }
    return holder
  }

  function clientOf(clientId: string, model: string): Client {
    let client = clients.get(clientId)
    if (client === undefined) {
      client = { model, listeners: new Set(), askedAtMs: nowMs() }
      clients.set(clientId, client)
    }
    return client
  }

  // ---- groups and channels ----

  function groupOf(model: string): Group {
    let group = groups.get(model)
    if (group === undefined) {
      const ring = eventRing({ eventsMax: limits.heldEventsMax, bytesMax: limits.heldBytesMax })
      group = { model, ring, channels: new Map(), byTicker: new Map(), delivered: 0 }
      groups.set(model, group)
    }
    return group
  }

  function channelOf(group: Group, tickers: readonly Ticker[] | null): Channel {
    const key = tickers === null ? '' : tickers.join()
    const found = group.channels.get(key)
    if (found !== undefined) return found
    const wanted = tickers && new Set(tickers)
    const watched = watch.want(group.model, tickers, () => ready(channel))
    const channel: Channel = {
      group,
      key,
      tickers,
      wanted,
      listeners: new Set(),
      watched,
      since: watched.ready ? group.ring.lastNumber : null,
      emptySinceMs: 0,
    }
    group.channels.set(key, channel)
    for (const ticker of tickers ?? []) {
      const others = group.byTicker.get(ticker)
      if (others === undefined) group.byTicker.set(ticker, new Set([channel]))
      else others.add(channel)
    }
    return channel
  }

  function leaveChannel(listener: Listener): void {
    const { channel } = listener
    channel.listeners.delete(listener)
    if (channel.listeners.size > 0) return
    channel.emptySinceMs = nowMs()
    left.add(channel)
  }

  function forgetLeft(): void {
    const before = nowMs() - limits.channelKeptSeconds * 1000
    for (const channel of left) {
      if (channel.emptySinceMs > before && left.size <= limits.channelsKeptMax) return
      left.delete(channel)
      const { group, key, tickers } = channel
      channel.watched.release()
      group.channels.delete(key)
      for (const ticker of tickers ?? []) {
        const others = group.byTicker.get(ticker)
        others?.delete(channel)
        if (others?.size === 0) group.byTicker.delete(ticker)
      }
      if (group.channels.size === 0) groups.delete(group.model)
    }
  }

  /** The rates of all its names are known: whoever waited begins now. */
  function ready(channel: Channel): void {
    channel.since = channel.group.ring.lastNumber
    reset(
      channel,
      [...channel.listeners].filter(({ waits }) => waits !== null),
    )
  }

  // ---- beginnings ----

  function recentOf({ ring }: Group): Buffer {
    const events = ring.after(ring.numberAt(nowMs() - LOADED_MS_MAX), null)
    return events === null || events.length > limits.resumeBytesMax ? NOTHING : events
  }

  function resumeOrReset(listener: Listener): void {
    const { lastEventId } = listener.listening
    const found = lastEventId === null ? 'start' : missed(listener.channel, lastEventId)
    if (typeof found === 'string') {
      resetWhenKnown(listener, found)
      return
    }
    count.resumed += 1
    if (found.length > 0) send(listener, found)
  }

  /** What a listener missed since an event of this group, or why that cannot be said. */
  function missed(channel: Channel, lastEventId: string): Buffer | WaitReason {
    const { group, since, wanted } = channel
    const id = write.readEventId(lastEventId)
    if (id === null || id.life !== life) return 'other_process'
    if (id.model !== group.model) return 'model_changed'
    if (since === null || id.number < since) return 'too_old'
    const bytes = group.ring.after(id.number, wanted)
    return bytes === null || bytes.length > limits.resumeBytesMax ? 'too_old' : bytes
  }

  function resetWhenKnown(listener: Listener, reason: WaitReason): void {
    listener.waits = reason
    if (listener.channel.since !== null) reset(listener.channel, [listener])
  }

  /** What a listener has to know before events mean something; the same for all of one reason. */
  function reset(channel: Channel, whom: readonly Listener[]): void {
    const texts = new Map<WaitReason, Buffer>()
    const { group, tickers, watched } = channel
    const number = group.ring.lastNumber
    // What is loaded elsewhere may have been made a moment ago: what moved since then is told again.
    const recent = tickers !== null ? NOTHING : recentOf(group)
    for (const listener of whom) {
      const reason = listener.waits ?? 'start'
      let bytes = texts.get(reason)
      if (bytes === undefined) {
        bytes = write.reset({
          reason,
          id: write.eventId({ life, number, model: group.model }),
          model: group.model,
          feeds: feeds.known(),
          rates: tickers === null ? null : { asked: tickers, known: watched.known() },
        })
        texts.set(reason, bytes)
      }
      count.resets += 1
      listener.waits = null
      listener.sent = number
      listener.doubtful = isLate()
      send(listener, bytes)
      if (recent.length > 0) send(listener, recent)
    }
  }

  // ---- events ----

  function moved(model: string, moves: readonly RateMove[]): Promise<void> {
    const group = groups.get(model)
    if (group === undefined) return Promise.resolve()
    const batch = group.ring.append(
      moves.map(({ now }) => now.ticker),
      nowMs(),
      (index, number) => write.rate(write.eventId({ life, number, model }), model, moves[index] as RateMove),
    )
    count.events += moves.length
    return deliver(group, batch)
  }

  function feedChanged(change: FeedChange): void {
    for (const group of groups.values()) {
      const { model, ring } = group
      const batch = ring.append([null], nowMs(), (_, number) =>
        write.feed(write.eventId({ life, number, model }), change),
      )
      count.events += 1
      void deliver(group, batch)
    }
  }

  /** One batch after the other, so that nobody gets a later event before an earlier one. */
  function deliver(group: Group, batch: EventBatch): Promise<void> {
    delivering = delivering.catch(() => {}).then(() => writeOut(group, batch))
    return delivering
  }

  async function writeOut(group: Group, batch: EventBatch): Promise<void> {
    let writes = 0
    for (const channel of touched(group, batch)) {
      const bytes = channel.wanted === null ? batch.bytes : Buffer.concat(ofNames(batch, channel.wanted))
      for (const listener of channel.listeners) {
        // Who came after the events were made has them already.
        if (listener.waits !== null || listener.sent >= batch.lastNumber) continue
        listener.sent = batch.lastNumber
        send(listener, bytes)
        writes += 1
        if (writes % WRITES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
    group.delivered = Math.max(group.delivered, batch.lastNumber)
  }

  function touched(group: Group, { about }: EventBatch): Iterable<Channel> {
    if (about.includes(null)) return [...group.channels.values()]
    const channels = new Set<Channel>()
    const all = group.channels.get('')
    if (all !== undefined) channels.add(all)
    for (const ticker of about) for (const channel of group.byTicker.get(ticker as Ticker) ?? []) channels.add(channel)
    return channels
  }

  function send(listener: Listener, bytes: Buffer): void {
    const { response } = listener
    if (response.writableEnded || response.destroyed) return
    if (response.writableLength + bytes.length > limits.pendingBytesMax) cut(listener)
    else response.write(bytes)
  }

  function cut(listener: Listener): void {
    count.cut += 1
    remove(listener)
    listener.response.destroy()
  }

  function end(listener: Listener, reason: write.EndReason): void {
    if (!listener.response.writableEnded) listener.response.end(write.end(reason))
    remove(listener)
  }

  // ---- what is late ----

  function setAway(what: write.LateReason, isAway: boolean): void {
    if (isAway === away.has(what)) return
    if (isAway) away.add(what)
    else away.delete(what)
    const bytes = write.status(away)
    for (const listener of listeners) send(listener, bytes)
    if (isLate()) return
    for (const listener of listeners) if (listener.doubtful) resetWhenKnown(listener, 'was_late')
  }

  // ---- once a second ----

  function tick(): void {
    ticks += 1
    beat()
    forgetLeft()
    const due = [...holders.values()].filter(
      ({ turn, checking }) => (turn - ticks) % limits.credentialSeconds === 0 && !checking,
    )
    void few(due, checkHolder)
    const askedBefore = nowMs() - limits.modelSeconds * 1000
    void few(
      [...clients].filter(([, client]) => client.askedAtMs <= askedBefore).map(([clientId]) => clientId),
      checkModel,
    )
  }

  /** A sign of life for a share of the listeners, and how far they have come: who comes back needs no more than what came later. */
  function beat(): void {
    const texts = new Map<Group, Buffer>()
    for (const listener of listeners) {
      if ((listener.turn - ticks) % limits.heartbeatSeconds !== 0) continue
      const { response, channel, waits } = listener
      listener.unreadHeartbeats = response.writableLength > 0 ? listener.unreadHeartbeats + 1 : 0
      if (listener.unreadHeartbeats >= limits.unreadHeartbeatsMax) {
        cut(listener)
        continue
      }
      const { group } = channel
      const isUpToDate = waits === null && group.delivered === group.ring.lastNumber
      if (!isUpToDate) {
        send(listener, write.HEARTBEAT)
        continue
      }
      let bytes = texts.get(group)
      if (bytes === undefined) {
        bytes = write.heartbeat(write.eventId({ life, number: group.delivered, model: group.model }))
        texts.set(group, bytes)
      }
      send(listener, bytes)
    }
  }

  async function checkHolder(holder: Holder): Promise<void> {
    holder.checking = true
    try {
      if (await holder.isGood()) return
      for (const listener of [...holder.listeners]) end(listener, 'credential_ended')
    } catch {
      // It was good as long as that was known.
      for (const listener of [...holder.listeners]) end(listener, 'credential_unknown')
    } finally {
      holder.checking = false
    }
  }

  async function checkModel(clientId: string): Promise<void> {
    const client = clients.get(clientId)
    if (client === undefined) return
    client.askedAtMs = nowMs()
    let model: string
    try {
      model = await news.modelOf(clientId, context())
    } catch (error) {
      // Until it can be asked again, the model is the one that it was.
      if (!(error instanceof Problem && error.code === 'CLIENT_NOT_FOUND')) return
      for (const listener of [...client.listeners]) end(listener, 'credential_ended')
      return
    }
    if (model === client.model) return
    client.model = model
    for (const listener of client.listeners) {
      leaveChannel(listener)
      listener.channel = channelOf(groupOf(model), listener.listening.tickers)
      listener.channel.listeners.add(listener)
      left.delete(listener.channel)
      resetWhenKnown(listener, 'model_changed')
    }
  }

  function checkModelsSoon(clientIds: () => Iterable<string>): void {
    for (const ms of MODEL_AFTER_MS) {
      const timer = setTimeout(() => {
        timers.delete(timer)
        void few([...clientIds()], checkModel)
      }, ms)
      timer.unref()
      timers.add(timer)
    }
  }

  return {
    async enter(listening, asked) {
      const leave = takePlace(listening.keyId)
      try {
        const { clientId } = listening
        const model = clients.get(clientId)?.model ?? (await news.modelOf(clientId, asked))
        return (response) => begin(listening, clients.get(clientId)?.model ?? model, response, leave)
      } catch (error) {
        leave()
        throw error
      }
    },

    heard: {
      tickers: (keys) => watch.changed(keys),
      brokers(keys) {
        const theirs = () => keys.filter((key) => clients.has(key))
        checkModelsSoon(theirs)
        // Keys of theirs may have ended.
        const shown = theirs().flatMap((key) =>
          [...(clients.get(key)?.listeners ?? [])].map(({ listening }) => listening.credential.id),
        )
        void few(
          [...new Set(shown)].flatMap((id) => holders.get(id) ?? []),
          checkHolder,
        )
      },
      all() {
        setAway('news_away', false)
        watch.changedAll()
        checkModelsSoon(() => clients.keys())
      },
      lost: () => setAway('news_away', true),
    },

    drain() {
      draining = true
      for (const listener of [...listeners]) end(listener, 'draining')
    },

    stats: () => ({
      listeners: listeners.size,
      channels: [...groups.values()].reduce((sum, { channels }) => sum + channels.size, 0),
      watchedNames: watch.stats().names,
      ...count,
    }),

    async close() {
      draining = true
      clearInterval(ticking)
      for (const timer of timers) clearTimeout(timer)
      feeds.stop()
      for (const listener of [...listeners]) end(listener, 'draining')
      await watch.close()
      await delivering
    },
  }
}

/** Does something with each of many, some at a time. */
async function few<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const work = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await act(item)
  }
  await Promise.all(Array.from({ length: Math.min(QUESTIONS_AT_ONCE, items.length) }, work))
}
