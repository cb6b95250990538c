// The columns: first the stock and what it costs, then each input with its age.
import type { ColDef, IInnerHeaderComponent } from 'ag-grid-community'
import type { RateRowAnswer } from '../../../client/index.ts'
import { indexPoints } from '../../../client/units.ts'
import type { FeedName, Feeds } from '../../app/feed-health.ts'
import { fixed, gridChange, gridRate, momentText, sharesText } from '../../ui/formats.ts'
import { faultOf, feedAge, lenderAge } from './ages.ts'
import { type AgeCells, ageCell, DaysCell, TickerCell, TierCell } from './cells.ts'
import classes from './grid.module.css'
import { changeOf, compareByWatchlist, compareRows, lenderIsGuess } from './orders.ts'
import type { ChoiceColumn, OrderColumn } from './search.ts'
import { watchlist } from './watchlist.ts'

/** By the watchlist; it is never shown. */
export const WATCH_ORDER = 'watch-order'
/** What stands in where no volatility index is known. */
const VOLATILITY_STAND_IN = indexPoints('20')

/** The columns that a choice is about: an input goes with its age. */
export const COLUMNS_OF: Readonly<Record<ChoiceColumn, readonly string[]>> = {
  name: ['name'],
  tier: ['tier'],
  change: ['change'],
  days: ['days'],
  available: ['available'],
  rebate: ['rebate'],
  lender: ['lender', 'lender-age'],
  volatility: ['volatility', 'volatility-age'],
  event: ['event', 'event-age'],
}

export const CHOICE_TITLES: Readonly<Record<ChoiceColumn, string>> = {
  name: 'Name',
  tier: 'Tier',
  change: '1 d, bp',
  days: '5 d',
  available: 'Available',
  rebate: 'Rebate %',
  lender: 'Lender % and age',
  volatility: 'Volatility and age',
  event: 'Events and age',
}

export interface Surroundings {
  readonly ages: AgeCells
  /** As they are when a cell asks. */
  readonly feeds: () => Feeds | undefined
}

type Column = ColDef<RateRowAnswer>
type Shown = (row: RateRowAnswer) => string

/** Text that AG Grid compares to see whether a cell changed, and shows as it is. */
function text(shown: Shown): Pick<Column, 'valueGetter'> {
  return { valueGetter: ({ data }) => (data === undefined ? '' : shown(data)) }
}

function ordered(column: OrderColumn, first: 'asc' | 'desc'): Pick<Column, 'sortable' | 'comparator' | 'sortingOrder'> {
  return {
    sortable: true,
    sortingOrder: first === 'asc' ? ['asc', 'desc', null] : ['desc', 'asc', null],
    // AG Grid turns the answer round for a descending order; what is unknown stays last.
    comparator: (_a, _b, { data: a }, { data: b }, descending) =>
      a === undefined || b === undefined ? 0 : compareRows(a, b, { column, descending }) * (descending ? -1 : 1),
  }
}

const figure: Column = { type: 'rightAligned' }

