// The lines of the basket, as many as there are: a refused one keeps its place, with the cell at fault in a box and the engine's
// sentence where its price would stand. Cells that were pasted are corrected in place.
import {
  CellApiModule,
  type CellClassParams,
  CellStyleModule,
  ClientSideRowModelApiModule,
  ClientSideRowModelModule,
  type ColDef,
  ColumnApiModule,
  ExternalFilterModule,
  type GridApi,
  type ICellRendererParams,
  ModuleRegistry,
  RenderApiModule,
  RowApiModule,
  RowStyleModule,
  ScrollApiModule,
  type SuppressKeyboardEventParams,
  TextEditorModule,
  TooltipModule,
} from 'ag-grid-community'
import { AgGridReact } from 'ag-grid-react'
import { memo, type Ref, useEffect, useImperativeHandle, useMemo, useRef } from 'react'
import { usePreferences } from '../../app/hooks.ts'
import { SourceGlyph } from '../../ui/badges.tsx'
import { gridRate, grouped, usdText } from '../../ui/formats.ts'
import { gridTheme } from '../../ui/grid-theme.ts'
import { type BasketRow, basket } from './basket.ts'
import classes from './basket-grid.module.css'
import { FIELD_TITLES, type Field } from './columns.ts'
import { guessWords } from './guess-words.ts'
import type { Shown } from './search.ts'

ModuleRegistry.registerModules([
  ClientSideRowModelModule,
  ClientSideRowModelApiModule,
  ColumnApiModule,
  CellApiModule,
  CellStyleModule,
  ExternalFilterModule,
  RenderApiModule,
  RowApiModule,
  RowStyleModule,
  ScrollApiModule,
  TextEditorModule,
  TooltipModule,
])

export interface BasketGridHandle {
  /** The refused line after the one that is looked at, and around from the end; its cell at fault has the focus. */
  nextRefused(): void
}

export interface BasketGridProps {
  readonly fields: readonly Field[]
  readonly show: Shown
  readonly reason: string | null
  readonly onCorrect: (line: number, field: Field, text: string) => void
  readonly handle: Ref<BasketGridHandle>
}

/** Drawn anew when the columns change, not while lines come. */
export const BasketGrid = memo(function BasketGrid({ fields, show, reason, onCorrect, handle }: BasketGridProps) {
  const grid = useRef<GridApi<BasketRow> | null>(null)
  const { letterKeys } = usePreferences()
  const columns = useMemo(() => columnsOf(fields, letterKeys), [fields, letterKeys])
  const shown = useRef({ show, reason })

  // Lines as they come change rows in place, a tenth of a second at a time.
  useEffect(
    () =>
      basket.onRows((news) => {
        // Never while the screen itself is being drawn.
        queueMicrotask(() => {
          if (news === 'all') grid.current?.setGridOption('rowData', [...basket.rows])
          else if (grid.current !== null) showNews(grid.current, news)
        })
      }),
    [],
  )
  useEffect(() => {
    shown.current = { show, reason }
    queueMicrotask(() => grid.current?.onFilterChanged())
  }, [show, reason])
  useImperativeHandle(
    handle,
    () => ({ nextRefused: () => grid.current !== null && focusNextRefused(grid.current) }),
    [],
  )

  return (
    <div className={classes.grid}>
      <AgGridReact<BasketRow>
        theme={gridTheme}
        columnDefs={columns}
        defaultColDef={DEFAULTS}
        getRowId={({ data }) => String(data.line)}
        rowData={useMemo(() => [...basket.rows], [])}
        rowClassRules={ROW_CLASSES}
        isExternalFilterPresent={() => shown.current.show !== 'all' || shown.current.reason !== null}
        doesExternalFilterPass={({ data }) =>
          data !== undefined && passes(data, shown.current.show, shown.current.reason)
        }
        ensureDomOrder
        suppressMovableColumns
        suppressDragLeaveHidesColumns
        suppressColumnVirtualisation
        stopEditingWhenCellsLoseFocus
        enterNavigatesVerticallyAfterEdit={false}
        tooltipShowDelay={250}
        animateRows={false}
        onGridReady={({ api }) => {
          grid.current = api
        }}
        onCellClicked={({ data, column, rowIndex, api }) => {
          const field = column.getColId() as Field
          if (rowIndex === null || data?.outcome?.kind !== 'refused' || !data.outcome.faults.includes(field)) return
          api.startEditingCell({ rowIndex, colKey: field })
        }}
        context={{ onCorrect }}
      />
    </div>
  )
})

