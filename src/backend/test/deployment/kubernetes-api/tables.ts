// Objects as the table that `kubectl get` prints.
import type { IncomingMessage } from 'node:http'
import { type ApiObject, listAt, type Tree, treeAt } from './api-object.ts'
import type { Kind } from './kinds.ts'

type Column = readonly [name: string, cell: (object: ApiObject) => unknown]

const NONE = '<none>'
const count = (object: ApiObject, ...path: string[]) =>
  Number(treeAt(object, ...path.slice(0, -1))[path.at(-1) as string] ?? 0)

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  pods: [
    [
      'Ready',
      (pod) => `${statuses(pod).filter(({ ready }) => ready).length}/${listAt(pod, 'spec', 'containers').length}`,
    ],
    ['Status', podStatus],
    ['Restarts', (pod) => statuses(pod).reduce((sum, { restartCount }) => sum + Number(restartCount), 0)],
  ],
  deployments: [
    ['Ready', (object) => `${count(object, 'status', 'readyReplicas')}/${count(object, 'spec', 'replicas')}`],
    ['Up-to-date', (object) => count(object, 'status', 'updatedReplicas')],
    ['Available', (object) => count(object, 'status', 'availableReplicas')],
  ],
  replicasets: [
    ['Desired', (object) => count(object, 'spec', 'replicas')],
    ['Current', (object) => count(object, 'status', 'replicas')],
    ['Ready', (object) => count(object, 'status', 'readyReplicas')],
  ],
  jobs: [
    ['Status', (job) => listAt(job, 'status', 'conditions')[0]?.type ?? 'Running'],
    ['Completions', (job) => `${count(job, 'status', 'succeeded')}/1`],
  ],
  services: [
    ['Type', (service) => treeAt(service, 'spec').type],
    ['Cluster-IP', (service) => treeAt(service, 'spec').clusterIP ?? NONE],
    [
      'Port(s)',
      (service) =>
        listAt(service, 'spec', 'ports')
          .map(({ port, protocol }) => `${port}/${protocol ?? 'TCP'}`)
          .join(),
    ],
  ],
  configmaps: [['Data', (object) => Object.keys(treeAt(object, 'data')).length]],
  secrets: [
    ['Type', (secret) => secret.type],
    ['Data', (secret) => Object.keys(treeAt(secret, 'data')).length],
  ],
  namespaces: [['Status', (object) => treeAt(object, 'status').phase]],
  horizontalpodautoscalers: [
    [
      'Reference',
      (hpa) => `${treeAt(hpa, 'spec', 'scaleTargetRef').kind}/${treeAt(hpa, 'spec', 'scaleTargetRef').name}`,
    ],
    ['MinPods', (hpa) => count(hpa, 'spec', 'minReplicas')],
    ['MaxPods', (hpa) => count(hpa, 'spec', 'maxReplicas')],
  ],
  trafficsplits: [['Service', (split) => treeAt(split, 'spec').service]],
  events: [
    ['Type', (event) => event.type],
    ['Reason', (event) => event.reason],
    ['Object', (event) => `${treeAt(event, 'involvedObject').kind}/${treeAt(event, 'involvedObject').name}`],
    ['Message', (event) => event.message],
  ],
}

/** Whether a client wants objects as a table. */
export function isTableAsked({ headers }: IncomingMessage): boolean {
  return String(headers.accept).includes('as=Table')
}

export function tableOf(kind: Kind, objects: readonly ApiObject[], resourceVersion: string): Tree {
  const own = COLUMNS[kind.plural] ?? []
  const columns: readonly Column[] = [['Name', ({ metadata }) => metadata.name], ...own, ['Age', age]]
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion },
    columnDefinitions: columns.map(([name]) => ({
      name,
      type: 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: 0,
    })),
    rows: objects.map((object) => ({
      cells: columns.map(([, cell]) => cell(object)),
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  }
}

function statuses(pod: ApiObject): Tree[] {
  return listAt(pod, 'status', 'containerStatuses')
}

function podStatus(pod: ApiObject): string {
  for (const { state } of statuses(pod)) {
    const reason = treeAt(state, 'waiting').reason ?? treeAt(state, 'terminated').reason
    if (reason !== undefined) return String(reason)
  }
  return String(treeAt(pod, 'status').phase ?? 'Pending')
}

function age({ metadata }: ApiObject): string {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(metadata.creationTimestamp ?? '')) / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 120 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`
}
