// Every metric that a rule or a dashboard may ask for, with its labels, and who shows it. A test holds the engine's against its source,
// another against a running engine.

/** Of the engine's own: the labels it sets. `service` is on all of them. A histogram is named without its ending. */
export const ENGINE_METRICS: Readonly<Record<string, readonly string[]>> = {
  http_requests_total: ['method', 'route', 'status'],
  http_request_duration_seconds: ['method', 'route'],
  http_requests_in_flight: [],
  internal_calls_total: ['operation', 'outcome'],
  internal_call_duration_seconds: ['operation'],
  shed_requests_total: ['reason'],
  rate_limited_total: ['tier'],
  rate_limits_shared: [],
  rate_limit_alone_requests_total: [],
  bad_credentials_total: ['outcome'],
  api_key_next_expiry_seconds: [],
  api_keys_expiring: ['within_days'],
  component_up: ['component'],
  database_connections: ['pool', 'state'],
  database_replica_in_use: [],
  tls_certificate_expires_seconds: [],
  trace_spans_total: ['outcome'],
  quotes_total: ['outcome'],
  quote_fee_usd: [],
  fallback_inputs_total: ['input', 'source'],
  feed_calls_total: ['input', 'provider', 'outcome'],
  feed_call_duration_seconds: ['input'],
  feed_breaker_open: ['input', 'provider'],
  feed_answer_age_seconds: ['input'],
  feed_file_age_seconds: ['feed'],
  feed_file_limit_seconds: ['feed'],
  cache_reads_total: ['outcome'],
  cache_warm: [],
  cache_warmed_names_total: [],
  cache_renewed_names_total: [],
  audit_queue_records: [],
  audit_records_total: ['outcome'],
  audit_commit_duration_seconds: [],
  audit_seal_duration_seconds: [],
  audit_seal_lag_seconds: [],
  audit_sealed_records_total: [],
  audit_chain_broken: [],
  audit_exported_head: [],
  audit_months_ahead: [],
  audit_months_overdue: [],
  refusal_records_waiting: [],
  refusal_records_written_total: [],
  refusal_records_dropped_total: [],
  stream_listeners: [],
  stream_watched_names: [],
  stream_events_total: [],
  stream_resets_total: [],
  stream_cut_total: [],
  webhook_watching: [],
  webhook_events_waiting: [],
  webhook_events_dropped_total: [],
  webhook_deliveries_total: ['outcome'],
}

export const ENGINE_HISTOGRAMS: readonly string[] = [
  'http_request_duration_seconds',
  'internal_call_duration_seconds',
  'quote_fee_usd',
  'feed_call_duration_seconds',
  'audit_commit_duration_seconds',
  'audit_seal_duration_seconds',
]

/** Of every process of ours, by prom-client. Only those that are asked for. */
export const PROCESS_METRICS: Readonly<Record<string, readonly string[]>> = {
  process_cpu_seconds_total: [],
  process_resident_memory_bytes: [],
  process_start_time_seconds: [],
  process_open_fds: [],
  nodejs_eventloop_lag_p99_seconds: [],
  nodejs_heap_size_used_bytes: [],
  nodejs_version_info: ['version', 'major', 'minor', 'patch'],
}

/** Of the controller that carries out a TrafficSplit. */
export const CONTROLLER_METRICS: Readonly<Record<string, readonly string[]>> = {
  traffic_split_weight_percent: ['route', 'backend'],
  traffic_split_writes_total: [],
  traffic_split_refused: [],
  traffic_split_watching: ['watched'],
}

const WORKLOAD = ['pod', 'container']
/** Of others: kube-state-metrics, the kubelet's cAdvisor, the pipelines by a Pushgateway, Prometheus and Alertmanager themselves. */
export const OTHER_METRICS: Readonly<Record<string, readonly string[]>> = {
  up: [],
  ALERTS: ['alertname', 'alertstate', 'severity', 'priority', 'type'],
  kube_deployment_spec_replicas: ['deployment'],
  kube_deployment_status_replicas_available: ['deployment'],
  kube_deployment_status_replicas_updated: ['deployment'],
  kube_deployment_status_replicas: ['deployment'],
  kube_deployment_status_condition: ['deployment', 'condition', 'status'],
  kube_horizontalpodautoscaler_status_current_replicas: ['horizontalpodautoscaler'],
  kube_horizontalpodautoscaler_spec_max_replicas: ['horizontalpodautoscaler'],
  kube_pod_container_status_restarts_total: WORKLOAD,
  kube_pod_container_resource_limits: [...WORKLOAD, 'resource'],
  kube_pod_container_info: [...WORKLOAD, 'image_spec'],
  container_memory_working_set_bytes: WORKLOAD,
  container_cpu_usage_seconds_total: WORKLOAD,
  container_cpu_cfs_throttled_periods_total: WORKLOAD,
  container_cpu_cfs_periods_total: WORKLOAD,
  deployment_info: ['environment', 'version', 'status'],
  deployment_timestamp_seconds: ['environment'],
  prometheus_rule_evaluation_failures_total: ['rule_group'],
  prometheus_tsdb_head_series: [],
  alertmanager_notifications_failed_total: ['integration'],
}

/** What the scraper puts on every series of a pod, and `service`, which the engine does. */
export const SCRAPE_LABELS: readonly string[] = ['job', 'instance', 'namespace', 'pod', 'service']

const HISTOGRAM_ENDINGS = ['_bucket', '_sum', '_count']

/** The labels of a series, null when nobody shows it. */
export function labelsOf(series: string): readonly string[] | null {
  const all = { ...ENGINE_METRICS, ...PROCESS_METRICS, ...CONTROLLER_METRICS, ...OTHER_METRICS }
  const ending = HISTOGRAM_ENDINGS.find((candidate) => series.endsWith(candidate)) ?? ''
  const histogram = ending === '' ? '' : series.slice(0, -ending.length)
  if (ENGINE_HISTOGRAMS.includes(histogram)) {
    return [...(all[histogram] ?? []), ...(ending === '_bucket' ? ['le'] : []), ...SCRAPE_LABELS]
  }
  const own = ENGINE_HISTOGRAMS.includes(series) ? undefined : all[series]
  return own === undefined ? null : [...own, ...SCRAPE_LABELS]
}
