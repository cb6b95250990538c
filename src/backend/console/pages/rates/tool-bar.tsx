// What is shown of the universe: filter, tiers, guesses; the order in words; the columns.
import { Button, Checkbox, Menu, SegmentedControl, TextInput } from '@mantine/core'
import { type Ref, useImperativeHandle, useRef } from 'react'
import { useWidth } from '../../app/hooks.ts'
import { grouped, timeText } from '../../ui/formats.ts'
import { CHOICE_TITLES } from './columns.ts'
import type { Counts, Filter } from './orders.ts'
import { CHOICES, type ChoiceColumn, TIERS } from './search.ts'
import classes from './tool-bar.module.css'

export interface ToolBarHandle {
  focusFilter(): void
}

export interface ToolBarProps {
  readonly filter: Filter
  readonly counts: Counts
  /** In words. */
  readonly order: string
  /** When the rows were put in it. */
  readonly orderedAt: Date
  readonly hidden: readonly ChoiceColumn[]
  readonly onFilter: (filter: Filter) => void
  readonly onHidden: (hidden: readonly ChoiceColumn[]) => void
  readonly onSortAgain: () => void
  /** Down from the filter. */
  readonly onToRows: () => void
  readonly ref?: Ref<ToolBarHandle>
}

export function ToolBar(props: ToolBarProps) {
  const { filter, counts, order, orderedAt, hidden, onFilter, onHidden, onSortAgain, onToRows, ref } = props
  const width = useWidth()
  const input = useRef<HTMLInputElement>(null)
  useImperativeHandle(ref, () => ({ focusFilter: () => input.current?.select() }), [])
  const choice = (label: string, count: number) => (
    <span className={classes.choice}>
      {label} <span className={classes.count}>{grouped(String(count))}</span>
    </span>
  )
  return (
    <div className={classes.bar}>
      <h1 className={width === 'phone' ? 'only-read' : classes.title}>Rates</h1>
      <TextInput
        ref={input}
        className={classes.filter ?? ''}
        type="search"
        aria-label="Filter by ticker or name"
        placeholder="Filter by ticker or name"
        value={filter.q ?? ''}
        maxLength={60}
        rightSection={<kbd className="key">F</kbd>}
        rightSectionPointerEvents="none"
        onChange={({ currentTarget: { value } }) => onFilter({ ...filter, q: value === '' ? undefined : value })}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'Enter') onToRows()
          else if (event.key === 'Escape' && filter.q !== undefined) {
            event.preventDefault()
            onFilter({ ...filter, q: undefined })
          } else return
          event.preventDefault()
        }}
      />
      <SegmentedControl
        className={classes.tiers ?? ''}
        aria-label="Tier"
        value={filter.tier ?? 'all'}
        onChange={(value) => onFilter({ ...filter, tier: TIERS.find((tier) => tier === value) })}
        data={[
          { value: 'all', label: choice('All', counts.all) },
          ...TIERS.map((tier) => ({ value: tier, label: choice(tier, counts.tiers[tier]) })),
        ]}
      />
      <Checkbox
        classNames={{ root: classes.guesses ?? '', label: classes.guessesLabel ?? '' }}
        checked={filter.guess !== undefined}
        onChange={({ currentTarget: { checked } }) => onFilter({ ...filter, guess: checked ? 'only' : undefined })}
        label={choice('Lender rate is a guess', counts.guesses)}
      />
      <span className={classes.gap} />
      {width !== 'phone' && (
        <>
          <span className={classes.order}>
            Sorted by {order} <span className={classes.at}>at {timeText(orderedAt)}</span>
          </span>
          <Button variant="subtle" onClick={onSortAgain}>
            Sort again
          </Button>
          <Menu position="bottom-end" closeOnItemClick={false}>
            <Menu.Target>
              <Button>Columns</Button>
            </Menu.Target>
            <Menu.Dropdown>
              {CHOICES.map((column) => (
                <Menu.CheckboxItem
                  key={column}
                  checked={!hidden.includes(column)}
                  checkIcon="✓"
                  onChange={(isShown) =>
                    onHidden(isShown ? hidden.filter((name) => name !== column) : [...hidden, column])
                  }
                >
                  {CHOICE_TITLES[column]}
                </Menu.CheckboxItem>
              ))}
            </Menu.Dropdown>
          </Menu>
        </>
      )}
    </div>
  )
}
