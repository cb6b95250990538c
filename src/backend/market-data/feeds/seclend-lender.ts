// The lender's service in the "SecLend" form: GET /api/v1/borrows/{ticker} gives {"rate":0.15,"status":"HARD"}, and perhaps
// `available` and `timestamp`. The rate is a fraction a year, as everywhere else here.
import { compare, type Decimal, decimal, isNegative } from '../../pricing/decimal.ts'
import { asRate } from '../../pricing/units.ts'
import type { BorrowStatus } from '../../reference-data/stocks.ts'
import { type JsonObject, NumberToken } from '../../server/json-reader.ts'
import type { LenderListing } from '../fallback.ts'
import { type FeedConnection, type ServiceFeed, unusable } from '../feed.ts'
import type { Availability, Stored } from '../observation.ts'
import { answerObject, momentMember, numberMember, refuseOtherName, textMember } from './service-answer.ts'

/** A lender rate above this is garbage: 100 is 10 000 % a year. Fees above 1000 % are real. */
const RATE_MAX = decimal(100)
const SHARES = /^(>?)([0-9]{1,12})$/

/** The words lenders use for a tier. A word that is not among them says nothing, and the rate decides. */
const STATUS_WORDS: ReadonlyMap<string, BorrowStatus> = new Map<string, BorrowStatus>([
  ['EASY', 'EASY'],
  ['EASY_TO_BORROW', 'EASY'],
  ['ETB', 'EASY'],
  ['GC', 'EASY'],
  ['GENERAL_COLLATERAL', 'EASY'],
  ['MEDIUM', 'MEDIUM'],
  ['WARM', 'MEDIUM'],
  ['HARD', 'HARD'],
  ['HARD_TO_BORROW', 'HARD'],
  ['HTB', 'HARD'],
  ['SPECIAL', 'HARD'],
])

export function secLendLender(connection: FeedConnection): ServiceFeed<Stored<LenderListing>> {
  return {
    provider: connection.provider,
    ask: (ticker, options) =>
      connection.call(
        `/api/v1/borrows/${encodeURIComponent(ticker)}`,
        (answer, receivedAt) => {
          const object = answerObject(answer, 'rate')
          refuseOtherName(object, ticker)
          return {
            value: readListing(object),
            provider: connection.provider,
            asOf: momentMember(object, 'timestamp', receivedAt),
            receivedAt,
            demo: false,
          }
        },
        options,
      ),
    states: () => [connection.state()],
  }
}

function readListing(object: JsonObject): LenderListing {
  const rate = numberMember(object, 'rate')
  if (rate !== null && !isPossible(rate)) throw unusable('rate must lie between 0 and 100, a fraction a year')
  return {
    rate: rate === null ? null : asRate(rate),
    borrowStatus: readStatus(textMember(object, 'status')),
    availability: readAvailable(object),
    benchmarkRate: null,
    listed: true,
  }
}

function isPossible(rate: Decimal): boolean {
  return !isNegative(rate) && compare(rate, RATE_MAX) <= 0
}

function readStatus(word: string | null): BorrowStatus | null {
  return word === null ? null : (STATUS_WORDS.get(word.trim().toUpperCase().replaceAll(/[ -]+/g, '_')) ?? null)
}

/** A whole number of shares, or `">10000000"`: so many or more. */
function readAvailable(object: JsonObject): Availability {
  const value = object.available
  if (value === undefined || value === null) return { shares: null, atLeast: false }
  const shares = SHARES.exec(value instanceof NumberToken ? value.text : typeof value === 'string' ? value : '')
  if (shares === null) throw unusable('available must be a whole number of shares')
  return { shares: Number(shares[2]), atLeast: shares[1] === '>' }
}
