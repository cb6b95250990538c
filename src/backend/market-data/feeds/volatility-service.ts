// The volatility service: GET /api/market/vix gives the index, {"value":20.5,"timestamp":...}; a provider that also has single
// names answers GET /api/market/volatility/{ticker} in the same form, and 404 for the others.
import { compare, decimal, isNegative } from '../../pricing/decimal.ts'
import { asIndexPoints, type IndexPoints } from '../../pricing/units.ts'
import type { JsonValue } from '../../server/json-reader.ts'
import { type FeedConnection, type ServiceFeed, unusable } from '../feed.ts'
import type { Stored } from '../observation.ts'
import { answerObject, momentMember, numberMember, refuseOtherName } from './service-answer.ts'

/** Above this a volatility is garbage. The highest close of the index was 82.69. */
const VOLATILITY_MAX = decimal(500)

/** The index. It is asked about nothing. */
export function volatilityIndexService(connection: FeedConnection): ServiceFeed<Stored<IndexPoints>, null> {
  return {
    provider: connection.provider,
    ask: (_nothing, options) => connection.call('/api/market/vix', reader(connection.provider, null), options),
    states: () => [connection.state()],
  }
}

export function stockVolatilityService(connection: FeedConnection): ServiceFeed<Stored<IndexPoints>> {
  return {
    provider: connection.provider,
    ask: (ticker, options) =>
      connection.call(
        `/api/market/volatility/${encodeURIComponent(ticker)}`,
        reader(connection.provider, ticker),
        options,
      ),
    states: () => [connection.state()],
  }
}

function reader(provider: string, ticker: string | null): (answer: JsonValue, receivedAt: Date) => Stored<IndexPoints> {
  return (answer, receivedAt) => {
    const object = answerObject(answer, 'value')
    if (ticker !== null) refuseOtherName(object, ticker)
    const value = numberMember(object, 'value')
    if (value === null || isNegative(value) || compare(value, VOLATILITY_MAX) > 0) {
      throw unusable('value must lie between 0 and 500 points')
    }
    return {
      value: asIndexPoints(value),
      provider,
      asOf: momentMember(object, 'timestamp', receivedAt),
      receivedAt,
      demo: false,
    }
  }
}
