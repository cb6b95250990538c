// What the asking broker may ask in a minute, where it may know: a basket that never fits is not sent.

import { useBrokers } from '../../app/brokers.ts'
import { useConfig, usePerson } from '../../app/hooks.ts'
import { requestCount } from './basket-side.tsx'
import { count } from './totals-bar.tsx'

/** Requests a minute; null: not known. */
export function useRequestLimit(): number | null {
  const { clientId } = usePerson()
  const config = useConfig()
  const own = useBrokers().list?.find(({ client_id }) => client_id === clientId)
  if (own === undefined) return null
  return own.requests_per_minute ?? config.data?.rate_limits[own.tier] ?? null
}

/** Why a basket of so many lines is not sent; null: it fits. */
export function beyondLimit(lines: number, limit: number | null): string | null {
  const cost = requestCount(lines)
  if (limit === null || cost <= limit) return null
  return `${count(lines)} lines count as ${count(cost)} requests, and ${count(limit)} a minute are yours: at most ${count(limit * 100)} lines.`
}
