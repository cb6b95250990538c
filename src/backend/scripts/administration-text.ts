// Brokers, stocks, pricing models and approvals as text for a person: lists as tables, changes field by field. Rates and markups are
// in percent. Pure: answers in, lines out.
import type { ApprovalAnswer } from '../client/approvals.ts'
import type { BrokerAnswer, BrokerChange } from '../client/brokers.ts'
import type { ListAnswer } from '../client/lists.ts'
import type { PricingModel } from '../client/pricing-models.ts'
import type { StockAnswer } from '../client/stocks.ts'
import { decimal } from '../pricing/decimal.ts'
import { type Column, columns, counted, grouped, moment, percentPoints, usdText } from './formats.ts'

const left = (heading: string): Column => ({ heading, align: 'left' })
const right = (heading: string): Column => ({ heading, align: 'right' })

/** A thing as its fields, in the order in which people look at them. */
type Fields = readonly (readonly [label: string, value: string])[]

export function brokersText(list: ListAnswer<BrokerAnswer>): string {
  const rows = list.items.map((broker) => [
    broker.client_id,
    markup(broker),
    fee(broker),
    broker.day_count,
    broker.convention_pack,
    broker.pricing_model,
    broker.tier,
    broker.requests_per_minute === null ? 'of its tier' : grouped(decimal(broker.requests_per_minute)),
    broker.active ? 'yes' : 'no',
    broker.name ?? '',
  ])
  const heads = [
    left('Client'),
    right('Markup'),
    right('Fee'),
    left('Day count'),
    left('Pack'),
    left('Model'),
    left('Tier'),
    right('Requests a minute'),
    left('Active'),
    left('Name'),
  ]
  return listText(heads, rows, list, 'broker')
}

export function brokerText(broker: BrokerAnswer): string {
  return [`${broker.client_id}, version ${broker.version}`, '', ...fieldLines(brokerFields(broker))].join('\n')
}

/** What a change of a broker did. @param before null: it was made */
export function brokerChangeText(clientId: string, before: BrokerAnswer | null, change: BrokerChange): string {
  if (change.status === 'pending') {
    const meanwhile =
      change.current === null ? 'Until then there is none.' : `Until then version ${change.current.version} holds.`
    return `The change of ${clientId} waits for a second person: \`approvals approve ${change.approval_id}\`. ${meanwhile}`
  }
  if (before === null) return `Made.\n${brokerText(change)}`
  return changeText(clientId, before.version, change.version, brokerFields(before), brokerFields(change))
}

function brokerFields(broker: BrokerAnswer): Fields {
  return [
    ['Name', broker.name ?? 'none'],
    ['Markup', broker.markup_tiers === null ? markup(broker) : tiersText(broker)],
    ['Transaction fee', fee(broker)],
    ['Day count', broker.day_count],
    ['Convention pack', broker.convention_pack],
    ['Billing', broker.billing === 'daily' ? 'daily, rounded day by day' : 'term, rounded once'],
    ['Pricing model', broker.pricing_model],
    ['Tier', broker.tier],
    [
      'Requests a minute',
      broker.requests_per_minute === null ? 'those of its tier' : grouped(decimal(broker.requests_per_minute)),
    ],
    ['Active', broker.active ? 'yes' : 'no'],
  ]
}

function markup(broker: BrokerAnswer): string {
  return broker.markup_tiers === null ? `${decimal(broker.markup_percentage)} %` : 'by value'
}

function tiersText({ markup_tiers: tiers }: BrokerAnswer): string {
  return (tiers ?? [])
    .map(({ up_to, markup_percentage }) => {
      const percent = `${decimal(markup_percentage)} %`
      return up_to === null ? `${percent} of the rest` : `${percent} up to ${usdText(up_to)} USD`
    })
    .join(', ')
}

function fee(broker: BrokerAnswer): string {
  return broker.transaction_fee_type === 'FLAT'
    ? `${usdText(broker.transaction_amount)} USD`
    : `${decimal(broker.transaction_amount)} %`
}

export function stocksText(list: ListAnswer<StockAnswer>): string {
  const rows = list.items.map((stock) => [
    stock.ticker,
    stock.borrow_status ?? 'none',
    floor(stock),
    stock.active ? 'yes' : 'no',
    stock.lender_id ?? '',
    stock.name ?? '',
  ])
  const heads = [
    left('Ticker'),
    left('Status'),
    right('Floor a year'),
    left('Active'),
    left("Lender's id"),
    left('Name'),
  ]
  return listText(heads, rows, list, 'stock')
}

