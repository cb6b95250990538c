// NetworkPolicies as the rules of a pod's own firewall, in the words of iptables-restore. What is not let through is rejected rather than
// dropped, so that nobody waits for a refusal.
import { type Cluster, type Direction, type Opening, openingsOf, type Pod } from './network-policy.ts'

const CHAINS: Readonly<Record<Direction, { chain: string; peer: string }>> = {
  ingress: { chain: 'INPUT', peer: '-s' },
  egress: { chain: 'OUTPUT', peer: '-d' },
}
const LOOPBACK: Readonly<Record<Direction, string>> = { ingress: '-i lo', egress: '-o lo' }

/** A firewall through which everything passes: of whoever no policy is about. */
export const OPEN_FIREWALL = '*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n'

export function firewallOf(pod: Pod, cluster: Cluster): string {
  const chains: string[] = []
  const rules = (['ingress', 'egress'] as const).flatMap((direction) => {
    const openings = openingsOf(pod, direction, cluster)
    return openings === null ? [] : rulesOf(direction, openings, chains)
  })
  const declared = ['INPUT', 'OUTPUT'].map((chain) => `:${chain} ACCEPT [0:0]`)
  return ['*filter', ...declared, ...chains.map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join('\n')
}

function rulesOf(direction: Direction, openings: readonly Opening[], chains: string[]): string[] {
  const { chain, peer } = CHAINS[direction]
  const rules = [
    `-A ${chain} ${LOOPBACK[direction]} -j ACCEPT`,
    `-A ${chain} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  ]
  for (const { policy, peers, ports } of openings) {
    for (const { cidr, except } of peers) {
      // A chain of its own lets what is excepted go on to the next rule.
      const target = except.length === 0 ? 'ACCEPT' : `${direction}-${chains.length}`
      if (target !== 'ACCEPT') {
        chains.push(target)
        rules.push(...except.map((range) => `-A ${target} ${peer} ${range} -j RETURN`), `-A ${target} -j ACCEPT`)
      }
      const matches =
        ports === null ? [''] : ports.map(({ protocol, first, last }) => ` -p ${protocol} --dport ${first}:${last}`)
      for (const match of matches) {
        rules.push(`-A ${chain} ${peer} ${cidr}${match} -m comment --comment "${policy}" -j ${target}`)
      }
    }
  }
  return [...rules, `-A ${chain} -p tcp -j REJECT --reject-with tcp-reset`, `-A ${chain} -j REJECT`]
}
