// What the desk keeps of a stock, between what a person types and what the contract says: a floor is typed in percent and sent as a
// fraction, exactly.
import {
  type BorrowStatus,
  fraction,
  fromPercent,
  inPercent,
  percentPoints,
  type StockAnswer,
  type StockFields,
} from '../../../client/index.ts'
import { typedDecimal } from '../../ui/formats.ts'
import type { FormLine } from './form-lines.ts'
import { withUnit } from './terms-fields.ts'

export interface StockForm {
  readonly ticker: string
  readonly name: string
  /** Empty: none. */
  readonly tier: '' | BorrowStatus
  /** Percent a year; empty: the default floor. */
  readonly floor: string
  readonly lenderId: string
  readonly active: boolean
}

export const NEW_STOCK: StockForm = { ticker: '', name: '', tier: '', floor: '', lenderId: '', active: true }

export function stockForm(stock: StockAnswer): StockForm {
  return {
    ticker: stock.ticker,
    name: stock.name ?? '',
    tier: stock.borrow_status ?? '',
    floor: stock.floor_rate === null ? '' : inPercent(stock.floor_rate),
    lenderId: stock.lender_id ?? '',
    active: stock.active,
  }
}

export function stockFields(form: StockForm): StockFields {
  return {
    name: orNull(form.name),
    borrow_status: form.tier === '' ? null : form.tier,
    floor_rate: floorOf(form.floor) as StockFields['floor_rate'],
    lender_id: orNull(form.lenderId),
    active: form.active,
  }
}

/** 3.25 % is 0.0325; null when nothing was typed; what is no number as it was typed. */
export function floorOf(percent: string): string | null {
  if (percent.trim() === '') return null
  const exact = typedDecimal(percent)
  return exact === null ? percent.trim() : fraction(fromPercent(percentPoints(exact)))
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

export function stockLines(form: StockForm): FormLine[] {
  return [
    { field: 'name', title: 'Name', text: orNull(form.name) ?? 'none' },
    { field: 'borrow_status', title: 'Tier', text: form.tier === '' ? 'none' : form.tier },
    {
      field: 'floor_rate',
      title: 'Floor rate',
      text: form.floor.trim() === '' ? 'the default floor' : withUnit(form.floor, '% a year'),
    },
    { field: 'lender_id', title: 'Lender’s id', text: orNull(form.lenderId) ?? 'none' },
    { field: 'active', title: 'Active', text: form.active ? 'yes' : 'no' },
  ]
}