export function stockText(stock: StockAnswer): string {
  return [`${stock.ticker}, version ${stock.version}`, '', ...fieldLines(stockFields(stock))].join('\n')
}

/** @param before null: nothing was kept */
export function stockChangeText(before: StockAnswer | null, after: StockAnswer): string {
  if (before === null) return `Made.\n${stockText(after)}`
  return changeText(after.ticker, before.version, after.version, stockFields(before), stockFields(after))
}

function stockFields(stock: StockAnswer): Fields {
  return [
    ['Name', stock.name ?? 'none'],
    ['Status', stock.borrow_status ?? 'none'],
    ['Floor a year', floor(stock)],
    ["Lender's id", stock.lender_id ?? 'none'],
    ['Active', stock.active ? 'yes' : 'no'],
  ]
}

function floor({ floor_rate }: StockAnswer): string {
  return floor_rate === null ? 'default' : `${percentPoints(decimal(floor_rate))} %`
}

export function modelsText(models: readonly PricingModel[]): string {
  const rows = models.map((model) => [model.model, ...modelFields(model).map(([, value]) => value)])
  const heads = [
    left('Model'),
    right('A point of volatility'),
    right('above'),
    right('Event risk 10'),
    right('At the most'),
    left('Volatility of'),
  ]
  return columns(heads, rows).join('\n')
}

export function modelText(model: PricingModel): string {
  return [`${model.model} is added.`, '', ...fieldLines(modelFields(model))].join('\n')
}

function modelFields(model: PricingModel): Fields {
  const share = (text: string) => `+${percentPoints(decimal(text))} %`
  return [
    ['A point of volatility', share(model.volatility_weight)],
    ['above', `${decimal(model.volatility_threshold)} points`],
    ['Event risk 10', share(model.event_weight)],
    ['At the most', `${decimal(model.max_multiplier)} x`],
    ['Volatility of', model.volatility_source === 'index' ? 'the index' : 'the stock, else the index'],
  ]
}

/** What waits, with what it would change of what is in force. */
export function approvalsText(list: ListAnswer<ApprovalAnswer>, inForce: ReadonlyMap<string, BrokerAnswer>): string {
  if (list.items.length === 0) return 'Nothing waits for a second person.'
  const blocks = list.items.map((approval) => {
    const decided =
      approval.decided_at === null
        ? ''
        : `, ${approval.state} by key ${approval.decided_by} ${moment(approval.decided_at)}${approval.reason === null ? '' : `: ${approval.reason}`}`
    const head = `${approval.approval_id}  ${approval.kind} ${approval.subject}, asked for by key ${approval.asked_by} ${moment(approval.asked_at)}${decided}`
    if (approval.state !== 'pending' || approval.kind !== 'broker') return head
    const before = inForce.get(approval.subject)
    const proposed = brokerFields(approval.proposed)
    const lines = before === undefined ? fieldLines(proposed) : differenceLines(brokerFields(before), proposed)
    return [head, ...lines.map((line) => `  ${line}`)].join('\n')
  })
  return [...blocks, ...more(list, 'change')].join('\n\n')
}

// ---- parts of all of them

function changeText(name: string, was: number, is: number, before: Fields, after: Fields): string {
  if (was === is) return `Nothing is different: ${name} stays version ${is}.`
  return [`${name} is version ${is} now.`, ...differenceLines(before, after)].join('\n')
}

function differenceLines(before: Fields, after: Fields): string[] {
  const rows = after.flatMap(([label, value], index) => {
    const was = before[index]?.[1] ?? ''
    return was === value ? [] : [[label, was, '→', value]]
  })
  return columns([left(''), left(''), left(''), left('')], rows).slice(1)
}

function fieldLines(fields: Fields): string[] {
  return columns([left(''), left('')], fields).slice(1)
}

/** A list as a table, with which part of it this is. @param one of its things */
export function listText(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  list: ListAnswer<unknown>,
  one: string,
): string {
  if (rows.length === 0) return `There is no ${one} ${list.pagination.total === 0 ? 'yet' : 'behind that'}.`
  return [...columns(heads, rows), ...more(list, one).map((line) => `\n${line}`)].join('\n')
}

function more({ items, pagination }: ListAnswer<unknown>, one: string): string[] {
  if (!pagination.has_more && pagination.skip === 0) return []
  const from = pagination.skip + 1
  return [`${from} to ${pagination.skip + items.length} of ${counted(pagination.total, one)}.`]
}
