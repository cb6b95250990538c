// What NetworkPolicies say about a pod: which of them select it, and which peers and ports they let through. Only what Kubernetes says they
// mean; src and destination are looked at one by one, so that a connection needs both ends.

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

export interface Peer {
  readonly podSelector?: LabelSelector
  readonly namespaceSelector?: LabelSelector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

export interface PolicyPort {
  readonly protocol?: string
  /** A number, or the name of a port of the pod that is connected to. */
  readonly port?: number | string
  readonly endPort?: number
}

interface PolicyRule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly PolicyPort[]
}

export interface NetworkPolicy {
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly spec: {
    readonly podSelector: LabelSelector
    readonly policyTypes?: readonly string[]
    readonly ingress?: readonly PolicyRule[]
    readonly egress?: readonly PolicyRule[]
  }
}

type Labels = Readonly<Record<string, string>>

/** A pod with the address that it has. */
export interface Pod {
  readonly namespace: string
  readonly labels: Labels
  readonly address: string
  readonly namedPorts: Readonly<Record<string, number>>
}

export interface Cluster {
  readonly pods: readonly Pod[]
  /** Labels of the namespaces by name; each has its name among them without being told. */
  readonly namespaces: Readonly<Record<string, Labels>>
  readonly policies: readonly NetworkPolicy[]
}

export type Direction = 'ingress' | 'egress'

/** A range of addresses without some ranges in it. */
export interface Addresses {
  readonly cidr: string
  readonly except: readonly string[]
}

/** Connections that one policy lets through, in one direction. */
export interface Opening {
  readonly policy: string
  readonly peers: readonly Addresses[]
  /** Null: all ports of all protocols. */
  readonly ports: readonly { readonly protocol: 'tcp' | 'udp'; readonly first: number; readonly last: number }[] | null
}

const ANYWHERE: Addresses = { cidr: '0.0.0.0/0', except: [] }
const LAST_PORT = 65_535

/** What is let through at a pod; null: no policy is about this direction there, so everything is. */
export function openingsOf(pod: Pod, direction: Direction, cluster: Cluster): Opening[] | null {
  const about = cluster.policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.namespace && selects(spec.podSelector, pod.labels) && isAbout(spec, direction),
  )
  if (about.length === 0) return null
  return about.flatMap((policy) =>
    (policy.spec[direction] ?? []).flatMap((rule) => {
      const named = (direction === 'ingress' ? rule.from : rule.to) ?? []
      // No peer at all means everybody; peers that nobody answers to mean nobody.
      const peers = named.length === 0 ? [ANYWHERE] : named.flatMap((peer) => addressesOf(peer, policy, cluster))
      if (peers.length === 0) return []
      const known = direction === 'ingress' ? [pod] : cluster.pods
      return [{ policy: policy.metadata.name, peers, ports: portsOf(rule.ports, known) }]
    }),
  )
}

/** Without policyTypes a policy is about what comes in, and about what goes out when it says something of that. */
function isAbout({ policyTypes, egress }: NetworkPolicy['spec'], direction: Direction): boolean {
  if (policyTypes !== undefined) return policyTypes.some((type) => type.toLowerCase() === direction)
  return direction === 'ingress' || egress !== undefined
}

function addressesOf(peer: Peer, policy: NetworkPolicy, { pods, namespaces }: Cluster): Addresses[] {
  const { ipBlock, podSelector, namespaceSelector } = peer
  if (ipBlock !== undefined) return [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }]
  return pods
    .filter(({ namespace, labels }) => {
      const named = { 'kubernetes.io/metadata.name': namespace, ...namespaces[namespace] }
      const isThere =
        namespaceSelector === undefined ? namespace === policy.metadata.namespace : selects(namespaceSelector, named)
      return isThere && (podSelector === undefined || selects(podSelector, labels))
    })
    .map(({ address }) => ({ cidr: `${address}/32`, except: [] }))
}

function portsOf(ports: readonly PolicyPort[] | undefined, pods: readonly Pod[]): Opening['ports'] {
  if (ports === undefined || ports.length === 0) return null
  return ports.flatMap(({ protocol = 'TCP', port, endPort }) => {
    const kind = protocol.toLowerCase()
    if (kind !== 'tcp' && kind !== 'udp') throw new Error(`a policy names the protocol ${protocol}`)
    if (port === undefined) return [{ protocol: kind, first: 1, last: LAST_PORT } as const]
    if (typeof port === 'number') return [{ protocol: kind, first: port, last: endPort ?? port } as const]
    const numbers = new Set(pods.flatMap(({ namedPorts }) => (port in namedPorts ? [namedPorts[port] as number] : [])))
    return [...numbers].map((number) => ({ protocol: kind, first: number, last: number }) as const)
  })
}

export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key]
      if (operator === 'Exists') return value !== undefined
      if (operator === 'DoesNotExist') return value === undefined
      if (operator === 'In') return value !== undefined && values.includes(value)
      if (operator === 'NotIn') return value === undefined || !values.includes(value)
      throw new Error(`a selector has the operator ${operator}`)
    })
  )
}
