// The filters above the list. What is typed counts when Enter is pressed or the field is left; what is chosen counts at once.
import { Button, Popover, Select, TextInput } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { useNow, useWidth } from '../../app/hooks.ts'
import { isAuditId } from './ask.ts'
import { presets, rangeText } from './days.ts'
import classes from './filter-bar.module.css'
import { KIND_NAMES } from './kinds.ts'
import { type AddressChange, FILTERS, type FilterName, type Panel, type RecordsSearch } from './search.ts'

type Filter = (change: AddressChange) => void

export function FilterBar({
  address,
  faults,
  isBehind,
  onFilter,
  onShow,
}: {
  readonly address: RecordsSearch
  readonly faults: ReadonlyMap<FilterName, string>
  /** On a phone the record stands in the list's place, and the list's filters rest. */
  readonly isBehind: boolean
  readonly onFilter: Filter
  readonly onShow: (panel: Panel) => void
}) {
  const width = useWidth()
  const filters = (
    <Filters
      address={address}
      faults={faults}
      onFilter={onFilter}
      allInline={width === 'desk'}
      isPhone={width === 'phone'}
    />
  )
  if (isBehind) {
    return (
      <div className={classes.bar}>
        <h1 className={classes.title}>Record</h1>
      </div>
    )
  }
  return (
    <div className={classes.bar}>
      <h1 className={classes.title}>Record</h1>
      {width === 'phone' ? <Folded address={address}>{filters}</Folded> : filters}
      <span className={classes.gap} />
      <div className={classes.actions}>
        <Button onClick={() => onShow('chain')}>Check the chain</Button>
        <Button onClick={() => onShow('export')}>Export</Button>
        <Button onClick={() => onShow('holds')}>Legal holds</Button>
      </div>
      {faults.size > 0 && (
        <ul className={classes.faults} role="alert">
          {[...faults].map(([name, sentence]) => (
            <li key={name} id={`fault-${name}`}>
              {sentence}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** On a phone the filters fold to one line that says how many are set. */
function Folded({ address, children }: { readonly address: RecordsSearch; readonly children: ReactNode }) {
  const set = FILTERS.filter((name) => address[name] !== undefined).length
  return (
    <details className={classes.folded}>
      <summary>{set === 0 ? 'Filters' : `Filters, ${set} set`}</summary>
      <div className={classes.unfolded}>{children}</div>
    </details>
  )
}

function Filters({
  address,
  faults,
  onFilter,
  allInline,
  isPhone,
}: {
  readonly address: RecordsSearch
  readonly faults: ReadonlyMap<FilterName, string>
  readonly onFilter: Filter
  readonly allInline: boolean
  readonly isPhone: boolean
}) {
  const about = (name: FilterName) =>
    faults.has(name) ? { error: true as const, 'aria-describedby': `fault-${name}` } : {}
  const more = (
    <>
      <Select
        aria-label="Kind of record"
        placeholder="Any kind"
        className={classes.kind}
        data={KIND_NAMES as { value: string; label: string }[]}
        value={address.kind ?? null}
        onChange={(kind) => onFilter({ kind: kind ?? undefined })}
        clearable
        searchable={false}
        comboboxProps={{ width: 220 }}
      />
      <IdField address={address} onFilter={onFilter} />
    </>
  )
  const ranges = (
    <>
      <RangeBox legend="Charged value in USD" unit="USD">
        <Typed
          label="Value from"
          value={address.value_from}
          onCommit={(value_from) => onFilter({ value_from })}
          {...about('value_from')}
        />
        <Typed
          label="to"
          spoken="Value to"
          value={address.value_to}
          onCommit={(value_to) => onFilter({ value_to })}
          {...about('value_to')}
        />
      </RangeBox>
      <RangeBox legend="Borrow rate in percent" unit="%">
        <Typed
          label="Rate from"
          value={address.rate_from}
          onCommit={(rate_from) => onFilter({ rate_from })}
          {...about('rate_from')}
        />
        <Typed
          label="to"
          spoken="Rate to"
          value={address.rate_to}
          onCommit={(rate_to) => onFilter({ rate_to })}
          {...about('rate_to')}
        />
      </RangeBox>
    </>
  )
  return (
    <>
      <Days address={address} onFilter={onFilter} />
      <Committed
        id="filter-client"
        label="Broker"
        className={classes.broker}
        value={address.client}
        onCommit={(client) => onFilter({ client })}
        {...about('client')}
      />
      <Committed
        label="Ticker"
        className={classes.ticker}
        value={address.ticker}
        onCommit={(ticker) => onFilter({ ticker: ticker?.toUpperCase() })}
        {...about('ticker')}
      />
      {allInline || isPhone ? (
        <>
          {ranges}
          {more}
        </>
      ) : (
        <Popover position="bottom-start" shadow="md" withinPortal trapFocus>
          <Popover.Target>
            <Button>More filters</Button>
          </Popover.Target>
          <Popover.Dropdown>
            <div className={classes.more}>
              {ranges}
              {more}
            </div>
          </Popover.Dropdown>
        </Popover>
      )}
    </>
  )
}

/** A field whose text counts on Enter or when it is left, and that follows the address. */
function useCommitted(value: string | undefined, onCommit: (text: string | undefined) => void) {
  const [text, setText] = useState(value ?? '')
  useEffect(() => setText(value ?? ''), [value])
  const commit = () => {
    const typed = text.trim()
    if (typed !== (value ?? '')) onCommit(typed === '' ? undefined : typed)
  }
  return {
    value: text,
    onChange: (event: { readonly currentTarget: { readonly value: string } }) => setText(event.currentTarget.value),
    onBlur: commit,
    onKeyDown: (event: { readonly key: string }) => event.key === 'Enter' && commit(),
  }
}

interface CommittedProps {
  readonly label: string
  readonly value: string | undefined
  readonly onCommit: (text: string | undefined) => void
  readonly id?: string
  readonly className?: string | undefined
  readonly error?: true
  readonly 'aria-describedby'?: string
}

function Committed({ label, value, onCommit, ...others }: CommittedProps) {
  return <TextInput aria-label={label} placeholder={label} {...useCommitted(value, onCommit)} {...others} />
}

/** One half of a range. */
function Typed({
  label,
  spoken = label,
  value,
  onCommit,
  error,
  'aria-describedby': describedBy,
}: CommittedProps & { readonly spoken?: string }) {
  return (
    <input
      aria-label={spoken}
      placeholder={label}
      inputMode="decimal"
      aria-invalid={error}
      aria-describedby={describedBy}
      {...useCommitted(value, onCommit)}
    />
  )
}

function RangeBox({
  legend,
  unit,
  children,
}: {
  readonly legend: string
  readonly unit: string
  readonly children: ReactNode
}) {
  return (
    <fieldset className={classes.range}>
      <legend className="only-read">{legend}</legend>
      {children}
      <span aria-hidden="true">{unit}</span>
    </fieldset>
  )
}

/** The id of one record: it opens that record, whatever the list shows. */
function IdField({ address, onFilter }: { readonly address: RecordsSearch; readonly onFilter: Filter }) {
  const [refused, setRefused] = useState(false)
  const field = useCommitted(address.id, (text) => {
    const bad = text !== undefined && !isAuditId(text)
    setRefused(bad)
    if (!bad) onFilter({ id: text?.toLowerCase() })
  })
  return (
    <TextInput
      aria-label="Audit id"
      placeholder="Audit id"
      className={classes.id}
      spellCheck={false}
      error={refused ? 'An audit id is a UUID, as a quote names it.' : undefined}
      {...field}
    />
  )
}

function Days({ address, onFilter }: { readonly address: RecordsSearch; readonly onFilter: Filter }) {
  const [isOpen, setOpen] = useState(false)
  const now = useNow(60_000)
  const choose = (change: AddressChange) => {
    onFilter(change)
    setOpen(false)
  }
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-start" shadow="md" withinPortal trapFocus>
      <Popover.Target>
        <Button
          className={classes.days}
          onClick={() => setOpen(!isOpen)}
          rightSection={<span aria-hidden="true">▾</span>}
        >
          {rangeText(address)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={classes.more}>
          {presets(now).map(({ title, from }) => (
            <Button key={title} variant="subtle" justify="flex-start" onClick={() => choose({ from, to: undefined })}>
              {title}
            </Button>
          ))}
          <DayField label="From" value={address.from} onChoose={(from) => onFilter({ from })} />
          <DayField label="To, the whole day" value={address.to} onChoose={(to) => onFilter({ to })} />
        </div>
      </Popover.Dropdown>
    </Popover>
  )
}

function DayField({
  label,
  value,
  onChoose,
}: {
  readonly label: string
  readonly value: string | undefined
  readonly onChoose: (day: string | undefined) => void
}) {
  return (
    <TextInput
      type="date"
      label={label}
      value={value?.slice(0, 10) ?? ''}
      onChange={(event) => onChoose(event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
    />
  )
}
