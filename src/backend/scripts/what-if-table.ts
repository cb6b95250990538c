// The answer to a what-if as the table that the engine itself gives as CSV.
import type { Effect, Revenue } from '../audit/what-if.ts'
import { whatIfCsv } from '../audit/what-if-csv.ts'
import type { EffectAnswer, RevenueAnswer, WhatIfAnswer } from '../client/record-answers.ts'
import { decimal } from '../pricing/decimal.ts'
import { asUsd } from '../pricing/units.ts'

export function whatIfTable(answer: WhatIfAnswer): string {
  return whatIfCsv({
    ...effectOf(answer),
    note: answer.note,
    quotesFound: answer.quotes_found,
    notPriced: [],
    clients: answer.clients,
    mostAffected: answer.most_affected.map((client) => ({ clientId: client.client_id, ...effectOf(client) })),
    others: answer.others && { clients: answer.others.clients, ...effectOf(answer.others) },
  })
}

function effectOf({ quotes, changed, before, after, delta }: EffectAnswer): Effect {
  return { quotes, changed, before: revenueOf(before), after: revenueOf(after), delta: revenueOf(delta) }
}

function revenueOf(revenue: RevenueAnswer): Revenue {
  const usd = (text: string) => asUsd(decimal(text))
  return {
    totalFees: usd(revenue.total_fees),
    borrowCost: usd(revenue.borrow_cost),
    markup: usd(revenue.markup),
    transactionFees: usd(revenue.transaction_fees),
    margin: usd(revenue.margin),
  }
}
