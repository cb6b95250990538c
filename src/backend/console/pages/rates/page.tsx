// The rates: what moved, and what is guessed.
import { Button } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { useFeeds } from '../../app/feeds.ts'
import { usePerson, useStreamState, useWidth } from '../../app/hooks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { isWanted } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import { type GridHandle, RatesGrid } from './grid.tsx'
import { type Counts, compareByWatchlist, compareRows, countRows, type Filter, orderWords, passes } from './orders.ts'
import classes from './page.module.css'
import { PhoneList } from './phone-list.tsx'
import { hiddenColumns, type Order, orderOf, type RatesSearch } from './search.ts'
import { SidePanel } from './side-panel.tsx'
import { ToolBar, type ToolBarHandle } from './tool-bar.tsx'
import { watchlist } from './watchlist.ts'

/** What is typed or walked through stands in the address when the hand rests: browsers refuse too many changes of it. */
const ADDRESS_MS = 250
const COUNTS_MS = 1_000

export function RatesPage() {
  const stream = useStreamState()
  const isEmpty = useIsEmpty()
  if (isEmpty && stream.kind === 'failed') {
    return (
      <>
        <h1 className="only-read">Rates</h1>
        <Failure error={stream.error} onRetry={() => liveRates.restart()} />
      </>
    )
  }
  if (isEmpty && stream.kind !== 'live' && stream.kind !== 'late') {
    return (
      <>
        <h1 className="only-read">Rates</h1>
        <Loading rows={24} label="Loading the rates" />
      </>
    )
  }
  return <Rates />
}

function Rates() {
  const search = useSearch({ from: '/rates' })
  const navigate = useNavigate()
  const { role } = usePerson()
  const width = useWidth()
  const stream = useStreamState()
  const feeds = useFeeds().data
  const grid = useRef<GridHandle>(null)
  const toolBar = useRef<ToolBarHandle>(null)
  const watched = useSyncExternalStore(watchlist.subscribe, watchlist.get)

  const [state, change] = useAddressed(search)
  const filter: Filter = { q: state.q, tier: state.tier, guess: state.guess }
  const order = orderOf(state.sort)
  const hidden = hiddenColumns(state.hide)
  const [orderedAt, setOrderedAt] = useState(() => new Date())
  const [shown, setShown] = useState<number | null>(null)
  const counts = useCounts(filter)

  const ticker = state.ticker ?? null
  const panelIsOpen = state.panel === undefined ? width === 'desk' : state.panel === 'open'
  const isPast = stream.kind === 'lost' || stream.kind === 'failed'
  const mayQuote = role === 'broker' || role === 'desk'

  const setPanel = (open: boolean) =>
    change({ panel: open === (width === 'desk') ? undefined : open ? 'open' : 'closed' })
  const closePanel = () => setPanel(false)
  const quote = (of: string) => {
    if (mayQuote && !isPast) void navigate({ to: '/quote', search: { ticker: of } })
    else if (!mayQuote) void navigate({ to: '/history', search: { ticker: of } })
  }
  const history = (of: string) => void navigate({ to: '/history', search: { ticker: of } })
  const sortAgain = () => {
    grid.current?.sortAgain()
    setOrderedAt(new Date())
  }
  const changeOrder = (next: Order | null) => {
    change({ sort: next === null ? undefined : `${next.descending ? '-' : ''}${next.column}` })
    setOrderedAt(new Date())
  }

  useShortcuts({
    f: () => toolBar.current?.focusFilter(),
    '[': () => grid.current?.page(-1),
    ']': () => grid.current?.page(1),
    ...(ticker !== null && { h: () => history(ticker), s: () => void watchlist.toggle(ticker) }),
    ...(panelIsOpen && width !== 'desk' && { Escape: closePanel }),
  })
  useRowKeys((key) => {
    if (key === 'ArrowDown' || key === 'ArrowUp') grid.current?.focus()
    else if (ticker === null) return
    else if (key === 'Enter') quote(ticker)
    else setPanel(!panelIsOpen)
  })

  const row = useRow(ticker)
  const isFiltered = Object.values(filter).some((choice) => choice !== undefined)
  const panel = row !== undefined && panelIsOpen && (
    <SidePanel
      row={row}
      notNow={isPast ? 'The stream is lost: these rates are of the past.' : null}
      isOverlay={width !== 'desk'}
      onQuote={() => quote(row.ticker)}
      onHistory={() => history(row.ticker)}
      onClose={closePanel}
    />
  )
  return (
    <div className={classes.page}>
      <ToolBar
        ref={toolBar}
        filter={filter}
        counts={counts}
        order={orderWords(order, watched.length)}
        orderedAt={orderedAt}
        hidden={hidden}
        onFilter={change}
        onHidden={(columns) => change({ hide: columns.length === 0 ? undefined : columns.join() })}
        onSortAgain={sortAgain}
        onToRows={() => grid.current?.focus()}
      />
      <div className={classes.body}>
        <div className={classes.rows}>
          {width === 'phone' ? (
            <PhoneRows
              filter={filter}
              order={order}
              feeds={feeds}
              isPast={isPast}
              onShown={setShown}
              onOpen={(opened) => change({ ticker: opened, panel: 'open' })}
            />
          ) : (
            <RatesGrid
              ref={grid}
              filter={filter}
              order={order}
              hidden={hidden}
              selected={ticker}
              feeds={feeds}
              isPast={isPast}
              onSelect={(selected) => change({ ticker: selected })}
              onOrder={changeOrder}
              onShown={setShown}
              onOpen={quote}
            />
          )}
          {shown === 0 && (
            <div className={classes.nothing}>
              {isFiltered ? (
                <Empty action={<Button onClick={() => change(NO_FILTER)}>Show all stocks</Button>}>
                  No stock is of this choice.
                </Empty>
              ) : (
                <Empty action={<Button onClick={() => liveRates.restart()}>Load again</Button>}>
                  The engine knows no stock yet: no file of a lender was read.
                </Empty>
              )}
            </div>
          )}
        </div>
        {panel}
      </div>
    </div>
  )
}

