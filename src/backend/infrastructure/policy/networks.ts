// The network of an environment: three tiers of subnets, how packets leave them, and who is let in.
import { contains, isAddressRange, isAnywhere, overlaps } from './addresses.ts'
import { aclDecision, aclRules, aclsOf, cidrsOf } from './network-acl.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { isGiven, referencesAt, textAt, textsAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { waysOut } from './routes.ts'
import { differs, every, type Fault, missing, type PolicyRule, whereThereIs } from './rule.ts'
import { egressOf, ingressOf } from './security-group.ts'
import { SIZES } from './sizing.ts'

const VPC_CIDR = '10.0.0.0/16'
export const TIERS = ['public', 'app', 'data'] as const
export type Tier = (typeof TIERS)[number]
const ZONES = 3
/** Where a NAT gateway stands: with the load balancer, or behind the firewall in subnets of its own. */
const NAT_TIERS = ['public', 'egress']
const POSTGRES_PORT = 5432
const REDIS_PORT = 6379
const FIRST_EPHEMERAL_PORT = 1024
const LAST_PORT = 65_535

/** Services of AWS that are spoken to without leaving the network. */
const ENDPOINTS = ['ecr.api', 'ecr.dkr', 's3', 'secretsmanager', 'sts', 'logs', 'ssm', 'eks']

export function subnetsOf(planned: PlannedEnvironment, tier: string): readonly PlannedResource[] {
  return planned.all('aws_subnet').filter((subnet) => textAt(subnet, 'tags.Tier') === tier)
}

