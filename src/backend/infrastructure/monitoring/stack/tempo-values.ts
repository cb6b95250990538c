// For the chart grafana/tempo: takes traces over OTLP/HTTP, by the name and port that the services' settings and network policies have.

export const OTLP_HTTP_PORT = 4318
const HTTP_PORT = 3200

const probe = (initialDelaySeconds: number) => ({
  httpGet: { path: '/ready', port: HTTP_PORT },
  initialDelaySeconds,
  periodSeconds: 10,
  timeoutSeconds: 5,
  failureThreshold: 3,
})

export function tempoValues() {
  return {
    fullnameOverride: 'tempo',
    tempo: {
      reportingEnabled: false,
      retention: '168h',
      // Nothing but what is sent to it.
      receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${OTLP_HTTP_PORT}` } } } },
      server: { http_listen_port: HTTP_PORT },
      livenessProbe: probe(30),
      readinessProbe: probe(20),
      storage: {
        trace: { backend: 'local', local: { path: '/var/tempo/traces' }, wal: { path: '/var/tempo/wal' } },
      },
      metricsGenerator: { enabled: false },
      resources: { requests: { cpu: '100m', memory: '512Mi' }, limits: { cpu: '1', memory: '2Gi' } },
    },
    persistence: { enabled: true, size: '20Gi', storageClassName: 'gp3-encrypted' },
    serviceAccount: { automountServiceAccountToken: false },
  }
}

export const TEMPO_HEAD = [
  'For the chart grafana/tempo:',
  '',
  '    helm install tempo grafana/tempo -n monitoring -f infrastructure/monitoring/tempo-values.yaml',
]
