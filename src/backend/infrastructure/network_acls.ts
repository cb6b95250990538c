// What may pass between tiers, subnet by subnet: a second fence behind the security groups, which a mistake in one of them does not open.
// Access lists have no memory: the answers to what is let through need a rule too, on the ports that callers call from.
import { NetworkAcl } from '@cdktn/provider-aws/lib/network-acl/index.js'
import type { Vpc } from '@cdktn/provider-aws/lib/vpc/index.js'
import type { Construct } from 'constructs'
import { subnetExpression, type Tier, ZONES } from './address_plan.ts'
import { text } from './expressions.ts'
import type { Naming } from './naming.ts'

type Ports = readonly [from: number, to: number] | 'all'

interface Rule {
  readonly peer: Tier | 'anywhere'
  readonly ports: Ports
  readonly action?: 'allow' | 'deny'
}

const ANSWERS: Ports = [1024, 65535]
/** Lies among the ports of answers. One answer in 64,000 would come to it: its connection is tried again from another. */
const REMOTE_DESKTOP: Ports = [3389, 3389]
const HTTPS: Ports = [443, 443]
const HTTP: Ports = [80, 80]
const POSTGRES: Ports = [5432, 5432]
const REDIS: Ports = [6379, 6379]

type FencedTier = 'public' | 'app' | 'data' | 'transit'

interface Fence {
  readonly ingress: readonly Rule[]
  readonly egress: readonly Rule[]
}

/** In the order they are tried in; what no rule lets through is refused. */
const RULES: Readonly<Record<FencedTier, Fence>> = {
  public: {
    ingress: [
      { peer: 'data', ports: 'all', action: 'deny' },
      { peer: 'anywhere', ports: HTTPS },
      { peer: 'anywhere', ports: HTTP },
      { peer: 'anywhere', ports: REMOTE_DESKTOP, action: 'deny' },
      { peer: 'anywhere', ports: ANSWERS },
    ],
    egress: [
      { peer: 'data', ports: 'all', action: 'deny' },
      { peer: 'anywhere', ports: HTTPS },
      { peer: 'anywhere', ports: ANSWERS },
    ],
  },
  app: {
    ingress: [
      { peer: 'app', ports: 'all' },
      // The bastion to the cluster's endpoint.
      { peer: 'public', ports: HTTPS },
      { peer: 'anywhere', ports: REMOTE_DESKTOP, action: 'deny' },
      // The load balancer to pods, and answers from everywhere.
      { peer: 'anywhere', ports: ANSWERS },
    ],
    egress: [
      { peer: 'app', ports: 'all' },
      { peer: 'data', ports: POSTGRES },
      { peer: 'data', ports: REDIS },
      { peer: 'data', ports: 'all', action: 'deny' },
      { peer: 'anywhere', ports: HTTPS },
      { peer: 'public', ports: ANSWERS },
    ],
  },
  data: {
    ingress: [
      { peer: 'public', ports: 'all', action: 'deny' },
      { peer: 'data', ports: 'all' },
      { peer: 'app', ports: POSTGRES },
      { peer: 'app', ports: REDIS },
    ],
    egress: [
      { peer: 'public', ports: 'all', action: 'deny' },
      { peer: 'data', ports: 'all' },
      { peer: 'app', ports: ANSWERS },
    ],
  },
  // The firewall, and the NAT gateways behind it.
  transit: {
    ingress: [
      { peer: 'data', ports: 'all', action: 'deny' },
      { peer: 'app', ports: HTTPS },
      { peer: 'anywhere', ports: REMOTE_DESKTOP, action: 'deny' },
      { peer: 'anywhere', ports: ANSWERS },
    ],
    egress: [
      { peer: 'data', ports: 'all', action: 'deny' },
      { peer: 'anywhere', ports: HTTPS },
      { peer: 'anywhere', ports: ANSWERS },
    ],
  },
}

export function networkAcl(
  scope: Construct,
  tier: FencedTier,
  place: { readonly naming: Naming; readonly vpc: Vpc; readonly subnetIds: string[]; readonly count?: number },
): NetworkAcl {
  const { naming, vpc, subnetIds, count } = place
  return new NetworkAcl(scope, `aws_network_acl.${tier}`, {
    ...(count === undefined ? {} : { count }),
    vpcId: vpc.id,
    subnetIds,
    ingress: RULES[tier].ingress.flatMap(inEveryZone),
    egress: RULES[tier].egress.flatMap(inEveryZone),
    tags: { Name: naming.named(tier), Tier: tier },
  })
}

/** One rule for each subnet of a peer, numbered by its place so that another can be put between. */
function inEveryZone({ peer, ports, action = 'allow' }: Rule, place: number) {
  const ranges =
    peer === 'anywhere' ? ['0.0.0.0/0'] : Array.from({ length: ZONES }, (_, zone) => text(subnetExpression(peer, zone)))
  const [fromPort, toPort] = ports === 'all' ? [0, 0] : ports
  return ranges.map((cidrBlock, zone) => ({
    ruleNo: (place + 1) * 100 + zone,
    action,
    protocol: ports === 'all' ? '-1' : 'tcp',
    fromPort,
    toPort,
    cidrBlock,
  }))
}
