// What would have been: revenue then and under the draft, the clients by how much it changes for them, and what could not be priced.
import { Button } from '@mantine/core'
import { type ReactNode, useMemo, useState } from 'react'
import type { EffectAnswer, RevenueAnswer, WhatIfAnswer } from '../../../client/index.ts'
import { fixed, signedUsd, usdText } from '../../ui/formats.ts'
import { ChangeHistogram } from './change-histogram.tsx'
import { changeBins, changePercent, countText } from './effects.ts'
import classes from './page.module.css'

const LINES: readonly (readonly [keyof RevenueAnswer, string])[] = [
  ['borrow_cost', 'Borrow cost'],
  ['markup', 'Markup'],
  ['transaction_fees', 'Transaction fees'],
  ['margin', 'Margin'],
]

export function Result({ answer, isOld }: { readonly answer: WhatIfAnswer; readonly isOld: boolean }) {
  const bins = useMemo(
    () => changeBins(answer.most_affected.map(({ delta }) => delta.total_fees)),
    [answer.most_affected],
  )
  return (
    <div className={classes.result} data-old={isOld || undefined}>
      <section aria-label="Revenue">
        <dl className={classes.figures}>
          <Figure title="Revenue then, USD" value={usdText(answer.before.total_fees)} />
          <Figure title="Under the draft" value={usdText(answer.after.total_fees)} />
          <Figure
            title="Difference"
            value={signedUsd(answer.delta.total_fees)}
            unit={percentOf(answer.before.total_fees, answer.delta.total_fees)}
          />
          <Figure
            title="Quotes priced both ways"
            value={countText(answer.quotes)}
            unit={`${countText(answer.changed)} changed`}
          />
        </dl>
        <p className="quiet">{answer.note}</p>
        {answer.not_priced.length > 0 && (
          <ul className={classes.notPriced}>
            {answer.not_priced.map(({ reason, sentence, quotes }) => (
              <li key={reason}>
                {countText(quotes)} of {countText(answer.quotes_found)} quotes not priced: {sentence}
              </li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>What it is made of, USD</h2>
        <Wide label="Table of the revenue">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Part</th>
                <Right>Then</Right>
                <Right>Under the draft</Right>
                <Right>Difference</Right>
                <Right>%</Right>
              </tr>
            </thead>
            <tbody>
              {LINES.map(([name, title]) => (
                <tr key={name}>
                  <th scope="row">{title}</th>
                  <td className="right">{usdText(answer.before[name])}</td>
                  <td className="right">{usdText(answer.after[name])}</td>
                  <td className="right">{signedUsd(answer.delta[name])}</td>
                  <td className="right">{percentOf(answer.before[name], answer.delta[name])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </section>
      <Clients answer={answer} />
      {bins.length > 0 && (
        <section>
          <h2>Clients by the change of their fees</h2>
          {answer.others !== null && (
            <p className="quiet">Of the {countText(answer.most_affected.length)} clients that are named.</p>
          )}
          <ChangeHistogram bins={bins} />
        </section>
      )}
    </div>
  )
}

const CLIENTS_AT_FIRST = 20

function Clients({ answer }: { readonly answer: WhatIfAnswer }) {
  const [showsAll, setShowsAll] = useState(false)
  const { most_affected: named, others } = answer
  const shown = showsAll ? named : named.slice(0, CLIENTS_AT_FIRST)
  return (
    <section>
      <h2>Clients, the largest change first, USD</h2>
      {named.length === 0 ? (
        <p className="quiet">No client has a quote in this range that could be priced.</p>
      ) : (
        <Wide label="Table of the clients">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">Client</th>
                <Right>Quotes</Right>
                <Right>Then</Right>
                <Right>Under the draft</Right>
                <Right>Difference</Right>
                <Right>%</Right>
              </tr>
            </thead>
            <tbody>
              {shown.map((client) => (
                <ClientRow key={client.client_id} name={client.client_id} effect={client} />
              ))}
              {showsAll && others !== null && (
                <ClientRow name={`${countText(others.clients)} other clients`} effect={others} />
              )}
            </tbody>
            <tfoot>
              <ClientRow name="All" effect={answer} />
            </tfoot>
          </table>
        </Wide>
      )}
      {!showsAll && (named.length > CLIENTS_AT_FIRST || others !== null) && (
        <Button onClick={() => setShowsAll(true)}>All {countText(answer.clients)} clients</Button>
      )}
    </section>
  )
}

function ClientRow({ name, effect }: { readonly name: string; readonly effect: EffectAnswer }) {
  const { quotes, before, after, delta } = effect
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="right">{countText(quotes)}</td>
      <td className="right">{usdText(before.total_fees)}</td>
      <td className="right">{usdText(after.total_fees)}</td>
      <td className="right strong">{signedUsd(delta.total_fees)}</td>
      <td className="right">{percentOf(before.total_fees, delta.total_fees)}</td>
    </tr>
  )
}

/** A table that may be wider than the screen. */
function Wide({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
    <section className={classes.scroll} tabIndex={0} aria-label={label}>
      {children}
    </section>
  )
}

function Right({ children }: { readonly children: string }) {
  return (
    <th scope="col" className="right">
      {children}
    </th>
  )
}

function Figure({ title, value, unit }: { readonly title: string; readonly value: string; readonly unit?: string }) {
  return (
    <div>
      <dt className="label">{title}</dt>
      <dd className="figure">
        {value}
        {unit !== undefined && <span className={classes.unit}> {unit}</span>}
      </dd>
    </div>
  )
}

/** `+4.2 %`; a word where there was nothing to be a part of. */
function percentOf(before: string, delta: string): string {
  const percent = changePercent(before, delta)
  if (percent === null) return 'from none'
  const text = fixed(percent, 1)
  return `${/[1-9]/.test(text) && !text.startsWith('−') ? '+' : ''}${text} %`
}
