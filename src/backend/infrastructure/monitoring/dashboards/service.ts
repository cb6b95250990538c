// One for each service: what all have in common, then its own work.
import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard'
import type { ServiceName } from '../rules/rule.ts'
import { dashboard, graph, HERE, logs, number } from './panels.ts'

const OWN: Readonly<Record<ServiceName, (only: string) => readonly Builder<Panel>[]>> = {
  'api-gateway': (only) => [
    graph(
      { title: 'Requests by route', unit: 'perSecond' },
      { query: `sum by (route) (rate(http_requests_total{${only}}[5m]))`, legend: '{{route}}' },
    ),
    graph(
      { title: 'Status 5xx by route', unit: 'perSecond' },
      {
        query: `sum by (route, status) (rate(http_requests_total{${only},status=~"5.."}[5m]))`,
        legend: '{{status}} {{route}}',
      },
    ),
    graph(
      { title: 'Duration by route (95 of 100)', unit: 'seconds', bad: 0.1 },
      {
        query: `histogram_quantile(0.95, sum by (route, le) (rate(http_request_duration_seconds_bucket{${only}}[5m])))`,
        legend: '{{route}}',
      },
    ),
    graph(
      { title: 'Limits', unit: 'perSecond' },
      { query: `sum by (tier) (rate(rate_limited_total{${only}}[5m]))`, legend: '{{tier}}' },
      { query: `sum(rate(bad_credentials_total{${only}}[5m]))`, legend: 'bad credentials' },
    ),
    graph(
      { title: 'Counted together', unit: 'number', description: '0: Redis is away.' },
      { query: `rate_limits_shared{${only}}`, legend: '{{pod}}' },
    ),
    graph(
      { title: 'Streams', unit: 'number' },
      { query: `sum(stream_listeners{${only}})`, legend: 'listeners' },
      { query: `sum(stream_watched_names{${only}})`, legend: 'names' },
    ),
    graph(
      { title: 'Events of streams', unit: 'perSecond' },
      { query: `sum(rate(stream_events_total{${only}}[5m]))`, legend: 'events' },
      { query: `sum(rate(stream_resets_total{${only}}[5m]))`, legend: 'begun anew' },
      { query: `sum(rate(stream_cut_total{${only}}[5m]))`, legend: 'cut' },
    ),
    graph(
      { title: 'Webhooks', unit: 'perSecond' },
      { query: `sum by (outcome) (rate(webhook_deliveries_total{${only}}[5m]))`, legend: '{{outcome}}' },
    ),
    graph(
      { title: 'Events that wait', unit: 'number' },
      { query: `sum(webhook_events_waiting{${only}})`, legend: 'for webhooks' },
      { query: `sum(refusal_records_waiting{${only}})`, legend: 'records of refusals' },
    ),
    number(
      { title: 'API keys that end within 14 days', unit: 'number', bad: 1 },
      `max(api_keys_expiring{${only},within_days="14"})`,
    ),
    number({ title: 'The next API key ends', unit: 'time' }, `min(api_key_next_expiry_seconds{${only}}) * 1000`),
    graph(
      { title: 'Records of refusals', unit: 'perSecond' },
      { query: `sum(rate(refusal_records_written_total{${only}}[5m]))`, legend: 'written' },
      { query: `sum(rate(refusal_records_dropped_total{${only}}[5m]))`, legend: 'given up' },
    ),
  ],
  'calculation-service': (only) => [
    graph(
      { title: 'Quotes', unit: 'perSecond' },
      { query: `sum by (outcome) (rate(quotes_total{${only}}[5m]))`, legend: '{{outcome}}' },
    ),
    graph(
      { title: 'Fees quoted in an hour', unit: 'dollars' },
      { query: `sum(increase(quote_fee_usd_sum{${only}}[1h]))`, legend: 'fees' },
    ),
    graph(
      { title: 'Inputs that were not fresh', unit: 'perSecond' },
      { query: `sum by (input, source) (rate(fallback_inputs_total{${only}}[5m]))`, legend: '{{input}} {{source}}' },
    ),
    graph(
      { title: 'Waiting for the record', unit: 'number', bad: 1000 },
      { query: `audit_queue_records{${only}}`, legend: '{{pod}}' },
    ),
    graph(
      { title: 'A commit takes (95 of 100)', unit: 'seconds', bad: 0.05 },
      {
        query: `histogram_quantile(0.95, sum by (le) (rate(audit_commit_duration_seconds_bucket{${only}}[5m])))`,
        legend: 'commit',
      },
    ),
    graph(
      { title: 'Records', unit: 'perSecond' },
      { query: `sum by (outcome) (rate(audit_records_total{${only}}[5m]))`, legend: '{{outcome}}' },
    ),
  ],
  'data-service': (only) => [
    graph(
      { title: 'Calls of feeds', unit: 'perSecond' },
      {
        query: `sum by (input, provider, outcome) (rate(feed_calls_total{${only}}[5m]))`,
        legend: '{{provider}} {{input}} {{outcome}}',
      },
    ),
    graph(
      { title: 'A feed takes (95 of 100)', unit: 'seconds' },
      {
        query: `histogram_quantile(0.95, sum by (input, le) (rate(feed_call_duration_seconds_bucket{${only}}[5m])))`,
        legend: '{{input}}',
      },
    ),
    graph(
      { title: 'Feeds left alone', unit: 'number' },
      { query: `max by (input, provider) (feed_breaker_open{${only}})`, legend: '{{provider}} {{input}}' },
    ),
    graph(
      { title: 'Age of files', unit: 'seconds', description: 'Since their data was true at its source.' },
      { query: `max by (feed) (feed_file_age_seconds{${only}})`, legend: '{{feed}}' },
    ),
    graph(
      { title: 'Age of files, of the time they may be used', unit: 'share', bad: 0.85 },
      {
        query: `max by (feed) (feed_file_age_seconds{${only}}) / max by (feed) (feed_file_limit_seconds{${only}})`,
        legend: '{{feed}}',
      },
    ),
    graph(
      { title: 'Since a service last answered', unit: 'seconds' },
      { query: `min by (input) (feed_answer_age_seconds{${only}})`, legend: '{{input}}' },
    ),
    graph(
      { title: 'Shared copies', unit: 'perSecond' },
      { query: `sum by (outcome) (rate(cache_reads_total{${only}}[5m]))`, legend: '{{outcome}}' },
    ),
    graph(
      { title: 'Replica in use', unit: 'number' },
      { query: `database_replica_in_use{${only}}`, legend: '{{pod}}' },
    ),
  ],
  'cache-service': (only) => [
    graph(
      { title: 'Warm', unit: 'number', description: '1 when all names were walked since the last news.' },
      { query: `cache_warm{${only}}`, legend: '{{pod}}' },
    ),
    graph(
      { title: 'Names put there', unit: 'perSecond' },
      { query: `sum(rate(cache_warmed_names_total{${only}}[5m]))`, legend: 'walked' },
    ),
    graph(
      { title: 'Hot names renewed', unit: 'perSecond' },
      { query: `sum(rate(cache_renewed_names_total{${only}}[5m]))`, legend: 'renewed' },
    ),
  ],
  'audit-service': (only) => [
    number({ title: 'Chain broken', unit: 'number', bad: 1 }, `max(audit_chain_broken{${only}})`),
    number({ title: 'Newest head in locked storage', unit: 'number' }, `max(audit_exported_head{${only}})`),
    number({ title: 'Months ahead', unit: 'number' }, `min(audit_months_ahead{${only}})`),
    number({ title: 'Months overdue', unit: 'number', bad: 1 }, `max(audit_months_overdue{${only}})`),
    graph(
      { title: 'Oldest record without a seal', unit: 'seconds', bad: 60 },
      { query: `audit_seal_lag_seconds{${only}}`, legend: '{{pod}}' },
    ),
    graph(
      { title: 'Sealed', unit: 'perSecond' },
      { query: `sum(rate(audit_sealed_records_total{${only}}[5m]))`, legend: 'records' },
    ),
    graph(
      { title: 'A batch is sealed in (95 of 100)', unit: 'seconds' },
      {
        query: `histogram_quantile(0.95, sum by (le) (rate(audit_seal_duration_seconds_bucket{${only}}[5m])))`,
        legend: 'batch',
      },
    ),
  ],
}

