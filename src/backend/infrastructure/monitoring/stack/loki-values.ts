// For the chart grafana/loki: one binary on a volume of its own, which is enough for the logs of some dozen pods. What must outlive it (the
// control plane's logs, the trails) is in CloudWatch; who asked what is in the record.

/** Of logs: the same as CloudWatch keeps them. */
export const LOG_RETENTION_DAYS = 30

const OTHER_MODES = [
  'backend',
  'read',
  'write',
  'ingester',
  'querier',
  'queryFrontend',
  'queryScheduler',
  'distributor',
  'compactor',
  'indexGateway',
  'bloomCompactor',
  'bloomGateway',
]

export function lokiValues() {
  return {
    deploymentMode: 'SingleBinary',
    fullnameOverride: 'loki',
    loki: {
      // One tenant: who may read logs may read them all.
      auth_enabled: false,
      commonConfig: { replication_factor: 1 },
      storage: { type: 'filesystem' },
      schemaConfig: {
        configs: [
          {
            from: '2026-01-01',
            store: 'tsdb',
            object_store: 'filesystem',
            schema: 'v13',
            index: { prefix: 'index_', period: '24h' },
          },
        ],
      },
      limits_config: {
        retention_period: `${LOG_RETENTION_DAYS * 24}h`,
        max_query_lookback: `${LOG_RETENTION_DAYS * 24}h`,
        ingestion_rate_mb: 8,
        ingestion_burst_size_mb: 16,
        max_line_size: '256KB',
        reject_old_samples: true,
        reject_old_samples_max_age: '24h',
      },
      // Without it nothing is ever deleted.
      compactor: {
        retention_enabled: true,
        delete_request_store: 'filesystem',
        working_directory: '/var/loki/compactor',
      },
      analytics: { reporting_enabled: false },
    },
    singleBinary: {
      replicas: 1,
      persistence: { enabled: true, size: '100Gi', storageClass: 'gp3-encrypted' },
      resources: { requests: { cpu: '200m', memory: '512Mi' }, limits: { cpu: '1', memory: '2Gi' } },
    },
    ...Object.fromEntries(OTHER_MODES.map((mode) => [mode, { replicas: 0 }])),
    gateway: { enabled: false },
    chunksCache: { enabled: false },
    resultsCache: { enabled: false },
    lokiCanary: { enabled: false },
    test: { enabled: false },
    minio: { enabled: false },
  }
}

export const LOKI_HEAD = [
  'For the chart grafana/loki:',
  '',
  '    helm install loki grafana/loki -n monitoring -f infrastructure/monitoring/loki-values.yaml',
]
