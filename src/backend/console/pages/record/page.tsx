// The record: every price and every change that was kept, found, proved here in the browser, priced again.
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useCallback } from 'react'
import { api, wordsOf } from '../../api.ts'
import { usePerson, useWidth } from '../../app/hooks.ts'
import { NotForRole } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { Empty } from '../../ui/states.tsx'
import { askOf, FIELD_OF_FILTER, PAGE_SIZE, pageOf } from './ask.ts'
import { CompareDetail } from './compare.tsx'
import { Detail } from './detail.tsx'
import { FilterBar } from './filter-bar.tsx'
import { List } from './list.tsx'
import classes from './page.module.css'
import { type AddressChange, FILTERS, type FilterName, type RecordsSearch } from './search.ts'

const ChainCheck = lazy(() => import('./chain-check.tsx'))
const ExportRange = lazy(() => import('./export-range.tsx'))
const Holds = lazy(() => import('./holds.tsx'))

/** The sealer needs a second or two. */
const UNSEALED_POLL_MS = 1_500
/** `page` reaches no further; a cursor goes on. */
const RECORDS_IN_PAGES_MAX = 10_000
const LAST_PAGE = RECORDS_IN_PAGES_MAX / PAGE_SIZE

export function RecordPage() {
  const { role } = usePerson()
  if (role !== 'auditor' && role !== 'admin') return <NotForRole path="/record" />
  return <Records />
}

/** How far a key moves in the list, in records; a page has no more than its size. */
const MOVES = [
  ['ArrowDown', 1],
  ['ArrowUp', -1],
  ['PageDown', 10],
  ['PageUp', -10],
  ['Home', -PAGE_SIZE],
  ['End', PAGE_SIZE],
] as const
const CLOSE = 'Escape'

/** Cursors behind which this visit has been, by the cursor that came after. */
const cursorsBefore = new Map<string, string>()

function Records() {
  const address = useSearch({ from: '/record' })
  const navigate = useNavigate({ from: '/record' })
  const width = useWidth()
  const go = useCallback(
    (change: AddressChange, replace = false) =>
      void navigate({ search: (before) => without({ ...before, ...change }), replace }),
    [navigate],
  )

  const { search, unclear } = askOf(address)
  const list = useQuery({
    queryKey: ['record', 'list', search],
    queryFn: ({ signal }) => api.records.search(search, { signal }),
    placeholderData: (before) => before,
    refetchInterval: ({ state }) =>
      state.data?.items.some(({ sequence }) => sequence === null) ? UNSEALED_POLL_MS : false,
  })
  const items = list.data?.items ?? []
  const page = pageOf(address)
  const shown = address.id ?? (width === 'phone' ? undefined : items[0]?.audit_id)

  const select = (id: string) => go({ id, with: undefined }, address.id !== undefined)
  const step = (by: number) => {
    const at = items.findIndex(({ audit_id }) => audit_id === shown)
    const next = items[Math.min(items.length - 1, Math.max(0, at + by))]
    if (next !== undefined) select(next.audit_id)
  }
  const { next_cursor: nextCursor = null } = list.data ?? {}
  const hasNext = nextCursor !== null
  const next = () => {
    if (nextCursor === null) return
    if (page < LAST_PAGE && address.cursor === undefined) return go({ page: String(page + 1), id: undefined })
    if (address.cursor !== undefined) cursorsBefore.set(nextCursor, address.cursor)
    go({ page: String(page + 1), cursor: nextCursor, id: undefined })
  }
  const previous = () => {
    if (page === 1) return
    const cursor = address.cursor === undefined ? undefined : cursorsBefore.get(address.cursor)
    const target = address.cursor === undefined || cursor !== undefined ? page - 1 : Math.min(page - 1, LAST_PAGE)
    go({ page: target === 1 ? undefined : String(target), cursor, id: undefined })
  }
  const close = () => {
    if (address.with !== undefined) go({ with: undefined })
    else if (width === 'phone' && address.id !== undefined) go({ id: undefined })
  }
  useShortcuts({
    ...Object.fromEntries(MOVES.map(([key, by]) => [key, () => step(by)])),
    ']': next,
    '[': previous,
    f: () => document.getElementById('filter-client')?.focus(),
    [CLOSE]: close,
  })

  const filter = (change: AddressChange) =>
    go({ ...change, page: undefined, cursor: undefined, ...(!('id' in change) && { id: undefined }), with: undefined })
  const showsList = width !== 'phone' || shown === undefined
  const faults = faultsOf(list.error, unclear)
  return (
    <div className={classes.screen} data-width={width}>
      <FilterBar
        address={address}
        faults={faults}
        isBehind={!showsList}
        onFilter={filter}
        onShow={(show) => go({ show })}
      />
      <div className={classes.panes}>
        {showsList && (
          <List
            list={list}
            page={page}
            width={width}
            shown={shown}
            hasFilters={FILTERS.some((name) => address[name] !== undefined)}
            onSelect={select}
            onNext={hasNext ? next : null}
            onPrevious={page > 1 ? previous : null}
            onClear={() => filter(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
          />
        )}
        {(width !== 'phone' || shown !== undefined) && (
          <section className={classes.detail} aria-label="The record">
            {shown === undefined ? (
              <Empty>
                {list.isSuccess ? 'No record is chosen.' : 'The record that is chosen in the list is shown here.'}
              </Empty>
            ) : address.with !== undefined && address.id !== undefined ? (
              <CompareDetail first={address.id} second={address.with} onClose={() => go({ with: undefined })} />
            ) : (
              <Detail
                key={shown}
                auditId={shown}
                width={width}
                onBack={() => go({ id: undefined })}
                onOpen={(id) => go({ id })}
                onCompare={(other) => go({ id: shown, with: other })}
              />
            )}
          </section>
        )}
      </div>
      <Suspense>
        {address.show === 'chain' && <ChainCheck address={address} onClose={() => go({ show: undefined })} />}
        {address.show === 'export' && <ExportRange address={address} onClose={() => go({ show: undefined })} />}
        {address.show === 'holds' && <Holds address={address} onClose={() => go({ show: undefined })} />}
      </Suspense>
    </div>
  )
}

/** What is wrong with filters, in the server's words or in ours, by filter. */
function faultsOf(error: unknown, unclear: Partial<Record<FilterName, string>>): ReadonlyMap<FilterName, string> {
  const faults = new Map<FilterName, string>()
  const said = error === null ? new Map<string, string>() : wordsOf(error).fields
  for (const name of FILTERS) {
    const sentence = unclear[name] ?? said.get(FIELD_OF_FILTER[name])
    if (sentence !== undefined) faults.set(name, sentence)
  }
  return faults
}

function without(search: AddressChange): RecordsSearch {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
}
