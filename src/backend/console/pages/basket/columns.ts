// The columns that a basket may have: the fields of a quote's request, and the names that sheets and systems give them. A name that is
// not in the table is nobody's: its column is shown as left out, and nothing is made of it.

export const FIELDS = [
  'ticker',
  'position_value',
  'quantity',
  'price',
  'loan_days',
  'start_date',
  'end_date',
  'client_id',
] as const
export type Field = (typeof FIELDS)[number]

export const FIELD_TITLES: Readonly<Record<Field, string>> = {
  ticker: 'Ticker',
  position_value: 'Value, USD',
  quantity: 'Shares',
  price: 'Price, USD',
  loan_days: 'Days',
  start_date: 'Start',
  end_date: 'End',
  client_id: 'Broker',
}

const NAMES: Readonly<Record<Field, readonly string[]>> = {
  ticker: ['ticker', 'symbol', 'sym', 'tickersymbol', 'stock', 'stockticker', 'ric', 'bbgticker', 'bloombergticker'],
  position_value: [
    'positionvalue',
    'value',
    'valueusd',
    'positionvalueusd',
    'notional',
    'notionalusd',
    'notionalvalue',
    'usdnotional',
    'marketvalue',
    'marketvalueusd',
    'mktvalue',
    'mktval',
    'mv',
    'amount',
    'amountusd',
    'usd',
    'usdvalue',
    'exposure',
    'shortvalue',
  ],
  quantity: [
    'quantity',
    'qty',
    'shares',
    'sharequantity',
    'numberofshares',
    'noofshares',
    'shrs',
    'shs',
    'sharesshort',
  ],
  price: [
    'price',
    'priceusd',
    'px',
    'shareprice',
    'pricepershare',
    'lastprice',
    'last',
    'close',
    'closeprice',
    'pxlast',
  ],
  loan_days: [
    'loandays',
    'days',
    'term',
    'termdays',
    'stay',
    'staydays',
    'tenor',
    'tenordays',
    'holdingdays',
    'holdingperiod',
    'holdingperioddays',
    'holddays',
    'daysheld',
    'calendardays',
    'durationdays',
  ],
  start_date: ['startdate', 'start', 'from', 'opendate', 'shortdate', 'begindate'],
  end_date: ['enddate', 'end', 'until', 'to', 'coverdate', 'closedate', 'returndate'],
  client_id: ['clientid', 'client', 'broker', 'brokerid', 'account', 'accountid', 'acct', 'counterparty', 'cpty'],
}

const BY_NAME: ReadonlyMap<string, Field> = new Map(
  FIELDS.flatMap((field) => NAMES[field].map((name) => [plainName(name), field] as const)),
)

/** `Position Value (USD)`, `position_value` and `PositionValue` are one name. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** What a column of that name holds; null when nobody knows. */
export function fieldOf(name: string): Field | null {
  return BY_NAME.get(plainName(name)) ?? null
}

/** Without a header row columns are in the contract's own order. */
export const ORDER_WITHOUT_NAMES: readonly Field[] = ['ticker', 'position_value', 'loan_days', 'client_id']
