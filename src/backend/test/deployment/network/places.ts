// Everybody that a pod of ours may want to reach, or may be reached by, each as a host with the address and the ports that it has in the
// cluster: our own pods with the labels of the manifests, the other pods, the load balancer, the data tier, AWS, the internet.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  canary,
  type Environment,
  fileObjects,
  type Labels,
  MANIFESTS,
  type ManifestObject,
  ofKind,
  overlay,
  workloads,
} from '../manifests.ts'
import type { Port } from './listeners.ts'
import type { Cluster, NetworkPolicy, Pod } from './network-policy.ts'

export interface Place {
  readonly name: string
  readonly address: string
  readonly ports: readonly Port[]
  /** What it is in the cluster: one of ours, a pod in some namespace; else it is outside. */
  readonly pod?: 'ours' | { readonly namespace: string; readonly labels: Labels }
}

/** Everybody listens there too, and nobody is let through to it. */
const ANOTHER_PORT = 9000

const tcp = (...ports: number[]): Port[] => ports.map((port) => ({ protocol: 'tcp', port }))
const OURS = { pod: 'ours' } as const

/** Of a pod of the gateway in the namespace of another environment. */
const GATEWAY_LABELS: Labels = {
  app: 'api-gateway',
  'app.kubernetes.io/name': 'api-gateway',
  'app.kubernetes.io/component': 'service',
  'app.kubernetes.io/part-of': 'borrow-rate-engine',
}

const LISTENING: readonly Place[] = [
  // Pods have addresses of the application subnets.
  { name: 'api-gateway', address: '10.0.1.1', ports: tcp(8000, 8443, 8444), ...OURS },
  { name: 'api-gateway-canary', address: '10.0.65.1', ports: tcp(8000, 8443, 8444), ...OURS },
  { name: 'calculation-service', address: '10.0.1.2', ports: tcp(8000, 8443), ...OURS },
  { name: 'data-service', address: '10.0.65.2', ports: tcp(8000, 8443), ...OURS },
  { name: 'cache-service', address: '10.0.129.2', ports: tcp(8000, 8443), ...OURS },
  { name: 'audit-service', address: '10.0.1.3', ports: tcp(8000, 8443), ...OURS },
  { name: 'pgbouncer', address: '10.0.65.3', ports: tcp(6432), ...OURS },
  { name: 'traffic-split-controller', address: '10.0.129.3', ports: tcp(8000), ...OURS },
  { name: 'db-init', address: '10.0.1.4', ports: [], ...OURS },
  { name: 'db-migrate', address: '10.0.65.4', ports: [], ...OURS },
  { name: 'db-seed', address: '10.0.129.4', ports: [], ...OURS },
  { name: 'database-shell', address: '10.0.65.5', ports: [], ...OURS },
  { name: 'stranger', address: '10.0.1.5', ports: tcp(8000, 8443), ...OURS },
  // Pods of others.
  {
    name: 'stranger elsewhere',
    address: '10.0.2.1',
    ports: tcp(8000, 8443),
    pod: { namespace: 'default', labels: { app: 'stranger' } },
  },
  {
    name: 'gateway of another environment',
    address: '10.0.2.2',
    ports: tcp(8000, 8443),
    pod: { namespace: 'borrow-rate-engine-another', labels: GATEWAY_LABELS },
  },
  {
    name: 'prometheus',
    address: '10.0.66.1',
    ports: tcp(9090),
    pod: { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'prometheus' } },
  },
  {
    name: 'tempo',
    address: '10.0.66.2',
    ports: tcp(3200, 4318),
    pod: { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'tempo' } },
  },
  {
    name: 'dns',
    address: '10.0.130.1',
    ports: [...tcp(53), { protocol: 'udp', port: 53 }],
    pod: { namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  },
  {
    name: 'another pod of kube-system',
    address: '10.0.130.2',
    ports: [...tcp(53), { protocol: 'udp', port: 53 }],
    pod: { namespace: 'kube-system', labels: { 'k8s-app': 'metrics-server' } },
  },
  // Others in the network.
  { name: 'kubernetes api', address: '10.0.64.10', ports: tcp(443) },
  { name: 'load balancer', address: '10.0.193.10', ports: tcp(80, 443) },
  { name: 'database', address: '10.0.208.10', ports: tcp(5432) },
  { name: 'database replica', address: '10.0.210.10', ports: tcp(5432) },
  { name: 'redis', address: '10.0.209.10', ports: tcp(6379) },
  { name: 'server of another network', address: '192.168.7.7', ports: tcp(443, 5432, 8443) },
  // Of the node, under addresses that lead nowhere else.
  { name: 'pod identity agent', address: '169.254.170.23', ports: tcp(80) },
  { name: 'instance metadata', address: '169.254.169.254', ports: tcp(80) },
  // The internet.
  { name: 'storage', address: '52.216.1.10', ports: tcp(443) },
  { name: 'server on the internet', address: '203.0.113.10', ports: tcp(21, 80, 443, 5432, 6379, 8443) },
]

