// From a day to a day, for work on a range.
import { TextInput } from '@mantine/core'
import { useState } from 'react'
import type { RecordRange } from '../../../client/index.ts'
import type { DayRange } from './days.ts'
import classes from './panel.module.css'

export interface Range {
  readonly from: string
  readonly to: string
  readonly setFrom: (day: string) => void
  readonly setTo: (day: string) => void
  readonly value: RecordRange
}

/** Begins with the list's range. */
export function useRange(start: DayRange): Range {
  const [from, setFrom] = useState(start.from?.slice(0, 10) ?? '')
  const [to, setTo] = useState(start.to?.slice(0, 10) ?? '')
  return { from, to, setFrom, setTo, value: { ...(from !== '' && { from }), ...(to !== '' && { to }) } }
}

export function RangeFields({
  range,
  note,
  fault,
}: {
  readonly range: Range
  readonly note: string
  /** The server's sentences, by field. */
  readonly fault?: ((field: string) => string | undefined) | undefined
}) {
  return (
    <div>
      <div className={classes.range}>
        <TextInput
          type="date"
          label="From"
          value={range.from}
          error={fault?.('from')}
          onChange={(event) => range.setFrom(event.currentTarget.value)}
        />
        <TextInput
          type="date"
          label="To, the whole day"
          value={range.to}
          error={fault?.('to')}
          onChange={(event) => range.setTo(event.currentTarget.value)}
        />
      </div>
      <p className="label">{note} Days are in UTC.</p>
    </div>
  )
}
