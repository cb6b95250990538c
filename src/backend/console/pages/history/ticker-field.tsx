// A field for a name: suggestions from the universe as it is, or the names of last time.
import { Autocomplete } from '@mantine/core'
import { type Ref, useEffect, useState } from 'react'
import { foundStocks } from '../../app/found-stocks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { recentStocks } from './recent.ts'
import { tickerOf } from './search.ts'
import classes from './ticker-field.module.css'

export function TickerField({
  label,
  placeholder,
  value,
  onChoose,
  fieldRef,
  fieldKey,
}: {
  readonly label: string
  readonly placeholder: string
  /** What is chosen; it stands in the field until somebody types. */
  readonly value: string
  readonly onChoose: (ticker: string) => void
  readonly fieldRef?: Ref<HTMLInputElement>
  /** That brings one here. */
  readonly fieldKey?: string
}) {
  const [typed, setTyped] = useState<string | null>(null)
  // The list puts what was chosen into the field; from then on it is the address that says it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice ends the typing
  useEffect(() => setTyped(null), [value])
  const suggested = typed === null || typed.trim() === '' ? recentStocks() : foundTickers(typed)
  const choose = (text: string) => {
    const ticker = tickerOf(text)
    setTyped(null)
    if (ticker !== undefined) onChoose(ticker)
  }
  return (
    <Autocomplete
      {...(fieldRef !== undefined && { ref: fieldRef })}
      className={classes.field ?? ''}
      {...(fieldKey !== undefined && { rightSection: <kbd className="key">{fieldKey}</kbd> })}
      aria-label={label}
      placeholder={placeholder}
      value={typed ?? value}
      data={typed === null || typed.trim() === '' ? [{ group: 'Looked at last', items: suggested }] : suggested}
      filter={({ options }) => options}
      selectFirstOptionOnChange
      maxDropdownHeight={320}
      comboboxProps={{ width: 320, position: 'bottom-start' }}
      renderOption={({ option }) => <Suggestion ticker={option.value} />}
      onChange={setTyped}
      onOptionSubmit={choose}
      onFocus={(event) => event.currentTarget.select()}
      onBlur={() => setTyped(null)}
      onKeyDown={(event) => {
        // An option that is marked is chosen by the list itself.
        if (event.key !== 'Enter' || event.currentTarget.getAttribute('aria-activedescendant')) return
        choose(event.currentTarget.value)
      }}
    />
  )
}

function foundTickers(typed: string): string[] {
  return foundStocks(liveRates.rows, typed).map(({ ticker }) => ticker)
}

function Suggestion({ ticker }: { readonly ticker: string }) {
  const name = liveRates.rows.get(ticker)?.name ?? null
  return (
    <span className={classes.suggestion}>
      <span className="strong">{ticker}</span>
      {name !== null && <span className="quiet clip">{name}</span>}
    </span>
  )
}
