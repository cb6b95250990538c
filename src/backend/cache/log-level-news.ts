// What an operator has set a service's log level to, for all its replicas: those that run hear of it, and one that starts meanwhile
// finds it. It is forgotten by itself when its time is over.
import { LOG_LEVELS, type LogLevel } from '../server/log.ts'
import type { CacheStore } from './cache-store.ts'

export interface LogLevelNews {
  /** The level, or null: back to the one of the settings. */
  readonly level: LogLevel | null
  readonly until: Date
}

const channelOf = (service: string) => `log-level:${service}`
const MESSAGE_CHARACTERS_MAX = 200

/** Tells all replicas of a service. Rejects as the store does when it is away: then none was told, or not all of them. */
export async function publishLogLevel(
  store: CacheStore,
  service: string,
  { level, until }: LogLevelNews,
  now: Date,
): Promise<void> {
  const message = JSON.stringify({ level, until: until.getTime() })
  const seconds = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000))
  await store.set(channelOf(service), message, seconds)
  await store.publish(channelOf(service), message)
}

/**
 * Listens for a service until the returned function is called.
 * @param hear told of what is set now, at every connection to the store, and of every change
 */
export async function onLogLevel(
  store: CacheStore,
  service: string,
  hear: (news: LogLevelNews) => void,
): Promise<() => Promise<void>> {
  const read = (message: string | null) => {
    const news = message === null ? null : readNews(message)
    if (news !== null) hear(news)
  }
  return await store.subscribe(channelOf(service), read, () => {
    // Away again already: at the next connection it is asked anew.
    store.get(channelOf(service)).then(read, () => {})
  })
}

/** Null: not a message of ours. */
function readNews(message: string): LogLevelNews | null {
  if (message.length > MESSAGE_CHARACTERS_MAX) return null
  try {
    const { level, until } = JSON.parse(message) as { level?: unknown; until?: unknown }
    const known = level === null ? null : LOG_LEVELS.find((candidate) => candidate === level)
    return known === undefined || !Number.isSafeInteger(until)
      ? null
      : { level: known, until: new Date(until as number) }
  } catch {
    return null
  }
}
