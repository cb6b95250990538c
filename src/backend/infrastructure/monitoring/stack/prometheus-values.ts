// For the chart prometheus-community/prometheus: the server with our rules and scrapes, Alertmanager, kube-state-metrics, a Pushgateway.
import type { EnvironmentName } from '../../maintenance_windows.ts'
import { alertGroups, recordingGroups } from '../rules/groups.ts'
import { TRUE_WINDOWS } from '../rules/rule.ts'
import { alertmanagerConfig, RECEIVER_SECRETS, SECRETS_FOLDER } from './alertmanager.ts'
import { SCRAPE_CONFIGS } from './scrapes.ts'

/** Of the chart, all of whose lists are replaced, not added to. */
export const RULE_FILES = ['/etc/config/recording_rules.yml', '/etc/config/alerting_rules.yml']

const spreadOver = (name: string) => [
  {
    maxSkew: 1,
    topologyKey: 'topology.kubernetes.io/zone',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
  },
]

export function prometheusValues() {
  return {
    server: {
      // The pods carry app.kubernetes.io/name: prometheus, by which network policies know them; the Service is prometheus-server.
      global: { scrape_interval: '15s', scrape_timeout: '10s', evaluation_interval: '15s' },
      retention: '30d',
      retentionSize: '45GB',
      persistentVolume: { size: '50Gi', storageClass: 'gp3-encrypted' },
      resources: { requests: { cpu: '500m', memory: '2Gi' }, limits: { cpu: '2', memory: '4Gi' } },
      securityContext: {
        runAsUser: 65534,
        runAsNonRoot: true,
        runAsGroup: 65534,
        fsGroup: 65534,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
    serverFiles: {
      'prometheus.yml': { rule_files: RULE_FILES, scrape_configs: SCRAPE_CONFIGS },
      'recording_rules.yml': { groups: recordingGroups(TRUE_WINDOWS) },
      'alerting_rules.yml': { groups: alertGroups(TRUE_WINDOWS) },
    },
    alertmanager: {
      enabled: true,
      replicaCount: 2,
      persistence: { size: '2Gi', storageClass: 'gp3-encrypted' },
      podDisruptionBudget: { maxUnavailable: 1 },
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
      topologySpreadConstraints: spreadOver('alertmanager'),
      extraSecretMounts: [
        {
          name: 'receivers',
          mountPath: SECRETS_FOLDER,
          secretName: 'alertmanager-receivers',
          readOnly: true,
        },
      ],
      config: { enabled: true, ...alertmanagerConfig() },
    },
    'kube-state-metrics': { enabled: true },
    // CloudWatch has the figures of nodes.
    'prometheus-node-exporter': { enabled: false },
    'prometheus-pushgateway': {
      enabled: true,
      persistentVolume: { enabled: true, size: '1Gi', storageClass: 'gp3-encrypted' },
    },
  }
}

export const PROMETHEUS_HEAD = [
  'For the chart prometheus-community/prometheus:',
  '',
  '    helm install prometheus prometheus-community/prometheus -n monitoring -f infrastructure/monitoring/prometheus-values.yaml \\',
  '      -f infrastructure/monitoring/environments/prod-values.yaml',
  '',
  'The second file says which environment it is; without it alerts are handled as those of production. Alertmanager reads what it calls',
  'people with from a Secret, which must be there before:',
  '',
  '    kubectl create secret generic alertmanager-receivers -n monitoring \\',
  ...Object.values(RECEIVER_SECRETS).map(
    (key, at, keys) => `      --from-file=${key}=./${key}${at < keys.length - 1 ? ' \\' : ''}`,
  ),
]

/** What differs between environments: the label by which alerts are routed, and how much is kept. */
export function environmentValues(environment: EnvironmentName) {
  const small = environment === 'dev'
  return {
    server: {
      global: { external_labels: { environment } },
      ...(small && { retention: '7d', retentionSize: '9GB', persistentVolume: { size: '10Gi' } }),
    },
    ...(small && { alertmanager: { replicaCount: 1 } }),
  }
}
