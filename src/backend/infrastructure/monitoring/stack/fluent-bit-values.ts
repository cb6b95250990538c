// For the chart fluent/fluent-bit: reads the nodes' log files and brings them to Loki. The two sections are the deployment guide's, but for
// two lines: the nodes run containerd, whose files Docker's parser cannot read, so the built-in parsers of both are tried; and labels are
// written as the built-in output `loki` reads them, where braces belong to the older plugin `grafana-loki`.

/** As the guide has it, with `multiline.parser` in place of `Parser docker`. */
const INPUT = `[INPUT]
    Name tail
    Path /var/log/containers/*.log
    multiline.parser docker, cri
    Tag kube.*
    DB /var/log/fluent-bit.db
    Mem_Buf_Limit 16MB
    Skip_Long_Lines On
    Refresh_Interval 10
`

/** Pods of other namespaces are not ours to keep. The line stays as it was written: dashboards and derived fields read its JSON. */
const FILTERS = `[FILTER]
    Name kubernetes
    Match kube.*
    Merge_Log Off
    Keep_Log On
    Labels On
    Annotations Off
    K8S-Logging.Exclude On

[FILTER]
    Name grep
    Match kube.*
    Regex $kubernetes['namespace_name'] ^(borrow-rate-engine-(dev|staging|prod)|monitoring)$
`

/** As the guide has it, with plain labels, two of them under the names that metrics have; what follows makes a line of Loki the line that was written, and tries again as long as it takes. */
const OUTPUT = `[OUTPUT]
    Name loki
    Match kube.*
    Host loki.monitoring.svc.cluster.local
    Port 3100
    Labels job=fluentbit,namespace=$kubernetes['namespace_name'],pod=$kubernetes['pod_name']
    Label_keys $kubernetes['namespace_name'],$kubernetes['pod_name'],$kubernetes['container_name']
    Line_Format key_value
    Drop_Single_Key raw
    Remove_Keys kubernetes,stream,_p,time,logtag
    Retry_Limit no_limits
`

export function fluentBitValues() {
  return {
    kind: 'DaemonSet',
    // On every node, also those that take nothing else.
    tolerations: [{ operator: 'Exists' }],
    priorityClassName: 'system-node-critical',
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    testFramework: { enabled: false },
    config: {
      inputs: INPUT,
      filters: FILTERS,
      outputs: OUTPUT,
    },
  }
}

export const FLUENT_BIT_HEAD = [
  'For the chart fluent/fluent-bit:',
  '',
  '    helm install fluent-bit fluent/fluent-bit -n monitoring -f infrastructure/monitoring/fluent-bit-values.yaml',
]
