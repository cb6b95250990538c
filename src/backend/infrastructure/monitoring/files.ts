// Everything in infrastructure/monitoring that is written here, by its path from there. What is not listed is somebody else's.
import { stringify } from 'yaml'
import { ENVIRONMENTS } from '../maintenance_windows.ts'
import { dashboards } from './dashboards/all.ts'
import { alertGroups, recordingGroups } from './rules/groups.ts'
import { TRUE_WINDOWS } from './rules/rule.ts'
import { FLUENT_BIT_HEAD, fluentBitValues } from './stack/fluent-bit-values.ts'
import { DASHBOARD_LABEL, GRAFANA_HEAD, grafanaValues } from './stack/grafana-values.ts'
import { LOKI_HEAD, lokiValues } from './stack/loki-values.ts'
import { environmentValues, PROMETHEUS_HEAD, prometheusValues } from './stack/prometheus-values.ts'
import { TEMPO_HEAD, tempoValues } from './stack/tempo-values.ts'

const WRITTEN = 'Written by `npm run monitoring` in src/backend/infrastructure: change it there.'

function yamlFile(head: readonly string[], content: unknown): string {
  const comment = [...head, ...(head.length > 0 ? [''] : []), WRITTEN].map((line) => `# ${line}`.trimEnd()).join('\n')
  return `${comment}\n${stringify(content, { lineWidth: 0, aliasDuplicateObjects: false })}`
}

export function monitoringFiles(): ReadonlyMap<string, string> {
  const boards = dashboards()
  return new Map([
    ['prometheus-values.yaml', yamlFile(PROMETHEUS_HEAD, prometheusValues())],
    ...ENVIRONMENTS.map((name) => [`environments/${name}-values.yaml`, yamlFile([], environmentValues(name))] as const),
    ['grafana-values.yaml', yamlFile(GRAFANA_HEAD, grafanaValues())],
    ['loki-values.yaml', yamlFile(LOKI_HEAD, lokiValues())],
    ['tempo-values.yaml', yamlFile(TEMPO_HEAD, tempoValues())],
    ['fluent-bit-values.yaml', yamlFile(FLUENT_BIT_HEAD, fluentBitValues())],
    // The same rules as in the values, as files of their own: for promtool.
    ['rules/recording.yaml', yamlFile([], { groups: recordingGroups(TRUE_WINDOWS) })],
    ['rules/alerts.yaml', yamlFile([], { groups: alertGroups(TRUE_WINDOWS) })],
    ...Object.entries(boards).map(
      ([name, board]) => [`dashboards/${name}.json`, `${JSON.stringify(board, null, 2)}\n`] as const,
    ),
    ['dashboards/kustomization.yaml', yamlFile([], dashboardConfigMaps(Object.keys(boards)))],
  ])
}

/** A ConfigMap for each, with the label that Grafana's sidecar looks for. */
function dashboardConfigMaps(names: readonly string[]) {
  return {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    namespace: 'monitoring',
    generatorOptions: {
      disableNameSuffixHash: true,
      labels: {
        'app.kubernetes.io/part-of': 'borrow-rate-engine',
        [DASHBOARD_LABEL.name]: DASHBOARD_LABEL.value,
      },
      annotations: { grafana_folder: 'Borrow rates' },
    },
    configMapGenerator: names.map((name) => ({ name: `dashboard-${name}`, files: [`${name}.json`] })),
  }
}
