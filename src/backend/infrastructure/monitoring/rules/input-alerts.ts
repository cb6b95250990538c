// What prices are made of: feeds, and what stands in for them.
import type { Alert, Windows } from './rule.ts'

/** Of priced quotes, by input, on which an input was of that source. */
const shareOf = (source: string, window: string) =>
  `sum by (namespace, input) (rate(fallback_inputs_total{source="${source}"}[${window}])) / on (namespace) group_left () sum by (namespace) (rate(quotes_total{outcome="priced"}[${window}]))`

export function inputAlerts(windows: Windows): readonly Alert[] {
  const quarter = windows('15m')
  const asked = (labels: string) => `sum by (namespace) (rate(feed_calls_total{${labels}}[${windows('5m')}]))`
  return [
    {
      name: 'FeedDown',
      priority: 'P3',
      kind: 'inputs',
      expr: 'max by (namespace, input, provider) (feed_breaker_open) == 1',
      for: windows('5m'),
      summary: '{{ $labels.provider }} is left alone for {{ $labels.input }}',
      description: 'Its breaker has been open, or half open, for five minutes. It is tried again by itself.',
      clients: 'Prices go on; that input is marked as cached, then stale, then as stood in for.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      name: 'AllFeedsDown',
      priority: 'P2',
      kind: 'inputs',
      // Of a breaker that never opened there is no series: whether anybody answers is asked of the calls, once two kinds of input were asked
      // for at least.
      expr: `(${asked('outcome=~"answered|absent"')} or 0 * ${asked('')}) == 0 and count by (namespace) (count by (namespace, input) (rate(feed_calls_total[${windows('5m')}]) > 0)) > 1`,
      for: windows('5m'),
      summary: 'No feed answers',
      description: 'All at once is seldom the feeds: NAT, the firewall or DNS.',
      clients:
        'Prices from what is kept, marked; later 503 EXTERNAL_API_UNAVAILABLE for names without a rate and a floor.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      name: 'FeedFails',
      priority: 'P3',
      kind: 'inputs',
      expr: `sum by (namespace, input, provider) (rate(feed_calls_total{outcome=~"timeout|unreachable|status|garbage|refused"}[${quarter}])) / sum by (namespace, input, provider) (rate(feed_calls_total{outcome!~"open|budget"}[${quarter}])) > 0.25`,
      for: windows('10m'),
      summary: '{{ $labels.provider }} fails for {{ $labels.input }}',
      description: '{{ $value | humanizePercentage }} of the questions got no answer that can be used.',
      clients: 'Some inputs marked as cached or stale.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      name: 'FeedBudgetUsedUp',
      priority: 'P4',
      kind: 'inputs',
      expr: `sum by (namespace, input, provider) (rate(feed_calls_total{outcome="budget"}[${quarter}])) > 0`,
      for: windows('30m'),
      summary: 'More is asked of {{ $labels.provider }} than its calls a minute',
      description: '{{ $value | humanize }} questions a second were not sent.',
      clients: 'Inputs of seldom asked names that are older than they could be.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      // A weekend of four days is less: an index has no value on days without trade.
      name: 'FeedFileStale',
      priority: 'P3',
      kind: 'inputs',
      expr: 'max by (namespace, feed) (feed_file_age_seconds) / max by (namespace, feed) (feed_file_limit_seconds) > 0.85',
      for: windows('10m'),
      summary: 'The file of the feed {{ $labels.feed }} is old',
      description:
        'Its data has used up {{ $value | humanizePercentage }} of the time for which it may be priced from at all.',
      clients: 'Prices with a degraded input, marked stale; once the time is used up, as stood in for.',
      runbook: 'runbooks/data-service.md#the-file-of-a-feed-is-old',
    },
    {
      name: 'InputsStale',
      priority: 'P3',
      kind: 'inputs',
      expr: `${shareOf('stale', quarter)} > 0.1`,
      for: windows('10m'),
      summary: 'Many quotes use a stale {{ $labels.input }}',
      description: '{{ $value | humanizePercentage }} of the quotes of a quarter of an hour.',
      clients: 'Prices with a degraded input, marked stale.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      name: 'InputsStoodIn',
      priority: 'P3',
      kind: 'inputs',
      expr: `${shareOf('fallback', quarter)} > 0.25`,
      for: windows('10m'),
      summary: 'Something stands in for {{ $labels.input }} in many quotes',
      description: '{{ $value | humanizePercentage }} of the quotes of a quarter of an hour have no observation of it.',
      clients: 'Prices with a degraded input, marked as stood in for.',
      runbook: 'troubleshooting.md#feeds',
    },
    {
      name: 'QuotesWithoutInputs',
      priority: 'P2',
      kind: 'inputs',
      expr: `sum by (namespace) (rate(quotes_total{outcome="EXTERNAL_API_UNAVAILABLE"}[${windows('5m')}])) / sum by (namespace) (rate(quotes_total[${windows('5m')}])) > 0.01`,
      for: windows('5m'),
      summary: 'Quotes fail for want of a rate',
      description: '{{ $value | humanizePercentage }} of the quotes: neither a lender rate nor a floor is known.',
      clients: '503 EXTERNAL_API_UNAVAILABLE for those tickers.',
      runbook: 'runbooks/data-service.md#how-it-fails-and-what-clients-see',
    },
  ]
}
