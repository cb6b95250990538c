// Plans of networks.
import { but, type Examples, inEachZone, inEnvironment, planned, without } from './example.ts'

const VPC = planned('aws_vpc.main', {
  cidr_block: '10.0.0.0/16',
  enable_dns_support: true,
  enable_dns_hostnames: true,
})

const subnet = (tier: string, index: number, third: number) =>
  planned(`aws_subnet.${tier}[${index}]`, {
    cidr_block: `10.0.${third + index}.0/24`,
    availability_zone: `us-east-1${'abc'[index]}`,
    map_public_ip_on_launch: false,
    tags: { Tier: tier },
  })
export const SUBNETS = [
  ...inEachZone((index) => subnet('public', index, 0)),
  ...inEachZone((index) => subnet('app', index, 10)),
  ...inEachZone((index) => subnet('data', index, 20)),
]

const associated = (tier: string, table: string) =>
  inEachZone((index) =>
    planned(
      `aws_route_table_association.${tier}[${index}]`,
      {},
      { subnet_id: [`aws_subnet.${tier}`, 'count.index'], route_table_id: table },
    ),
  )

const ROUTES = [
  VPC,
  ...SUBNETS,
  planned('aws_internet_gateway.main'),
  planned('aws_route_table.public'),
  planned('aws_route_table.app'),
  planned('aws_route_table.data'),
  ...associated('public', 'aws_route_table.public.id'),
  ...associated('app', 'aws_route_table.app.id'),
  ...associated('data', 'aws_route_table.data.id'),
  ...inEachZone((index) =>
    planned(`aws_nat_gateway.main[${index}]`, {}, { subnet_id: ['aws_subnet.public', 'count.index'] }),
  ),
  planned(
    'aws_route.out',
    { destination_cidr_block: '0.0.0.0/0' },
    { route_table_id: 'aws_route_table.public.id', gateway_id: 'aws_internet_gateway.main.id' },
  ),
  planned(
    'aws_route.by_nat',
    { destination_cidr_block: '0.0.0.0/0' },
    { route_table_id: 'aws_route_table.app.id', nat_gateway_id: 'aws_nat_gateway.main[0].id' },
  ),
]

const FIREWALL = [
  ...without(ROUTES, 'aws_route.by_nat'),
  planned('aws_subnet.firewall', { cidr_block: '10.0.30.0/28', tags: { Tier: 'firewall' } }),
  planned('aws_route_table.firewall'),
  planned(
    'aws_route_table_association.firewall',
    {},
    { subnet_id: 'aws_subnet.firewall.id', route_table_id: 'aws_route_table.firewall.id' },
  ),
  planned(
    'aws_networkfirewall_firewall.egress',
    { subnet_mapping: [{}] },
    { 'subnet_mapping.0.subnet_id': 'aws_subnet.firewall.id' },
  ),
  planned(
    'aws_route.by_firewall',
    { destination_cidr_block: '0.0.0.0/0' },
    {
      route_table_id: 'aws_route_table.app.id',
      vpc_endpoint_id: 'aws_networkfirewall_firewall.egress.firewall_status',
    },
  ),
  planned(
    'aws_route.by_nat',
    { destination_cidr_block: '0.0.0.0/0' },
    { route_table_id: 'aws_route_table.firewall.id', nat_gateway_id: 'aws_nat_gateway.main[0].id' },
  ),
  planned('aws_networkfirewall_rule_group.names', {
    rule_group: [
      {
        rules_source: [{ rules_source_list: [{ generated_rules_type: 'ALLOWLIST', targets: ['feeds.example.com'] }] }],
      },
    ],
  }),
]