export const NETWORK_RULES: readonly PolicyRule[] = [
  {
    id: 'BRE-1',
    title: `The network is ${VPC_CIDR}, with names of its own`,
    remedy: 'Set cidr_block, enable_dns_support and enable_dns_hostnames; private endpoints are found by name.',
    appliesTo: ['aws_vpc'],
    check: (planned) =>
      every(
        planned.all('aws_vpc'),
        'aws_vpc',
        (vpc) =>
          differs('cidr_block', valueAt(vpc, 'cidr_block'), VPC_CIDR) ??
          differs('enable_dns_support', valueAt(vpc, 'enable_dns_support'), true) ??
          differs('enable_dns_hostnames', valueAt(vpc, 'enable_dns_hostnames'), true),
      ),
  },
  {
    id: 'BRE-2',
    title: 'Each tier has a subnet in each of three availability zones',
    remedy: 'Give every tier (tag Tier: public, app, data) three subnets, each in a zone of its own.',
    appliesTo: ['aws_subnet'],
    check: (planned) => TIERS.flatMap((tier) => zoneFaults(tier, subnetsOf(planned, tier))),
  },
  {
    id: 'BRE-3',
    title: 'All subnets lie within the network and none overlaps another',
    remedy: 'Take the ranges from one plan of the network (cidrsubnet), each number once.',
    appliesTo: ['aws_subnet'],
    check: (planned) => {
      const subnets = planned.all('aws_subnet')
      return every(subnets, 'aws_subnet', (subnet) => {
        const cidr = textAt(subnet, 'cidr_block')
        if (!isAddressRange(cidr)) return `its range is ${cidr ?? 'not known'}`
        if (!contains(VPC_CIDR, cidr)) return `${cidr} is outside of ${VPC_CIDR}`
        const other = subnets.find(
          (candidate) => candidate !== subnet && cidrsOf([candidate]).some((theirs) => overlaps(cidr, theirs)),
        )
        return other && `${cidr} overlaps ${other.address}, ${textAt(other, 'cidr_block')}`
      })
    },
  },
  {
    id: 'BRE-4',
    title: 'The data tier has no route to the internet, not even outwards',
    remedy: 'Give data subnets a route table without routes; AWS services are reached by endpoints.',
    appliesTo: ['aws_subnet', 'aws_route_table', 'aws_route_table_association', 'aws_route'],
    check: (planned) =>
      every(subnetsOf(planned, 'data'), 'aws_subnet with Tier=data', (subnet) => {
        if (planned.leadingTo(subnet, 'aws_route_table_association', 'subnet_id').length === 0) {
          return 'it has no route table of its own, and would get the main one'
        }
        const [way] = waysOut(planned, subnet)
        return way && `a way out: ${way.join(' → ')}`
      }),
  },
  {
    id: 'BRE-5',
    title: 'The app tier leaves only through a NAT gateway in a public subnet',
    remedy: 'Route app subnets to NAT gateways (over the firewall, where there is one), never to the internet gateway.',
    appliesTo: ['aws_subnet', 'aws_route_table', 'aws_route', 'aws_nat_gateway'],
    check: (planned) =>
      every(subnetsOf(planned, 'app'), 'aws_subnet with Tier=app', (subnet) => {
        const ways = waysOut(planned, subnet)
        if (ways.length === 0) return 'it has no way out; feeds and images are outside'
        const bare = ways.find((way) => !way.some((step) => step.includes('aws_nat_gateway.')))
        return bare && `a way past the NAT gateway: ${bare.join(' → ')}`
      }),
  },
  {
    id: 'BRE-6',
    title: 'Production has a NAT gateway in each of three zones, development one',
    remedy: 'Set the number of NAT gateways per environment, each in a public subnet of another zone.',
    appliesTo: ['aws_nat_gateway'],
    check: (planned) => {
      const gateways = planned.all('aws_nat_gateway')
      const zones = new Set(gateways.flatMap((gateway) => planned.led(gateway, 'subnet_id')).map(zoneOf))
      const { min, max } = SIZES[planned.name].natGateways
      const amount = min === max ? String(min) : `${min} to ${max}`
      return [
        ...(gateways.length < min || gateways.length > max
          ? [{ address: 'aws_nat_gateway', found: `${planned.name} has ${gateways.length}, not ${amount}` }]
          : []),
        ...(zones.size < gateways.length
          ? [{ address: 'aws_nat_gateway', found: `${gateways.length} gateways stand in ${zones.size} zones` }]
          : []),
        ...whereThereIs(gateways, (gateway) => {
          const tiers = planned.led(gateway, 'subnet_id').map((subnet) => textAt(subnet, 'tags.Tier') ?? '')
          return tiers.length > 0 && tiers.every((tier) => NAT_TIERS.includes(tier))
            ? null
            : `it stands in the tier ${tiers.join() || 'unknown'}`
        }),
      ]
    },
  },
  {
    id: 'EC2.15',
    title: 'No subnet hands out public addresses',
    remedy: 'Set map_public_ip_on_launch to false, in public subnets too: load balancers and gateways bring their own.',
    appliesTo: ['aws_subnet'],
    check: (planned) =>
      every(planned.all('aws_subnet'), 'aws_subnet', (subnet) =>
        differs('map_public_ip_on_launch', valueAt(subnet, 'map_public_ip_on_launch'), false),
      ),
  },
  {
    id: 'EC2.18',
    alsoKnownAs: ['EC2.19'],
    title: 'From anywhere only the load balancer is reached, on 443, and on 80 to be sent there',
    remedy: 'Let other groups in by reference to their security group, and name the ports.',
    appliesTo: ['aws_security_group', 'aws_vpc_security_group_ingress_rule', 'aws_security_group_rule'],
    check: (planned) => {
      const balancers = groupsOfBalancers(planned)
      return every(planned.all('aws_security_group'), 'aws_security_group', (group) => {
        const open = ingressOf(planned, group).find(
          ({ cidrs, fromPort, toPort }) =>
            cidrs.some(isAnywhere) &&
            !(balancers.has(group) && fromPort === toPort && (fromPort === 443 || fromPort === 80)),
        )
        return open && `${open.address} opens ${open.ports} to ${open.cidrs.join(', ')}`
      })
    },
  },
  {
    id: 'EC2.13',
    alsoKnownAs: ['EC2.14', 'CIS 5.3', 'CIS 5.4'],
    title: 'No address may open SSH or remote desktop, not even one of ours',
    remedy: 'Remove the rule: machines are entered by Session Manager.',
    appliesTo: ['aws_security_group', 'aws_vpc_security_group_ingress_rule', 'aws_security_group_rule'],
    check: (planned) =>
      every(planned.all('aws_security_group'), 'aws_security_group', (group) => {
        const open = ingressOf(planned, group).find(
          ({ cidrs, covers }) => cidrs.length > 0 && (covers(22) || covers(3389)),
        )
        return open && `${open.address} opens ${open.ports} to ${open.cidrs.join(', ')}`
      }),
  },
  {
    id: 'EC2.2',
    alsoKnownAs: ['CIS 5.5'],
    title: 'The default security group lets nothing in and nothing out',
    remedy: 'Take it over with aws_default_security_group and give it no rules.',
    appliesTo: ['aws_default_security_group'],
    check: (planned) =>
      every(
        planned.all('aws_default_security_group'),
        'aws_default_security_group',
        (group) =>
          ['ingress', 'egress'].some((direction) => isGiven(group, direction)) && 'it has rules: it must have none',
      ),
  },
  {
    id: 'BRE-7',
    title: 'Databases and caches admit security groups, never addresses, and only their own port',
    remedy: 'Use referenced_security_group_id with 5432 or 6379.',
    appliesTo: ['aws_security_group', 'aws_vpc_security_group_ingress_rule', 'aws_db_instance'],
    check: (planned) => {
      const groups = new Set(
        [
          ...planned.all('aws_db_instance').flatMap((database) => planned.led(database, 'vpc_security_group_ids')),
          ...planned
            .all('aws_elasticache_replication_group')
            .flatMap((cache) => planned.led(cache, 'security_group_ids')),
        ].filter(({ type }) => type === 'aws_security_group'),
      )
      return every([...groups], 'aws_security_group of the data tier', (group) => {
        const rules = ingressOf(planned, group)
        if (rules.length === 0) return 'it lets nobody in'
        const byAddress = rules.find(({ byReference }) => !byReference)
        if (byAddress) return `${byAddress.address} admits by address: ${byAddress.cidrs.join(', ') || 'unknown'}`
        const wide = rules.find(
          ({ fromPort, toPort }) => fromPort !== toPort || (fromPort !== POSTGRES_PORT && fromPort !== REDIS_PORT),
        )
        return wide && `${wide.address} opens ${wide.ports}`
      })
    },
  },
  {
    id: 'BRE-46',
    title: 'Out to everywhere goes HTTPS, and nothing else',
    remedy: 'Name the security group that is spoken to; to 0.0.0.0/0 only 443, and only from the nodes.',
    appliesTo: ['aws_security_group', 'aws_vpc_security_group_egress_rule', 'aws_security_group_rule'],
    check: (planned) =>
      every(planned.all('aws_security_group'), 'aws_security_group', (group) => {
        const open = egressOf(planned, group).find(
          ({ cidrs, fromPort, toPort }) => cidrs.some(isAnywhere) && !(fromPort === 443 && toPort === 443),
        )
        return open && `${open.address} lets out by ${open.ports} to ${open.cidrs.join(', ')}`
      }),
  },
  {
    id: 'EC2.21',
    alsoKnownAs: ['CIS 5.2'],
    title: 'No network ACL lets everybody reach SSH or remote desktop',
    remedy: 'Allow the ports that are meant, from the ranges that are meant.',
    appliesTo: ['aws_network_acl', 'aws_network_acl_rule'],
    check: (planned) =>
      every(planned.all('aws_network_acl'), 'aws_network_acl', (acl) => {
        const rules = aclRules(planned, acl, 'ingress')
        const open = [22, 3389].find((port) => aclDecision(rules, { cidr: '0.0.0.0/0', port }) === 'all allowed')
        return open !== undefined && `it lets everybody reach ${open}`
      }),
  },
  {
    id: 'BRE-8',
    title: 'The network ACL of the data tier refuses public subnets and admits the app tier',
    remedy:
      'Deny the ranges of the public subnets first, then allow 5432 and 6379 from the app subnets, and the answers to them.',
    appliesTo: ['aws_network_acl', 'aws_network_acl_rule'],
    check: (planned) =>
      every(subnetsOf(planned, 'data'), 'aws_subnet with Tier=data', (subnet) => {
        const [acl, ...others] = aclsOf(planned, subnet)
        if (acl === undefined || others.length > 0) return `it has ${others.length + (acl ? 1 : 0)} network ACLs, not 1`
        const inward = aclRules(planned, acl, 'ingress')
        const outward = aclRules(planned, acl, 'egress')
        for (const cidr of cidrsOf(subnetsOf(planned, 'public'))) {
          for (const port of [22, 443, POSTGRES_PORT, REDIS_PORT, LAST_PORT]) {
            if (aclDecision(inward, { cidr, port }) !== 'all denied') return `${acl.address} admits ${cidr} to ${port}`
          }
        }
        for (const cidr of cidrsOf(subnetsOf(planned, 'app'))) {
          for (const port of [POSTGRES_PORT, REDIS_PORT]) {
            if (aclDecision(inward, { cidr, port }) !== 'all allowed')
              return `${acl.address} keeps ${cidr} from ${port}`
          }
          for (const port of [FIRST_EPHEMERAL_PORT, LAST_PORT]) {
            if (aclDecision(outward, { cidr, port }) !== 'all allowed')
              return `${acl.address} keeps answers from ${cidr}`
          }
        }
        return null
      }),
  },
  {
    id: 'EC2.6',
    alsoKnownAs: ['CIS 3.7'],
    title: 'All traffic of the network is in flow logs',
    remedy: 'Add aws_flow_log with traffic_type ALL on the VPC.',
    appliesTo: ['aws_vpc', 'aws_flow_log'],
    check: (planned) =>
      every(planned.all('aws_vpc'), 'aws_vpc', (vpc) => {
        const logs = planned.leadingTo(vpc, 'aws_flow_log', 'vpc_id')
        return logs.some((log) => textAt(log, 'traffic_type') === 'ALL') ? null : 'no flow log of all its traffic'
      }),
  },
  {
    id: 'EC2.10',
    alsoKnownAs: ['EC2.55', 'EC2.56', 'EC2.57'],
    title: `AWS is spoken to within the network: ${ENDPOINTS.join(', ')}`,
    remedy:
      'Add the endpoint; interface endpoints with private_dns_enabled, so that programs find them by the usual name.',
    appliesTo: ['aws_vpc_endpoint'],
    check: (planned) => {
      const endpoints = planned.all('aws_vpc_endpoint')
      const service = (endpoint: PlannedResource) =>
        (textAt(endpoint, 'service_name') ?? '').replace(/^com\.amazonaws\.[\w-]+?-\d\./, '')
      return [
        ...ENDPOINTS.filter((wanted) => !endpoints.some((endpoint) => service(endpoint) === wanted)).map((wanted) =>
          missing(`aws_vpc_endpoint of ${wanted}`),
        ),
        ...whereThereIs(
          endpoints.filter((endpoint) => textAt(endpoint, 'vpc_endpoint_type') === 'Interface'),
          (endpoint) => differs('private_dns_enabled', valueAt(endpoint, 'private_dns_enabled'), true),
        ),
      ]
    },
  },
  {
    id: 'BRE-9',
    title: 'In production the app tier reaches only names on a list',
    remedy: 'Route the app tier over a network firewall with a domain list of the type ALLOWLIST.',
    appliesTo: ['aws_networkfirewall_rule_group', 'aws_networkfirewall_firewall', 'aws_route'],
    check: (planned) => {
      if (!planned.isProduction) return []
      const lists = planned
        .all('aws_networkfirewall_rule_group')
        .filter((group) => textAt(group, `${DOMAIN_LIST}.generated_rules_type`) === 'ALLOWLIST')
      if (lists.every((group) => textsAt(group, `${DOMAIN_LIST}.targets`).length === 0)) {
        return [missing('aws_networkfirewall_rule_group with an ALLOWLIST of names')]
      }
      return every(subnetsOf(planned, 'app'), 'aws_subnet with Tier=app', (subnet) => {
        const past = waysOut(planned, subnet).find((way) => !way.some((step) => /networkfirewall|firewall/.test(step)))
        return past && `a way past the firewall: ${past.join(' → ')}`
      })
    },
  },
  {
    id: 'NetworkFirewall.4',
    alsoKnownAs: ['NetworkFirewall.2', 'NetworkFirewall.3', 'NetworkFirewall.5'],
    title: 'The firewall reads whole connections, refuses what no rule knows, and logs what it refused',
    remedy:
      'Forward packets and fragments to the stateful engine (aws:forward_to_sfe), refuse by default (aws:drop_established or stricter), and add aws_networkfirewall_logging_configuration.',
    appliesTo: [
      'aws_networkfirewall_firewall',
      'aws_networkfirewall_firewall_policy',
      'aws_networkfirewall_logging_configuration',
    ],
    check: (planned) =>
      firewalls(planned, (firewall) => {
        const [policy] = planned.ledTo(firewall, 'firewall_policy_arn', 'aws_networkfirewall_firewall_policy')
        if (policy === undefined) return 'its policy is not planned'
        const actions = (name: string) => textsAt(policy, `firewall_policy.${name}`)
        const past = ['stateless_default_actions', 'stateless_fragment_default_actions'].find(
          (name) => actions(name).join() !== 'aws:forward_to_sfe',
        )
        if (past) return `${policy.address}: ${past} is ${actions(past).join() || 'not given'}`
        if (!actions('stateful_default_actions').some((action) => action.startsWith('aws:drop'))) {
          return `${policy.address} lets through what no rule knows`
        }
        const logs = planned.leadingTo(firewall, 'aws_networkfirewall_logging_configuration', 'firewall_arn')
        return logs.length > 0 ? null : 'it logs nothing'
      }),
  },
  {
    id: 'NetworkFirewall.9',
    alsoKnownAs: ['NetworkFirewall.10'],
    title: 'The firewall can be neither deleted nor moved by mistake',
    remedy: 'Set delete_protection and subnet_change_protection.',
    appliesTo: ['aws_networkfirewall_firewall'],
    check: (planned) =>
      firewalls(
        planned,
        (firewall) =>
          differs('delete_protection', valueAt(firewall, 'delete_protection'), true) ??
          differs('subnet_change_protection', valueAt(firewall, 'subnet_change_protection'), true),
      ),
  },
  {
    id: 'BRE-10',
    title: 'Whether traffic within the network is encrypted is watched, in production at least',
    remedy: 'Add aws_vpc_encryption_control with the mode monitor, later enforce.',
    appliesTo: ['aws_vpc_encryption_control'],
    check: (planned) =>
      planned.isProduction
        ? every(planned.all('aws_vpc_encryption_control'), 'aws_vpc_encryption_control', (control) =>
            ['monitor', 'enforce'].includes(textAt(control, 'mode') ?? '')
              ? null
              : 'its mode is neither monitor nor enforce',
          )
        : [],
  },
  {
    id: 'EC2.51',
    title: 'Connections by VPN are logged, and need a certificate or a federated login',
    remedy: 'Enable connection_log_options with a log group, and authentication_options.',
    appliesTo: ['aws_ec2_client_vpn_endpoint'],
    check: (planned) =>
      whereThereIs(planned.all('aws_ec2_client_vpn_endpoint'), (vpn) => {
        if (valueAt(vpn, 'connection_log_options.enabled') !== true) return 'connections are not logged'
        const way = textAt(vpn, 'authentication_options.type')
        return way === undefined && 'it names no way to authenticate'
      }),
  },
]