export const PLACES: readonly Place[] = LISTENING.map((place) => ({
  ...place,
  ports: [...place.ports, ...tcp(ANOTHER_PORT)],
}))

/** Labels of a pod that nobody has thought of. */
const STRANGER: Labels = { app: 'stranger' }

/** An environment as it is built: its policies, and who of the places is a pod there. */
export interface Built {
  readonly namespace: string
  readonly cluster: Cluster
  /** Names of our own pods that this environment has. */
  readonly ours: ReadonlySet<string>
  podAt(place: string): Pod | undefined
}

/** @throws Error when the environment has pods that are at no place: then nobody would look at them */
export function builtAs(environment: Environment): Built {
  const objects = overlay(environment)
  const all = [...workloads(objects), ...(environment === 'prod' ? workloads(canary()) : []), ...workloads(jobs())]
  const labelsOf = new Map(all.map(({ metadata, spec }) => [metadata.name, spec.template.metadata.labels]))
  for (const { kind, metadata } of [...objects, ...jobs()]) {
    if (kind === 'Pod') labelsOf.set(metadata.name, metadata.labels ?? {})
  }
  labelsOf.set('stranger', STRANGER)
  const placeless = [...labelsOf.keys()].filter((name) => !PLACES.some((place) => place.name === name))
  if (placeless.length > 0) throw new Error(`no place is known for ${placeless.join(', ')}`)
  const namespace = namespaceOf(objects)
  const pods = new Map<string, Pod>()
  for (const { name, address, pod } of PLACES) {
    const about = pod === 'ours' ? { namespace, labels: labelsOf.get(name) } : pod
    if (about?.labels === undefined) continue
    pods.set(name, { namespace: about.namespace, labels: about.labels, address, namedPorts: NAMED_PORTS })
  }
  return {
    namespace,
    ours: new Set(PLACES.filter(({ name, pod }) => pod === 'ours' && pods.has(name)).map(({ name }) => name)),
    podAt: (place) => pods.get(place),
    cluster: {
      pods: [...pods.values()],
      namespaces: Object.fromEntries(
        [...objects, ...fileObjects('base/namespace.yaml')]
          .filter(({ kind }) => kind === 'Namespace')
          .map(({ metadata }) => [metadata.name, metadata.labels ?? {}]),
      ),
      policies: ofKind(objects, 'NetworkPolicy') as unknown as NetworkPolicy[],
    },
  }
}

/** What is applied by itself, beside an environment. */
function jobs(): ManifestObject[] {
  const files = readdirSync(join(MANIFESTS, 'jobs')).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
  )
  return files.flatMap((name) => fileObjects(`jobs/${name}`))
}

/** As all our containers call their ports. */
const NAMED_PORTS = { http: 8000, internal: 8443, https: 8444, pgbouncer: 6432 }

function namespaceOf(objects: readonly ManifestObject[]): string {
  const [own, ...more] = objects.filter(({ kind }) => kind === 'Namespace')
  if (own === undefined || more.length > 0) throw new Error('an overlay brings one namespace')
  return own.metadata.name
}
