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
  beforeAll(async () => {
    network = await makeNetwork(PLACES)
    await Promise.all(
      PLACES.map(async ({ name, ports }) => listeners.set(name, await startListener(network, name, ports))),
    )
  })
  afterAll(async () => {
    await Promise.all([...listeners.values()].map((listener) => listener.stop()))
    network?.remove()
  })

  /** Puts policies in force, and lets everybody try. */
  async function connectionsUnder(built: Built, policies: readonly NetworkPolicy[]): Promise<Set<string>> {
    const cluster: Cluster = { ...built.cluster, policies }
    await Promise.all(
      PLACES.map(({ name }) => {
        const pod = built.podAt(name)
        return network.firewall(name, pod === undefined ? OPEN_FIREWALL : firewallOf(pod, cluster))
      }),
    )
    const found = await Promise.all(
      present(built).map(async (from) => {
        // Between two that are not ours nobody decides here.
        const others = present(built).filter(
          (to) => to !== from && (built.ours.has(from.name) || built.ours.has(to.name)),
        )
        const tries = others.flatMap(({ name, address, ports }) =>
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
    return new Set(found.flat())
  }

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
    const pairs = present(built).flatMap((from) =>
      present(built).filter((to) => to !== from && (built.ours.has(from.name) || built.ours.has(to.name))),
    )
    expect(seen.size).toBe(pairs.reduce((sum, { ports }) => sum + ports.length, 0))
  })

  test('are each needed: without any one of them something is otherwise', async () => {
    const built = builtAs('prod')
    const { policies } = built.cluster
    const expected = expectedOf(built)
    const idle: string[] = []
    for (const without of policies) {
      const seen = await connectionsUnder(
        built,
        policies.filter((policy) => policy !== without),
      )
      if (differences(expected, seen).length === 0) idle.push(without.metadata.name)
    }
    expect(idle).toEqual([])
  })
})
