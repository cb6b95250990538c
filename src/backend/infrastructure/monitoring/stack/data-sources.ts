// Where Grafana asks: three sources that lead to one another, from a trace to its lines of the log and back.
export const SOURCES = { prometheus: 'prometheus', loki: 'loki', tempo: 'tempo', alertmanager: 'alertmanager' } as const

const inMonitoring = (service: string, port: number) => `http://${service}.monitoring.svc.cluster.local:${port}`

export const ADDRESSES = {
  prometheus: inMonitoring('prometheus-server', 80),
  loki: inMonitoring('loki', 3100),
  tempo: inMonitoring('tempo', 3200),
  alertmanager: inMonitoring('prometheus-alertmanager', 9093),
} as const

export const DATA_SOURCES = [
  {
    name: 'Prometheus',
    uid: SOURCES.prometheus,
    type: 'prometheus',
    url: ADDRESSES.prometheus,
    access: 'proxy',
    isDefault: true,
    editable: false,
    jsonData: { timeInterval: '15s', httpMethod: 'POST' },
  },
  {
    name: 'Loki',
    uid: SOURCES.loki,
    type: 'loki',
    url: ADDRESSES.loki,
    access: 'proxy',
    editable: false,
    jsonData: {
      // A line of the log names its trace.
      derivedFields: [
        {
          name: 'trace',
          datasourceUid: SOURCES.tempo,
          matcherRegex: '"trace_id":"([0-9a-f]{32})"',
          // One dollar is Grafana's own: the value stands in a provisioned file.
          url: '$${__value.raw}',
          urlDisplayLabel: 'the trace',
        },
      ],
    },
  },
  {
    name: 'Tempo',
    uid: SOURCES.tempo,
    type: 'tempo',
    url: ADDRESSES.tempo,
    access: 'proxy',
    editable: false,
    jsonData: {
      // A span's service is the name of a container's pod, its lines are those with its trace's id.
      tracesToLogsV2: {
        datasourceUid: SOURCES.loki,
        spanStartTimeShift: '-5m',
        spanEndTimeShift: '5m',
        customQuery: true,
        query: '{job="fluentbit"} |= "$${__trace.traceId}"',
      },
      serviceMap: { datasourceUid: SOURCES.prometheus },
    },
  },
  {
    name: 'Alertmanager',
    uid: SOURCES.alertmanager,
    type: 'alertmanager',
    url: ADDRESSES.alertmanager,
    access: 'proxy',
    editable: false,
    jsonData: { implementation: 'prometheus', handleGrafanaManagedAlerts: false },
  },
]
