// The answer to a quote as the contract's JSON, written at once: it is made for every quote and every line of a batch, and an object
// with its parts would only be taken apart again. Decimals leave in their exact text: amounts with two decimals, rates with 8 at the
// most and trailing zeros dropped. quote-text.test.ts holds it to the same answer written as an object.
import type { Observation } from '../market-data/observation.ts'
import { round, trim } from '../pricing/decimal.ts'
import type { Usd } from '../pricing/units.ts'
import type { WaterfallStep } from '../pricing/waterfall.ts'
import { isoText } from '../server/iso-time.ts'
import { escaped, jsonString, writeJson } from '../server/json-writer.ts'
import { availability, sufficient, volatilityUsed, wholeCents } from './answer.ts'
import type { LocateQuote } from './quote.ts'

export function quoteText(quote: LocateQuote): string {
  return `{${quoteMembers(quote)}}`
}

/** The members of the answer, for who has more to say of a quote. The first four are the classic contract and never change. */
export function quoteMembers(quote: LocateQuote): string {
  const { priced, inputs, request, auditId, closeUsed } = quote
  const { market, broker, model } = inputs
  const { fee, borrowRate } = priced
  const { terms } = broker
  const volatility = volatilityUsed(market, borrowRate)
  const available = availability(market)
  let text =
    `"status":"success","total_fee":${fee.totalFee.toString()},"breakdown":{"borrow_cost":${fee.borrowCost.toString()},` +
    `"markup":${fee.markup.toString()},"transaction_fees":${fee.transactionFee.toString()}},` +
    `"borrow_rate_used":${borrowRate.rate.toString()},"quote_id":"${auditId}","audit_id":"${auditId}","ticker":"${request.ticker}",` +
    `"client_id":"${escaped(request.clientId)}","quoted_at":"${isoText(quote.quotedAt)}","expires_at":"${isoText(quote.expiresAt)}",` +
    `"quote_type":"indicative","terms":{"day_count":"${terms.dayCount}","convention_pack":"${terms.conventionPack}",` +
    `"markup_percentage":${trim(terms.markupPercentage).toString()},"pricing_model":"${escaped(model.model)}"},"data_sources":{"base_rate":` +
    `${observed(market.lenderRate, trim(market.lenderRate.value).toString())}},"volatility":${observed(volatility, trim(volatility.value).toString())}},` +
    `"event_risk":${observed(market.eventRisk, String(market.eventRisk.value.factor))}${eventsText(quote)}}`
  if (closeUsed !== null) text += `,"price":${observed(closeUsed, wholeCents(closeUsed.value.close).toString())}}`
  text += `},"degraded":[${quote.degraded.map(jsonString).join()}],"availability":{"shares":${available.shares},"at_least":${available.at_least}}`
  if (request.position.kind === 'shares') text += sharesText(quote, request.position.quantity)
  if (priced.accrual !== null) text += accrualText(quote)
  text += `,"cost_per_day":${fee.costPerDay.toString()},"waterfall":[`
  const { waterfall } = priced
  for (let i = 0; i < waterfall.length; i += 1)
    text += i === 0 ? stepText(waterfall[i]!) : `,${stepText(waterfall[i]!)}`
  return `${text}]`
}

/** `{value, source, provider, as_of, age_seconds`, and for a stand-in the reason why there was nothing better; what follows closes it. */
function observed(from: Observation<unknown>, value: string): string {
  const asOf = from.asOf === null ? 'null' : `"${isoText(from.asOf)}"`
  const text = `{"value":${value},"source":"${from.source}","provider":"${escaped(from.provider)}","as_of":${asOf},"age_seconds":${from.ageSeconds}`
  return from.fallbackReason === null ? text : `${text},"fallback_reason":"${escaped(from.fallbackReason)}"`
}

/** The events in the window that the factor is the highest of. */
function eventsText(quote: LocateQuote): string {
  const { events } = quote.inputs.market.eventRisk.value
  if (events.length === 0) return ',"events":[]'
  const texts = events.map(
    ({ type, date, riskFactor, assumed }) =>
      `{"type":${jsonString(type)},"date":"${date}","risk_factor":${riskFactor}${assumed ? ',"assumed":true' : ''}}`,
  )
  return `,"events":[${texts.join()}]`
}

/** What only a short of so many shares says. */
function sharesText({ priced, inputs }: LocateQuote, quantity: number): string {
  return membersText({
    sufficient: sufficient(inputs.market, quantity),
    fee_per_share: priced.feePerShare,
    charged_value: round(priced.chargedValue, { scale: 2, rounding: 'half-up' }),
    mark: wholeCents(priced.mark as Usd),
    charged_shares: priced.chargedShares,
  })
}

/** What only a stay between two trade dates says. */
function accrualText({ priced, priceInputs }: LocateQuote): string {
  return membersText({
    accrual: {
      short_settles: priceInputs.stay.accrual?.shortSettles,
      cover_settles: priceInputs.stay.accrual?.coverSettles,
      days: priced.loanDays,
      schedule: priced.accrual?.map((day) => ({ value_date: day.valueDate, days: day.days, amount: day.amount })),
    },
  })
}

/** Members behind others. */
function membersText(members: Readonly<Record<string, unknown>>): string {
  return `,${writeJson(members).slice(1, -1)}`
}

function stepText(step: WaterfallStep): string {
  const text =
    `{"step":"${step.step}","description":"${escaped(step.description)}","unit":"${step.unit}","before":${step.before.toString()},` +
    `"after":${step.after.toString()},"delta":${step.delta.toString()}`
  return step.deltaBp === null ? `${text}}` : `${text},"delta_bp":${step.deltaBp.toString()}}`
}
