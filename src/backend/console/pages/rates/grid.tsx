// The universe as a grid: AG Grid without React between it and its cells, so that it scrolls as fast as it can.
import {
  CellStyleModule,
  ClientSideRowModelApiModule,
  ClientSideRowModelModule,
  ColumnApiModule,
  createGrid,
  ExternalFilterModule,
  type GridApi,
  type Module,
  RenderApiModule,
  RowApiModule,
  RowSelectionModule,
  ScrollApiModule,
  TooltipModule,
} from 'ag-grid-community'
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef, useState } from 'react'
import type { RateRowAnswer } from '../../../client/index.ts'
import { FEED_NAMES, type Feeds } from '../../app/feed-health.ts'
import { liveRates } from '../../app/live-rates.ts'
import { gridTheme } from '../../ui/grid-theme.ts'
import { faultOf } from './ages.ts'
import { AgeCells } from './cells.ts'
import { COLUMNS_OF, columns, WATCH_ORDER } from './columns.ts'
import classes from './grid.module.css'
import { type Filter, passes } from './orders.ts'
import { CHOICES, ORDERS, type Order, type OrderColumn } from './search.ts'
import { sparklines } from './sparklines.ts'
import { watchlist } from './watchlist.ts'

const MODULES: Module[] = [
  ClientSideRowModelModule,
  ClientSideRowModelApiModule,
  CellStyleModule,
  ColumnApiModule,
  ExternalFilterModule,
  RenderApiModule,
  RowApiModule,
  RowSelectionModule,
  ScrollApiModule,
  TooltipModule,
]

const AGES_MS = 1_000
const LINES_MS = 60_000
/** Cells that light up at once. */
const MOVED_CELLS_MAX = 20
const MOVED_MS = 600
const MOVED_DOT_MS = 2_000

/** What the screen around it does with it. */
export interface GridHandle {
  /** Puts the rows in order anew: they keep their places while they move. */
  sortAgain(): void
  /** To the selected row, or the first. */
  focus(): void
  /** By so many screens of rows. */
  page(by: 1 | -1): void
}

export interface RatesGridProps {
  readonly filter: Filter
  readonly order: Order | null
  readonly hidden: readonly (typeof CHOICES)[number][]
  readonly selected: string | null
  readonly feeds: Feeds | undefined
  /** Values of a lost stream. */
  readonly isPast: boolean
  readonly onSelect: (ticker: string) => void
  readonly onOrder: (order: Order | null) => void
  /** Rows that are shown now. */
  readonly onShown: (count: number) => void
  /** Enter. */
  readonly onOpen: (ticker: string) => void
  readonly ref?: Ref<GridHandle>
}

