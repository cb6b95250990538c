// What a network ACL does with a packet: its rules in the order of their numbers, the first that fits decides, and none refuses.
import { contains, isAddressRange, overlaps } from './addresses.ts'
import type { Block, PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

export interface AclRule {
  readonly number: number
  readonly action: string
  /** -1 is every protocol, 6 is TCP. */
  readonly protocol: string
  readonly fromPort: number
  readonly toPort: number
  readonly cidr: string
}

/** TCP packets to a port, from or to a range of addresses. */
export interface Packets {
  readonly cidr: string
  readonly port: number
}

export type Decision = 'all allowed' | 'some allowed' | 'all denied'

export function aclDecision(rules: readonly AclRule[], { cidr, port }: Packets): Decision {
  let some = false
  for (const rule of rules.toSorted((a, b) => a.number - b.number)) {
    const fits = ['-1', 'all', '6', 'tcp'].includes(rule.protocol)
    const everyPort = rule.protocol === '-1' || rule.protocol === 'all'
    if (!fits || !(everyPort || (rule.fromPort <= port && port <= rule.toPort))) continue
    if (contains(rule.cidr, cidr)) {
      if (rule.action === 'allow') return 'all allowed'
      return some ? 'some allowed' : 'all denied'
    }
    if (rule.action === 'allow' && overlaps(rule.cidr, cidr)) some = true
  }
  return some ? 'some allowed' : 'all denied'
}

/** The ACLs of a subnet. */
export function aclsOf(planned: PlannedEnvironment, subnet: PlannedResource): readonly PlannedResource[] {
  return [
    ...planned.leadingTo(subnet, 'aws_network_acl', 'subnet_ids'),
    ...planned
      .leadingTo(subnet, 'aws_network_acl_association', 'subnet_id')
      .flatMap((association) => planned.led(association, 'network_acl_id')),
  ]
}

/** Rules of an ACL for one direction, written as blocks of it or as resources. IPv6 is not routed here and not read. */
export function aclRules(
  planned: PlannedEnvironment,
  acl: PlannedResource,
  direction: 'ingress' | 'egress',
): readonly AclRule[] {
  const blocks = blocksAt(acl, direction).map((block) => aclRule(block, 'rule_no', 'action'))
  const apart = planned
    .leadingTo(acl, 'aws_network_acl_rule', 'network_acl_id')
    .filter((rule) => (valueAt(rule, 'egress') === true) === (direction === 'egress'))
    .map((rule) => aclRule(rule.values, 'rule_number', 'rule_action'))
  return [...blocks, ...apart].filter(({ cidr }) => isAddressRange(cidr))
}

function aclRule(from: Block, number: string, action: string): AclRule {
  return {
    number: Number(from[number]),
    action: String(from[action]),
    protocol: String(from.protocol),
    fromPort: Number(from.from_port ?? 0),
    toPort: Number(from.to_port ?? 65_535),
    cidr: typeof from.cidr_block === 'string' ? from.cidr_block : '',
  }
}

/** Ranges that the plan knows of subnets. */
export function cidrsOf(subnets: readonly PlannedResource[]): readonly string[] {
  return subnets.map((subnet) => valueAt(subnet, 'cidr_block')).filter(isAddressRange)
}
