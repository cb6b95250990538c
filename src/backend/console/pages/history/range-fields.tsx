// Over which time: four lengths that end now, or own dates.
import { Button, SegmentedControl, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useId, useRef, useState } from 'react'
import classes from './page.module.css'
import { type AskedRange, datesOf } from './range.ts'
import { type HistorySearch, RANGE_DEFAULT, RANGES, type RangeName } from './search.ts'

const OWN = 'own'
const NAMES: Readonly<Record<RangeName, string>> = { '1d': '1 D', '5d': '5 D', '1m': '1 M', '1y': '1 Y' }

export type RangeChoice = Pick<HistorySearch, 'range' | 'from' | 'to'>

export function RangeChoices({
  search,
  range,
  onChoose,
}: {
  readonly search: HistorySearch
  readonly range: AskedRange
  readonly onChoose: (choice: RangeChoice) => void
}) {
  return (
    <SegmentedControl
      aria-label="Range"
      value={search.from === undefined ? (search.range ?? RANGE_DEFAULT) : OWN}
      data={[...RANGES.map((name) => ({ value: name, label: NAMES[name] })), { value: OWN, label: 'Own dates' }]}
      onChange={(value) => {
        const name = RANGES.find((candidate) => candidate === value)
        onChoose(name === undefined ? datesOf(range) : { range: name })
      }}
    />
  )
}

export function OwnDates({
  from,
  to,
  refusals,
  onChoose,
}: {
  readonly from: string
  readonly to: string | undefined
  /** In the server's words, by field. */
  readonly refusals: ReadonlyMap<string, string>
  readonly onChoose: (choice: RangeChoice) => void
}) {
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    const refused = ['from', 'to'].find((field) => refusals.has(field))
    if (refused !== undefined) form.current?.querySelector<HTMLInputElement>(`input[name="${refused}"]`)?.focus()
  }, [refusals])
  const [typed, setTyped] = useState({ from, to: to ?? '' })
  const missing = typed.from === '' ? 'A first day is needed.' : null
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (missing !== null) return
    onChoose({ from: typed.from, ...(typed.to !== '' && { to: typed.to }) })
  }
  return (
    <form ref={form} className={classes.dates} onSubmit={submit} aria-label="Own dates" noValidate>
      <TextInput
        type="date"
        name="from"
        label="From the beginning of"
        value={typed.from}
        error={refusals.get('from')}
        onChange={({ currentTarget }) => setTyped((before) => ({ ...before, from: currentTarget.value }))}
      />
      <TextInput
        type="date"
        name="to"
        label="to the end of"
        value={typed.to}
        error={refusals.get('to')}
        onChange={({ currentTarget }) => setTyped((before) => ({ ...before, to: currentTarget.value }))}
      />
      <Button type="submit" disabled={missing !== null} aria-describedby={missing === null ? undefined : id}>
        Show
      </Button>
      <p className="label" id={id}>
        {missing ?? 'Days in UTC. Without a last day the range ends now.'}
      </p>
    </form>
  )
}
