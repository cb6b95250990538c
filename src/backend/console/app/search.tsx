// Search for a ticker, or go to a screen: `/`.
import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight'
import '@mantine/spotlight/styles.css'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useMemo, useState } from 'react'
import { gridRate } from '../ui/formats.ts'
import { foundStocks } from './found-stocks.ts'
import { usePerson } from './hooks.ts'
import { liveRates } from './live-rates.ts'
import { screensOf } from './screens.ts'
import { onOpenSearch } from './search-open.ts'

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
