// The same short for other stays: what a person asks next.
import { usdText } from '../../ui/formats.ts'
import classes from './answer.module.css'
import type { Stay } from './reprice.ts'

/**
 * @param stays null: the arithmetic did not come to the answer, so nothing is said
 * @param isTall a row a stay, where columns have no room
 */
export function StaysTable({ stays, isTall }: { readonly stays: readonly Stay[] | null; readonly isTall: boolean }) {
  if (stays === null) {
    return (
      <p className={classes.aside}>
        Other stays are not shown: the terms that this price was made under are not known here.
      </p>
    )
  }
  return (
    <section>
      {isTall ? <Tall stays={stays} /> : <Wide stays={stays} />}
      <p className={classes.aside}>Other stays are computed here at the same rate and terms, and are on no record.</p>
    </section>
  )
}

export function daysText(days: number): string {
  return `${days} day${days === 1 ? '' : 's'}`
}

function Wide({ stays }: { readonly stays: readonly Stay[] }) {
  return (
    <table className={`table ${classes.stays}`}>
      <thead>
        <tr>
          <th scope="col">Other stays</th>
          {stays.map(({ days, isQuoted }) => (
            <th key={days} scope="col" className="right" data-quoted={isQuoted || undefined}>
              {daysText(days)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">Total, USD</th>
          {stays.map(({ days, total, isQuoted }) => (
            <td key={days} className="right" data-quoted={isQuoted || undefined}>
              {usdText(total)}
            </td>
          ))}
        </tr>
        <tr>
          <th scope="row" className="quiet">
            A day, all in
          </th>
          {stays.map(({ days, aDay }) => (
            <td key={days} className="right quiet">
              {usdText(aDay)}
            </td>
          ))}
        </tr>
      </tbody>
    </table>
  )
}

function Tall({ stays }: { readonly stays: readonly Stay[] }) {
  return (
    <table className={`table ${classes.stays}`}>
      <thead>
        <tr>
          <th scope="col">Other stays</th>
          <th scope="col" className="right">
            Total, USD
          </th>
          <th scope="col" className="right">
            A day, all in
          </th>
        </tr>
      </thead>
      <tbody>
        {stays.map(({ days, total, aDay, isQuoted }) => (
          <tr key={days}>
            <th scope="row">{daysText(days)}</th>
            <td className="right" data-quoted={isQuoted || undefined}>
              {usdText(total)}
            </td>
            <td className="right quiet">{usdText(aDay)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
