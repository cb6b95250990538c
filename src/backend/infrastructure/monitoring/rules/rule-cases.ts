// For every alert: figures under which it must fire, when it must not have yet, and when it must. Times are production's.

export interface RuleCase {
  readonly alert: string
  /** Where several rules have one name. */
  readonly labels?: string
  /** Series with their values, as promtool writes them: `0+10x20` grows by ten at every scrape, twenty times. */
  readonly series: Readonly<Record<string, string>>
  /** Between scrapes. Unless said: a minute. */
  readonly interval?: string
  readonly quietAt: string
  readonly firesAt: string
  /** When it must be over. */
  readonly clearAt?: string
}

const NS = 'namespace="borrow-rate-engine-prod"'
const GATEWAY = `job="api-gateway",${NS},route="/api/v1/rates/:ticker"`
const QUOTES = `job="api-gateway",${NS},route="/api/v1/calculate-locate"`

/** Requests of which so many in a thousand fail. */
const failing = (ofThousand: number, minutes: number) => ({
  [`http_requests_total{${GATEWAY},status="200"}`]: `0+${1000 - ofThousand}x${minutes}`,
  [`http_requests_total{${GATEWAY},status="503"}`]: `0+${ofThousand}x${minutes}`,
})
/** Quotes of which so many in a thousand take longer than 100 ms. */
const slow = (ofThousand: number, minutes: number) => ({
  [`http_request_duration_seconds_bucket{${QUOTES},le="0.1"}`]: `0+${1000 - ofThousand}x${minutes}`,
  [`http_request_duration_seconds_bucket{${QUOTES},le="0.25"}`]: `0+1000x${minutes}`,
  [`http_request_duration_seconds_bucket{${QUOTES},le="+Inf"}`]: `0+1000x${minutes}`,
  [`http_request_duration_seconds_count{${QUOTES}}`]: `0+1000x${minutes}`,
})
const component = (service: string, name: string, values: string) => ({
  [`component_up{${NS},service="${service}",component="${name}"}`]: values,
})

/** promtool multiplies numbers alone. */
const NOT_A_NUMBER = Array(40).fill('NaN').join(' ')

