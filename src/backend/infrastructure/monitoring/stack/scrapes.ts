// Where Prometheus finds what it scrapes. Our pods by the guide's annotations, each under the name of its service: `job` is the pod's label
// `app`, so that a canary's figures stand apart.

const ANNOTATION = '__meta_kubernetes_pod_annotation_prometheus_io_'
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** The relabelling of a pod of ours; a test applies it to targets of its own. */
export const POD_RELABELS = [
  { source_labels: ['__meta_kubernetes_namespace'], regex: 'borrow-rate-engine-(dev|staging|prod)', action: 'keep' },
  { source_labels: [`${ANNOTATION}scrape`], regex: 'true', action: 'keep' },
  // Of the container's ports the one that the annotation names, once.
  { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Pending|Succeeded|Failed|Completed', action: 'drop' },
  {
    source_labels: ['__meta_kubernetes_pod_ip', `${ANNOTATION}port`],
    regex: '(.+);(\\d+)',
    target_label: '__address__',
    replacement: '$1:$2',
  },
  { source_labels: [`${ANNOTATION}path`], regex: '(.+)', target_label: '__metrics_path__' },
  { source_labels: ['__meta_kubernetes_pod_label_app'], regex: '(.+)', target_label: 'job' },
  { source_labels: ['__meta_kubernetes_namespace'], target_label: 'namespace' },
  { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
  { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'instance' },
] as const

const inCluster = {
  scheme: 'https',
  tls_config: { ca_file: `${SERVICE_ACCOUNT}/ca.crt` },
  authorization: { credentials_file: `${SERVICE_ACCOUNT}/token` },
}

const serviceNamed = (name: string, labels = true) => ({
  honor_labels: labels,
  kubernetes_sd_configs: [{ role: 'endpoints', namespaces: { names: ['monitoring'] } }],
  relabel_configs: [
    { source_labels: ['__meta_kubernetes_service_label_app_kubernetes_io_name'], regex: name, action: 'keep' },
    { source_labels: ['__meta_kubernetes_endpoint_port_name'], regex: 'http|metrics|http-web', action: 'keep' },
  ],
})

export const SCRAPE_CONFIGS = [
  {
    job_name: 'engine',
    kubernetes_sd_configs: [{ role: 'pod' }],
    relabel_configs: POD_RELABELS,
  },
  { job_name: 'prometheus', static_configs: [{ targets: ['localhost:9090'] }] },
  { job_name: 'alertmanager', ...serviceNamed('alertmanager', false) },
  { job_name: 'kube-state-metrics', ...serviceNamed('kube-state-metrics') },
  // What the pipelines say of deployments.
  { job_name: 'pushgateway', ...serviceNamed('prometheus-pushgateway') },
  {
    // CPU and memory of containers, by each node's kubelet, through the API server.
    job_name: 'cadvisor',
    ...inCluster,
    kubernetes_sd_configs: [{ role: 'node' }],
    relabel_configs: [
      { target_label: '__address__', replacement: 'kubernetes.default.svc:443' },
      {
        source_labels: ['__meta_kubernetes_node_name'],
        regex: '(.+)',
        target_label: '__metrics_path__',
        replacement: '/api/v1/nodes/$1/proxy/metrics/cadvisor',
      },
    ],
    metric_relabel_configs: [
      { source_labels: ['__name__'], regex: 'container_(cpu|memory)_.+', action: 'keep' },
      { source_labels: ['namespace'], regex: 'borrow-rate-engine-.+|monitoring', action: 'keep' },
    ],
  },
]
