// For who is on call: what is wrong, where, and did somebody deploy.
import { dashboard, graph, HERE, logs, number } from './panels.ts'

export function operationalDashboard(): object {
  return dashboard({
    uid: 'bre-operational',
    title: 'Borrow rates: operational',
    description: 'What is wrong now, and where. Blue lines are deployments.',
    from: 'now-3h',
    rows: [
      {
        title: 'Now',
        panels: [
          number({ title: 'Open alerts', unit: 'number', bad: 1 }, 'count(ALERTS{alertstate="firing"}) or vector(0)'),
          number({ title: 'Faults', unit: 'share', bad: 0.01 }, `gateway:request_faults:ratio_rate5m{${HERE}}`),
          number(
            { title: 'A quote takes (95 of 100)', unit: 'seconds', bad: 0.1 },
            `gateway:quote_duration_seconds:p95_rate5m{${HERE}}`,
          ),
          number({ title: 'Pods that do not answer', unit: 'number', bad: 1 }, `count(up{${HERE}} == 0) or vector(0)`),
          number(
            { title: 'Feeds left alone', unit: 'number', bad: 1 },
            `sum(max by (input, provider) (feed_breaker_open{${HERE}})) or vector(0)`,
          ),
          number(
            { title: 'Oldest file of a feed, of the time it may be used', unit: 'share', bad: 0.85 },
            `max(max by (feed) (feed_file_age_seconds{${HERE}}) / max by (feed) (feed_file_limit_seconds{${HERE}}))`,
          ),
          number(
            { title: 'API keys that end within 14 days', unit: 'number', bad: 1 },
            `max(api_keys_expiring{${HERE},within_days="14"})`,
          ),
          number(
            { title: 'Records without a seal since', unit: 'seconds', bad: 60 },
            `max(audit_seal_lag_seconds{${HERE}})`,
          ),
          graph(
            { title: 'Alerts', unit: 'number', width: 24 },
            {
              query: 'sum by (alertname, priority) (ALERTS{alertstate="firing"})',
              legend: '{{priority}} {{alertname}}',
            },
          ),
        ],
      },
      {
        title: 'Traffic',
        panels: [
          graph(
            { title: 'Requests by status', unit: 'perSecond' },
            {
              query: `sum by (status) (rate(http_requests_total{${HERE},job=~"api-gateway.*"}[5m]))`,
              legend: '{{status}}',
            },
          ),
          graph(
            { title: 'Duration of quotes', unit: 'seconds', bad: 0.1 },
            ...[0.5, 0.95, 0.99].map((quantile) => ({
              query: `histogram_quantile(${quantile}, sum by (le) (rate(http_request_duration_seconds_bucket{${HERE},job=~"api-gateway.*",route="/api/v1/calculate-locate"}[5m])))`,
              legend: `${quantile * 100} of 100`,
            })),
          ),
          graph(
            { title: 'Refused', unit: 'perSecond' },
            { query: `sum by (reason) (rate(shed_requests_total{${HERE}}[5m]))`, legend: 'shed: {{reason}}' },
            { query: `sum by (tier) (rate(rate_limited_total{${HERE}}[5m]))`, legend: 'limit: {{tier}}' },
            { query: `sum by (outcome) (rate(bad_credentials_total{${HERE}}[5m]))`, legend: 'credential: {{outcome}}' },
          ),
        ],
      },
      {
        title: 'What it stands on',
        panels: [
          graph(
            { title: 'Components', unit: 'number', description: '1 while it answers.' },
            { query: `min by (service, component) (component_up{${HERE}})`, legend: '{{service}} {{component}}' },
          ),
          graph(
            { title: 'Feeds: calls', unit: 'perSecond' },
            {
              query: `sum by (provider, outcome) (rate(feed_calls_total{${HERE}}[5m]))`,
              legend: '{{provider}} {{outcome}}',
            },
          ),
          graph(
            { title: 'Inputs that were not fresh', unit: 'perSecond' },
            {
              query: `sum by (input, source) (rate(fallback_inputs_total{${HERE}}[5m]))`,
              legend: '{{input}} {{source}}',
            },
          ),
          graph(
            { title: 'Waiting for the record', unit: 'number' },
            { query: `sum by (pod) (audit_queue_records{${HERE}})`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Connections to the database', unit: 'number' },
            { query: `sum by (service, state) (database_connections{${HERE}})`, legend: '{{service}} {{state}}' },
          ),
          graph(
            { title: 'Shared copies that were found', unit: 'share' },
            {
              query: `sum(rate(cache_reads_total{${HERE},outcome=~"hit|stale"}[5m])) / sum(rate(cache_reads_total{${HERE}}[5m]))`,
              legend: 'found',
            },
          ),
        ],
      },
      {
        title: 'Deployments',
        panels: [
          graph(
            { title: 'Pods: wanted and ready', unit: 'number' },
            { query: `kube_deployment_spec_replicas{${HERE}}`, legend: '{{deployment}} wanted' },
            { query: `kube_deployment_status_replicas_available{${HERE}}`, legend: '{{deployment}} ready' },
          ),
          graph(
            { title: 'Share of the canary', unit: 'number' },
            { query: `max by (backend) (traffic_split_weight_percent{${HERE}})`, legend: '{{backend}} %' },
          ),
          graph(
            { title: 'Starts anew', unit: 'number' },
            {
              query: `sum by (pod) (increase(kube_pod_container_status_restarts_total{${HERE}}[15m]))`,
              legend: '{{pod}}',
            },
          ),
        ],
      },
      {
        title: 'Logs',
        panels: [
          logs('Warnings and errors', '{job="fluentbit", namespace="$namespace"} | json | level =~ "warn|error|fatal"'),
        ],
      },
    ],
  })
}
