// From the lender's rate to the borrow rate in four rows: how far each input takes it. Bars begin at zero, as all of them do.
import type { WaterfallStepAnswer } from '../../../client/index.ts'
import { inPercent } from '../../../client/index.ts'
import type { Fraction } from '../../../client/units.ts'
import { basisPointsText, gridRate, percentText } from '../../ui/formats.ts'
import classes from './steps.module.css'

const TITLES: Readonly<Record<string, string>> = {
  lender_rate: 'Lender rate',
  volatility: 'Volatility',
  events: 'Events',
  cap: 'Cap',
  floor: 'Floor',
}

export interface StepsProps {
  readonly waterfall: readonly WaterfallStepAnswer[]
  readonly rate: Fraction
  /** Steps that stand on a guess. */
  readonly guessed: ReadonlySet<string>
}

export function Steps({ waterfall, rate, guessed }: StepsProps) {
  const steps = waterfall.filter(
    ({ step, unit, delta }) =>
      unit === 'fraction' && TITLES[step] !== undefined && !((step === 'cap' || step === 'floor') && isZero(delta)),
  ) as readonly Extract<WaterfallStepAnswer, { unit: 'fraction' }>[]
  const highest = Math.max(...steps.map(({ after }) => Number(after)), Number(rate)) || 1
  const share = (value: string | null) => (Number(value ?? 0) / highest) * 100
  return (
    <table className={classes.steps}>
      <caption className="only-read">From the lender rate to the borrow rate</caption>
      <tbody>
        {steps.map(({ step, before, after, delta_bp }, at) => {
          const [from, to] = at === 0 ? [0, share(after)] : [share(before), share(after)]
          const falls = to < from
          return (
            <tr key={step}>
              <th scope="row">{TITLES[step]}</th>
              <td className={classes.room} aria-hidden="true">
                {to !== from && (
                  <span
                    className={`${at === 0 ? classes.first : falls ? classes.down : classes.up} ${guessed.has(step) ? 'guess' : ''}`}
                    style={{ left: `${Math.min(from, to)}%`, width: `max(${Math.abs(to - from)}%, 2px)` }}
                  />
                )}
                <span className={classes.join} style={{ left: `${to}%` }} />
              </td>
              <td className="right nowrap">
                {at === 0 ? percentText(inPercent(after)) : basisPointsText(delta_bp ?? '0')}
              </td>
            </tr>
          )
        })}
        <tr>
          <th scope="row" className="strong">
            Borrow rate
          </th>
          <td className={classes.room} aria-hidden="true">
            <span className={classes.total} style={{ left: 0, width: `${share(rate)}%` }} />
          </td>
          <td className="right nowrap strong">{gridRate(rate)} %</td>
        </tr>
      </tbody>
    </table>
  )
}

function isZero(delta: string | null): boolean {
  return delta === null || !/[1-9]/.test(delta)
}