const FIREWALL_POLICY = {
  stateless_default_actions: ['aws:forward_to_sfe'],
  stateless_fragment_default_actions: ['aws:forward_to_sfe'],
  stateful_default_actions: ['aws:drop_established', 'aws:alert_established'],
}
const INSPECTION = [
  planned(
    'aws_networkfirewall_firewall.egress',
    { delete_protection: true, subnet_change_protection: true },
    { firewall_policy_arn: 'aws_networkfirewall_firewall_policy.egress.arn' },
  ),
  planned('aws_networkfirewall_firewall_policy.egress', { firewall_policy: [FIREWALL_POLICY] }),
  planned(
    'aws_networkfirewall_logging_configuration.egress',
    {},
    { firewall_arn: 'aws_networkfirewall_firewall.egress.arn' },
  ),
]
const firewallPolicy = (changed: object) =>
  but(INSPECTION, 'aws_networkfirewall_firewall_policy.egress', {
    firewall_policy: [{ ...FIREWALL_POLICY, ...changed }],
  })

const ingressRule = (name: string, group: string, values: object, references = {}) =>
  planned(
    `aws_vpc_security_group_ingress_rule.${name}`,
    { ip_protocol: 'tcp', ...values },
    { security_group_id: `aws_security_group.${group}.id`, ...references },
  )
const egressRule = (values: object, references = {}) =>
  planned(
    'aws_vpc_security_group_egress_rule.out',
    { ip_protocol: 'tcp', ...values },
    { security_group_id: 'aws_security_group.nodes.id', ...references },
  )
const from = (group: string) => ({ referenced_security_group_id: `aws_security_group.${group}.id` })

const DOORS = [
  planned('aws_security_group.edge'),
  planned('aws_security_group.nodes'),
  planned('aws_security_group.database'),
  planned('aws_lb.edge', {}, { security_groups: 'aws_security_group.edge.id' }),
  planned('aws_db_instance.main', {}, { vpc_security_group_ids: 'aws_security_group.database.id' }),
  ingressRule('https', 'edge', { cidr_ipv4: '0.0.0.0/0', from_port: 443, to_port: 443 }),
  ingressRule('http', 'edge', { cidr_ipv4: '0.0.0.0/0', from_port: 80, to_port: 80 }),
  ingressRule('nodes', 'nodes', { from_port: 8443, to_port: 8443 }, from('edge')),
  ingressRule('database', 'database', { from_port: 5432, to_port: 5432 }, from('nodes')),
]

const aclRule = (rule_no: number, action: string, cidr_block: string, from_port = 0, to_port = 0) => ({
  rule_no,
  action,
  protocol: to_port === 0 ? '-1' : 'tcp',
  from_port,
  to_port,
  cidr_block,
})
const ACL_INGRESS = [
  aclRule(100, 'deny', '10.0.0.0/24'),
  aclRule(101, 'deny', '10.0.1.0/24'),
  aclRule(102, 'deny', '10.0.2.0/24'),
  aclRule(200, 'allow', '10.0.0.0/16', 5432, 5432),
  aclRule(201, 'allow', '10.0.0.0/16', 6379, 6379),
]
const ACL = [
  ...SUBNETS,
  planned(
    'aws_network_acl.data',
    { ingress: ACL_INGRESS, egress: [aclRule(100, 'allow', '10.0.0.0/16', 1024, 65_535)] },
    { subnet_ids: 'aws_subnet.data' },
  ),
]

const PRIVATE_SERVICES = ['ecr.api', 'ecr.dkr', 'secretsmanager', 'sts', 'logs', 'ssm', 'eks']
const ENDPOINTS = [
  planned('aws_vpc_endpoint.s3', { service_name: 'com.amazonaws.us-east-1.s3', vpc_endpoint_type: 'Gateway' }),
  ...PRIVATE_SERVICES.map((service) =>
    planned(`aws_vpc_endpoint.${service.replace('.', '_')}`, {
      service_name: `com.amazonaws.us-east-1.${service}`,
      vpc_endpoint_type: 'Interface',
      private_dns_enabled: true,
    }),
  ),
]

const VPN = [
  planned('aws_ec2_client_vpn_endpoint.people', {
    connection_log_options: [{ enabled: true }],
    authentication_options: [{ type: 'federated-authentication' }],
  }),
]

