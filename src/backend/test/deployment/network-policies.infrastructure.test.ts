// The NetworkPolicies of each environment, in force: every pod and everybody around it is a host in a network of namespaces, with a firewall
// that says what the policies say, and everybody tries to connect to everybody. What has to work works, and nothing else does.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENVIRONMENTS, withoutKubectl } from './manifests.ts'
import { connection, expectedConnections } from './network/expected-connections.ts'
import { firewallOf, OPEN_FIREWALL } from './network/firewall.ts'
import { type Listener, startListener, type Target } from './network/listeners.ts'
import { makeNetwork, type Network, namespacesMissing } from './network/namespaces.ts'
import type { Cluster, NetworkPolicy } from './network/network-policy.ts'
import { type Built, builtAs, PLACES } from './network/places.ts'

const missing = withoutKubectl() ? 'there is no kubectl' : namespacesMissing()
if (missing !== null) console.warn(`The network policies are not tried: ${missing}`)

describe.skipIf(missing !== null)('the network policies', () => {
  let network: Network
  const listeners = new Map<string, Listener>()
  const inForce = new Map<string, string>()
  beforeAll(async () => {
    network = await makeNetwork(PLACES)
    await Promise.all(
      PLACES.map(async ({ name, ports }) => listeners.set(name, await startListener(network, name, ports))),
    )
  })
  afterAll(async () => {
    await Promise.all([...listeners.values()].map((listener) => listener.stop()))
    await network?.remove()
  })

  /** The firewall of everybody under these policies. */
  function firewallsUnder(built: Built, policies: readonly NetworkPolicy[]): Map<string, string> {
    const cluster: Cluster = { ...built.cluster, policies }
    return new Map(
      PLACES.map(({ name }) => {
        const pod = built.podAt(name)
        return [name, pod === undefined ? OPEN_FIREWALL : firewallOf(pod, cluster)]
      }),
    )
  }

  /**
   * Puts policies in force, and lets everybody try.
   * @param after what was seen under other policies of the same environment: then only those try whose firewall is another by now
   */
  async function connectionsUnder(
    built: Built,
    policies: readonly NetworkPolicy[],
    after?: ReadonlySet<string>,
  ): Promise<Set<string>> {
    const firewalls = firewallsUnder(built, policies)
    const changed = PLACES.filter(({ name }) => inForce.get(name) !== firewalls.get(name)).map(({ name }) => name)
    await Promise.all(
      changed.map(async (name) => {
        const rules = firewalls.get(name) as string
        await network.firewall(name, rules)
        inForce.set(name, rules)
      }),
    )
    const isOther = (from: string, to: string) => after === undefined || changed.includes(from) || changed.includes(to)
    const found = await Promise.all(
      present(built).map(async (from) => {
        const others = pairsOf(built).filter(([one, to]) => one === from && isOther(one.name, to.name))
        const tries = others.flatMap(([, { name, address, ports }]) =>
          ports.map((port) => ({ to: name, target: { ...port, address } satisfies Target })),
        )
        const answers = await (listeners.get(from.name) as Listener).tryAll(tries.map(({ target }) => target))
        return tries.flatMap(({ to, target }, at) => {
          const who = answers[at] ?? null
          if (who === null) return []
          if (who !== to) throw new Error(`${who} answered at the address of ${to}`)
          const { port, protocol } = target
          return [connection(from.name, to, protocol === 'udp' ? `${port}/udp` : String(port))]
        })
      }),
    )
    const asBefore = [...(after ?? [])].filter((one) => {
      const [from = '', rest = ''] = one.split(' -> ')
      return !isOther(from, rest.slice(0, rest.lastIndexOf(' ')))
    })
    return new Set([...asBefore, ...found.flat()])
  }

  /** Who tries whom. Between two that are not ours nobody decides here. */
  const pairsOf = (built: Built) =>
    present(built).flatMap((from) =>
      present(built)
        .filter((to) => to !== from && (built.ours.has(from.name) || built.ours.has(to.name)))
        .map((to) => [from, to] as const),
    )

  const present = (built: Built) => PLACES.filter(({ name, pod }) => pod !== 'ours' || built.ours.has(name))
  const expectedOf = (built: Built) =>
    expectedConnections((name) => present(built).some((place) => place.name === name))

  function differences(expected: ReadonlySet<string>, seen: ReadonlySet<string>): string[] {
    return [
      ...[...expected].filter((one) => !seen.has(one)).map((one) => `has to work: ${one}`),
      ...[...seen].filter((one) => !expected.has(one)).map((one) => `must not work: ${one}`),
    ].sort()
  }

  test.each(ENVIRONMENTS)('of %s let through what has to work, and nothing else', async (environment) => {
    const built = builtAs(environment)
    const seen = await connectionsUnder(built, built.cluster.policies)
    expect(differences(expectedOf(built), seen)).toEqual([])
  })

  test('without any, everybody reaches everybody: what is refused is refused by them', async () => {
    const built = builtAs('prod')
    const seen = await connectionsUnder(built, [])
    expect(seen.size).toBe(pairsOf(built).reduce((sum, [, { ports }]) => sum + ports.length, 0))
  })

  test('are each needed: without any one of them something is otherwise', async () => {
    const built = builtAs('prod')
    const { policies } = built.cluster
    const whole = await connectionsUnder(built, policies)
    const idle: string[] = []
    for (const without of policies) {
      // The others are put in force again before the next one is taken away, so that what is looked at differs by one policy.
      const others = policies.filter((policy) => policy !== without)
      const seen = await connectionsUnder(built, others, whole)
      if (differences(whole, seen).length === 0) idle.push(without.metadata.name)
      expect(differences(whole, await connectionsUnder(built, policies, seen))).toEqual([])
    }
    expect(idle).toEqual([])
  })

  test.each<{ what: string; policy: string; widen: (spec: Spec) => Spec; opens: string }>([
    {
      what: 'the pooler open to everybody',
      policy: 'pgbouncer-callers',
      widen: (spec) => ({ ...spec, ingress: spec.ingress?.map(({ from: _, ...rule }) => rule) ?? [] }),
      opens: 'stranger elsewhere -> pgbouncer 6432',
    },
    {
      what: 'the public door open to the whole network',
      policy: 'load-balancer-to-api-gateway',
      widen: (spec) => ({ ...spec, ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }),
      opens: 'database -> api-gateway 8000',
    },
    {
      what: 'callers by their labels alone, from any namespace',
      policy: 'audit-service-callers',
      widen: (spec) => ({
        ...spec,
        ingress:
          spec.ingress?.map((rule) => ({
            ...rule,
            from: rule.from?.map((peer) => ({ ...peer, namespaceSelector: {} })) ?? [],
          })) ?? [],
      }),
      opens: 'gateway of another environment -> audit-service 8443',
    },
    {
      what: 'the internet without its exceptions',
      policy: 'api-gateway-to-webhooks',
      widen: (spec) => ({
        ...spec,
        egress: spec.egress?.map((rule) => ({ ...rule, to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] })) ?? [],
      }),
      opens: 'api-gateway -> kubernetes api 443',
    },
    {
      what: "all of the node's addresses for the one of the agent",
      policy: 'audit-service-to-storage',
      widen: (spec) => ({
        ...spec,
        egress: [...(spec.egress ?? []), { to: [{ ipBlock: { cidr: '169.254.0.0/16' } }], ports: [{ port: 80 }] }],
      }),
      opens: 'audit-service -> instance metadata 80',
    },
    {
      what: 'every port of the data tier for the one of Redis',
      policy: 'services-to-redis',
      widen: (spec) => ({ ...spec, egress: spec.egress?.map(({ ports: _, ...rule }) => rule) ?? [] }),
      opens: 'cache-service -> database 5432',
    },
  ])('$what would be seen', async ({ policy, widen, opens }) => {
    const built = builtAs('prod')
    const { policies } = built.cluster
    expect(policies.map(({ metadata }) => metadata.name)).toContain(policy)
    const widened = policies.map((one) => (one.metadata.name === policy ? { ...one, spec: widen(one.spec) } : one))
    const seen = await connectionsUnder(built, widened)
    expect(differences(expectedOf(built), seen)).toContain(`must not work: ${opens}`)
  })
})

type Spec = NetworkPolicy['spec']
