// What is kept in infrastructure/monitoring is what is written here, to the byte, and holds together.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parser as logql } from '@grafana/lezer-logql'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { built, hasKubectl } from '../kubernetes/built-objects.ts'
import { dashboards } from './dashboards/all.ts'
import { alertsDocument } from './document.ts'
import { DOCUMENTS_URL } from './documents-url.ts'
import { monitoringFiles } from './files.ts'
import { sectionsOf } from './fluent-bit-sections.ts'
import { labelsOf } from './known-metrics.ts'
import { queryFaults, type Recorded, recordedLabels } from './promql.ts'
import { alertGroups, recordingGroups } from './rules/groups.ts'
import { dividedWindows, type Priority, SERVICES, SEVERITIES, TRUE_WINDOWS } from './rules/rule.ts'
import { ADDRESSES, DATA_SOURCES } from './stack/data-sources.ts'

const MONITORING = fileURLToPath(new URL('../../../../infrastructure/monitoring/', import.meta.url))
const OPERATIONS = fileURLToPath(new URL('../../../../docs/operations/', import.meta.url))
const KUBERNETES = fileURLToPath(new URL('../../../../infrastructure/kubernetes/', import.meta.url))

/** Written by hand, and somebody else's. */
const OTHERS = ['prometheus-adapter-values.yaml']

