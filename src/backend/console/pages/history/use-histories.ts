// The histories of the names that are shown, and what the stream has told since.
import { useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useRef, useSyncExternalStore } from 'react'
import type { RateRowAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { liveRates } from '../../app/live-rates.ts'
import type { AskedRange } from './range.ts'
import { type Told, withLivePoints } from './timeline.ts'

export interface Histories {
  readonly told: readonly Told[]
  /** Of the first name. */
  readonly error: unknown
  readonly isLoading: boolean
  readonly refused: readonly { readonly ticker: string; readonly error: unknown }[]
  readonly again: () => void
}

export function useHistories(tickers: readonly string[], range: AskedRange): Histories {
  const { fromMs, toMs, interval, endsNow } = range
  const answers = useQueries({
    queries: tickers.map((ticker) => ({
      queryKey: ['history', ticker, fromMs, toMs, interval],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.rates.history(
          ticker,
          { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), interval },
          { signal },
        ),
      // Its points do not change any more.
      staleTime: Number.POSITIVE_INFINITY,
      placeholderData: (before: Awaited<ReturnType<typeof api.rates.history>> | undefined) =>
        before?.ticker === ticker ? before : undefined,
    })),
  })
  const rows = useLiveRows(tickers)
  const names = useSame(tickers)
  const pointsOf = useSame(answers.map(({ data }) => data?.points))
  const told = useMemo(() => {
    const known = names.flatMap((ticker, place) => {
      const points = pointsOf[place]
      return points === undefined ? [] : [{ ticker, points, row: rows[place] }]
    })
    if (!endsNow || known.length === 0) return known
    return withLivePoints(
      known,
      known.map(({ row }) => row),
      Date.now(),
    )
  }, [names, rows, endsNow, pointsOf])
  const first = answers[0]
  return {
    told,
    error: first?.error ?? null,
    isLoading: first?.data === undefined && first?.error === null,
    refused: answers.flatMap(({ error }, place) => {
      const ticker = tickers[place]
      return place === 0 || error === null || ticker === undefined ? [] : [{ ticker, error }]
    }),
    again: () => {
      for (const answer of answers) if (answer.error !== null) void answer.refetch()
    },
  }
}

/** What is ahead of the name: its rate as it is now names its events. */
export function useEvents(ticker: string | undefined, toMs: number) {
  return useQuery({
    queryKey: ['history', 'events', ticker, toMs],
    enabled: ticker !== undefined,
    queryFn: async ({ signal }) => (await api.rates.current(ticker ?? '', { signal })).data_sources.event_risk,
    placeholderData: (before, query) => (query?.queryKey[2] === ticker ? before : undefined),
  })
}

function useLiveRows(tickers: readonly string[]): readonly (RateRowAnswer | undefined)[] {
  const last = useRef<readonly (RateRowAnswer | undefined)[]>([])
  return useSyncExternalStore(onRows, () => {
    last.current = same(
      last.current,
      tickers.map((ticker) => liveRates.rows.get(ticker)),
    )
    return last.current
  })
}

function onRows(listener: () => void): () => void {
  return liveRates.onRows(listener)
}

/** The list of last time, as long as the same things are in it. */
function useSame<Item>(now: readonly Item[]): readonly Item[] {
  const last = useRef(now)
  last.current = same(last.current, now)
  return last.current
}

function same<Item>(before: readonly Item[], now: readonly Item[]): readonly Item[] {
  const isSame = before.length === now.length && now.every((item, place) => item === before[place])
  return isSame ? before : now
}
