// Prometheus' and Alertmanager's own tools read what is generated: the configuration, the rules under figures of every kind with
// production's windows, and where an alert is brought.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { foundOrInstalled, howToInstall, onPath } from '../../test/debian-package.ts'
import { monitoringFiles } from './files.ts'
import { alertGroups, recordingGroups } from './rules/groups.ts'
import { PRIORITIES, SEVERITIES, TRUE_WINDOWS } from './rules/rule.ts'
import { QUIET_CASES, RULE_CASES, type RuleCase } from './rules/rule-cases.ts'
import { RECEIVER_SECRETS, RECEIVERS, SECRETS_FOLDER } from './stack/alertmanager.ts'

const hasPromtool = foundOrInstalled('prometheus', () => onPath('promtool') !== null)
if (!hasPromtool) console.warn(`\nThe rules are not tried: ${howToInstall('prometheus')}\n`)
const hasAmtool = foundOrInstalled('prometheus-alertmanager', () => onPath('amtool') !== null)
if (!hasAmtool) console.warn(`\nThe routes of alerts are not tried: ${howToInstall('prometheus-alertmanager')}\n`)

const MONITORING = fileURLToPath(new URL('../../../../infrastructure/monitoring/', import.meta.url))
const values = () => parse(monitoringFiles().get('prometheus-values.yaml') ?? '')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'monitoring-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** @returns what it printed @throws with what it printed */
function run(program: string, ...words: string[]): string {
  try {
    return execFileSync(onPath(program) as string, words, { encoding: 'utf8', cwd: folder, stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${program} ${words.join(' ')}:\n${stdout}${stderr}`)
  }
}

function written(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : stringify(content, { lineWidth: 0 }))
  return path
}

describe.skipIf(!hasPromtool)('Prometheus', () => {
  test('takes the configuration that the chart is given, with its rules', () => {
    const { server, serverFiles } = values()
    mkdirSync(join(folder, 'config'))
    for (const name of ['recording_rules.yml', 'alerting_rules.yml']) written(`config/${name}`, serverFiles[name])
    mkdirSync(join(folder, 'account'))
    written('account/token', 'token')
    cpSync(join(MONITORING, '../kubernetes/base/rds-ca/us-east-1-bundle.pem'), join(folder, 'account/ca.crt'))
    written('pods.json', '[]')
    const { rule_files, scrape_configs } = serverFiles['prometheus.yml'] as {
      rule_files: string[]
      scrape_configs: { kubernetes_sd_configs?: { role: string }[] }[]
    }
    // The chart adds what stands under server.global, and Alertmanager's address. Debian's Prometheus cannot look for pods: what is found
    // stands in a file here, and the rest of each scrape is as it is.
    const here = {
      global: server.global,
      rule_files: rule_files.map((path) => path.replace('/etc/config/', 'config/')),
      scrape_configs: scrape_configs.map(({ kubernetes_sd_configs, ...rest }) => ({
        ...rest,
        ...(kubernetes_sd_configs !== undefined && { file_sd_configs: [{ files: ['pods.json'] }] }),
      })),
    }
    const asked = scrape_configs.flatMap(({ kubernetes_sd_configs = [] }) => kubernetes_sd_configs)
    expect(asked.map(({ role }) => role)).toEqual(['pod', 'endpoints', 'endpoints', 'endpoints', 'node'])
    const whole = stringify(here).replaceAll('/var/run/secrets/kubernetes.io/serviceaccount', join(folder, 'account'))
    const said = run('promtool', 'check', 'config', written('prometheus.yml', whole))
    expect(said).toContain('2 rule files found')
    expect(said).toMatch(/SUCCESS: \d+ rules found/)
  })

  test('takes the files of rules that are kept beside it', () => {
    for (const name of ['recording', 'alerts'])
      run('promtool', 'check', 'rules', join(MONITORING, `rules/${name}.yaml`))
  })

  test('notices a rule that cannot be read', () => {
    const broken = { groups: [{ name: 'g', rules: [{ alert: 'A', expr: 'sum(' }] }] }
    expect(() => run('promtool', 'check', 'rules', written('broken.yaml', broken))).toThrow(/unclosed left parenthesis/)
  })
})

/** The alert's own rules, and what they ask for: everything at once would take minutes. */
function rulesOf(alert: string) {
  const alerts = alertGroups(TRUE_WINDOWS).flatMap(({ rules }) => rules.filter((rule) => rule.alert === alert))
  const recordings = recordingGroups(TRUE_WINDOWS).flatMap(({ rules }) =>
    rules.filter(({ record = '' }) => alerts.some(({ expr }) => expr.includes(record))),
  )
  return { groups: [{ name: 'asked', rules: [...recordings, ...alerts] }] }
}

/** `count by (alertname) (ALERTS…)` is 1 or nothing: labels and sentences are other tests' matter. */
function ruleTest(one: Omit<RuleCase, 'firesAt'> & { readonly firesAt?: string }) {
  const { alert, labels, series, interval = '1m', quietAt, firesAt, clearAt } = one
  const expr = `count by (alertname) (ALERTS{alertname="${alert}",alertstate="firing"${labels === undefined ? '' : `,${labels}`}})`
  const at = (eval_time: string, fires: boolean) => ({
    expr,
    eval_time,
    exp_samples: fires ? [{ labels: `{alertname="${alert}"}`, value: 1 }] : [],
  })
  return {
    rule_files: [written('rules.yaml', rulesOf(alert))],
    evaluation_interval: interval,
    tests: [
      {
        interval,
        input_series: Object.entries(series).map(([name, figures]) => ({ series: name, values: figures })),
        promql_expr_test: [
          at(quietAt, false),
          ...(firesAt === undefined ? [] : [at(firesAt, true)]),
          ...(clearAt === undefined ? [] : [at(clearAt, false)]),
        ],
      },
    ],
  }
}

const named = (cases: readonly Omit<RuleCase, 'firesAt'>[]) =>
  cases.map((one) => [`${one.alert} ${one.labels ?? ''}`, one] as const)

describe.skipIf(!hasPromtool)('with production’s windows', () => {
  test('every alert has figures under which it fires', () => {
    const rules = alertGroups(TRUE_WINDOWS).flatMap(({ rules }) => rules)
    expect([...new Set(RULE_CASES.map(({ alert }) => alert))].sort()).toEqual(
      [...new Set(rules.map(({ alert }) => alert))].sort(),
    )
    for (const name of ['AvailabilityBudgetBurns', 'LatencyBudgetBurns', 'ServiceDown']) {
      const own = (list: readonly { readonly alert?: string }[]) => list.filter(({ alert }) => alert === name).length
      expect(own(RULE_CASES), name).toBe(own(rules))
    }
  })

  test.each(named(RULE_CASES))('%s is quiet, and then fires', (_, one) => {
    run('promtool', 'test', 'rules', written('case.yaml', ruleTest(one)))
  })

  test.each(named(QUIET_CASES))('%s stays quiet at figures that are none of it', (_, one) => {
    run('promtool', 'test', 'rules', written('case.yaml', ruleTest(one)))
  })

  test('a wrong expectation is noticed, of firing and of quiet', () => {
    const [high] = RULE_CASES
    const early = ruleTest({ ...high!, firesAt: '4m' })
    expect(() => run('promtool', 'test', 'rules', written('case.yaml', early))).toThrow(/FAILED/)
    const late = ruleTest({ ...high!, quietAt: '12m' })
    expect(() => run('promtool', 'test', 'rules', written('case.yaml', late))).toThrow(/FAILED/)
  })

  test('the guide’s alert says what the guide says, and where to read on', () => {
    const [{ annotations } = {}] = alertGroups(TRUE_WINDOWS)[0]!.rules
    const [high] = RULE_CASES
    const whole = ruleTest(high!)
    const [{ promql_expr_test: _, ...figures } = {}] = whole.tests
    const exp_labels = { severity: 'critical', priority: 'P1', type: 'availability', service: 'api-gateway' }
    const alert_rule_test = [
      { eval_time: '4m', alertname: 'HighErrorRate', exp_alerts: [] },
      { eval_time: '12m', alertname: 'HighErrorRate', exp_alerts: [{ exp_labels, exp_annotations: annotations }] },
    ]
    run('promtool', 'test', 'rules', written('case.yaml', { ...whole, tests: [{ ...figures, alert_rule_test }] }))
  })
})

describe.skipIf(!hasAmtool)('Alertmanager', () => {
  let config: string
  beforeAll(() => {
    const { enabled: _, ...content } = values().alertmanager.config
    mkdirSync(join(folder, 'receivers'))
    for (const name of Object.values(RECEIVER_SECRETS)) written(`receivers/${name}`, 'https://secret.example.com/')
    config = written('alertmanager.yml', stringify(content).replaceAll(SECRETS_FOLDER, join(folder, 'receivers')))
  })

  test('takes its configuration', () => {
    expect(run('amtool', 'check-config', config)).toContain('SUCCESS')
  })

  const brought = (...labels: string[]) =>
    run('amtool', 'config', 'routes', 'test', `--config.file=${config}`, ...labels).trim()

  test.each(PRIORITIES)('brings %s where the guide’s response time is kept', (priority) => {
    expect(brought('alertname=A', `priority=${priority}`, 'type=availability')).toBe(RECEIVERS[priority])
    expect(brought('alertname=A', `priority=${priority}`, 'environment=prod')).toBe(RECEIVERS[priority])
  })

  test.each([
    ['the record, urgent', ['type=record', 'priority=P1'], 'compliance,page'],
    ['the record, not urgent', ['type=record', 'priority=P3'], 'channel'],
    ['security', ['type=security', 'priority=P3'], 'security,channel'],
    ['a deployment that failed', ['type=deployment', 'priority=P2'], 'deployments,on-call'],
    ['a rollout', ['alertname=DeploymentInProgress', 'type=deployment', 'priority=P4'], 'deployments'],
    ['what has no priority', ['alertname=Somebody'], 'channel'],
    ['staging, whatever it is', ['priority=P1', 'environment=staging', 'type=record'], 'other-environments'],
    ['dev', ['priority=P2', 'environment=dev'], 'other-environments'],
  ])('brings %s to those whom it concerns', (_, labels, receivers) => {
    expect(brought(...labels)).toBe(receivers)
  })

  test('brings every alert there is by its own labels', () => {
    for (const { alert = '', labels = {} } of alertGroups(TRUE_WINDOWS).flatMap(({ rules }) => rules)) {
      const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
      const receivers = brought(`alertname=${alert}`, ...words).split(',')
      const priority = PRIORITIES.find((candidate) => candidate === labels.priority)!
      const expected = alert === 'DeploymentInProgress' ? RECEIVERS.deployments : RECEIVERS[priority]
      expect(receivers, alert).toContain(expected)
      expect(labels.severity).toBe(SEVERITIES[priority].severity)
    }
  })

  test('notices a receiver that is not there', () => {
    const broken = { route: { receiver: 'nobody' }, receivers: [{ name: 'somebody' }] }
    expect(() => run('amtool', 'check-config', written('broken.yml', broken))).toThrow(/undefined receiver/)
  })

  test('reminds no later than the guide wants a response', () => {
    const { routes } = values().alertmanager.config.route
    const repeat = (priority: string) =>
      routes.find(({ matchers }: { matchers: string[] }) => matchers[0] === `priority="${priority}"`).repeat_interval
    expect(['P1', 'P2', 'P3', 'P4'].map(repeat)).toEqual(['15m', '30m', '2h', '1d'])
  })
})
