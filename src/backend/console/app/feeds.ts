// The three feeds, as health checks show them to everybody.
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { announce } from './announce.tsx'
import { FEED_NAMES, type Feeds, isDown } from './feed-health.ts'
import { liveRates } from './live-rates.ts'

const POLL_MS = 10_000

export function useFeeds() {
  const news = useSyncExternalStore(liveRates.onState, liveRates.feedNews)
  return useQuery({
    queryKey: ['feeds', news],
    queryFn: readFeeds,
    refetchInterval: POLL_MS,
    placeholderData: (before) => before,
  })
}

async function readFeeds({ signal }: { readonly signal: AbortSignal }): Promise<Feeds> {
  // Degraded is 503 with the same body: what is down is just what is to be shown.
  const response = await fetch('/health/external', { signal })
  const body = (await response.json()) as { feeds?: Feeds['feeds'] }
  if (body.feeds === undefined) throw new Error('The state of the feeds is not known.')
  return { feeds: body.feeds, atMs: Date.now() }
}

/** Said once, by the one who shows them always. */
export function useAnnouncedFailures(data: Feeds | undefined): void {
  const before = useRef<readonly string[]>([])
  const down = FEED_NAMES.filter((name) => data !== undefined && isDown(data.feeds[name])).join()
  useEffect(() => {
    const now = down.split(',').filter((name) => name !== '')
    const news = now.filter((name) => !before.current.includes(name))
    before.current = now
    if (news.length > 0) announce(news.map((name) => `The ${name} feed does not answer.`).join(' '))
  }, [down])
}