export function serviceDashboard(service: ServiceName): object {
  // A canary's figures are the gateway's too.
  const only = `${HERE},service="${service}"`
  return dashboard({
    uid: `bre-${service}`,
    title: `Borrow rates: ${service}`,
    description: `What ${service} does and what it stands on. Its runbook says what to do.`,
    from: 'now-3h',
    rows: [
      {
        title: 'The service',
        panels: [
          number(
            { title: 'Pods that answer', unit: 'number' },
            `count(up{${HERE},job="${service}"} == 1) or vector(0)`,
          ),
          number({ title: 'Started', unit: 'time' }, `max(process_start_time_seconds{${only}}) * 1000`),
          number(
            { title: 'Shed in an hour', unit: 'number', bad: 1 },
            `sum(increase(shed_requests_total{${only}}[1h])) or vector(0)`,
          ),
          graph(
            { title: 'Components', unit: 'number', description: '1 while it answers.', width: 12 },
            { query: `min by (component) (component_up{${only}})`, legend: '{{component}}' },
          ),
          graph(
            { title: 'Calls of others of ours', unit: 'perSecond' },
            {
              query: `sum by (operation, outcome) (rate(internal_calls_total{${only}}[5m]))`,
              legend: '{{operation}} {{outcome}}',
            },
          ),
          graph(
            { title: 'Connections to the database', unit: 'number' },
            { query: `sum by (pool, state) (database_connections{${only}})`, legend: '{{pool}} {{state}}' },
          ),
          graph(
            { title: 'Certificate ends', unit: 'time' },
            { query: `min(tls_certificate_expires_seconds{${only}}) * 1000`, legend: 'certificate' },
          ),
        ],
      },
      { title: 'Its work', panels: OWN[service](only) },
      {
        title: 'The processes',
        panels: [
          graph(
            { title: 'Processors', unit: 'number' },
            { query: `rate(process_cpu_seconds_total{${only}}[5m])`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Memory', unit: 'bytes' },
            { query: `process_resident_memory_bytes{${only}}`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Delay of the event loop (99 of 100)', unit: 'seconds', bad: 0.2 },
            { query: `nodejs_eventloop_lag_p99_seconds{${only}}`, legend: '{{pod}}' },
          ),
        ],
      },
      {
        title: 'Logs',
        panels: [logs('The log', `{job="fluentbit", namespace="$namespace", pod=~"${service}-.+"}`)],
      },
    ],
  })
}
