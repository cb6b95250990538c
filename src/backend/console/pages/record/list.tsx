// The records that fit, the newest first: one line each, a page at a time.
import { Button } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Fragment, useEffect, useRef } from 'react'
import type { RecordPageAnswer, RecordSummaryAnswer } from '../../../client/index.ts'
import { SealBadge } from '../../ui/badges.tsx'
import { gridRate, timeText, usdText } from '../../ui/formats.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import { countText } from './ask.ts'
import { weekdayText, wholeTime } from './days.ts'
import { kindText } from './kinds.ts'
import classes from './list.module.css'

export function List({
  list,
  page,
  width,
  shown,
  hasFilters,
  onSelect,
  onNext,
  onPrevious,
  onClear,
}: {
  readonly list: UseQueryResult<RecordPageAnswer>
  readonly page: number
  readonly width: 'phone' | 'laptop' | 'desk'
  readonly shown: string | undefined
  readonly hasFilters: boolean
  readonly onSelect: (auditId: string) => void
  /** Null: there is no such page. */
  readonly onNext: (() => void) | null
  readonly onPrevious: (() => void) | null
  readonly onClear: () => void
}) {
  const { data, error } = list
  return (
    <section className={classes.list} aria-label="Records">
      <div className={classes.scroll}>
        {error !== null ? (
          <Failure error={error} onRetry={() => void list.refetch()} />
        ) : data === undefined ? (
          <Loading rows={16} label="Loading the records" />
        ) : data.items.length === 0 ? (
          <Empty action={hasFilters ? <Button onClick={onClear}>Clear the filters</Button> : undefined}>
            {hasFilters ? 'No record fits these filters.' : 'Nothing was recorded in the last 31 days.'}
          </Empty>
        ) : (
          <Table items={data.items} shown={shown} width={width} onSelect={onSelect} />
        )}
      </div>
      <div className={classes.foot}>
        <span className="quiet">
          {data === undefined || error !== null
            ? ''
            : countText(page, { items: data.items.length, total: data.total, exact: data.total_is_exact })}
        </span>
        <span className={classes.pages}>
          <Button variant="subtle" onClick={() => onPrevious?.()} disabled={onPrevious === null}>
            Previous&nbsp;<kbd className="key">[</kbd>
          </Button>
          <Button variant="subtle" onClick={() => onNext?.()} disabled={onNext === null}>
            Next&nbsp;<kbd className="key">]</kbd>
          </Button>
        </span>
      </div>
    </section>
  )
}

function Table({
  items,
  shown,
  width,
  onSelect,
}: {
  readonly items: readonly RecordSummaryAnswer[]
  readonly shown: string | undefined
  readonly width: 'phone' | 'laptop' | 'desk'
  readonly onSelect: (auditId: string) => void
}) {
  const wide = width === 'desk'
  const active = useRef<HTMLTableRowElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row is shown
  useEffect(() => {
    active.current?.scrollIntoView({ block: 'nearest' })
  }, [shown])
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">UTC</th>
          <th scope="col">Ticker</th>
          {wide && <th scope="col">Broker</th>}
          {wide && (
            <th scope="col" className="right">
              Value, USD
            </th>
          )}
          <th scope="col" className="right">
            Rate %
          </th>
          <th scope="col" className="right">
            Fee, USD
          </th>
          <th scope="col" className={classes.seal}>
            Seal
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((item, index) => {
          const day = item.occurred_at.slice(0, 10)
          const isNewDay = index === 0 || items[index - 1]?.occurred_at.slice(0, 10) !== day
          const isShown = item.audit_id === shown
          return (
            <Fragment key={item.audit_id}>
              {isNewDay && (
                <tr className={classes.day}>
                  <th scope="rowgroup" colSpan={wide ? 7 : 5}>
                    {weekdayText(item.occurred_at)}
                  </th>
                </tr>
              )}
              <tr
                ref={isShown ? active : null}
                data-shown={isShown || undefined}
                className={classes.row}
                onClick={() => onSelect(item.audit_id)}
              >
                <td>
                  <Link
                    from="/record"
                    to="/record"
                    search={(before) => ({ ...before, id: item.audit_id })}
                    className={classes.time}
                    aria-current={isShown || undefined}
                    onClick={(event) => event.stopPropagation()}
                  >
                    {wide ? wholeTime(item.occurred_at) : timeText(item.occurred_at)}
                  </Link>
                </td>
                {item.record_type === 'quote' ? (
                  <Quote item={item} wide={wide} />
                ) : (
                  <>
                    <td colSpan={wide ? 2 : 1} className={classes.kind}>
                      {kindText(item.record_type)}
                    </td>
                    <td colSpan={wide ? 3 : 2} className="quiet">
                      {item.ticker ?? item.client_id}
                    </td>
                  </>
                )}
                <td className={classes.seal}>
                  <SealBadge state={item.sequence === null ? 'unsealed' : 'sealed'}>
                    <span className="only-read">
                      {item.sequence === null ? 'unsealed' : `sealed, place ${item.sequence}`}
                    </span>
                  </SealBadge>
                </td>
              </tr>
            </Fragment>
          )
        })}
      </tbody>
    </table>
  )
}

function Quote({ item, wide }: { readonly item: RecordSummaryAnswer; readonly wide: boolean }) {
  return (
    <>
      <td className={classes.ticker}>{item.ticker}</td>
      {wide && <td className={classes.broker}>{item.client_id}</td>}
      {wide && <td className="right">{item.position_value === null ? 'none' : usdText(item.position_value)}</td>}
      <td className="right">{item.borrow_rate === null ? 'none' : gridRate(item.borrow_rate)}</td>
      <td className={`right ${classes.fee}`}>{item.total_fee === null ? 'none' : usdText(item.total_fee)}</td>
    </>
  )
}
