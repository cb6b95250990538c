// What the asking broker may ask in a minute, where it may know: a basket that never fits is not sent.
import { useQuery } from '@tanstack/react-query'
import { api } from '../../api.ts'
import { useConfig, usePerson } from '../../app/hooks.ts'
import { requestCount } from './basket-side.tsx'
import { count } from './totals-bar.tsx'

const STALE_MS = 300_000

/** Requests a minute; null: not known. */
export function useRequestLimit(): number | null {
  const { clientId } = usePerson()
  const config = useConfig()
  const own = useQuery({
    queryKey: ['basket', 'own-terms', clientId],
    queryFn: ({ signal }) => api.brokers.read(clientId, { signal }),
    staleTime: STALE_MS,
  })
  if (own.data === undefined) return null
  return own.data.requests_per_minute ?? config.data?.rate_limits[own.data.tier] ?? null
}

/** Why a basket of so many lines is not sent; null: it fits. */
export function beyondLimit(lines: number, limit: number | null): string | null {
  const cost = requestCount(lines)
  if (limit === null || cost <= limit) return null
  return `${count(lines)} lines count as ${count(cost)} requests, and ${count(limit)} a minute are yours: at most ${count(limit * 100)} lines.`
}