export function RatesGrid(props: RatesGridProps) {
  const { filter, order, hidden, selected, feeds, isPast, onSelect, onOrder, onShown, onOpen, ref } = props
  const place = useRef<HTMLDivElement>(null)
  const [api, setApi] = useState<GridApi<RateRowAnswer> | null>(null)
  const now = useRef({ filter, feeds })
  now.current = { filter, feeds }
  const told = {
    select: useEffectEvent(onSelect),
    order: useEffectEvent(onOrder),
    shown: useEffectEvent(onShown),
    open: useEffectEvent(onOpen),
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: the grid is made once, and told of what changes below
  useEffect(() => {
    const element = place.current
    if (element === null) return
    const ages = new AgeCells()
    const grid = createGrid<RateRowAnswer>(
      element,
      {
        theme: gridTheme,
        columnDefs: columns({ ages, feeds: () => now.current.feeds }),
        defaultColDef: {
          resizable: false,
          suppressMovable: true,
          sortable: false,
          suppressHeaderMenuButton: true,
          // They are keys of the screen.
          suppressKeyboardEvent: ({ event }) => event.key === 'Enter' || event.key === ' ',
        },
        getRowId: ({ data }) => data.ticker,
        rowData: [...liveRates.rows.values()],
        rowSelection: { mode: 'singleRow', checkboxes: false, enableClickSelection: true },
        ensureDomOrder: true,
        animateRows: false,
        suppressMultiSort: true,
        suppressDragLeaveHidesColumns: true,
        suppressNoRowsOverlay: true,
        // Rows move ten times a second already: no more is waited for.
        asyncTransactionWaitMillis: 0,
        // Nothing jumps: rows keep their places until they are put in order again.
        suppressModelUpdateAfterUpdateTransaction: true,
        // The browser's own: ours would listen at each of the cells.
        enableBrowserTooltips: true,
        isExternalFilterPresent: () => Object.values(now.current.filter).some((choice) => choice !== undefined),
        doesExternalFilterPass: ({ data }) => data !== undefined && passes(data, now.current.filter),
        onSelectionChanged: ({ api: changed }) => {
          const ticker = changed.getSelectedRows()[0]?.ticker
          if (ticker !== undefined) told.select(ticker)
        },
        onCellFocused: ({ api: focused, rowIndex }) => {
          if (rowIndex !== null) focused.getDisplayedRowAtIndex(rowIndex)?.setSelected(true)
        },
        onSortChanged: ({ api: sorted, source }) => {
          if (source !== 'uiColumnSorted') return
          told.order(orderShown(sorted))
        },
        onModelUpdated: ({ api: updated }) => told.shown(updated.getDisplayedRowCount()),
        onCellDoubleClicked: ({ data }) => {
          if (data !== undefined) told.open(data.ticker)
        },
      },
      { modules: MODULES },
    )
    element.querySelector('[role="grid"], [role="treegrid"]')?.setAttribute('aria-label', 'Rates')
    setApi(grid)
    const stopRows = liveRates.onRows((moved) => {
      if (moved === null) {
        sparklines.clear()
        grid.setGridOption('rowData', [...liveRates.rows.values()])
        return
      }
      const add: RateRowAnswer[] = []
      const update: RateRowAnswer[] = []
      const ratesMoved = new Set<string>()
      for (const ticker of moved) {
        const row = liveRates.rows.get(ticker)
        if (row === undefined) continue
        const before = grid.getRowNode(ticker)?.data
        ;(before === undefined ? add : update).push(row)
        if (before !== undefined && before.current_rate !== row.current_rate) ratesMoved.add(ticker)
      }
      grid.applyTransactionAsync({ add, update })
      showMoved(grid, element, ratesMoved)
    })
    const stopWatching = watchlist.subscribe(() => grid.refreshCells({ columns: ['ticker'], force: true }))
    const ageClock = setInterval(() => ages.tick(), AGES_MS)
    const lineClock = setInterval(() => sparklines.renew(), LINES_MS)
    return () => {
      clearInterval(ageClock)
      clearInterval(lineClock)
      stopRows()
      stopWatching()
      setApi(null)
      grid.destroy()
    }
  }, [])

  useEffect(() => {
    if (api === null) return
    api.applyColumnState({
      state: [{ colId: order?.column ?? WATCH_ORDER, sort: order?.descending ? 'desc' : 'asc' }],
      defaultState: { sort: null },
    })
  }, [api, order?.column, order?.descending])

  // biome-ignore lint/correctness/useExhaustiveDependencies: by which columns they are
  useEffect(() => {
    if (api === null) return
    const left = new Set(hidden.flatMap((choice) => COLUMNS_OF[choice]))
    const all = CHOICES.flatMap((choice) => COLUMNS_OF[choice])
    // One column takes the room that is over: the name, or the last.
    const wide = left.has('name') ? (all.findLast((colId) => !left.has(colId)) ?? 'rate') : 'name'
    api.applyColumnState({
      state: ['rate', ...all].map((colId) => ({ colId, hide: left.has(colId), flex: colId === wide ? 1 : null })),
    })
  }, [api, hidden.join()])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the grid reads the filter itself
  useEffect(() => api?.onFilterChanged(), [api, filter.q, filter.tier, filter.guess])

  const faults = FEED_NAMES.map((name) => faultOf(feeds?.feeds[name])).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: heads say which feed is what is wrong
  useEffect(() => api?.refreshHeader(), [api, faults])

  useEffect(() => {
    if (api === null) return
    // Keys have a row to begin with.
    if (selected === null) return api.getDisplayedRowAtIndex(0)?.setSelected(true)
    const node = api.getRowNode(selected)
    if (node === undefined || node.isSelected()) return
    node.setSelected(true)
    api.ensureNodeVisible(node, 'middle')
  }, [api, selected])

  useImperativeHandle(
    ref,
    () => ({
      sortAgain: () => api?.refreshClientSideRowModel('filter'),
      focus: () => {
        if (api === null) return
        const node = api.getSelectedNodes()[0]
        const index = node?.displayed ? (node.rowIndex ?? 0) : 0
        api.ensureIndexVisible(index)
        api.setFocusedCell(index, 'ticker')
      },
      page: (by) => {
        if (api === null) return
        const [first, last] = rowsOnScreen(api)
        const rows = Math.max(last - first - 1, 1)
        const from = api.getFocusedCell()?.rowIndex ?? first
        const index = Math.min(Math.max(from + by * rows, 0), api.getDisplayedRowCount() - 1)
        if (index < 0) return
        api.ensureIndexVisible(index, by > 0 ? 'top' : 'bottom')
        api.setFocusedCell(index, api.getFocusedCell()?.column ?? 'ticker')
      },
    }),
    [api],
  )

  return <div ref={place} className={classes.grid} data-past={isPast || undefined} />
}

function orderShown(api: GridApi): Order | null {
  const sorted = api.getColumnState().find(({ sort }) => sort !== null && sort !== undefined)
  const column = ORDERS.find((known) => known === sorted?.colId) as OrderColumn | undefined
  return column === undefined ? null : { column, descending: sorted?.sort === 'desc' }
}

/** First and last; those that AG Grid calls displayed have rows beside the screen among them. */
function rowsOnScreen(api: GridApi<RateRowAnswer>): readonly [first: number, last: number] {
  const { top, bottom } = api.getVerticalPixelRange()
  const height = api.getDisplayedRowAtIndex(api.getFirstDisplayedRowIndex())?.rowHeight ?? 28
  return [Math.floor(top / height), Math.min(Math.ceil(bottom / height), api.getDisplayedRowCount()) - 1]
}

let lit = 0

/** Lights up the rates that moved, of the rows that are on the screen; of a storm no more than an eye can follow. */
function showMoved(api: GridApi<RateRowAnswer>, element: HTMLElement, moved: ReadonlySet<string>): void {
  if (moved.size === 0 || lit >= MOVED_CELLS_MAX) return
  const [first, last] = rowsOnScreen(api)
  for (let index = first; index <= last && lit < MOVED_CELLS_MAX; index += 1) {
    const ticker = api.getDisplayedRowAtIndex(index)?.id
    if (ticker === undefined || !moved.has(ticker)) continue
    const cell = element.querySelector(`[row-id="${ticker}"] > [col-id="rate"]`)
    const name = classes.moved
    if (cell === null || name === undefined || cell.classList.contains(name)) continue
    cell.classList.add(name)
    lit += 1
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    setTimeout(
      () => {
        cell.classList.remove(name)
        lit -= 1
      },
      still ? MOVED_DOT_MS : MOVED_MS,
    )
  }
}