function showNews(api: GridApi<BasketRow>, news: readonly BasketRow[]): void {
  const lines = new Set(news.map(({ line }) => line))
  const drawn = api.getRenderedNodes().filter(({ data }) => data !== undefined && lines.has(data.line))
  const before = new Map(drawn.map((node) => [node, node.data?.outcome?.kind]))
  api.applyTransaction({ update: [...news] })
  // The grid looks at values; the box around a cell and the sentence across several follow from the line's outcome.
  const becameOther = drawn.filter((node) => node.data?.outcome?.kind !== before.get(node))
  api.redrawRows({ rowNodes: becameOther })
  api.refreshCells({ rowNodes: drawn.filter((node) => !becameOther.includes(node)), force: true })
}

export function passes(row: BasketRow, show: Shown, reason: string | null): boolean {
  const { outcome } = row
  if (reason !== null) return outcome?.kind === 'refused' && outcome.reason === reason
  if (show === 'refused') return outcome?.kind === 'refused'
  if (show === 'guesses') return outcome?.kind === 'priced' && outcome.guesses.length > 0
  return true
}

function focusNextRefused(api: GridApi<BasketRow>): void {
  const from = api.getFocusedCell()?.rowIndex ?? -1
  const count = api.getDisplayedRowCount()
  for (let step = 1; step <= count; step += 1) {
    const rowIndex = (from + step) % count
    const row = api.getDisplayedRowAtIndex(rowIndex)?.data
    if (row?.outcome?.kind !== 'refused') continue
    const colKey = row.outcome.faults.find((field) => api.getColumn(field) !== null) ?? 'rate'
    api.ensureIndexVisible(rowIndex, 'middle')
    api.setFocusedCell(rowIndex, colKey)
    return
  }
}

const ROW_CLASSES = {
  [classes.refused as string]: ({ data }: { data: BasketRow | undefined }) => data?.outcome?.kind === 'refused',
  [classes.old as string]: ({ data }: { data: BasketRow | undefined }) => data?.isOld === true,
}

const DEFAULTS: ColDef<BasketRow> = {
  sortable: false,
  resizable: true,
  suppressHeaderMenuButton: true,
}

/** Of columns with figures. */
const RIGHT = { headerClass: 'ag-right-aligned-header', cellClass: 'ag-right-aligned-cell' } as const

const WIDTHS: Readonly<Record<Field, number>> = {
  ticker: 92,
  position_value: 126,
  quantity: 96,
  price: 96,
  loan_days: 62,
  start_date: 104,
  end_date: 104,
  client_id: 130,
}

function columnsOf(fields: readonly Field[], letterKeys: boolean): ColDef<BasketRow>[] {
  const has = (field: Field) => fields.includes(field)
  const pasted = (field: Field, how: Partial<ColDef<BasketRow>> = {}): ColDef<BasketRow> => ({
    ...pastedColumn(field, letterKeys),
    ...how,
  })
  return [
    {
      colId: 'line',
      headerName: 'Line',
      width: 64,
      ...RIGHT,
      cellClass: ['ag-right-aligned-cell', classes.line as string],
      valueGetter: ({ data }) => data?.line,
    },
    { colId: 'status', headerName: 'Status', width: 88, cellRenderer: StatusCell, valueGetter: statusOf },
    pasted('ticker'),
    ...(has('client_id') ? [pasted('client_id')] : []),
    ...(has('quantity') ? [pasted('quantity', RIGHT)] : []),
    ...(has('price') ? [pasted('price', RIGHT)] : []),
    has('position_value') ? pasted('position_value', RIGHT) : outcomeColumn('value', 'Value, USD', 126),
    ...(has('start_date') ? [pasted('start_date')] : []),
    ...(has('end_date') ? [pasted('end_date')] : []),
    has('loan_days') ? pasted('loan_days', RIGHT) : outcomeColumn('days', 'Days', 62),
    {
      ...outcomeColumn('rate', 'Rate %', 92),
      // The engine's sentence stands where the price would.
      colSpan: ({ data }) => (data?.outcome?.kind === 'refused' ? PRICE_COLUMNS : 1),
      cellClass: ({ data }) =>
        data?.outcome?.kind === 'refused'
          ? [classes.sentence as string]
          : ['ag-right-aligned-cell', classes.strong as string],
      cellClassRules: { guess: restsOnGuess },
      tooltipValueGetter: ({ data }) => (data?.outcome?.kind === 'refused' ? data.outcome.sentence : undefined),
    },
    outcomeColumn('borrowCost', 'Borrow cost', 106, 'quiet'),
    outcomeColumn('markup', 'Markup', 94, 'quiet'),
    outcomeColumn('fee', 'Fee', 76, 'quiet'),
    { ...outcomeColumn('total', 'Total, USD', 112, 'strong'), cellClassRules: { guess: restsOnGuess } },
    {
      colId: 'why',
      headerName: 'Guess, or error code',
      flex: 1,
      minWidth: 180,
      cellRenderer: WhyCell,
      valueGetter: ({ data }) => {
        if (data?.outcome?.kind === 'refused') return data.outcome.code
        return data?.outcome?.kind === 'priced' ? data.outcome.guesses.map(guessWords).join(', ') : ''
      },
    },
  ]
}