export const RULE_CASES: readonly RuleCase[] = [
  {
    alert: 'HighErrorRate',
    series: {
      'http_requests_total{job="api-gateway",status="200"}': '0+980x40',
      'http_requests_total{job="api-gateway",status="500"}': '0+20x15 300x25',
    },
    quietAt: '4m',
    firesAt: '12m',
    clearAt: '25m',
  },
  ...['api-gateway', 'calculation-service', 'data-service', 'cache-service', 'audit-service'].map((service) => ({
    alert: 'ServiceDown',
    labels: `service="${service}"`,
    series: { [`up{job="${service}",pod="a"}`]: '1x4 0x10 1x10', [`up{job="${service}",pod="b"}`]: '1x2 stale' },
    quietAt: '5m',
    firesAt: '8m',
    clearAt: '17m',
  })),
  { alert: 'PodDown', series: { 'up{job="data-service",pod="a"}': '0x20' }, quietAt: '4m', firesAt: '6m' },
  {
    alert: 'PodRestarts',
    series: { [`kube_pod_container_status_restarts_total{${NS},pod="a",container="service"}`]: '0+1x20' },
    quietAt: '1m',
    firesAt: '10m',
  },
  {
    alert: 'RequestsShed',
    series: { [`shed_requests_total{${NS},service="api-gateway",reason="in_flight"}`]: '0+1x20' },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'EventLoopLate',
    series: { [`nodejs_eventloop_lag_p99_seconds{${NS}}`]: '0.3x20' },
    quietAt: '9m',
    firesAt: '11m',
  },
  {
    alert: 'MemoryNearLimit',
    series: {
      [`container_memory_working_set_bytes{${NS},pod="a",container="service"}`]: '95x20',
      [`kube_pod_container_resource_limits{${NS},pod="a",container="service",resource="memory"}`]: '100x20',
    },
    quietAt: '9m',
    firesAt: '11m',
  },
  {
    alert: 'AutoscalerAtMaximum',
    series: {
      [`kube_horizontalpodautoscaler_status_current_replicas{${NS},horizontalpodautoscaler="a"}`]: '10x20',
      [`kube_horizontalpodautoscaler_spec_max_replicas{${NS},horizontalpodautoscaler="a"}`]: '10x20',
    },
    quietAt: '14m',
    firesAt: '16m',
  },
  {
    alert: 'BadCredentials',
    series: { [`bad_credentials_total{${NS},outcome="unauthorized"}`]: '0+120x20' },
    quietAt: '9m',
    firesAt: '13m',
  },
  {
    alert: 'WebhooksUnwatched',
    series: { [`webhook_watching{${NS},pod="a"}`]: '0x20', [`webhook_watching{${NS},pod="b"}`]: '1 0x19' },
    quietAt: '5m',
    firesAt: '7m',
  },
  {
    alert: 'WebhookDeliveriesGivenUp',
    series: { [`webhook_deliveries_total{${NS},outcome="dead"}`]: '0x5 1x10' },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'WebhookEventsDropped',
    series: { [`webhook_events_dropped_total{${NS}}`]: '0x5 1x10' },
    quietAt: '4m',
    firesAt: '8m',
  },
  ...(
    [
      ['P1', 10, '1m', '5m', 30],
      ['P2', 5, '14m', '20m', 60],
      ['P3', 2, '59m', '65m', 120],
      ['P4', 1, '179m', '186m', 240],
    ] as const
  ).map(([priority, ofThousand, quietAt, firesAt, minutes]) => ({
    alert: 'AvailabilityBudgetBurns',
    labels: `priority="${priority}"`,
    series: failing(ofThousand, minutes),
    quietAt,
    firesAt,
  })),
  ...(
    [
      ['window="1h"', 800, '1m', '5m', 30],
      ['window="6h"', 400, '14m', '20m', 60],
      ['window="1d"', 200, '59m', '65m', 120],
      ['window="3d"', 100, '179m', '186m', 240],
    ] as const
  ).map(([labels, ofThousand, quietAt, firesAt, minutes]) => ({
    alert: 'LatencyBudgetBurns',
    labels,
    series: slow(ofThousand, minutes),
    quietAt,
    firesAt,
  })),
  { alert: 'QuotesSlow', series: slow(100, 20), quietAt: '9m', firesAt: '13m' },
  {
    alert: 'FeedDown',
    series: { [`feed_breaker_open{${NS},input="lender_rate",provider="lender"}`]: '1x20' },
    quietAt: '4m',
    firesAt: '6m',
  },
  {
    alert: 'AllFeedsDown',
    series: {
      [`feed_calls_total{${NS},input="lender_rate",provider="lender",outcome="timeout"}`]: '0+5x20',
      [`feed_calls_total{${NS},input="volatility",provider="v",outcome="open"}`]: '0+5x20',
    },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'FeedFails',
    series: {
      [`feed_calls_total{${NS},input="lender_rate",provider="lender",outcome="timeout"}`]: '0+5x20',
      [`feed_calls_total{${NS},input="lender_rate",provider="lender",outcome="answered"}`]: '0+5x20',
    },
    quietAt: '9m',
    firesAt: '13m',
  },
  {
    alert: 'FeedBudgetUsedUp',
    series: { [`feed_calls_total{${NS},input="volatility",provider="v",outcome="budget"}`]: '0+1x40' },
    quietAt: '29m',
    firesAt: '33m',
  },
  ...(
    [
      ['InputsStale', 'stale'],
      ['InputsStoodIn', 'fallback'],
    ] as const
  ).map(([alert, source]) => ({
    alert,
    series: {
      [`fallback_inputs_total{${NS},input="lender_rate",source="${source}"}`]: '0+5x20',
      [`quotes_total{${NS},outcome="priced"}`]: '0+10x20',
    },
    quietAt: '9m',
    firesAt: '13m',
  })),
  {
    alert: 'QuotesWithoutInputs',
    series: {
      [`quotes_total{${NS},outcome="EXTERNAL_API_UNAVAILABLE"}`]: '0+5x20',
      [`quotes_total{${NS},outcome="priced"}`]: '0+95x20',
    },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'QuotesUnrecorded',
    interval: '15s',
    series: {
      [`quotes_total{${NS},outcome="AUDIT_UNAVAILABLE"}`]: '0+5x20 100x20',
      [`quotes_total{${NS},outcome="priced"}`]: '0+5x40',
    },
    quietAt: '45s',
    firesAt: '3m',
    clearAt: '8m',
  },
  {
    alert: 'RecordsRefused',
    series: { [`audit_records_total{${NS},service="calculation-service",outcome="refused"}`]: '0+1x20' },
    quietAt: '2m',
    firesAt: '5m',
  },
  {
    alert: 'AuditQueueFills',
    series: { [`audit_queue_records{${NS},pod="a"}`]: '1500x20' },
    quietAt: '1m',
    firesAt: '3m',
  },
  {
    alert: 'AuditCommitsSlow',
    series: {
      [`audit_commit_duration_seconds_bucket{${NS},le="0.05"}`]: '0x20',
      [`audit_commit_duration_seconds_bucket{${NS},le="0.1"}`]: '0+10x20',
      [`audit_commit_duration_seconds_bucket{${NS},le="+Inf"}`]: '0+10x20',
    },
    quietAt: '9m',
    firesAt: '13m',
  },
  { alert: 'AuditSealLags', series: { [`audit_seal_lag_seconds{${NS}}`]: '100x20' }, quietAt: '4m', firesAt: '6m' },
  { alert: 'AuditChainBroken', series: { [`audit_chain_broken{${NS}}`]: '0x4 1x10' }, quietAt: '4m', firesAt: '6m' },
  {
    alert: 'AuditHeadNotExported',
    series: component('audit-service', 'exported_heads', '0x20'),
    quietAt: '14m',
    firesAt: '16m',
  },
  { alert: 'AuditMonthsAheadFew', series: { [`audit_months_ahead{${NS}}`]: '1x80' }, quietAt: '59m', firesAt: '61m' },
  {
    alert: 'AuditMonthsOverdue',
    series: { [`audit_months_overdue{${NS}}`]: '1x400' },
    quietAt: '359m',
    firesAt: '361m',
  },
  {
    alert: 'RefusalRecordsDropped',
    series: { [`refusal_records_dropped_total{${NS}}`]: '0x5 3x10' },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'DatabaseAway',
    series: component('calculation-service', 'audit_log', '1x4 0x10 1x10'),
    quietAt: '5m',
    firesAt: '8m',
    clearAt: '17m',
  },
  {
    alert: 'DatabasePoolWaits',
    series: { [`database_connections{${NS},service="data-service",pool="service",state="waiting"}`]: '3x20' },
    quietAt: '1m',
    firesAt: '3m',
  },
  {
    alert: 'RedisAway',
    series: { ...component('data-service', 'redis', '0x20'), ...component('api-gateway', 'redis', '0x20') },
    quietAt: '1m',
    firesAt: '3m',
  },
  { alert: 'RateLimitsAlone', series: { [`rate_limits_shared{${NS}}`]: '0x20' }, quietAt: '4m', firesAt: '6m' },
  { alert: 'ComponentDown', series: component('api-gateway', 'data_service', '0x20'), quietAt: '4m', firesAt: '6m' },
  {
    alert: 'SharedCopiesMiss',
    series: {
      [`cache_reads_total{${NS},outcome="hit"}`]: '0+1x40',
      [`cache_reads_total{${NS},outcome="miss"}`]: '0+9x40',
    },
    quietAt: '29m',
    firesAt: '33m',
  },
  { alert: 'CacheCold', series: { [`cache_warm{${NS}}`]: '0x20' }, quietAt: '14m', firesAt: '16m' },
  {
    alert: 'ReplicaNotUsed',
    series: { [`database_replica_in_use{${NS},service="data-service"}`]: '0x40' },
    quietAt: '29m',
    firesAt: '31m',
  },
  // promtool's clock begins in 1970.
  {
    alert: 'CertificateNotRenewed',
    series: { [`tls_certificate_expires_seconds{${NS},service="data-service"}`]: '864000x80' },
    quietAt: '59m',
    firesAt: '61m',
  },
  {
    alert: 'CertificateEnds',
    series: { [`tls_certificate_expires_seconds{${NS},service="data-service"}`]: '86400x20' },
    quietAt: '4m',
    firesAt: '6m',
  },
  {
    alert: 'DeploymentInProgress',
    series: {
      [`kube_deployment_status_replicas_updated{${NS},deployment="api-gateway"}`]: '3x4 1x5 3x10',
      [`kube_deployment_status_replicas{${NS},deployment="api-gateway"}`]: '3x20',
    },
    quietAt: '4m',
    firesAt: '6m',
    clearAt: '12m',
  },
  {
    alert: 'DeploymentStuck',
    series: {
      [`kube_deployment_status_condition{${NS},deployment="api-gateway",condition="Progressing",status="false"}`]:
        '0x4 1x10',
    },
    quietAt: '5m',
    firesAt: '7m',
  },
  {
    alert: 'DeploymentFailed',
    series: { 'deployment_info{job="deployment",environment="prod",version="1.2.3",status="failed"}': '_x4 1x10' },
    quietAt: '3m',
    firesAt: '6m',
  },
  {
    alert: 'ReplicasMissing',
    series: {
      [`kube_deployment_status_replicas_available{${NS},deployment="api-gateway"}`]: '2x20',
      [`kube_deployment_spec_replicas{${NS},deployment="api-gateway"}`]: '3x20',
    },
    quietAt: '9m',
    firesAt: '11m',
  },
  {
    alert: 'CanaryErrors',
    series: {
      [`http_requests_total{${NS},job="api-gateway-canary",status="200"}`]: '0+95x20',
      [`http_requests_total{${NS},job="api-gateway-canary",status="500"}`]: '0+5x20',
    },
    quietAt: '2m',
    firesAt: '5m',
  },
  {
    alert: 'CanaryForgotten',
    series: { [`traffic_split_weight_percent{${NS},route="api-gateway",backend="api-gateway-canary"}`]: '10x1500' },
    quietAt: '1439m',
    firesAt: '1441m',
  },
  { alert: 'TrafficSplitRefused', series: { [`traffic_split_refused{${NS}}`]: '1x20' }, quietAt: '0m', firesAt: '2m' },
  {
    alert: 'TrafficSplitUnwatched',
    series: { [`traffic_split_watching{${NS},watched="trafficsplits"}`]: '0x20' },
    quietAt: '4m',
    firesAt: '6m',
  },
  {
    alert: 'RuleFails',
    series: { 'prometheus_rule_evaluation_failures_total{rule_group="g"}': '0x5 3x10' },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'NotificationsFail',
    series: { 'alertmanager_notifications_failed_total{integration="slack"}': '0+1x20' },
    quietAt: '4m',
    firesAt: '8m',
  },
  {
    alert: 'TracesLost',
    series: { [`trace_spans_total{${NS},service="api-gateway",outcome="failed"}`]: '0+1x40' },
    quietAt: '29m',
    firesAt: '33m',
  },
  {
    alert: 'ApiKeysExpire',
    series: { [`api_keys_expiring{${NS},within_days="14",pod="a"}`]: '0x20 1x100 0x20' },
    quietAt: '1h10m',
    firesAt: '1h30m',
    clearAt: '2h5m',
  },
  {
    alert: 'ApiKeysEnd',
    series: { [`api_keys_expiring{${NS},within_days="2",pod="a"}`]: '0x5 2x30' },
    quietAt: '14m',
    firesAt: '17m',
  },
  {
    // A replica that has read nothing yet knows no age.
    alert: 'FeedFileStale',
    series: {
      [`feed_file_age_seconds{${NS},feed="lender",pod="a"}`]: '73000+60x40',
      [`feed_file_age_seconds{${NS},feed="lender",pod="b"}`]: NOT_A_NUMBER,
      [`feed_file_limit_seconds{${NS},feed="lender",pod="a"}`]: '86400x40',
      [`feed_file_limit_seconds{${NS},feed="lender",pod="b"}`]: '86400x40',
    },
    quietAt: '15m',
    firesAt: '20m',
  },
]