const NO_FILTER: Filter = { q: undefined, tier: undefined, guess: undefined }

/** What the screen shows, at once; the address follows. Another address is shown as it is. */
function useAddressed(search: RatesSearch): readonly [RatesSearch, (change: Partial<RatesSearch>) => void] {
  const navigate = useNavigate()
  const [state, setState] = useState(search)
  const written = useRef(search)
  const written_ = JSON.stringify(search)
  // biome-ignore lint/correctness/useExhaustiveDependencies: by what it says
  useEffect(() => {
    if (written_ === JSON.stringify(written.current)) return
    written.current = search
    setState(search)
  }, [written_])
  useEffect(() => {
    if (JSON.stringify(state) === JSON.stringify(written.current)) return
    const timer = setTimeout(() => {
      if (!isWanted('/rates')) return
      written.current = JSON.parse(JSON.stringify(state)) as RatesSearch
      void navigate({ to: '/rates', search: state, replace: true })
    }, ADDRESS_MS)
    return () => clearTimeout(timer)
  }, [state, navigate])
  return [state, (change) => setState((before) => ({ ...before, ...change }))]
}

function useIsEmpty(): boolean {
  return useSyncExternalStore(
    (listener) => liveRates.onRows(listener),
    () => liveRates.rows.size === 0,
  )
}

function useRow(ticker: string | null) {
  return useSyncExternalStore(
    (listener) => liveRates.onRows(listener),
    () => (ticker === null ? undefined : liveRates.rows.get(ticker)),
  )
}

/** Counted once a second at the most, and at once when another choice is made. */
function useCounts({ q, tier, guess }: Filter): Counts {
  const [tick, setTick] = useState(0)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null
    const stop = liveRates.onRows((moved) => {
      if (moved === null) setTick((before) => before + 1)
      else
        timer ??= setTimeout(() => {
          timer = null
          setTick((before) => before + 1)
        }, COUNTS_MS)
    })
    return () => {
      stop()
      if (timer !== null) clearTimeout(timer)
    }
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows are the same map, with others in it
  return useMemo(() => countRows(liveRates.rows.values(), { q, tier, guess }), [tick, q, tier, guess])
}

/** Keys of the grid's rows, when the grid has the focus or nothing has. */
function useRowKeys(run: (key: 'Enter' | ' ' | 'ArrowDown' | 'ArrowUp') => void): void {
  const current = useRef(run)
  current.current = run
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { key, target } = event
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !(target instanceof Element))
        return
      const onCell = target.closest('.ag-cell') !== null
      const onNothing = target === document.body || target.id === 'content'
      const isRowKey = key === 'Enter' || key === ' '
      if (isRowKey ? !onCell && !onNothing : !onNothing || (key !== 'ArrowDown' && key !== 'ArrowUp')) return
      event.preventDefault()
      current.current(key as Parameters<typeof run>[0])
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

/** In the order of the moment at which a choice was made, for the list of a phone. */
function PhoneRows({
  filter,
  order,
  onShown,
  ...list
}: {
  readonly filter: Filter
  readonly order: Order | null
  readonly onShown: (count: number) => void
} & Omit<Parameters<typeof PhoneList>[0], 'tickers' | 'rowOf'>) {
  const { q, tier, guess } = filter
  const loaded = useLoaded()
  const watched = useSyncExternalStore(watchlist.subscribe, watchlist.get)
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows keep their places while they move
  const tickers = useMemo(
    () =>
      [...liveRates.rows.values()]
        .filter((row) => passes(row, { q, tier, guess }))
        .sort((a, b) => (order === null ? compareByWatchlist(a, b, watchlist.placeOf) : compareRows(a, b, order)))
        .map(({ ticker }) => ticker),
    [loaded, watched, q, tier, guess, order?.column, order?.descending],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: told of the number alone
  useEffect(() => onShown(tickers.length), [tickers.length])
  return <PhoneList tickers={tickers} rowOf={(ticker) => liveRates.rows.get(ticker)} {...list} />
}

/** Counts up when all rows were loaded anew. */
function useLoaded(): number {
  const [loads, setLoads] = useState(0)
  useEffect(() => liveRates.onRows((moved) => moved === null && setLoads((before) => before + 1)), [])
  return loads
}
