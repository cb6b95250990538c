// The services themselves: errors, pods, load.
import type { Alert, Priority, ServiceName, Windows } from './rule.ts'

/** How urgent it is when no pod of a service is there. Without the cache service names are a little colder, and that is all. */
const ALL_GONE: Readonly<Record<ServiceName, { readonly priority: Priority; readonly clients: string }>> = {
  'api-gateway': { priority: 'P1', clients: '502 or 503 from the load balancer, for everything.' },
  'calculation-service': { priority: 'P1', clients: '503 SERVICE_UNAVAILABLE for every quote and rate.' },
  'data-service': {
    priority: 'P2',
    clients:
      'Nothing for up to five minutes, while copies are fresh enough; then 503 for prices, and at once for stocks, brokers and models.',
  },
  'audit-service': {
    priority: 'P2',
    clients: '503 for searches, verification and replay. Quotes go on and are recorded.',
  },
  'cache-service': { priority: 'P3', clients: 'Answers that take some milliseconds more.' },
}

const LIMIT =
  'kube_pod_container_resource_limits{namespace=~"borrow-rate-engine-.+",container="service",resource="memory"}'
const USED = 'container_memory_working_set_bytes{namespace=~"borrow-rate-engine-.+",container="service"}'

export function serviceAlerts(windows: Windows): readonly Alert[] {
  const five = windows('5m')
  return [
    {
      // Every word of the expression, of `for` and of the two sentences is the deployment guide's.
      name: 'HighErrorRate',
      priority: 'P1',
      kind: 'availability',
      expr: `sum(rate(http_requests_total{job="api-gateway",status=~"5.."}[${five}])) / sum(rate(http_requests_total{job="api-gateway"}[${five}])) > 0.01`,
      for: five,
      summary: 'High error rate on API Gateway',
      description: 'Error rate is above 1% for 5 minutes',
      clients: 'Answers with status 500 to 599, for more than one request in a hundred.',
      runbook: 'runbooks/api-gateway.md#how-it-fails-and-what-clients-see',
      labels: { service: 'api-gateway' },
    },
    ...Object.entries(ALL_GONE).map(
      ([service, { priority, clients }]): Alert => ({
        name: 'ServiceDown',
        priority,
        kind: 'availability',
        expr: `absent(up{job="${service}"} == 1)`,
        for: windows('2m'),
        // `absent` leaves no label: `job` is for the inhibition of its pods' alerts.
        labels: { service, job: service },
        summary: `No pod of ${service} answers`,
        description: `Prometheus could scrape no pod of ${service} for two minutes.`,
        clients,
        runbook: `runbooks/${service}.md#first-five-minutes`,
      }),
    ),
    {
      name: 'PodDown',
      priority: 'P3',
      kind: 'availability',
      expr: 'up{job=~"api-gateway|api-gateway-canary|calculation-service|data-service|cache-service|audit-service|traffic-split-controller"} == 0',
      for: windows('5m'),
      summary: 'A pod of {{ $labels.job }} does not answer',
      description: '{{ $labels.pod }} could not be scraped for five minutes. Others of the service may be well.',
      clients: 'Nothing, as long as the others carry the load.',
      runbook: 'troubleshooting.md#a-service-does-not-start-or-is-away',
    },
    {
      name: 'PodRestarts',
      priority: 'P3',
      kind: 'availability',
      expr: `sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total{namespace=~"borrow-rate-engine-.+"}[${windows('15m')}])) > 2`,
      summary: '{{ $labels.pod }} starts again and again',
      description: 'It was started {{ $value | humanize }} times anew in a quarter of an hour.',
      clients: 'Single requests that end with 502, and streams that begin anew.',
      runbook: 'troubleshooting.md#a-service-does-not-start-or-is-away',
    },
    {
      name: 'RequestsShed',
      priority: 'P2',
      kind: 'capacity',
      expr: `sum by (namespace, service, reason) (rate(shed_requests_total[${five}])) > 0`,
      for: five,
      summary: '{{ $labels.service }} sheds load',
      description: '{{ $value | humanize }} requests a second are refused because of {{ $labels.reason }}.',
      clients: '503 SERVICE_UNAVAILABLE, "The service is overloaded", with Retry-After.',
      runbook: 'scaling.md#pods',
    },
    {
      name: 'EventLoopLate',
      priority: 'P3',
      kind: 'capacity',
      expr: 'nodejs_eventloop_lag_p99_seconds > 0.2',
      for: windows('10m'),
      summary: 'The event loop of {{ $labels.service }} is late',
      description:
        'In one of a hundred turns it is {{ $value | humanizeDuration }} late; requests are refused when it is so most of the time.',
      clients: 'Answers that take longer, by about as much.',
      runbook: 'scaling.md#pods',
    },
    {
      name: 'MemoryNearLimit',
      priority: 'P3',
      kind: 'capacity',
      expr: `max by (namespace, pod) (${USED}) / max by (namespace, pod) (${LIMIT}) > 0.9`,
      for: windows('10m'),
      summary: '{{ $labels.pod }} is about to be killed for memory',
      description: 'It uses {{ $value | humanizePercentage }} of its limit.',
      clients: 'Nothing yet. When it is killed: requests under way end with 502.',
      runbook: 'troubleshooting.md#a-service-does-not-start-or-is-away',
    },
    {
      name: 'AutoscalerAtMaximum',
      priority: 'P3',
      kind: 'capacity',
      expr: 'kube_horizontalpodautoscaler_status_current_replicas{namespace=~"borrow-rate-engine-.+"} >= kube_horizontalpodautoscaler_spec_max_replicas{namespace=~"borrow-rate-engine-.+"}',
      for: windows('15m'),
      summary: '{{ $labels.horizontalpodautoscaler }} can add no more pods',
      description: 'It has had its {{ $value }} pods for a quarter of an hour.',
      clients: 'Nothing yet. With more load: slower answers, then 503.',
      runbook: 'scaling.md#pods',
    },
    {
      name: 'BadCredentials',
      priority: 'P3',
      kind: 'security',
      expr: `sum by (namespace) (rate(bad_credentials_total[${five}])) > 1`,
      for: windows('10m'),
      summary: 'Many tries with credentials that are not valid',
      description: '{{ $value | humanize }} a second: somebody guesses, or a client missed a rotation.',
      clients: '401 UNAUTHORIZED for whoever it is; the addresses are slowed down.',
      runbook: 'troubleshooting.md#from-an-error-code',
    },
    {
      name: 'ApiKeysExpire',
      priority: 'P3',
      kind: 'security',
      expr: 'max by (namespace) (api_keys_expiring{within_days="14"}) > 0',
      for: windows('1h'),
      summary: 'API keys end within 14 days',
      description: '{{ $value }} keys that are good, and that nobody has rotated yet.',
      clients: 'Nothing yet; 401 UNAUTHORIZED for whoever calls with one that has ended.',
      runbook: 'runbooks/api-gateway.md#keys-are-about-to-end',
    },
    {
      name: 'ApiKeysEnd',
      priority: 'P2',
      kind: 'security',
      expr: 'max by (namespace) (api_keys_expiring{within_days="2"}) > 0',
      for: windows('10m'),
      summary: 'API keys end within 2 days',
      description: '{{ $value }} keys that are good, and that nobody has rotated yet.',
      clients: 'Nothing yet; 401 UNAUTHORIZED for whoever calls with one that has ended.',
      runbook: 'runbooks/api-gateway.md#keys-are-about-to-end',
    },
    {
      // Without a webhook nobody has to watch, and nobody does: only who has watched can be missing.
      name: 'WebhooksUnwatched',
      priority: 'P4',
      kind: 'availability',
      expr: `max by (namespace) (webhook_watching) == 0 and max by (namespace) (max_over_time(webhook_watching[${windows('1d')}])) == 1`,
      for: five,
      summary: 'No gateway watches rates for webhooks any more',
      description:
        'One of them did within a day. Unless the last webhook was removed, events of this time are not told.',
      clients: 'No webhook is called.',
      runbook: 'runbooks/api-gateway.md#metrics',
    },
    {
      name: 'WebhookDeliveriesGivenUp',
      priority: 'P4',
      kind: 'availability',
      expr: `sum by (namespace) (increase(webhook_deliveries_total{outcome="dead"}[${windows('1h')}])) > 0`,
      summary: 'Deliveries of webhooks were given up',
      description: '{{ $value | humanize }} in the last hour, after all tries.',
      clients: 'Those whose server did not answer do not hear of an event.',
      runbook: 'runbooks/api-gateway.md#metrics',
    },
    {
      name: 'WebhookEventsDropped',
      priority: 'P3',
      kind: 'availability',
      expr: `sum by (namespace) (increase(webhook_events_dropped_total[${windows('15m')}])) > 0`,
      summary: 'Events for webhooks were dropped',
      description: '{{ $value | humanize }} did not fit into the queue.',
      clients: 'Webhooks that are not called for those events.',
      runbook: 'runbooks/api-gateway.md#metrics',
    },
  ]
}
