// For Grafana's chart: sources and dashboards come from files, people are let in by the firm's own accounts.
import { DATA_SOURCES } from './data-sources.ts'

/** ConfigMaps with this label hold dashboards. */
export const DASHBOARD_LABEL = { name: 'grafana_dashboard', value: '1' } as const

export function grafanaValues() {
  return {
    replicas: 1,
    admin: { existingSecret: 'grafana-admin', userKey: 'admin-user', passwordKey: 'admin-password' },
    persistence: { enabled: true, size: '10Gi', storageClassName: 'gp3-encrypted' },
    resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { cpu: '500m', memory: '512Mi' } },
    deploymentStrategy: { type: 'Recreate' },
    testFramework: { enabled: false },
    'grafana.ini': {
      analytics: { check_for_updates: false, reporting_enabled: false },
      'auth.anonymous': { enabled: false },
      security: { cookie_secure: true, cookie_samesite: 'strict', disable_gravatar: true },
      users: { allow_sign_up: false, default_theme: 'system' },
      dashboards: { min_refresh_interval: '10s' },
    },
    datasources: { 'datasources.yaml': { apiVersion: 1, datasources: DATA_SOURCES } },
    sidecar: {
      dashboards: {
        enabled: true,
        label: DASHBOARD_LABEL.name,
        labelValue: DASHBOARD_LABEL.value,
        searchNamespace: 'monitoring',
        folderAnnotation: 'grafana_folder',
        provider: { foldersFromFilesStructure: true, allowUiUpdates: false, disableDelete: true },
      },
    },
  }
}

export const GRAFANA_HEAD = [
  'For the chart of Grafana, which lives at https://grafana-community.github.io/helm-charts since January 2026 (grafana/grafana is the old address):',
  '',
  '    helm install grafana grafana-community/grafana -n monitoring -f infrastructure/monitoring/grafana-values.yaml',
  '    kubectl apply -k infrastructure/monitoring/dashboards',
  '',
  'The first administrator stands in the Secret grafana-admin (admin-user, admin-password), which must be there before.',
]
