// What the numbers of the contract count. One word means one thing, so a member's name says its unit, wherever it stands; where a name
// alone does not, the member that it stands in does. Shapes that say a unit themselves, as a keyword or in words, need no row.

/** By the member's name, or by the name it stands in and its own. */
const UNITS: Readonly<Record<string, string>> = {
  // Amounts
  amount: 'USD',
  borrow_cost: 'USD',
  charged_value: 'USD',
  cost_per_day: 'USD',
  fee_per_share: 'USD a share',
  margin: 'USD',
  mark: 'USD a share',
  markup: 'USD',
  position_value: 'USD',
  'price.value': 'USD a share',
  total_fee: 'USD',
  total_fees: 'USD',
  transaction_amount: 'USD, or percent points',
  transaction_fees: 'USD',
  up_to: 'USD',
  'waterfall.after': 'USD, or fraction a year',
  'waterfall.before': 'USD, or fraction a year',
  'waterfall.delta': 'USD, or fraction a year',

  // Rates
  'base_rate.value': 'fraction a year',
  borrow_rate: 'fraction a year',
  borrow_rate_used: 'fraction a year',
  current_rate: 'fraction a year',
  floor_rate: 'fraction a year',
  lender_rate: 'fraction a year',
  previous_close_rate: 'fraction a year',
  previous_rate: 'fraction a year',
  rebate_rate: 'fraction a year',
  delta_bp: 'basis points',
  threshold_bp: 'basis points',
  markup_percentage: 'percent points',
  event_weight: 'share of the lender rate',
  volatility_weight: 'share of the lender rate',
  max_multiplier: "times the lender's rate",

  // The market
  'event_risk.value': 'of 10',
  event_risk_factor: 'of 10',
  risk_factor: 'of 10',
  'volatility.value': 'index points',
  volatility_index: 'index points',
  volatility_threshold: 'index points',
  charged_shares: 'shares',
  lot_shares: 'shares',
  quantity: 'shares',
  shares: 'shares',

  // Times
  age_seconds: 'seconds',
  days: 'days',
  expires_in: 'seconds',
  expires_in_days: 'days',
  late_seconds_max: 'seconds',
  loan_days: 'days',
  max_age: 'seconds',
  minutes: 'minutes',
  overlap_days: 'days',

  // Counts
  attempts: 'attempts',
  changed: 'quotes',
  checked: 'records',
  clients: 'brokers',
  clients_max: 'brokers',
  different: 'quotes',
  dropped: 'events',
  failed: 'lines',
  failures: 'attempts',
  identical: 'quotes',
  limit: 'items',
  line: 'place, from 1',
  lines: 'lines',
  not_replayable: 'quotes',
  of: 'records',
  other_records: 'records',
  page: 'place, from 1',
  page_size: 'records',
  pages: 'pages',
  pending: 'events',
  priced: 'lines',
  quotes: 'quotes',
  quotes_found: 'quotes',
  rate_limits: 'requests in 60 s',
  records: 'records',
  replayed: 'quotes',
  requests_per_minute: 'requests in 60 s',
  skip: 'items',
  total: 'items',
  unnamed: 'quotes',
  unsealed: 'records',

  // Numbers that name something
  first_sequence: 'place, from 1',
  last_status: 'HTTP status',
  schema_version: 'version',
  sequence: 'place, from 1',
  version: 'version',
}

/**
 * What a number counts; null when nothing says it.
 * @param path names of the members that it stands in, the own one last
 */
export function unitOf(path: readonly string[]): string | null {
  const own = path.at(-1) ?? ''
  return UNITS[`${path.at(-2)}.${own}`] ?? UNITS[own] ?? null
}
