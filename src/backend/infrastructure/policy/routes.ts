// Where packets of a subnet can go: a walk over route tables, gateways and the subnets that those stand in.
import type { PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, isGiven, referencesAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

/** Attributes of a route that say where it leads. */
const TARGETS = [
  'gateway_id',
  'nat_gateway_id',
  'vpc_endpoint_id',
  'transit_gateway_id',
  'vpc_peering_connection_id',
  'egress_only_gateway_id',
  'carrier_gateway_id',
  'local_gateway_id',
  'network_interface_id',
  'core_network_arn',
]

/** A way that leaves the network: addresses from the subnet to the last thing that the plan knows of it. */
export type WayOut = readonly string[]

/** All ways out of a subnet. A target that the walk cannot look into counts as the end of one. */
export function waysOut(planned: PlannedEnvironment, subnet: PlannedResource): WayOut[] {
  const walk = (at: PlannedResource, way: readonly string[]): WayOut[] => {
    if (way.includes(at.address)) return []
    const here = [...way, at.address]
    return routeTables(planned, at).flatMap((table) =>
      routes(planned, table).flatMap((route) =>
        targets(planned, route).flatMap((target) => {
          const there = [...here, table.address, typeof target === 'string' ? target : target.address]
          const next = typeof target === 'string' ? [] : standsIn(planned, target)
          return next.length === 0 ? [there] : next.flatMap((subnetOfTarget) => walk(subnetOfTarget, there))
        }),
      ),
    )
  }
  return walk(subnet, [])
}

/** The tables that a subnet is associated with; without one it has the main table of its network. */
export function routeTables(planned: PlannedEnvironment, subnet: PlannedResource): readonly PlannedResource[] {
  const associated = planned
    .leadingTo(subnet, 'aws_route_table_association', 'subnet_id')
    .flatMap((association) => planned.led(association, 'route_table_id'))
  if (associated.length > 0) return associated
  return [
    ...planned.all('aws_default_route_table'),
    ...planned.all('aws_main_route_table_association').flatMap((main) => planned.led(main, 'route_table_id')),
  ]
}

/** A route as it is written: a resource, or a block of its table. */
interface Route {
  readonly resource: PlannedResource
  /** `route.0.` for a block. */
  readonly prefix: string
}

function routes(planned: PlannedEnvironment, table: PlannedResource): Route[] {
  const apart = planned.leadingTo(table, 'aws_route', 'route_table_id').map((resource) => ({ resource, prefix: '' }))
  const blocks = blocksAt(table, 'route').map((_, index) => ({ resource: table, prefix: `route.${index}.` }))
  return [...apart, ...blocks]
}

/**
 * What a route leads to; a text where it is nothing of this plan. A route has one target. Once it is there AWS reports more of it, such as
 * the interface of a NAT gateway: what the program names comes before what is only reported.
 */
function targets(planned: PlannedEnvironment, { resource, prefix }: Route): (PlannedResource | string)[] {
  const named = TARGETS.filter((target) => referencesAt(resource, prefix + target).length > 0)
  const given = named.length > 0 ? named : TARGETS.filter((target) => isGiven(resource, prefix + target))
  if (given.length === 0) return [`${resource.address} to a target that the plan does not show`]
  return given.flatMap((target): (PlannedResource | string)[] => {
    const resources = planned.led(resource, prefix + target)
    return resources.length > 0 ? [...resources] : [`${resource.address} by ${target}`]
  })
}

/** The subnets in which a packet goes on from here. Nothing for what leads out of the network. */
function standsIn(planned: PlannedEnvironment, target: PlannedResource): readonly PlannedResource[] {
  if (target.type === 'aws_nat_gateway') return planned.ledTo(target, 'subnet_id', 'aws_subnet')
  if (target.type === 'aws_networkfirewall_firewall') return planned.ledTo(target, 'subnet_mapping', 'aws_subnet')
  if (target.type === 'aws_vpc_endpoint') return planned.ledTo(target, 'subnet_ids', 'aws_subnet')
  return []
}