export const NETWORK_EXAMPLES: Examples = {
  'BRE-1': {
    keeps: { 'the network of the guide': [VPC] },
    breaks: {
      'another range': but([VPC], 'aws_vpc.main', { cidr_block: '10.1.0.0/16' }),
      'no names': but([VPC], 'aws_vpc.main', { enable_dns_hostnames: false }),
      'no network': [],
    },
  },
  'BRE-2': {
    keeps: { 'nine subnets': SUBNETS },
    breaks: {
      'two subnets in one zone': but(SUBNETS, 'aws_subnet.data[2]', { availability_zone: 'us-east-1a' }),
      'a tier in two zones': without(SUBNETS, 'aws_subnet.app[1]'),
    },
  },
  'BRE-3': {
    keeps: { 'nine ranges apart': SUBNETS },
    breaks: {
      'one inside another': but(SUBNETS, 'aws_subnet.data[2]', { cidr_block: '10.0.10.128/25' }),
      'one outside of the network': but(SUBNETS, 'aws_subnet.data[2]', { cidr_block: '10.1.0.0/24' }),
    },
  },
  'BRE-4': {
    keeps: { 'a table without routes': ROUTES },
    breaks: {
      'a route to the NAT gateway': [
        ...ROUTES,
        planned(
          'aws_route.data',
          { destination_cidr_block: '0.0.0.0/0' },
          { route_table_id: 'aws_route_table.data.id', nat_gateway_id: 'aws_nat_gateway.main[1].id' },
        ),
      ],
      'a narrow route, as a block of the table': but(
        ROUTES,
        'aws_route_table.data',
        { route: [{ cidr_block: '52.0.0.0/8' }] },
        { 'route.0.gateway_id': 'aws_internet_gateway.main.id' },
      ),
      'the table of another tier': but(
        ROUTES,
        'aws_route_table_association.data[1]',
        {},
        { route_table_id: 'aws_route_table.app.id' },
      ),
      'a way to another network': [
        ...ROUTES,
        planned('aws_route.data', { transit_gateway_id: 'tgw-1' }, { route_table_id: 'aws_route_table.data.id' }),
      ],
      'no table of its own': without(ROUTES, 'aws_route_table_association.data[0]'),
    },
  },
  'BRE-5': {
    keeps: {
      'through NAT': ROUTES,
      'through the firewall and NAT': FIREWALL,
      'a route that is there, and reported with its interface': but(ROUTES, 'aws_route.by_nat', {
        network_interface_id: 'eni-1',
      }),
    },
    breaks: {
      'the table of public subnets': but(
        ROUTES,
        'aws_route_table_association.app[0]',
        {},
        { route_table_id: 'aws_route_table.public.id' },
      ),
      'no way out': without(ROUTES, 'aws_route.by_nat'),
    },
  },
  'BRE-6': {
    keeps: {
      'three in production': ROUTES,
      'one in development': inEnvironment('dev', without(ROUTES, 'aws_nat_gateway.main[1]', 'aws_nat_gateway.main[2]')),
    },
    breaks: {
      'one in production': without(ROUTES, 'aws_nat_gateway.main[1]', 'aws_nat_gateway.main[2]'),
      'three in development': inEnvironment('dev', ROUTES),
      'two in one subnet': but(ROUTES, 'aws_nat_gateway.main[1]', {}, { subnet_id: 'aws_subnet.public[0].id' }),
      'one in a private subnet': but(ROUTES, 'aws_nat_gateway.main[1]', {}, { subnet_id: 'aws_subnet.app[1].id' }),
    },
  },
  'EC2.15': {
    keeps: { 'none does': SUBNETS },
    breaks: {
      'a public one does': but(SUBNETS, 'aws_subnet.public[0]', { map_public_ip_on_launch: true }),
      'nothing is said': but(SUBNETS, 'aws_subnet.public[0]', { map_public_ip_on_launch: undefined }),
    },
  },
  'EC2.18': {
    keeps: { 'the load balancer on 443 and 80': DOORS },
    breaks: {
      'the load balancer on all ports': but(DOORS, 'aws_vpc_security_group_ingress_rule.https', { ip_protocol: '-1' }),
      'nodes on 443': [
        ...DOORS,
        ingressRule('open', 'nodes', { cidr_ipv4: '0.0.0.0/0', from_port: 443, to_port: 443 }),
      ],
      'nodes by IPv6': [...DOORS, ingressRule('open', 'nodes', { cidr_ipv6: '::/0', from_port: 443, to_port: 443 })],
      'the database, in a block of its group': but(DOORS, 'aws_security_group.database', {
        ingress: [{ protocol: 'tcp', from_port: 5432, to_port: 5432, cidr_blocks: ['0.0.0.0/0'] }],
      }),
    },
  },
  'EC2.13': {
    keeps: { 'no rule names 22': DOORS },
    breaks: {
      'SSH for the office': [
        ...DOORS,
        ingressRule('ssh', 'nodes', { cidr_ipv4: '203.0.113.0/24', from_port: 22, to_port: 22 }),
      ],
      'a range with remote desktop in it': [
        ...DOORS,
        ingressRule('wide', 'nodes', { cidr_ipv4: '10.0.0.0/16', from_port: 1024, to_port: 65_535 }),
      ],
    },
  },
  'EC2.2': {
    keeps: { 'taken over, without rules': [planned('aws_default_security_group.main', { ingress: [], egress: [] })] },
    breaks: {
      'left as AWS makes it': [],
      'a rule': [planned('aws_default_security_group.main', { egress: [{ protocol: '-1' }] })],
    },
  },
  'BRE-7': {
    keeps: { 'by reference': DOORS },
    breaks: {
      'the range of the app tier': [
        ...DOORS,
        ingressRule('range', 'database', { cidr_ipv4: '10.0.10.0/24', from_port: 5432, to_port: 5432 }),
      ],
      'every port': but(DOORS, 'aws_vpc_security_group_ingress_rule.database', { ip_protocol: '-1' }),
      'SSH on the database': but(DOORS, 'aws_vpc_security_group_ingress_rule.database', { from_port: 22, to_port: 22 }),
      'nobody is let in': without(DOORS, 'aws_vpc_security_group_ingress_rule.database'),
    },
  },
  'BRE-46': {
    keeps: {
      'HTTPS from the nodes': [...DOORS, egressRule({ cidr_ipv4: '0.0.0.0/0', from_port: 443, to_port: 443 })],
      'anything to another group': [
        ...DOORS,
        egressRule({ ip_protocol: '-1' }, { referenced_security_group_id: 'aws_security_group.nodes.id' }),
      ],
    },
    breaks: {
      'everything, as AWS makes it': [...DOORS, egressRule({ cidr_ipv4: '0.0.0.0/0', ip_protocol: '-1' })],
      'names asked of anybody': [...DOORS, egressRule({ cidr_ipv6: '::/0', from_port: 53, to_port: 53 })],
      'in a block of its group': but(DOORS, 'aws_security_group.nodes', {
        egress: [{ protocol: '-1', from_port: 0, to_port: 0, cidr_blocks: ['0.0.0.0/0'] }],
      }),
    },
  },
  'EC2.21': {
    keeps: {
      'answers to everybody, but for remote desktop': [
        planned('aws_network_acl.public', {
          ingress: [
            aclRule(90, 'deny', '0.0.0.0/0', 3389, 3389),
            aclRule(100, 'allow', '0.0.0.0/0', 443, 443),
            aclRule(110, 'allow', '0.0.0.0/0', 1024, 65_535),
          ],
        }),
      ],
    },
    breaks: {
      everything: [planned('aws_network_acl.public', { ingress: [aclRule(100, 'allow', '0.0.0.0/0')] })],
      'answers, and remote desktop with them': [
        planned('aws_network_acl.public', { ingress: [aclRule(100, 'allow', '0.0.0.0/0', 1024, 65_535)] }),
      ],
      'refused too late': [
        planned('aws_network_acl.public', {
          ingress: [aclRule(100, 'allow', '0.0.0.0/0'), aclRule(110, 'deny', '0.0.0.0/0', 22, 22)],
        }),
      ],
    },
  },
  'BRE-8': {
    keeps: { 'public subnets are refused first': ACL },
    breaks: {
      'refused after they were admitted': but(ACL, 'aws_network_acl.data', {
        ingress: ACL_INGRESS.map((rule) => ({ ...rule, rule_no: 1000 - rule.rule_no })),
      }),
      'one public subnet forgotten': but(ACL, 'aws_network_acl.data', { ingress: ACL_INGRESS.slice(1) }),
      'the cache is not reached': but(ACL, 'aws_network_acl.data', { ingress: ACL_INGRESS.slice(0, 4) }),
      'answers do not come back': but(ACL, 'aws_network_acl.data', { egress: [] }),
      'no access list': SUBNETS,
    },
  },
  'EC2.6': {
    keeps: {
      'all of it': [VPC, planned('aws_flow_log.main', { traffic_type: 'ALL' }, { vpc_id: 'aws_vpc.main.id' })],
    },
    breaks: {
      'only what was refused': [
        VPC,
        planned('aws_flow_log.main', { traffic_type: 'REJECT' }, { vpc_id: 'aws_vpc.main.id' }),
      ],
      nothing: [VPC],
    },
  },
  'EC2.10': {
    keeps: { 'all of them': ENDPOINTS },
    breaks: {
      'secrets go over the internet': without(ENDPOINTS, 'aws_vpc_endpoint.secretsmanager'),
      'not under the usual name': but(ENDPOINTS, 'aws_vpc_endpoint.sts', { private_dns_enabled: false }),
    },
  },
  'BRE-9': {
    keeps: { 'names on a list': FIREWALL, 'no list in development': inEnvironment('dev', ROUTES) },
    breaks: {
      'no firewall in production': ROUTES,
      'a firewall that the routes go past': [
        ...FIREWALL,
        planned(
          'aws_route.past',
          { destination_cidr_block: '0.0.0.0/0' },
          { route_table_id: 'aws_route_table.app.id', nat_gateway_id: 'aws_nat_gateway.main[0].id' },
        ),
      ],
      'an empty list': but(FIREWALL, 'aws_networkfirewall_rule_group.names', { rule_group: [] }),
    },
  },
  'NetworkFirewall.4': {
    keeps: { 'whole connections': INSPECTION, 'none in development': inEnvironment('dev', []) },
    breaks: {
      'fragments go past': firewallPolicy({ stateless_fragment_default_actions: ['aws:pass'] }),
      'what no rule knows goes through': firewallPolicy({ stateful_default_actions: ['aws:alert_established'] }),
      'no log': without(INSPECTION, 'aws_networkfirewall_logging_configuration.egress'),
      'none in production': [],
    },
  },
  'NetworkFirewall.9': {
    keeps: { both: INSPECTION },
    breaks: {
      'it can be deleted': but(INSPECTION, 'aws_networkfirewall_firewall.egress', { delete_protection: false }),
      'it can be moved': but(INSPECTION, 'aws_networkfirewall_firewall.egress', {
        subnet_change_protection: undefined,
      }),
    },
  },
  'BRE-10': {
    keeps: {
      watched: [planned('aws_vpc_encryption_control.main', { mode: 'monitor' })],
      'not in development': inEnvironment('dev', []),
    },
    breaks: { 'not in production': [], 'no mode': [planned('aws_vpc_encryption_control.main')] },
  },
  'EC2.51': {
    keeps: { 'a federated login': VPN, 'no VPN at all': [] },
    breaks: {
      'no log': but(VPN, 'aws_ec2_client_vpn_endpoint.people', { connection_log_options: [{ enabled: false }] }),
      'no login': but(VPN, 'aws_ec2_client_vpn_endpoint.people', { authentication_options: undefined }),
    },
  },
}
