// Who is told of what, and how often. The priority says how: P1 pages at once, P2 calls who is on call, P3 comes into the channel, P4 waits
// as a ticket for business hours. The kind says who hears it besides. Addresses and keys of receivers are secrets and stand in files.
import type { Priority } from '../rules/rule.ts'

/** Mounted from the Secret `alertmanager-receivers`. */
export const SECRETS_FOLDER = '/etc/alertmanager-receivers'
export const RECEIVER_SECRETS = {
  pagerduty: 'pagerduty-routing-key',
  tickets: 'pagerduty-tickets-routing-key',
  slack: 'slack-url',
} as const

const secretFile = (name: keyof typeof RECEIVER_SECRETS) => `${SECRETS_FOLDER}/${RECEIVER_SECRETS[name]}`

/** How often one is reminded: no later than the guide wants a response. */
export const REPEAT: Readonly<Record<Priority, string>> = { P1: '15m', P2: '30m', P3: '2h', P4: '1d' }
/** How long others of the same kind are waited for before the first word. */
const GROUP_WAIT: Readonly<Record<Priority, string>> = { P1: '10s', P2: '30s', P3: '1m', P4: '5m' }

export const RECEIVERS = {
  P1: 'page',
  P2: 'on-call',
  P3: 'channel',
  P4: 'ticket',
  compliance: 'compliance',
  security: 'security',
  deployments: 'deployments',
  otherEnvironments: 'other-environments',
} as const

const TITLE =
  '[{{ .Status | toUpper }}] {{ .CommonLabels.priority }} {{ .CommonLabels.alertname }} {{ .CommonLabels.environment }}'
const TEXT = [
  '{{ range .Alerts }}*{{ .Annotations.summary }}*',
  '{{ .Annotations.description }}',
  'Clients see: {{ .Annotations.clients_see }}',
  '{{ .Annotations.runbook_url }}',
  '{{ end }}',
].join('\n')

const slack = (channel: string) => ({
  slack_configs: [{ api_url_file: secretFile('slack'), channel, send_resolved: true, title: TITLE, text: TEXT }],
})

const pagerduty = (key: 'pagerduty' | 'tickets', severity: string) => ({
  pagerduty_configs: [
    {
      routing_key_file: secretFile(key),
      severity,
      send_resolved: true,
      description: '{{ .CommonLabels.alertname }}: {{ .CommonAnnotations.summary }}',
      client: 'Borrow rate engine, {{ .CommonLabels.environment }}',
      details: {
        description: '{{ range .Alerts }}{{ .Annotations.description }} {{ end }}',
        clients_see: '{{ range .Alerts }}{{ .Annotations.clients_see }} {{ end }}',
        runbook: '{{ (index .Alerts 0).Annotations.runbook_url }}',
      },
    },
  ],
})

const byPriority = (priority: Priority) => ({
  matchers: [`priority="${priority}"`],
  receiver: RECEIVERS[priority],
  group_wait: GROUP_WAIT[priority],
  repeat_interval: REPEAT[priority],
  // A ticket is written when somebody is there to read it.
  ...(priority === 'P4' && { active_time_intervals: ['business-hours'] }),
})

export function alertmanagerConfig() {
  return {
    global: { resolve_timeout: '5m' },
    templates: [],
    route: {
      // What has no priority is seen too.
      receiver: RECEIVERS.P3,
      group_by: ['alertname', 'namespace', 'service'],
      group_wait: GROUP_WAIT.P3,
      group_interval: '5m',
      repeat_interval: REPEAT.P3,
      routes: [
        // Nobody is woken for development and staging.
        {
          matchers: ['environment=~"dev|staging"'],
          receiver: RECEIVERS.otherEnvironments,
          repeat_interval: '12h',
        },
        { matchers: ['alertname="DeploymentInProgress"'], receiver: RECEIVERS.deployments, repeat_interval: '1d' },
        { matchers: ['type="deployment"'], receiver: RECEIVERS.deployments, continue: true },
        { matchers: ['type="record"', 'priority=~"P1|P2"'], receiver: RECEIVERS.compliance, continue: true },
        { matchers: ['type="security"'], receiver: RECEIVERS.security, continue: true },
        byPriority('P1'),
        byPriority('P2'),
        byPriority('P3'),
        byPriority('P4'),
      ],
    },
    inhibit_rules: [
      // The cause speaks for what follows from it.
      {
        source_matchers: ['alertname="DatabaseAway"'],
        target_matchers: [
          'alertname=~"QuotesUnrecorded|RecordsRefused|AuditQueueFills|AuditCommitsSlow|AuditSealLags|DatabasePoolWaits|ReplicaNotUsed"',
        ],
        equal: ['namespace'],
      },
      {
        source_matchers: ['alertname="RedisAway"'],
        target_matchers: ['alertname=~"RateLimitsAlone|SharedCopiesMiss|CacheCold"'],
        equal: ['namespace'],
      },
      {
        source_matchers: ['alertname="AllFeedsDown"'],
        target_matchers: ['alertname=~"FeedDown|FeedFails"'],
        equal: ['namespace'],
      },
      { source_matchers: ['alertname="ServiceDown"'], target_matchers: ['alertname="PodDown"'], equal: ['job'] },
      {
        source_matchers: ['alertname="CertificateEnds"'],
        target_matchers: ['alertname="CertificateNotRenewed"'],
        equal: ['namespace', 'service'],
      },
      // A rollout has pods that are not there yet.
      {
        source_matchers: ['alertname="DeploymentInProgress"'],
        target_matchers: ['alertname="ReplicasMissing"'],
        equal: ['namespace', 'deployment'],
      },
      // The same budget, burning faster.
      ...(['AvailabilityBudgetBurns', 'LatencyBudgetBurns'] as const).map((name) => ({
        source_matchers: [`alertname="${name}"`, 'priority=~"P1|P2"'],
        target_matchers: [`alertname="${name}"`, 'priority=~"P3|P4"'],
        equal: ['namespace'],
      })),
    ],
    time_intervals: [
      {
        name: 'business-hours',
        time_intervals: [
          {
            weekdays: ['monday:friday'],
            times: [{ start_time: '09:00', end_time: '17:00' }],
            location: 'America/New_York',
          },
        ],
      },
    ],
    receivers: [
      { name: RECEIVERS.P1, ...pagerduty('pagerduty', 'critical'), ...slack('#borrow-rate-incidents') },
      { name: RECEIVERS.P2, ...pagerduty('pagerduty', 'error'), ...slack('#borrow-rate-incidents') },
      { name: RECEIVERS.P3, ...slack('#borrow-rate-alerts') },
      { name: RECEIVERS.P4, ...pagerduty('tickets', 'info') },
      { name: RECEIVERS.compliance, ...slack('#borrow-rate-compliance') },
      { name: RECEIVERS.security, ...slack('#borrow-rate-security') },
      { name: RECEIVERS.deployments, ...slack('#borrow-rate-deployments') },
      { name: RECEIVERS.otherEnvironments, ...slack('#borrow-rate-testing') },
    ],
  }
}
