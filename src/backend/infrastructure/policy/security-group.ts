// Whom a security group lets in and out, however that is written: as a resource a rule, or as blocks of the group.
import type { Block, PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, isGiven, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

export interface Opening {
  readonly address: string
  readonly cidrs: readonly string[]
  readonly fromPort: number
  readonly toPort: number
  /** The ports in words. */
  readonly ports: string
  /** Means members of security groups (or lists of AWS), and no address. */
  readonly byReference: boolean
  readonly covers: (port: number) => boolean
}

export function ingressOf(planned: PlannedEnvironment, group: PlannedResource): readonly Opening[] {
  return openings(planned, group, 'ingress')
}

export function egressOf(planned: PlannedEnvironment, group: PlannedResource): readonly Opening[] {
  return openings(planned, group, 'egress')
}

function openings(planned: PlannedEnvironment, group: PlannedResource, direction: 'ingress' | 'egress'): Opening[] {
  const apart = planned
    .leadingTo(group, `aws_vpc_security_group_${direction}_rule`, 'security_group_id')
    .map((rule) => opening(rule, '', rule.values, ['referenced_security_group_id', 'prefix_list_id']))
  const older = planned
    .leadingTo(group, 'aws_security_group_rule', 'security_group_id')
    .filter((rule) => valueAt(rule, 'type') === direction)
    .map((rule) => opening(rule, '', rule.values, ['source_security_group_id', 'self']))
  const blocks = blocksAt(group, direction).map((block, index) =>
    opening(group, `${direction}.${index}.`, block, ['security_groups', 'self']),
  )
  return [...apart, ...older, ...blocks]
}

function opening(resource: PlannedResource, prefix: string, from: Block, groups: readonly string[]): Opening {
  const cidrs = [from.cidr_ipv4, from.cidr_ipv6, from.cidr_blocks, from.ipv6_cidr_blocks]
    .flat()
    .filter((cidr) => typeof cidr === 'string')
  const everyPort = ['-1', 'all'].includes(String(from.ip_protocol ?? from.protocol))
  const fromPort = everyPort ? 0 : Number(from.from_port ?? 0)
  const toPort = everyPort ? 65_535 : Number(from.to_port ?? 65_535)
  // In the blocks of a group the references of one stand for all: what is known decides first.
  const known = groups.some((attribute) => {
    const value = from[attribute]
    return value === true || (Array.isArray(value) ? value.length > 0 : typeof value === 'string')
  })
  const given = groups.some((attribute) => attribute !== 'self' && isGiven(resource, prefix + attribute))
  return {
    address: resource.address,
    cidrs,
    fromPort,
    toPort,
    ports: everyPort ? 'every port' : fromPort === toPort ? `port ${fromPort}` : `ports ${fromPort} to ${toPort}`,
    byReference: cidrs.length === 0 && (known || given),
    covers: (port) => fromPort <= port && port <= toPort,
  }
}
