// A list as every tab shows it: a bar to search and to make a new one, the table, the pages.
import { Button, TextInput } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import { isWanted } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { grouped } from '../../ui/formats.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import classes from './list-frame.module.css'
import type { TabProps } from './page.tsx'

export const PAGE_SIZE = 50

export function ListFrame({
  query,
  total,
  address,
  go,
  search,
  filters,
  make,
  empty,
  children,
}: TabProps & {
  readonly query: UseQueryResult<unknown>
  /** Of all pages; null: not known yet. */
  readonly total: number | null
  /** What the field is called; left out: there is none. */
  readonly search?: string
  readonly filters?: ReactNode
  readonly make?: { readonly title: string; readonly onClick: () => void } | undefined
  readonly empty: ReactNode
  /** The table. */
  readonly children: ReactNode
}) {
  const page = pageOf(address.page)
  const pages = total === null ? 1 : Math.max(1, Math.ceil(total / PAGE_SIZE))
  const turn = (to: number) => to >= 1 && to <= pages && go({ page: to === 1 ? undefined : String(to) })
  useShortcuts({
    '[': () => turn(page - 1),
    ']': () => turn(page + 1),
    f: () => document.getElementById('list-search')?.focus(),
  })
  return (
    <div className={classes.frame}>
      <div className={classes.bar}>
        {search !== undefined && (
          <SearchField label={search} value={address.q ?? ''} onChange={(q) => go({ q, page: undefined })} />
        )}
        {filters}
        <span className={classes.gap} />
        {make !== undefined && (
          <Button variant="filled" onClick={make.onClick}>
            {make.title}
          </Button>
        )}
      </div>
      <div className={classes.scroll}>
        {query.error !== null ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : total === null ? (
          <Loading rows={12} />
        ) : total === 0 ? (
          <Empty
            action={
              address.q !== undefined ? (
                <Button onClick={() => go({ q: undefined, page: undefined })}>Search for nothing</Button>
              ) : undefined
            }
          >
            {address.q === undefined ? empty : `Nothing fits “${address.q}”.`}
          </Empty>
        ) : (
          children
        )}
      </div>
      {total !== null && total > 0 && (
        <div className={classes.foot}>
          <span className="quiet">
            {grouped(String((page - 1) * PAGE_SIZE + 1))} to {grouped(String(Math.min(total, page * PAGE_SIZE)))} of{' '}
            {grouped(String(total))}
          </span>
          {pages > 1 && (
            <span>
              <Button variant="subtle" disabled={page <= 1} onClick={() => turn(page - 1)}>
                Previous&nbsp;<kbd className="key">[</kbd>
              </Button>
              <Button variant="subtle" disabled={page >= pages} onClick={() => turn(page + 1)}>
                Next&nbsp;<kbd className="key">]</kbd>
              </Button>
            </span>
          )}
        </div>
      )}
    </div>
  )
}

export function pageOf(text: string | undefined): number {
  return Number(text ?? '1')
}

/** All of a list that is read page by page. */
export async function everyOne<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const read: Item[] = []
  for await (const item of items) read.push(item)
  return read
}

/** The part of a list that a page is. */
export function pageSlice<Item>(items: readonly Item[], page: number): readonly Item[] {
  return items.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)
}

const SEARCH_WAIT_MS = 250

/** The address follows when the typing rests. */
function SearchField({
  label,
  value,
  onChange,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string | undefined) => void
}) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is typed moves the address
  useEffect(() => {
    if (text.trim() === value) return
    const timer = setTimeout(() => {
      if (isWanted('/administration')) onChange(text.trim() === '' ? undefined : text.trim())
    }, SEARCH_WAIT_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <TextInput
      id="list-search"
      className={classes.search}
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      spellCheck={false}
    />
  )
}
