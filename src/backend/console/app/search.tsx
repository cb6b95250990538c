// Search for a ticker, or go to a screen: `/`.
import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight'
import '@mantine/spotlight/styles.css'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import type { RateRowAnswer } from '../../client/index.ts'
import { gridRate } from '../ui/formats.ts'
import { usePerson } from './hooks.ts'
import { liveRates } from './live-rates.ts'
import { screensOf } from './screens.ts'
import { onOpenSearch } from './search-open.ts'

const FOUND_MAX = 8
const [store, spotlight] = createSpotlight()

export default function Search() {
  const { role } = usePerson()
  const navigate = useNavigate()
  const [query, setQuery] = useState('')
  useEffect(() => onOpenSearch(spotlight.open), [])
  const mayQuote = role === 'broker' || role === 'desk'

  const screens = useMemo<SpotlightActionData[]>(
    () =>
      screensOf(role).map(({ path, title, letter }) => ({
        id: path,
        label: title,
        rightSection: <kbd className="key">G {letter.toUpperCase()}</kbd>,
        onClick: () => void navigate({ to: path }),
      })),
    [role, navigate],
  )
  const stocks = foundStocks(liveRates.rows, query).map<SpotlightActionData>((row) => ({
    id: row.ticker,
    label: row.ticker,
    ...(row.name !== null && { description: row.name }),
    keywords: [row.name ?? ''],
    rightSection: <span className="nowrap">{gridRate(row.current_rate)} %</span>,
    onClick: () =>
      void (mayQuote
        ? navigate({ to: '/quote', search: { ticker: row.ticker } })
        : navigate({ to: '/history', search: { ticker: row.ticker } })),
  }))

  return (
    <Spotlight
      store={store}
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      actions={[
        ...(stocks.length > 0 ? [{ group: mayQuote ? 'Quote' : 'History', actions: stocks }] : []),
        { group: 'Go to', actions: screens },
      ]}
      highlightQuery
      scrollable
      maxHeight={420}
      nothingFound="No stock and no screen of this name"
      searchProps={{ placeholder: 'Ticker, name or screen', 'aria-label': 'Ticker, name or screen' }}
    />
  )
}

/** Tickers that begin so come first, then names that have it. */
export function foundStocks(rows: ReadonlyMap<string, RateRowAnswer>, query: string): RateRowAnswer[] {
  const words = query.trim().toUpperCase()
  if (words === '') return []
  const exact = rows.get(words)
  const begin: RateRowAnswer[] = []
  const within: RateRowAnswer[] = []
  for (const row of rows.values()) {
    if (row.ticker === words) continue
    if (row.ticker.startsWith(words)) begin.push(row)
    else if (within.length < FOUND_MAX && row.name?.toUpperCase().includes(words)) within.push(row)
  }
  begin.sort((a, b) => a.ticker.length - b.ticker.length || (a.ticker < b.ticker ? -1 : 1))
  return [...(exact === undefined ? [] : [exact]), ...begin, ...within].slice(0, FOUND_MAX)
}
