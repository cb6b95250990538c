// On a phone: the refused lines alone, each with what the engine says of it and the cell to correct.
import { Button, TextInput } from '@mantine/core'
import { useEffect, useState } from 'react'
import { type BasketRow, basket } from './basket.ts'
import { cellText } from './basket-grid.tsx'
import { FIELD_TITLES, type Field } from './columns.ts'
import classes from './page.module.css'
import { count } from './totals-bar.tsx'

const SHOWN_AT_ONCE = 50
/** Behind a figure that has no column to say it. */
const UNITS: Readonly<Partial<Record<Field, string>>> = {
  position_value: ' USD',
  quantity: ' shares',
  loan_days: ' days',
}

export function RefusedList({
  fields,
  onCorrect,
}: {
  readonly fields: readonly Field[]
  readonly onCorrect: (line: number, field: Field, text: string) => void
}) {
  const [rows, setRows] = useState<readonly BasketRow[]>([])
  const [shown, setShown] = useState(SHOWN_AT_ONCE)
  useEffect(() => {
    const read = () => setRows(basket.rows.filter(({ outcome }) => outcome?.kind === 'refused'))
    read()
    return basket.onRows(read)
  }, [])
  return (
    <section className={classes.cards} aria-label="Refused lines">
      {rows.length === 0 && <p className={classes.sideNote}>No line is refused.</p>}
      <ul>
        {rows.slice(0, shown).map((row) => (
          <RefusedCard key={row.line} row={row} fields={fields} onCorrect={onCorrect} />
        ))}
      </ul>
      {rows.length > shown && (
        <Button onClick={() => setShown(shown + SHOWN_AT_ONCE)}>
          {count(Math.min(SHOWN_AT_ONCE, rows.length - shown))} more of {count(rows.length)}
        </Button>
      )}
    </section>
  )
}

function RefusedCard({
  row,
  fields,
  onCorrect,
}: {
  readonly row: BasketRow
  readonly fields: readonly Field[]
  readonly onCorrect: (line: number, field: Field, text: string) => void
}) {
  const { line, cells, outcome } = row
  if (outcome?.kind !== 'refused') return null
  const faults = outcome.faults.filter((field) => fields.includes(field))
  return (
    <li className={classes.card}>
      <p>
        <span className="quiet">Line {line}</span>{' '}
        {fields
          .filter((field) => !faults.includes(field) && cells[field] !== undefined)
          .map((field) => `${cellText(field, cells[field])}${UNITS[field] ?? ''}`)
          .join(' · ')}
      </p>
      <p className={classes.refusal}>{outcome.sentence}</p>
      {faults.map((field) => (
        <CorrectedField
          key={field}
          label={`${FIELD_TITLES[field]}, line ${line}`}
          text={cells[field] ?? ''}
          onCorrect={(text) => onCorrect(line, field, text)}
        />
      ))}
      <p className={`mono ${classes.leftOut}`}>{outcome.code}</p>
    </li>
  )
}

function CorrectedField({
  label,
  text,
  onCorrect,
}: {
  readonly label: string
  readonly text: string
  readonly onCorrect: (text: string) => void
}) {
  const [typed, setTyped] = useState(text)
  useEffect(() => setTyped(text), [text])
  return (
    <form
      className={classes.correction}
      onSubmit={(event) => {
        event.preventDefault()
        onCorrect(typed.trim())
      }}
    >
      <TextInput label={label} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
      <Button type="submit" disabled={typed.trim() === text}>
        Correct
      </Button>
    </form>
  )
}
