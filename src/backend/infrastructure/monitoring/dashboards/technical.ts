// For who changes the program: where time and memory go.
import { dashboard, graph, HERE } from './panels.ts'

const p95 = (series: string, by: string) =>
  `histogram_quantile(0.95, sum by (${by}, le) (rate(${series}_bucket{${HERE}}[5m])))`

export function technicalDashboard(): object {
  return dashboard({
    uid: 'bre-technical',
    title: 'Borrow rates: technical',
    description: 'Processes, calls between services, database, cache, feeds and the record, in figures.',
    from: 'now-6h',
    rows: [
      {
        title: 'Processes',
        panels: [
          graph(
            { title: 'Processors', unit: 'number' },
            { query: `sum by (pod) (rate(process_cpu_seconds_total{${HERE}}[5m]))`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Memory of the process', unit: 'bytes' },
            { query: `process_resident_memory_bytes{${HERE}}`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Delay of the event loop (99 of 100)', unit: 'seconds', bad: 0.2 },
            { query: `nodejs_eventloop_lag_p99_seconds{${HERE}}`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Memory of the container, of its limit', unit: 'share', bad: 0.9 },
            {
              query: `max by (pod) (container_memory_working_set_bytes{${HERE},container="service"}) / max by (pod) (kube_pod_container_resource_limits{${HERE},container="service",resource="memory"})`,
              legend: '{{pod}}',
            },
          ),
          graph(
            { title: 'Held back by the processor’s limit', unit: 'share' },
            {
              query: `sum by (pod) (rate(container_cpu_cfs_throttled_periods_total{${HERE},container="service"}[5m])) / sum by (pod) (rate(container_cpu_cfs_periods_total{${HERE},container="service"}[5m]))`,
              legend: '{{pod}}',
            },
          ),
          graph(
            { title: 'Heap in use', unit: 'bytes' },
            { query: `nodejs_heap_size_used_bytes{${HERE}}`, legend: '{{pod}}' },
          ),
        ],
      },
      {
        title: 'Requests',
        panels: [
          graph(
            { title: 'Duration by route (95 of 100)', unit: 'seconds', width: 12 },
            { query: p95('http_request_duration_seconds', 'route'), legend: '{{route}}' },
          ),
          graph(
            { title: 'Calls between services (95 of 100)', unit: 'seconds', width: 12 },
            { query: p95('internal_call_duration_seconds', 'service, operation'), legend: '{{service}} {{operation}}' },
          ),
          graph(
            { title: 'Requests by route', unit: 'perSecond', width: 12 },
            { query: `sum by (route) (rate(http_requests_total{${HERE}}[5m]))`, legend: '{{route}}' },
          ),
          graph(
            { title: 'Calls between services that failed', unit: 'perSecond', width: 12 },
            {
              query: `sum by (service, operation, outcome) (rate(internal_calls_total{${HERE},outcome!="ok"}[5m]))`,
              legend: '{{service}} {{operation}} {{outcome}}',
            },
          ),
          graph(
            { title: 'Being answered', unit: 'number', width: 12 },
            { query: `sum by (pod) (http_requests_in_flight{${HERE}})`, legend: '{{pod}}' },
          ),
          graph(
            { title: 'Spans', unit: 'perSecond', width: 12 },
            {
              query: `sum by (service, outcome) (rate(trace_spans_total{${HERE}}[5m]))`,
              legend: '{{service}} {{outcome}}',
            },
          ),
        ],
      },
      {
        title: 'Database and cache',
        panels: [
          graph(
            { title: 'Pools', unit: 'number' },
            {
              query: `sum by (service, pool, state) (database_connections{${HERE}})`,
              legend: '{{service}} {{pool}} {{state}}',
            },
          ),
          graph(
            { title: 'Commits of the record (95 of 100)', unit: 'seconds', bad: 0.05 },
            { query: p95('audit_commit_duration_seconds', 'service'), legend: '{{service}}' },
          ),
          graph(
            { title: 'Shared copies', unit: 'perSecond' },
            { query: `sum by (outcome) (rate(cache_reads_total{${HERE}}[5m]))`, legend: '{{outcome}}' },
          ),
          graph(
            { title: 'Limits', unit: 'perSecond' },
            {
              query: `sum by (pod) (rate(rate_limit_alone_requests_total{${HERE}}[5m]))`,
              legend: 'counted alone by {{pod}}',
            },
          ),
          graph(
            { title: 'Names made warm', unit: 'perSecond' },
            { query: `sum(rate(cache_warmed_names_total{${HERE}}[5m]))`, legend: 'walked' },
            { query: `sum(rate(cache_renewed_names_total{${HERE}}[5m]))`, legend: 'renewed' },
          ),
          graph(
            { title: 'Replica in use', unit: 'number' },
            { query: `max by (service) (database_replica_in_use{${HERE}})`, legend: '{{service}}' },
          ),
        ],
      },
      {
        title: 'The record',
        panels: [
          graph(
            { title: 'Records', unit: 'perSecond' },
            { query: `sum by (outcome) (rate(audit_records_total{${HERE}}[5m]))`, legend: '{{outcome}}' },
            { query: `sum(rate(audit_sealed_records_total{${HERE}}[5m]))`, legend: 'sealed' },
          ),
          graph(
            { title: 'A batch is sealed in (95 of 100)', unit: 'seconds' },
            { query: p95('audit_seal_duration_seconds', 'service'), legend: '{{service}}' },
          ),
          graph(
            { title: 'Months ahead', unit: 'number' },
            { query: `min(audit_months_ahead{${HERE}})`, legend: 'ahead' },
            { query: `max(audit_months_overdue{${HERE}})`, legend: 'overdue' },
          ),
        ],
      },
      {
        title: 'Monitoring itself',
        panels: [
          graph(
            { title: 'Series', unit: 'number', width: 12 },
            { query: 'prometheus_tsdb_head_series', legend: 'series' },
          ),
          graph(
            { title: 'Notifications that failed', unit: 'number', width: 12 },
            {
              query: 'sum by (integration) (increase(alertmanager_notifications_failed_total[15m]))',
              legend: '{{integration}}',
            },
          ),
        ],
      },
    ],
  })
}
