// A real Prometheus over a list of targets, as a cluster's has pods: each with its namespace and its name.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startKeeper } from '../../tools/keep.ts'
import { foundOrInstalled, howToInstall, onPath } from '../debian-package.ts'
import { until } from '../until.ts'
import { freePorts } from './image/ports.ts'

const PACKAGE = 'prometheus'
const START_MS = 30_000

/** What to type where there is none. */
export const HOW_TO_GET_PROMETHEUS = howToInstall(PACKAGE)

export function prometheusFoundOrInstalled(): boolean {
  return foundOrInstalled(PACKAGE, () => onPath(PACKAGE) !== null)
}

export interface ScrapedPod {
  /** `http://127.0.0.1:41234` */
  readonly url: string
  readonly namespace: string
  readonly pod: string
}

export interface PrometheusServer {
  readonly url: string
  end(): Promise<void>
}

/** @param folder for its settings and data */
export async function startPrometheus(
  folder: string,
  pods: readonly ScrapedPod[],
  scrapeEveryMs: number,
): Promise<PrometheusServer> {
  const place = join(folder, 'prometheus')
  mkdirSync(place)
  const targets = pods.map(({ url, namespace, pod }) => ({ targets: [new URL(url).host], labels: { namespace, pod } }))
  writeFileSync(join(place, 'targets.json'), JSON.stringify(targets))
  writeFileSync(
    join(place, 'prometheus.yml'),
    `global: { scrape_interval: ${scrapeEveryMs}ms, scrape_timeout: ${scrapeEveryMs}ms }
scrape_configs: [{ job_name: pods, file_sd_configs: [{ files: ['${place}/targets.json'] }] }]
`,
  )
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  const child = spawn(
    onPath(PACKAGE) as string,
    [
      `--config.file=${place}/prometheus.yml`,
      `--storage.tsdb.path=${place}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: 'ignore' },
  )
  startKeeper().mind(child)
  await until('Prometheus is ready', START_MS, async () => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with ${child.exitCode}`)
    return (await fetch(`${url}/-/ready`).catch(() => null))?.ok ?? false
  })
  return {
    url,
    async end() {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
