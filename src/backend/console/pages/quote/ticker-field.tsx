// A ticker with the name of its stock inside the field, and those that begin alike below it.
import { Autocomplete } from '@mantine/core'
import { useMemo } from 'react'
import { foundStocks } from '../../app/found-stocks.ts'
import { useRowsVersion } from '../../app/hooks.ts'
import { liveRates } from '../../app/live-rates.ts'
import { gridRate } from '../../ui/formats.ts'
import classes from './form.module.css'

export function TickerField({
  value,
  error,
  onChange,
  onLeave,
}: {
  readonly value: string
  readonly error: string | undefined
  readonly onChange: (ticker: string) => void
  readonly onLeave: () => void
}) {
  const version = useRowsVersion()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rows are one map that changes
  const found = useMemo(() => foundStocks(liveRates.rows, value), [value, version])
  const name = liveRates.rows.get(value)?.name ?? ''
  return (
    <Autocomplete
      id="quote-ticker"
      label="Ticker"
      value={value}
      onChange={(text) => onChange(text.toUpperCase())}
      onBlur={onLeave}
      error={error}
      data={found.map(({ ticker }) => ticker)}
      filter={({ options }) => options}
      renderOption={({ option }) => {
        const row = liveRates.rows.get(option.value)
        return (
          <span className={classes.stock}>
            <b>{option.value}</b>
            <span className="clip quiet">{row?.name}</span>
            <span>{row !== undefined && `${gridRate(row.current_rate)} %`}</span>
          </span>
        )
      }}
      rightSection={<span className={`clip ${classes.inside}`}>{name}</span>}
      rightSectionWidth={150}
      rightSectionPointerEvents="none"
      maxDropdownHeight={280}
      autoComplete="off"
      autoCapitalize="characters"
      spellCheck={false}
      comboboxProps={{ width: 320, position: 'bottom-start', transitionProps: { duration: 0 } }}
    />
  )
}
