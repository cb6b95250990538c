// NetworkPolicies as rules on paper: whom they leave open, and who may call without being let in, or is let in without calling. What a
// kernel makes of them is tried in network-policies.infrastructure.test.ts.
import {
  type Labels,
  type ManifestObject,
  ofKind,
  type Specified,
  selects,
  type Workload,
  workloads,
} from './manifests.ts'

interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values: readonly string[]
  }[]
}

interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

interface Port {
  readonly protocol: string
  readonly port: number
  readonly endPort?: number
}

interface PolicySpec {
  readonly podSelector: Selector
  readonly policyTypes: readonly string[]
  readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[]
  readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[]
}

export type Policy = Specified<PolicySpec>

export const policiesOf = (objects: readonly ManifestObject[]) => ofKind<PolicySpec>(objects, 'NetworkPolicy')

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const expressed = matchExpressions.every(({ key, operator, values }) => {
    if (operator !== 'In') throw new Error(`operator ${operator} is not known here`)
    return values.includes(labels[key] ?? '')
  })
  return selects(matchLabels, labels) && expressed
}

const labelsOf = ({ spec }: Workload) => spec.template.metadata.labels

/** `api-gateway -> data-service 8443` for each pair of ours that one side's policies name. */
function pairs(objects: readonly ManifestObject[], direction: 'ingress' | 'egress'): string[] {
  const pods = workloads(objects)
  const named = (selector: Selector) =>
    pods.filter((workload) => matches(selector, labelsOf(workload))).map(({ metadata }) => metadata.name)
  return policiesOf(objects).flatMap(({ spec }) => {
    const own = named(spec.podSelector)
    const rules =
      direction === 'egress'
        ? (spec.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }))
        : (spec.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
    return rules.flatMap(({ peers, ports }) =>
      peers
        .filter(({ podSelector, namespaceSelector }) => podSelector !== undefined && namespaceSelector === undefined)
        .flatMap(({ podSelector }) => named(podSelector!))
        .flatMap((other) =>
          own.flatMap((name) =>
            ports.map(({ port }) =>
              direction === 'egress' ? `${name} -> ${other} ${port}` : `${other} -> ${name} ${port}`,
            ),
          ),
        ),
    )
  })
}

/** The pairs of ours that may talk: both sides say so. */
export function allowedPairs(objects: readonly ManifestObject[]): string[] {
  const letIn = new Set(pairs(objects, 'ingress'))
  return [...new Set(pairs(objects, 'egress'))].filter((pair) => letIn.has(pair)).sort()
}

export function networkFaults(objects: readonly ManifestObject[]): string[] {
  const policies = policiesOf(objects)
  const [out, letIn] = [pairs(objects, 'egress'), pairs(objects, 'ingress')]
  const closed = (direction: string) =>
    policies.some(
      ({ spec }) =>
        Object.keys(spec.podSelector).length === 0 &&
        spec.policyTypes.includes(direction) &&
        (direction === 'Ingress' ? spec.ingress : spec.egress) === undefined,
    )
  return [
    ...['Ingress', 'Egress']
      .filter((direction) => !closed(direction))
      .map((direction) => `${direction} is not denied to all pods`),
    ...out.filter((pair) => !letIn.includes(pair)).map((pair) => `${pair}: may call and is not let in`),
    ...letIn.filter((pair) => !out.includes(pair)).map((pair) => `${pair}: is let in and may not call`),
    ...policies.flatMap(({ metadata, spec }) => policyFaults(metadata.name, spec, objects)),
  ]
}

function policyFaults(name: string, spec: PolicySpec, objects: readonly ManifestObject[]): string[] {
  const rules = [
    ...(spec.ingress ?? []).map(({ from, ports }) => ({ type: 'Ingress', peers: from, ports })),
    ...(spec.egress ?? []).map(({ to, ports }) => ({ type: 'Egress', peers: to, ports })),
  ]
  const pods = workloads(objects)
  const faults: (string | false)[] = rules.flatMap(({ type, peers = [], ports = [] }) => [
    peers.length === 0 && 'allows everybody',
    ports.length === 0 && 'allows every port',
    !spec.policyTypes.includes(type) && `has rules of ${type} that are not in force`,
    peers.some(({ ipBlock }) => ipBlock?.cidr === '0.0.0.0/0' && !ipBlock.except?.includes('10.0.0.0/8')) &&
      'means the internet and allows our own network with it',
  ])
  return [...faults, !pods.some((workload) => matches(spec.podSelector, labelsOf(workload))) && 'is meant for no pod']
    .filter((fault) => fault !== false)
    .map((fault) => `NetworkPolicy ${name}: ${fault}`)
}
