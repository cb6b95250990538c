// What a broker agreed to: known before a price is made, when the terms may be read; else from the answer.
import type { BrokerAnswer, QuoteAnswer } from '../../../client/index.ts'
import { grouped, percentText, usdText } from '../../ui/formats.ts'
import classes from './form.module.css'
import { hasTieredMarkup } from './notes.ts'

export function Terms({
  clientId,
  broker,
  answer,
}: {
  readonly clientId: string
  readonly broker: BrokerAnswer | null
  /** The newest of this broker. */
  readonly answer: QuoteAnswer | null
}) {
  if (clientId === '') return null
  const rows = broker !== null ? rowsOfBroker(broker) : answer !== null ? rowsOfAnswer(answer) : null
  return (
    <section className={classes.terms}>
      <h2>Terms of {clientId}</h2>
      {rows === null ? (
        <p className="label">They are shown with the price.</p>
      ) : (
        <dl className={classes.facts}>
          {rows.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}

/** `5 % + 25.00, ACT/365`: for one line. */
export function termsLine(broker: BrokerAnswer): string {
  const markup = broker.markup_tiers === null ? percentText(broker.markup_percentage) : 'markup by value'
  const fee =
    broker.transaction_fee_type === 'FLAT'
      ? usdText(broker.transaction_amount)
      : `${percentText(broker.transaction_amount)} of value`
  return `${markup} + ${fee}, ${broker.day_count}`
}

type Row = readonly [string, string]

function rowsOfBroker(broker: BrokerAnswer): Row[] {
  const { markup_tiers: tiers } = broker
  return [
    ...(tiers === null
      ? [['Markup', percentText(broker.markup_percentage)] as const]
      : tiers.map(
          ({ up_to, markup_percentage }) =>
            [up_to === null ? 'Markup above' : `Markup to ${grouped(up_to)}`, percentText(markup_percentage)] as const,
        )),
    [
      'Transaction fee',
      broker.transaction_fee_type === 'FLAT'
        ? `${usdText(broker.transaction_amount)} USD flat`
        : `${percentText(broker.transaction_amount)} of value`,
    ],
    ['Day count', broker.day_count],
    ['Convention pack', broker.convention_pack],
    ['Pricing model', broker.pricing_model],
    ...(broker.billing === 'daily' ? [['Billing', 'each day rounded'] as const] : []),
  ]
}

function rowsOfAnswer(answer: QuoteAnswer): Row[] {
  const { terms, breakdown } = answer
  return [
    ['Markup', hasTieredMarkup(answer) ? 'by value' : percentText(terms.markup_percentage)],
    ['Transaction fee', `${usdText(breakdown.transaction_fees)} USD`],
    ['Day count', terms.day_count],
    ['Convention pack', terms.convention_pack],
    ['Pricing model', terms.pricing_model],
  ]
}