test('npm run monitoring has written what is there, and nothing else is there', () => {
  const files = monitoringFiles()
  const there = readdirSync(MONITORING, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(MONITORING.length).replace(/^\//, ''))
  expect(there.filter((path) => !OTHERS.includes(path)).sort()).toEqual([...files.keys()].sort())
  for (const [path, text] of files) expect(readFileSync(MONITORING + path, 'utf8'), path).toBe(text)
  expect(readFileSync(`${OPERATIONS}alerts.md`, 'utf8')).toBe(alertsDocument())
})

const recorded: Recorded = Object.fromEntries(
  recordingGroups(TRUE_WINDOWS)
    .flatMap(({ rules }) => rules)
    .map(({ record = '', expr }) => [record, recordedLabels(expr)]),
)
const alerts = alertGroups(TRUE_WINDOWS).flatMap(({ rules }) => rules)

describe('queries ask for what somebody shows', () => {
  test('in every rule', () => {
    const rules = [...alerts, ...recordingGroups(TRUE_WINDOWS).flatMap((group) => group.rules)]
    expect(rules.length).toBeGreaterThan(60)
    for (const { alert, record, expr } of rules) expect(queryFaults(expr, recorded), alert ?? record).toEqual([])
  })

  test('in every panel, annotation and variable of the dashboards', () => {
    const seen: string[] = []
    for (const [name, board] of Object.entries(dashboards())) {
      for (const query of promqlOf(board)) {
        const asked = query.replaceAll('$namespace', 'borrow-rate-engine-prod')
        expect(queryFaults(asked, recorded), `${name}: ${query}`).toEqual([])
        seen.push(query)
      }
      for (const query of logqlOf(board)) expect(logqlFault(query), `${name}: ${query}`).toBeNull()
    }
    expect(seen.length).toBeGreaterThan(100)
  })

  test.each([
    ['sum(rate(http_requests_total[5m])', 'it cannot be read from'],
    ['sum(rate(http_quests_total[5m]))', 'nobody shows http_quests_total'],
    ['rate(http_requests_total{state="500"}[5m])', 'http_requests_total has no label state'],
    ['sum by (route, pool) (rate(http_requests_total[5m]))', 'no series of it has the label pool'],
    ['http_request_duration_seconds', 'nobody shows http_request_duration_seconds'],
    ['rate(http_requests_total{le="1"}[5m])', 'http_requests_total has no label le'],
  ])('%s does not', (query, fault) => {
    expect(queryFaults(query, recorded)).toEqual([expect.stringContaining(fault)])
  })

  test('and a query of logs that cannot be read is noticed', () => {
    expect(logqlFault('{job="fluentbit"} |= ')).not.toBeNull()
    expect(logqlFault('{job="fluentbit"} |= "a"')).toBeNull()
    expect(labelsOf('quote_fee_usd_sum')).toContain('service')
  })
})

describe('alerts', () => {
  test('the first rule is the deployment guide’s, word for word', () => {
    const [group] = parse(monitoringFiles().get('rules/alerts.yaml') ?? '').groups
    expect(group.name).toBe('api-gateway')
    expect(group.rules[0]).toMatchObject({
      alert: 'HighErrorRate',
      expr: 'sum(rate(http_requests_total{job="api-gateway",status=~"5.."}[5m])) / sum(rate(http_requests_total{job="api-gateway"}[5m])) > 0.01',
      for: '5m',
      labels: { severity: 'critical' },
      annotations: {
        summary: 'High error rate on API Gateway',
        description: 'Error rate is above 1% for 5 minutes',
      },
    })
  })

  test('each says how urgent it is, what clients see, and where it is written what to do', () => {
    for (const { alert, labels = {}, annotations = {} } of alerts) {
      const priority = labels.priority as Priority
      expect(labels.severity, alert).toBe(SEVERITIES[priority].severity)
      for (const field of ['summary', 'description', 'clients_see', 'runbook_url']) {
        expect(annotations[field], `${alert}: ${field}`).toMatch(/\S/)
      }
      expect(runbookFault(annotations.runbook_url ?? ''), alert).toBeNull()
    }
  })

  test('a runbook that is not there is noticed', () => {
    expect(runbookFault(`${DOCUMENTS_URL}runbooks/api-gateway.md#no-such-heading`)).toMatch(/no heading/)
    expect(runbookFault(`${DOCUMENTS_URL}runbooks/nobody.md#metrics`)).toMatch(/no page/)
    expect(runbookFault('https://elsewhere.example.com/')).toMatch(/not one of ours/)
  })

  test('every priority and every service is watched', () => {
    expect([...new Set(alerts.map(({ labels }) => labels?.priority))].sort()).toEqual(['P1', 'P2', 'P3', 'P4'])
    const down = alerts.filter(({ alert }) => alert === 'ServiceDown').map(({ labels }) => labels?.service)
    expect(down.sort()).toEqual([...SERVICES].sort())
  })

  test('with shorter windows they are the same rules', () => {
    const short = alertGroups(dividedWindows(60, 3)).flatMap(({ rules }) => rules)
    expect(short.map(({ alert }) => alert)).toEqual(alerts.map(({ alert }) => alert))
    const [high] = short
    expect(high?.for).toBe('5s')
    expect(high?.expr).toContain('[5s]')
    for (const { alert, expr, for: how } of short) expect(`${expr} ${how ?? ''}`, alert).not.toMatch(/\b\d+[mhd]\b/)
  })
})

describe('dashboards', () => {
  const boards = Object.entries(dashboards()) as [string, { uid: string; title: string; panels: unknown[] }][]

  test('are the guide’s four kinds, one of them for each service, under names of their own', () => {
    expect(boards.map(([name]) => name).sort()).toEqual(['executive', 'operational', 'technical', ...SERVICES].sort())
    expect(new Set(boards.map(([, { uid }]) => uid)).size).toBe(boards.length)
    expect(new Set(boards.map(([, { title }]) => title)).size).toBe(boards.length)
    for (const [name, { uid, panels }] of boards) {
      expect(uid, name).toMatch(/^[a-z-]{1,40}$/)
      expect(panels.length, name).toBeGreaterThan(3)
    }
  })

  test('ask sources that Grafana is given', () => {
    const uids = new Set(DATA_SOURCES.map(({ uid }) => uid as string))
    for (const [name, board] of boards) {
      for (const { uid } of everyObject(board).flatMap(({ datasource }) =>
        isSource(datasource) ? [datasource] : [],
      )) {
        expect(uids.has(uid), `${name}: ${uid}`).toBe(true)
      }
    }
  })

  test.skipIf(!hasKubectl())('become ConfigMaps that the sidecar finds', () => {
    const objects = built('../monitoring/dashboards')
    expect(objects.map(({ kind }) => kind)).toEqual(objects.map(() => 'ConfigMap'))
    expect(objects).toHaveLength(boards.length)
    const { sidecar } = parse(monitoringFiles().get('grafana-values.yaml') ?? '')
    for (const { metadata, data } of objects) {
      expect(metadata.namespace).toBe('monitoring')
      expect(metadata.labels?.[sidecar.dashboards.label]).toBe(sidecar.dashboards.labelValue)
      for (const text of Object.values(data ?? {})) expect(JSON.parse(text).uid).toMatch(/^bre-/)
    }
  })
})

describe('the stack', () => {
  test('is found under the names and ports that settings and network policies have', () => {
    const tempo = parse(monitoringFiles().get('tempo-values.yaml') ?? '')
    const settings = readFileSync(`${KUBERNETES}base/configmap.yaml`, 'utf8')
    const policies = readFileSync(`${KUBERNETES}base/network-policies.yaml`, 'utf8')
    const scaled = readFileSync(`${KUBERNETES}components/keda/scaled-object.yaml`, 'utf8')
    const { endpoint } = tempo.tempo.receivers.otlp.protocols.http
    const port = endpoint.split(':')[1]
    expect(settings).toContain(
      `OTEL_EXPORTER_OTLP_ENDPOINT: http://${tempo.fullnameOverride}.monitoring.svc.cluster.local:${port}`,
    )
    expect(policies).toMatch(new RegExp(`app.kubernetes.io/name: tempo\\s+ports:\\s+- protocol: TCP\\s+port: ${port}`))
    expect(ADDRESSES.tempo).toContain(`:${tempo.tempo.server.http_listen_port}`)
    expect(scaled).toContain(ADDRESSES.prometheus.replace(/:80$/, ''))
  })

  test('finds lines of the log by labels that Fluent Bit gives, and traces in them', () => {
    const { config } = parse(monitoringFiles().get('fluent-bit-values.yaml') ?? '')
    const [output] = sectionsOf(config.outputs)
    expect(output).toMatchObject({
      Name: 'loki',
      Match: 'kube.*',
      Host: new URL(ADDRESSES.loki).hostname,
      Port: new URL(ADDRESSES.loki).port,
      Label_keys: "$kubernetes['namespace_name'],$kubernetes['pod_name'],$kubernetes['container_name']",
    })
    const given = (output?.Labels ?? '').split(',').map((label) => label.split('=')[0])
    for (const board of Object.values(dashboards())) {
      for (const query of logqlOf(board)) {
        const selector = /\{([^}]*)\}/.exec(query)?.[1] ?? ''
        for (const [, label] of selector.matchAll(/(\w+)=/g)) expect(given, query).toContain(label)
      }
    }
    const [input] = sectionsOf(config.inputs)
    expect(input).toMatchObject({ Name: 'tail', Path: '/var/log/containers/*.log', Tag: 'kube.*' })
    expect(input).not.toHaveProperty('Parser')
    expect(input?.['multiline.parser']).toBe('docker, cri')
    const loki = DATA_SOURCES.find(({ uid }) => uid === 'loki')
    const { derivedFields } = loki!.jsonData as unknown as { derivedFields: { matcherRegex: string }[] }
    const [field] = derivedFields
    const line = '{"level":"info","request_id":"r","trace_id":"0af7651916cd43dd8448eb211c80319c"}'
    expect(new RegExp(field?.matcherRegex ?? '').exec(line)?.[1]).toBe('0af7651916cd43dd8448eb211c80319c')
  })

  test('asks for classes of storage that the cluster has', () => {
    const classes = readFileSync(`${KUBERNETES}cluster/base/storage-classes.yaml`, 'utf8')
    const there = [...classes.matchAll(/^ {2}name: (\S+)$/gm)].map(([, name]) => name)
    for (const [path, text] of monitoringFiles()) {
      for (const [, name] of text.matchAll(/storageClass(?:Name)?: (\S+)/g)) expect(there, path).toContain(name)
    }
    expect(there.length).toBeGreaterThan(0)
  })

  test('keeps logs for as long as is said', () => {
    const { loki } = parse(monitoringFiles().get('loki-values.yaml') ?? '')
    const days = /kept for (\d+) days/.exec(readFileSync(`${OPERATIONS}monitoring.md`, 'utf8'))?.[1]
    expect(loki.limits_config.retention_period).toBe(`${Number(days) * 24}h`)
    expect(loki.compactor.retention_enabled).toBe(true)
  })

  test('keeps no secret in a file', () => {
    for (const [path, text] of monitoringFiles()) {
      expect(text, path).not.toMatch(/hooks\.slack\.com|(routing_key|api_url|password|token):\s*["']?[A-Za-z0-9]{8,}/)
    }
  })
})

interface Source {
  readonly type: string
  readonly uid: string
}

function isSource(value: unknown): value is Source {
  return typeof value === 'object' && value !== null && 'uid' in value
}

function everyObject(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(everyObject)
  return Array.isArray(value) ? inner : [value as Record<string, unknown>, ...inner]
}

function exprsOf(board: object, type: string): string[] {
  return everyObject(board).flatMap(({ expr, datasource }) =>
    typeof expr === 'string' && isSource(datasource) && datasource.type === type ? [expr] : [],
  )
}

function promqlOf(board: object): string[] {
  const variables = everyObject(board).flatMap(({ query }) => {
    const [, series] = /^label_values\((.*), \w+\)$/.exec(typeof query === 'string' ? query : '') ?? []
    return series === undefined ? [] : [series]
  })
  return [...exprsOf(board, 'prometheus'), ...variables]
}

function logqlOf(board: object): string[] {
  return exprsOf(board, 'loki')
}

function logqlFault(query: string): string | null {
  let fault: string | null = null
  logql.parse(query).iterate({
    enter: ({ type, from }) => {
      if (type.isError) fault ??= `it cannot be read from "${query.slice(from, from + 20)}" on`
    },
  })
  return fault
}

function runbookFault(url: string): string | null {
  if (!url.startsWith(DOCUMENTS_URL)) return 'the address is not one of ours'
  const [page = '', anchor] = url.slice(DOCUMENTS_URL.length).split('#')
  let text: string
  try {
    text = readFileSync(OPERATIONS + page, 'utf8')
  } catch {
    return `there is no page ${page}`
  }
  const anchors = [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  )
  return anchors.includes(anchor ?? '') ? null : `${page} has no heading ${anchor}`
}
