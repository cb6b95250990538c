// How the pasted columns were understood, in sight before anything is priced: which is which, what was left out, what was read otherwise
// than it is written. A column is given another meaning here.
import { Button, Select } from '@mantine/core'
import { useState } from 'react'
import { type Basket, basket } from './basket.ts'
import { FIELD_TITLES, FIELDS, type Field } from './columns.ts'
import classes from './page.module.css'
import { missingColumns, type Sheet } from './sheet.ts'
import { count } from './totals-bar.tsx'

const LEFT_OUT = 'left out'
const CHOICES = [
  ...FIELDS.map((field) => ({ value: field as string, label: FIELD_TITLES[field] })),
  { value: LEFT_OUT, label: 'Left out' },
]

export function SheetNotes({ sheet, basket: state }: { readonly sheet: Sheet; readonly basket: Basket }) {
  const missing = missingColumns(sheet)
  const [isOpen, setIsOpen] = useState(false)
  const shown = isOpen || missing.length > 0 || bothPositions(sheet)
  return (
    <section className={classes.notes} aria-label="How the columns are read">
      <div className={classes.noteLine}>
        <p>
          {sheet.header === null && 'Without a header row, columns are read in this order: '}
          {sheet.fields.map((field, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
            <span key={at} className={classes.column}>
              {sheet.header !== null && <span className="mono">{sheet.header[at] || `column ${at + 1}`}</span>}
              {sheet.header !== null && <span aria-hidden="true"> → </span>}
              {sheet.header !== null && <span className="only-read"> is read as </span>}
              {field === null ? <span className={classes.leftOut}>left out</span> : FIELD_TITLES[field]}
            </span>
          ))}
        </p>
        <Button size="compact-sm" variant="subtle" aria-expanded={shown} onClick={() => setIsOpen(!isOpen)}>
          Change columns
        </Button>
      </div>
      {shown && (
        <div className={classes.mapping}>
          {sheet.fields.map((field, at) => (
            <Select
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is its place
              key={at}
              label={sheet.header?.[at] || `Column ${at + 1}`}
              description={sheet.rows[0]?.[at] || 'empty'}
              data={CHOICES}
              value={field ?? LEFT_OUT}
              onChange={(chosen) => basket.chooseField(at, chosen === LEFT_OUT ? null : (chosen as Field))}
            />
          ))}
        </div>
      )}
      {missing.length > 0 && <p className={classes.refusal}>No column has {missing.join(', nor ')}.</p>}
      {bothPositions(sheet) && (
        <p className={classes.caution}>
          A value and shares are both there, and the engine takes one of them: leave one of the two columns out.
        </p>
      )}
      {sheet.openQuoteAt !== null && (
        <p className={classes.caution}>
          A quote that begins in line {sheet.openQuoteAt} of the text is never closed: what follows it is one cell.
        </p>
      )}
      {state.readOtherwise.map(({ field, count: cells, from, to }) => (
        <p key={field} className="quiet">
          {FIELD_TITLES[field]}: {count(cells)} {cells === 1 ? 'cell is' : 'cells are'} read otherwise than written, as{' '}
          <span className="mono">{from}</span> → <span className="mono">{to}</span>
        </p>
      ))}
      {sheet.emptyLines > 0 && (
        <p className="quiet">
          {count(sheet.emptyLines)} empty {sheet.emptyLines === 1 ? 'line' : 'lines'} passed over
        </p>
      )}
      {state.isTooLargeToKeep && (
        <p className={classes.caution}>This basket is too large to be kept when the page is loaded anew.</p>
      )}
    </section>
  )
}

function bothPositions(sheet: Sheet): boolean {
  return sheet.fields.includes('position_value') && sheet.fields.includes('quantity')
}
