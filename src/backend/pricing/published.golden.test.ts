// The numbers that brokers, an exchange and a regulator print, run through the engine's own functions: fixtures/published.json
// has each with its source. A vector without a case below, or a case without a vector, is a failure.
import { expect, test } from 'vitest'
import { type ConventionPackName, chargedValue, type Position } from './convention-packs.ts'
import type { DayCount } from './day-count.ts'
import { decimal, minus, plus } from './decimal.ts'
import published from './fixtures/published.json' with { type: 'json' }
import { accrue, locateFee, marginalParts } from './locate-fee.ts'
import { accrual, type SettlementCalendar, settlementDate, US_SETTLEMENT_CALENDAR } from './settlement-calendar.ts'
import { asPercentPoints, asRate, asUsd, type IsoDate } from './units.ts'

/** The facts of a vector; each topic has its own members. */
interface Facts {
  [member: string]: string | number | string[] | string[][] | (string | number)[][] | undefined
}
type Case = (given: Facts) => Facts

const text = (value: Facts[string]): string => value as string
const usd = (value: Facts[string]) => asUsd(decimal(text(value)))
const rate = (value: Facts[string]) => asRate(decimal(text(value)))
const dayCount = (value: Facts[string]): DayCount => (value === 360 ? 'ACT/360' : 'ACT/365')

/** A day's or a year's borrow fee of a position under a pack. */
function feeOf(pack: ConventionPackName, given: Facts, position: Position, days: number): string {
  const { value } = chargedValue(pack, position)
  const fee = locateFee(value, rate(given.rate), days, {
    markupPercentage: asPercentPoints(decimal(0)),
    markupTiers: null,
    transactionFeeType: 'FLAT',
    transactionAmount: decimal(0),
    dayCount: dayCount(given.day_count),
    conventionPack: pack,
    billing: 'term',
  })
  return fee.totalFee.toString()
}

const shares = (given: Facts): Position => ({
  kind: 'shares',
  quantity: (given.shares as number | undefined) ?? 1,
  price: usd(given.price),
})

const collateralMark: Case = (given) => {
  const { mark, value } = chargedValue('us-collateral-mark', shares(given))
  const annual = feeOf('us-collateral-mark', given, shares(given), 360)
  const fee = feeOf('us-collateral-mark', given, shares(given), given.days as number)
  return { mark: mark!.toString(), value: value.toString(), annual_fee: annual, fee }
}

const markOnly: Case = (given) => ({ mark: chargedValue('us-collateral-mark', shares(given)).mark!.toString() })

const marketValue: Case = (given) => {
  const position: Position = { kind: 'value', positionValue: usd(given.value) }
  return { fee: feeOf('ca-market-value', given, position, given.days as number) }
}

const roundLot: Case = (given) => {
  const { value, chargedShares } = chargedValue('us-market-value', shares(given))
  const fee = feeOf('us-market-value', given, shares(given), given.days as number)
  return { charged_shares: chargedShares!, value: value.toString(), fee }
}

/** Interest on a balance by marginal tiers over a benchmark, each tier rounded, then added. */
const tieredCard: Case = (given) => {
  const tiers = given.tiers as string[][]
  const parts = marginalParts(
    usd(given.balance),
    tiers.map(([upTo]) => usd(upTo)),
  )
  const amounts = tiers.map(([, spread], index) => {
    const tierRate = asRate(plus(rate(given.benchmark), rate(spread)))
    return accrue(parts[index]!, tierRate, given.days as number, dayCount(given.day_count))
  })
  return {
    tier_amounts: amounts.map(String),
    total: amounts.reduce((sum, amount) => asUsd(plus(sum, amount))).toString(),
  }
}

/** A week of 2026 in which every weekday trades and settles. */
const PLAIN_WEEK: Record<string, IsoDate> = {
  Mon: '2026-11-02' as IsoDate,
  Tue: '2026-11-03' as IsoDate,
  Wed: '2026-11-04' as IsoDate,
  Thu: '2026-11-05' as IsoDate,
  Fri: '2026-11-06' as IsoDate,
}
const NEXT_MONDAY = '2026-11-09' as IsoDate

const weekdays: Case = (given) => {
  const short = PLAIN_WEEK[text(given.short_weekday)]!
  const sameWeek = PLAIN_WEEK[text(given.cover_weekday)]!
  return { days: accrual(short, sameWeek > short ? sameWeek : NEXT_MONDAY, US_SETTLEMENT_CALENDAR).days }
}

const fridaySettlement: Case = () => {
  const { schedule } = accrual(PLAIN_WEEK.Mon!, NEXT_MONDAY, US_SETTLEMENT_CALENDAR)
  return { days: schedule.find((period) => period.valueDate === PLAIN_WEEK.Fri)!.days }
}

/** A calendar of the vector's own closed days; the exchanges' are of no matter to settlement. */
const calendarOf = (given: Facts, firstYear: number, lastYear: number): SettlementCalendar => {
  const settlementClosures = new Set(given.non_settlement as string[])
  return { firstYear, lastYear, tradingClosures: new Set(), settlementClosures }
}

const settlements: Case = (given) => {
  const dates = given.trade_dates as IsoDate[]
  const calendar = calendarOf(given, 1988, 1999)
  return { settlement_dates: dates.map((date) => settlementDate(date, calendar, given.cycle as number)) }
}

const columbusDay: Case = (given) => {
  const found = accrual(given.short as IsoDate, given.cover as IsoDate, calendarOf(given, 2026, 2026))
  return { settle_short: found.shortSettles, settle_cover: found.coverSettles, days: found.days }
}

const CASES: Record<string, Case> = {
  G01: collateralMark,
  G02: collateralMark,
  G03: collateralMark,
  G04: marketValue,
  G05: marketValue,
  G06: roundLot,
  G11: (given) => ({ rebate_pct: minus(rate(given.benchmark_pct), rate(given.fee_pct)).toString() }),
  G12: (given) => ({ benchmark_pct: plus(rate(given.rebate_pct), rate(given.fee_pct)).toString() }),
  G13: tieredCard,
  G19: weekdays,
  G20: weekdays,
  G21: weekdays,
  G23: fridaySettlement,
  G24: settlements,
  G26: settlements,
  G27: columbusDay,
  G28: columbusDay,
  G30: markOnly,
  G31: markOnly,
}

const VECTORS = published.vectors as unknown as { id: string; topic: string; source: string; in: Facts; out: Facts }[]

test.each(VECTORS)('$id: $topic', ({ id, in: given, out }) => {
  expect(CASES[id]!(given)).toMatchObject(out)
})

test('every vector has a case and a source, and every case a vector', () => {
  expect(VECTORS.map((vector) => vector.id)).toEqual(Object.keys(CASES))
  expect(VECTORS.filter((vector) => vector.source === '')).toEqual([])
})

test('the Columbus Day stays are the same under the real calendar', () => {
  const days = (short: string, cover: string) =>
    accrual(short as IsoDate, cover as IsoDate, US_SETTLEMENT_CALENDAR).days
  expect(days('2026-10-09', '2026-10-12')).toBe(0)
  expect(days('2026-10-08', '2026-10-09')).toBe(4)
})