/** Figures at which an alert must not fire, however long they last. */
export const QUIET_CASES: readonly Omit<RuleCase, 'firesAt'>[] = [
  {
    // Exactly the guide's share: it says "above".
    alert: 'HighErrorRate',
    series: {
      'http_requests_total{job="api-gateway",status="200"}': '0+99x40',
      'http_requests_total{job="api-gateway",status="500"}': '0+1x40',
    },
    quietAt: '30m',
  },
  {
    alert: 'ServiceDown',
    labels: 'service="data-service"',
    series: { 'up{job="data-service",pod="a"}': '0x20', 'up{job="data-service",pod="b"}': '1x20' },
    quietAt: '15m',
  },
  // A single error among few requests is no reason to get up at night: the long window has none of it an hour later.
  {
    alert: 'AvailabilityBudgetBurns',
    labels: 'priority="P1"',
    series: {
      [`http_requests_total{${GATEWAY},status="200"}`]: '0+100x400',
      [`http_requests_total{${GATEWAY},status="503"}`]: '0x100 10x300',
    },
    quietAt: '106m',
  },
  { alert: 'AvailabilityBudgetBurns', series: failing(0, 400), quietAt: '390m' },
  // Probes and scrapes are no traffic.
  {
    alert: 'AvailabilityBudgetBurns',
    series: {
      [`http_requests_total{job="api-gateway",${NS},route="/health/details",status="503"}`]: '0+100x100',
      [`http_requests_total{${GATEWAY},status="200"}`]: '0+100x100',
    },
    quietAt: '90m',
  },
  // One feed alone is FeedDown's matter, also when nothing else was asked.
  {
    alert: 'AllFeedsDown',
    series: { [`feed_calls_total{${NS},input="lender_rate",provider="lender",outcome="timeout"}`]: '0+5x20' },
    quietAt: '15m',
  },
  {
    alert: 'AllFeedsDown',
    series: {
      [`feed_calls_total{${NS},input="lender_rate",provider="lender",outcome="timeout"}`]: '0+5x20',
      [`feed_calls_total{${NS},input="volatility",provider="v",outcome="answered"}`]: '0+5x20',
    },
    quietAt: '15m',
  },
  {
    alert: 'DatabaseAway',
    series: {
      [`component_up{${NS},service="data-service",component="database",pod="a"}`]: '0x20',
      [`component_up{${NS},service="data-service",component="database",pod="b"}`]: '1x20',
    },
    quietAt: '15m',
  },
  {
    alert: 'CertificateNotRenewed',
    series: { [`tls_certificate_expires_seconds{${NS},service="data-service"}`]: `${29 * 86_400}x80` },
    quietAt: '75m',
  },
  {
    alert: 'InputsStale',
    series: {
      [`fallback_inputs_total{${NS},input="lender_rate",source="stale"}`]: '0+1x40',
      [`quotes_total{${NS},outcome="priced"}`]: '0+100x40',
    },
    quietAt: '35m',
  },
  // From Friday's close to Tuesday's, with a holiday between.
  {
    alert: 'FeedFileStale',
    series: {
      [`feed_file_age_seconds{${NS},feed="volatility",pod="a"}`]: `${4 * 86_400}+60x20`,
      [`feed_file_limit_seconds{${NS},feed="volatility",pod="a"}`]: `${5 * 86_400}x20`,
    },
    quietAt: '18m',
  },
  // Of demonstration data nobody knows an age.
  {
    alert: 'FeedFileStale',
    series: {
      [`feed_file_age_seconds{${NS},feed="events",pod="a"}`]: NOT_A_NUMBER,
      [`feed_file_limit_seconds{${NS},feed="events",pod="a"}`]: `${7 * 86_400}x20`,
    },
    quietAt: '18m',
  },
  { alert: 'ApiKeysEnd', series: { [`api_keys_expiring{${NS},within_days="14"}`]: '3x40' }, quietAt: '35m' },
  // Without a webhook nobody watches.
  { alert: 'WebhooksUnwatched', series: { [`webhook_watching{${NS},pod="a"}`]: '0x40' }, quietAt: '30m' },
  // The autoscaler adds pods of the version that is there.
  {
    alert: 'DeploymentInProgress',
    series: {
      [`kube_deployment_status_replicas_updated{${NS},deployment="api-gateway"}`]: '3x5 6x10',
      [`kube_deployment_status_replicas{${NS},deployment="api-gateway"}`]: '3x5 6x10',
      [`kube_deployment_spec_replicas{${NS},deployment="api-gateway"}`]: '3x3 6x12',
    },
    quietAt: '10m',
  },
]