/** Rate, borrow cost, markup, fee, total. */
const PRICE_COLUMNS = 5

function restsOnGuess({ data }: CellClassParams<BasketRow>): boolean {
  return data?.outcome?.kind === 'priced' && data.outcome.guesses.length > 0
}

function statusOf({ data }: { data: BasketRow | undefined }): string {
  if (data === undefined || data.outcome === null) return 'not priced'
  return data.outcome.kind
}

/** A column as it was pasted, which may be corrected. */
function pastedColumn(field: Field, letterKeys: boolean): ColDef<BasketRow> {
  return {
    colId: field,
    headerName: FIELD_TITLES[field],
    width: WIDTHS[field],
    cellRenderer: PastedCell,
    cellEditor: 'agTextCellEditor',
    editable: true,
    valueGetter: ({ data }) => data?.cells[field] ?? '',
    valueSetter: ({ data, newValue, context }) => {
      const text = String(newValue ?? '').trim()
      if (text === (data.cells[field] ?? '')) return false
      ;(context as { onCorrect: BasketGridProps['onCorrect'] }).onCorrect(data.line, field, text)
      // The row comes back as news of the basket.
      return false
    },
    suppressKeyboardEvent: (params) => letterKeys && isShortcut(params),
  }
}

/** Letters do what they do elsewhere; figures, Enter and F2 begin a correction. */
function isShortcut({ event, editing }: SuppressKeyboardEventParams<BasketRow>): boolean {
  return !editing && /^[a-z/?[\]]$/i.test(event.key) && !event.ctrlKey && !event.metaKey
}

type PricePart = 'value' | 'days' | 'rate' | 'borrowCost' | 'markup' | 'fee' | 'total'

function outcomeColumn(part: PricePart, title: string, width: number, look?: 'quiet' | 'strong'): ColDef<BasketRow> {
  return {
    colId: part,
    headerName: title,
    width,
    ...RIGHT,
    cellClass: look === undefined ? 'ag-right-aligned-cell' : ['ag-right-aligned-cell', classes[look] as string],
    valueGetter: ({ data }) => partText(data, part),
  }
}

function partText(row: BasketRow | undefined, part: PricePart): string {
  const outcome = row?.outcome ?? null
  if (outcome === null) return ''
  if (outcome.kind === 'refused') return part === 'rate' ? outcome.sentence : ''
  if (part === 'rate') return gridRate(outcome.rate)
  if (part === 'days') return String(outcome.days)
  return usdText(outcome[part])
}

function StatusCell({ data, value }: ICellRendererParams<BasketRow, string>) {
  const isRefused = data?.outcome?.kind === 'refused'
  return <span className={isRefused ? classes.statusRefused : classes.status}>{value}</span>
}

function PastedCell({ data, column }: ICellRendererParams<BasketRow>) {
  if (data === undefined || column === undefined) return null
  const field = column.getColId() as Field
  const text = cellText(field, data.cells[field])
  const isFault = data.outcome?.kind === 'refused' && data.outcome.faults.includes(field)
  if (!isFault) return field === 'ticker' ? <span className={classes.strong}>{text}</span> : text
  return (
    <span className={classes.fault}>
      {text === '' ? <span className={classes.missing}>missing</span> : text}
      <span className="only-read">, refused</span>
    </span>
  )
}

const PLAIN_DECIMAL = /^[0-9]+(?:\.[0-9]+)?$/

/** Amounts as amounts; what is none, as it stands. */
export function cellText(field: Field, cell: string | undefined): string {
  if (cell === undefined) return ''
  if (!PLAIN_DECIMAL.test(cell)) return cell
  if (field === 'position_value') return /\.[0-9]{3,}$/.test(cell) ? grouped(cell) : usdText(cell)
  return field === 'quantity' || field === 'price' ? grouped(cell) : cell
}

function WhyCell({ data, value }: ICellRendererParams<BasketRow, string>) {
  if (data?.outcome?.kind === 'refused') return <span className={`mono ${classes.code}`}>{value}</span>
  if (data?.outcome?.kind !== 'priced' || data.outcome.guesses.length === 0) return null
  return (
    <span className={classes.guess}>
      <SourceGlyph source={data.outcome.guesses[0]?.source ?? 'stale'} /> {value}
    </span>
  )
}