export function columns({ ages, feeds }: Surroundings): Column[] {
  const age = (id: string, name: FeedName, of: Parameters<typeof ageCell>[1], moment: Shown): Column => ({
    colId: id,
    headerName: 'Age',
    width: name === 'lender' ? 74 : 66,
    cellRenderer: ageCell(ages, of),
    headerComponentParams: { innerHeaderComponent: ageHeader(name, feeds) },
    tooltipValueGetter: ({ data }) => (data === undefined ? '' : moment(data)),
    // The cell is its element; what it says follows the row and the feed.
    ...text(({ lender_as_of, degraded }) => `${lender_as_of} ${degraded.join()}`),
  })
  const feedMoment = (name: FeedName) => () => {
    const feed = feeds()?.feeds[name]
    if (feed === undefined || feed.last_success === null) return 'no answer yet'
    return `${feed.provider ?? name}, last heard ${momentText(feed.last_success)}`
  }
  return [
    {
      colId: WATCH_ORDER,
      hide: true,
      sortable: true,
      ...text(({ ticker }) => ticker),
      comparator: (_a, _b, { data: a }, { data: b }) =>
        a === undefined || b === undefined ? 0 : compareByWatchlist(a, b, watchlist.placeOf),
    },
    {
      colId: 'ticker',
      headerName: 'Ticker',
      width: 84,
      cellClass: 'strong',
      cellRenderer: TickerCell,
      ...text(({ ticker }) => ticker),
      ...ordered('ticker', 'asc'),
    },
    {
      colId: 'name',
      headerName: 'Name',
      flex: 1,
      minWidth: 100,
      cellClass: 'quiet',
      ...text(({ name }) => name ?? 'unknown'),
      ...ordered('name', 'asc'),
      tooltipValueGetter: ({ data }) => data?.name,
    },
    {
      colId: 'tier',
      headerName: 'Tier',
      width: 84,
      cellRenderer: TierCell,
      ...text(({ borrow_status }) => borrow_status),
      ...ordered('tier', 'desc'),
    },
    {
      ...figure,
      colId: 'rate',
      headerName: 'Rate %',
      width: 86,
      headerClass: ['ag-right-aligned-header', classes.main ?? ''],
      cellClass: ['ag-right-aligned-cell', classes.rate ?? ''],
      cellClassRules: { guess: ({ data }) => data !== undefined && lenderIsGuess(data) },
      ...text(({ current_rate }) => gridRate(current_rate)),
      ...ordered('rate', 'desc'),
    },
    {
      ...figure,
      colId: 'change',
      headerName: '1 d, bp',
      width: 80,
      cellClassRules: { [classes.missing ?? '']: ({ value }) => value === 'unknown' },
      ...text((row) => {
        const change = changeOf(row)
        return change === null ? 'unknown' : gridChange(change)
      }),
      ...ordered('change', 'desc'),
    },
    {
      colId: 'days',
      headerName: '5 d',
      width: 92,
      cellRenderer: DaysCell,
      // The line ends at the rate of now.
      ...text(({ current_rate }) => current_rate),
    },
    {
      ...figure,
      colId: 'available',
      headerName: 'Available',
      width: 102,
      cellClassRules: {
        [classes.missing ?? '']: ({ value }) => value === 'unknown',
        strong: ({ value }) => value === '0',
      },
      ...text(({ availability }) => sharesText(availability)),
      ...ordered('available', 'desc'),
    },
    {
      ...figure,
      colId: 'rebate',
      headerName: 'Rebate %',
      width: 88,
      cellClass: ['ag-right-aligned-cell', 'quiet'],
      cellClassRules: { guess: ({ data }) => data !== undefined && lenderIsGuess(data) },
      ...text(({ rebate_rate }) => (rebate_rate === null ? 'unknown' : gridRate(rebate_rate))),
      ...ordered('rebate', 'desc'),
    },
    {
      ...figure,
      colId: 'lender',
      headerName: 'Lender %',
      width: 84,
      headerClass: ['ag-right-aligned-header', classes.edge ?? ''],
      cellClass: ['ag-right-aligned-cell', classes.edge ?? ''],
      cellClassRules: { guess: ({ data }) => data !== undefined && lenderIsGuess(data) },
      ...text(({ lender_rate }) => gridRate(lender_rate)),
      ...ordered('lender', 'desc'),
      tooltipValueGetter: ({ data }) =>
        data !== undefined && lenderIsGuess(data)
          ? `A guess: the rate of tier ${data.borrow_status} or the stock's floor stands in`
          : undefined,
    },
    {
      ...age(
        'lender-age',
        'lender',
        (row) => lenderAge(row, feeds(), Date.now()),
        ({ lender_as_of }) =>
          lender_as_of === null ? 'The lender gives no rate' : `As of ${momentText(lender_as_of)}`,
      ),
      ...ordered('lender-age', 'desc'),
    },
    {
      ...figure,
      colId: 'volatility',
      headerName: 'Vol.',
      width: 54,
      headerClass: ['ag-right-aligned-header', classes.edge ?? ''],
      cellClass: ['ag-right-aligned-cell', classes.edge ?? ''],
      cellClassRules: { guess: ({ data }) => data?.volatility_index === null },
      ...text(({ volatility_index }) => fixed(volatility_index ?? VOLATILITY_STAND_IN, 2)),
      ...ordered('volatility', 'desc'),
      tooltipValueGetter: ({ data }) =>
        data?.volatility_index === null ? 'A guess: 20 index points stand in' : undefined,
    },
    age(
      'volatility-age',
      'volatility',
      (row) => feedAge(row, 'volatility', feeds(), Date.now()),
      feedMoment('volatility'),
    ),
    {
      ...figure,
      colId: 'event',
      headerName: 'Event',
      width: 52,
      headerClass: ['ag-right-aligned-header', classes.edge ?? ''],
      cellClass: ['ag-right-aligned-cell', classes.edge ?? ''],
      cellClassRules: { guess: ({ data }) => data?.event_risk_factor === null },
      ...text(({ event_risk_factor }) => String(event_risk_factor ?? 0)),
      ...ordered('event', 'desc'),
      tooltipValueGetter: ({ data }) => (data?.event_risk_factor === null ? 'A guess: 0 stands in' : undefined),
    },
    age('event-age', 'events', (row) => feedAge(row, 'events', feeds(), Date.now()), feedMoment('events')),
  ]
}

/** The head of a column of ages: amber, with words, when its feed is what is wrong. */
function ageHeader(name: FeedName, feeds: Surroundings['feeds']) {
  return class implements IInnerHeaderComponent {
    readonly #root = document.createElement('span')

    init(): void {
      this.#paint()
    }

    getGui(): HTMLElement {
      return this.#root
    }

    refresh(): boolean {
      this.#paint()
      return true
    }

    #paint(): void {
      const fault = faultOf(feeds()?.feeds[name])
      this.#root.className = classes.head ?? ''
      this.#root.toggleAttribute('data-fault', fault !== null)
      this.#root.textContent = 'Age'
      if (fault === null) return
      const glyph = document.createElement('span')
      glyph.setAttribute('aria-hidden', 'true')
      glyph.textContent = '◐'
      const words = document.createElement('span')
      words.className = 'only-read'
      words.textContent = fault === 'down' ? `, the ${name} feed does not answer` : `, the ${name} feed is stale`
      this.#root.prepend(glyph)
      this.#root.append(words)
    }
  }
}
