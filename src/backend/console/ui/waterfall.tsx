// From the lender's rate to the total, a row a step: a table whose bars are drawn over it, one canvas a block. The rate and the fee are
// two blocks, because percent and USD share no axis.
import { Tooltip } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { ObservationSource } from '../../client/index.ts'
import { isGuess, SourceGlyph } from './badges.tsx'
import classes from './waterfall.module.css'
import {
  blockEnd,
  type WaterfallBlock,
  type WaterfallRow,
  type WaterfallStep,
  waterfallBlocks,
} from './waterfall-rows.ts'

const loadBars = () => import('./waterfall-bars.tsx')
const Bars = lazy(loadBars)

/** Before there is anything to show, so that bars come with their table. */
export function loadWaterfall(): void {
  // What fails now fails again when it is shown, and is told there.
  loadBars().catch(() => {})
}

/** `whole`: with a column of notes; `notes-as-tooltips`: without; `small`: one column of figures, for side panels and phones. */
export type WaterfallSize = 'whole' | 'notes-as-tooltips' | 'small'

export interface WaterfallProps {
  readonly steps: readonly WaterfallStep[]
  /** Where the inputs of steps came from, by step; a guess is hatched. */
  readonly sources?: Readonly<Record<string, ObservationSource>>
  /** In place of the steps' own words, by step. */
  readonly notes?: Readonly<Record<string, string>>
  readonly size?: WaterfallSize
}

export function Waterfall({ steps, sources = {}, notes = {}, size = 'whole' }: WaterfallProps) {
  return (
    <div className={classes.blocks}>
      {waterfallBlocks(steps, notes).map((block) => (
        <Block key={block.block} block={block} sources={sources} size={size} />
      ))}
    </div>
  )
}

function Block({
  block,
  sources,
  size,
}: {
  readonly block: WaterfallBlock
  readonly sources: Readonly<Record<string, ObservationSource>>
  readonly size: WaterfallSize
}) {
  const isRate = block.block === 'rate'
  const small = size === 'small'
  const guessOf = ({ step }: WaterfallRow) => {
    const source = sources[step]
    return source !== undefined && isGuess(source) ? source : null
  }
  return (
    <div className={classes.block} data-size={size}>
      <table className={classes.table}>
        <colgroup>
          <col className={classes.step} />
          {size === 'whole' && <col className={classes.note} />}
          <col />
          {!small && <col className={classes.change} />}
          <col className={classes.after} />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">{small ? (isRate ? 'Rate, a year' : 'Fee, USD') : isRate ? 'Rate step' : 'Fee step'}</th>
            {size === 'whole' && (
              <th scope="col">
                <span className="only-read">Note</span>
              </th>
            )}
            <td />
            {!small && (
              <th scope="col" className="right">
                Change
              </th>
            )}
            <th scope="col" className="right">
              {small ? <span className="only-read">Change, or where it stands</span> : 'After'}
            </th>
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row) => (
            <tr key={row.step} data-kind={row.kind}>
              <th scope="row">
                <Title row={row} source={guessOf(row)} hasNote={size === 'whole'} />
              </th>
              {size === 'whole' && (
                <td className={classes.words} title={row.note}>
                  {row.note}
                </td>
              )}
              <td />
              {!small && <td className="right">{row.change}</td>}
              <td className={`right ${classes.value}`}>{small ? (row.change ?? row.after) : row.after}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className={classes.bars} aria-hidden="true">
        <Suspense>
          <Bars rows={block.rows} end={blockEnd(block)} isGuess={(row) => guessOf(row) !== null} />
        </Suspense>
      </div>
    </div>
  )
}

function Title({
  row,
  source,
  hasNote,
}: {
  readonly row: WaterfallRow
  readonly source: ObservationSource | null
  readonly hasNote: boolean
}) {
  const title = (
    <span className={classes.title}>
      <span className="clip">{row.title}</span>
      {source !== null && (
        <>
          <SourceGlyph source={source} />
          <span className="only-read">{source}</span>
        </>
      )}
    </span>
  )
  if (hasNote || row.note === '') return title
  return (
    <Tooltip label={row.note}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the note opens for who has no pointer */}
      <span tabIndex={0} className={classes.told}>
        {title}
        <span className="only-read">, {row.note}</span>
      </span>
    </Tooltip>
  )
}
