// Whether there is a Redis to test on.
import { foundOrInstalled, howToInstall, onPath } from './debian-package.ts'

const PACKAGE = 'redis-server'

/** What to type where there is none. */
export const HOW_TO_GET_REDIS = howToInstall(PACKAGE)

export interface RedisPrograms {
  readonly server: string
  /** redis-cli: forms clusters. */
  readonly client: string
}

export function redisPrograms(): RedisPrograms | null {
  const [server, client] = [onPath('redis-server'), onPath('redis-cli')]
  return server === null || client === null ? null : { server, client }
}

/** Finds or installs it. */
export function redisFoundOrInstalled(): boolean {
  return foundOrInstalled(PACKAGE, () => redisPrograms() !== null)
}
