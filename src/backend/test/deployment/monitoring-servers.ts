// A real Prometheus with rules, a real Alertmanager and a real Pushgateway, from configurations that a test has made: on free ports of
// loopback, in a folder of their own, gone at the end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../debian-package.ts'
import { until } from '../until.ts'
import { freePorts } from './image/ports.ts'

const PACKAGES = ['prometheus', 'prometheus-alertmanager', 'prometheus-pushgateway'] as const
const START_MS = 30_000

/** What to type where one is missing; null when all are there. */
export function monitoringMissing(): string | null {
  const missing = PACKAGES.filter((name) => !foundOrInstalled(name, () => onPath(name) !== null))
  return missing.length === 0 ? null : howToInstall(missing.join(' '))
}

export interface MonitoringOptions {
  /** Of Prometheus, without Alertmanager and rule files. */
  readonly prometheus: { readonly global: object; readonly scrape_configs: readonly object[] }
  readonly ruleFiles: readonly object[]
  readonly alertmanager: object
  /** The scrape of the Pushgateway without its place, and the labels that discovery would find there. */
  readonly pushgateway: { readonly scrape: object; readonly labels: Readonly<Record<string, string>> }
}

export interface Monitoring {
  /** Of Prometheus. */
  readonly url: string
  readonly pushgatewayUrl: string
  /** What Prometheus says at an address of its API. @throws with what it said when it refuses */
  api<Data>(path: string): Promise<Data>
  /** Names of the alerts that Alertmanager keeps back because others speak for them. */
  keptBack(): Promise<readonly string[]>
  stop(): Promise<void>
}

export async function startMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const folder = mkdtempSync(join(tmpdir(), 'monitoring-loop-'))
  const children: ChildProcess[] = []
  const [prometheusPort, alertmanagerPort, pushgatewayPort] = (await freePorts(3)) as [number, number, number]
  // JSON is YAML.
  const written = (name: string, content: object) => {
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const start = async (program: (typeof PACKAGES)[number], port: number, words: readonly string[]) => {
    const logFile = join(folder, `${program}.log`)
    const child = spawn('sh', ['-c', 'log=$1; shift; exec "$@" >"$log" 2>&1', 'sh', logFile, program, ...words], {
      stdio: 'ignore',
      detached: true,
    })
    children.push(child)
    startKeeper().mind(child)
    await until(`${program} is ready`, START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended:\n${readFileSync(logFile, 'utf8')}`)
      return (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => null))?.ok ?? false
    })
  }
  const stop = async () => {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const gone = once(child, 'exit')
        child.kill('SIGKILL')
        await gone
      }),
    )
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    mkdirSync(join(folder, 'alertmanager'))
    await start('prometheus-alertmanager', alertmanagerPort, [
      `--config.file=${written('alertmanager.yml', options.alertmanager)}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
      // Alone: with an address it looks for others.
      '--cluster.listen-address=',
    ])
    await start('prometheus-pushgateway', pushgatewayPort, [`--web.listen-address=127.0.0.1:${pushgatewayPort}`])
    const { scrape, labels } = options.pushgateway
    const pushed = { ...scrape, static_configs: [{ targets: [`127.0.0.1:${pushgatewayPort}`], labels }] }
    const whole = {
      ...options.prometheus,
      scrape_configs: [...options.prometheus.scrape_configs, pushed],
      rule_files: options.ruleFiles.map((file, at) => written(`rules-${at}.yml`, file)),
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
    }
    await start('prometheus', prometheusPort, [
      `--config.file=${written('prometheus.yml', whole)}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
      '--rules.alert.resend-delay=1s',
    ])
  } catch (error) {
    await stop()
    throw error
  }
  const url = `http://127.0.0.1:${prometheusPort}`
  return {
    url,
    pushgatewayUrl: `http://127.0.0.1:${pushgatewayPort}`,
    async api<Data>(path: string): Promise<Data> {
      const answer = await fetch(`${url}/api/v1/${path}`)
      const { status, data, error } = (await answer.json()) as { status: string; data: Data; error?: string }
      if (status !== 'success') throw new Error(`Prometheus says ${answer.status} to ${path}: ${error}`)
      return data
    },
    async keptBack() {
      const address = `http://127.0.0.1:${alertmanagerPort}/api/v2/alerts?active=false&silenced=false&inhibited=true`
      const alerts = (await (await fetch(address)).json()) as { labels: { alertname: string } }[]
      return alerts.map(({ labels }) => labels.alertname)
    },
    stop,
  }
}
