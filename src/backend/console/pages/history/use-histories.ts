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
  const pointsOf = answers.map(({ data }) => data?.points)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the answers of the queries are an array that is new every time
  const told = useMemo(() => {
    const known = tickers.flatMap((ticker, place) => {
      const points = pointsOf[place]
      return points === undefined ? [] : [{ ticker, points, row: rows[place] }]
    })
    if (!endsNow || known.length === 0) return known
    return withLivePoints(
      known,
      known.map(({ row }) => row),
      Date.now(),
    )
  }, [tickers.join(), rows, endsNow, ...pointsOf])
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

const NO_ROWS: readonly undefined[] = []

function useLiveRows(tickers: readonly string[]): readonly (RateRowAnswer | undefined)[] {
  const last = useRef<readonly (RateRowAnswer | undefined)[]>(NO_ROWS)
  return useSyncExternalStore(onRows, () => {
    const rows = tickers.map((ticker) => liveRates.rows.get(ticker))
    const isSame = rows.length === last.current.length && rows.every((row, place) => row === last.current[place])
    if (!isSame) last.current = rows
    return last.current
  })
}

function onRows(listener: () => void): () => void {
  return liveRates.onRows(listener)
}