const DOMAIN_LIST = 'rule_group.rules_source.rules_source_list'

function zoneFaults(tier: string, subnets: readonly PlannedResource[]): Fault[] {
  const zones = new Set(subnets.map(zoneOf))
  if (subnets.length >= ZONES && zones.size >= ZONES) return []
  const found = `${subnets.length} subnets in ${zones.size} zones, not ${ZONES} in ${ZONES}`
  return [{ address: `aws_subnet with Tier=${tier}`, found }]
}

/** A zone by its name, or where it is taken from a list of them, by the place in the list. */
export function zoneOf(resource: PlannedResource): string {
  const known = textAt(resource, 'availability_zone') ?? textAt(resource, 'availability_zone_id')
  return known ?? `${referencesAt(resource, 'availability_zone').join()} of ${resource.address}`
}

/** Security groups of load balancers: of those that Terraform makes, and of the one that the cluster's controller makes, by name. */
function groupsOfBalancers(planned: PlannedEnvironment): ReadonlySet<PlannedResource> {
  const named = planned
    .all('kubernetes.LoadBalancerConfiguration')
    .flatMap((balancer) => textsAt(balancer, 'spec.securityGroups'))
  return new Set([
    ...planned.all('aws_lb').flatMap((balancer) => planned.led(balancer, 'security_groups')),
    ...planned.all('aws_security_group').filter((group) => named.includes(textAt(group, 'tags.Name') ?? '')),
  ])
}

/** Production has one; what others have is held to the same. */
function firewalls(planned: PlannedEnvironment, verdict: Parameters<typeof every>[2]): Fault[] {
  const all = planned.all('aws_networkfirewall_firewall')
  return planned.isProduction ? every(all, 'aws_networkfirewall_firewall', verdict) : whereThereIs(all, verdict)
}
