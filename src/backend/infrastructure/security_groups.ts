// Who may talk to whom, machine by machine: clients to the load balancer, that to pods, those to the database and the cache. Every rule
// but the two for the internet names another group, not addresses.
import { SecurityGroup } from '@cdktn/provider-aws/lib/security-group/index.js'
import type { Vpc } from '@cdktn/provider-aws/lib/vpc/index.js'
import { VpcSecurityGroupEgressRule } from '@cdktn/provider-aws/lib/vpc-security-group-egress-rule/index.js'
import { VpcSecurityGroupIngressRule } from '@cdktn/provider-aws/lib/vpc-security-group-ingress-rule/index.js'
import { Construct } from 'constructs'
import type { Naming } from './naming.ts'

const ANYWHERE = '0.0.0.0/0'
const HTTPS = 443
const HTTP = 80
const POSTGRES = 5432
const REDIS = 6379
const KUBELET = 10250
/** The plain door of a service and the one with certificates, whose port docs and manifests call `http` and `internal`. */
const SERVICE = 8000
const SERVICE_INTERNAL = 8443
/** Controllers that the cluster asks before it accepts an object: the load balancer's. The others listen on the kubelet's port. */
const ADMISSION = 9443
/** The metrics of pods that the cluster asks for. */
const METRICS_SERVER = 10251

export type GroupName =
  | 'load_balancer'
  | 'cluster'
  | 'nodes'
  | 'database'
  | 'cache'
  | 'endpoints'
  | 'bastion'
  | 'jump'
  | 'rotation'
  | 'vpn'

const DESCRIPTIONS: Readonly<Record<GroupName, string>> = {
  load_balancer: 'Load balancer: clients come in here',
  cluster: 'Endpoint of the cluster in the network',
  nodes: 'Nodes and the pods on them',
  database: 'Database and its replicas',
  cache: 'Redis',
  endpoints: 'Endpoints of AWS services in the network',
  bastion: 'Bastion: the way to the cluster',
  jump: 'Jump server: the way to the database',
  rotation: 'The function that changes the password of the database',
  vpn: 'Clients of the VPN',
}

/** From whom to whom, on which port. Each is two rules: one lets it out there, one lets it in here. */
const CONNECTIONS: readonly (readonly [from: GroupName, to: GroupName, port: number])[] = [
  ['load_balancer', 'nodes', SERVICE],
  ['load_balancer', 'nodes', SERVICE_INTERNAL],
  ['nodes', 'cluster', HTTPS],
  ['cluster', 'nodes', HTTPS],
  ['cluster', 'nodes', KUBELET],
  ['cluster', 'nodes', METRICS_SERVER],
  ['cluster', 'nodes', ADMISSION],
  ['nodes', 'database', POSTGRES],
  ['nodes', 'cache', REDIS],
  ['nodes', 'endpoints', HTTPS],
  ['bastion', 'cluster', HTTPS],
  ['bastion', 'endpoints', HTTPS],
  ['jump', 'database', POSTGRES],
  ['jump', 'cache', REDIS],
  ['jump', 'endpoints', HTTPS],
  ['rotation', 'database', POSTGRES],
  ['rotation', 'endpoints', HTTPS],
  ['vpn', 'cluster', HTTPS],
  ['vpn', 'endpoints', HTTPS],
]

const PORT_NAMES: Readonly<Record<number, string>> = {
  [HTTPS]: 'https',
  [POSTGRES]: 'postgres',
  [REDIS]: 'redis',
  [KUBELET]: 'kubelet',
  [SERVICE]: 'http',
  [SERVICE_INTERNAL]: 'internal',
  [ADMISSION]: 'admission',
  [METRICS_SERVER]: 'metrics',
}

export class SecurityGroups extends Construct {
  readonly #groups: Readonly<Record<GroupName, SecurityGroup>>

  constructor(scope: Construct, naming: Naming, vpc: Vpc) {
    super(scope, 'security_groups')
    const names = Object.keys(DESCRIPTIONS) as GroupName[]
    const groups = names.map((name) => [name, this.#group(name, naming, vpc)] as const)
    this.#groups = Object.fromEntries(groups) as Record<GroupName, SecurityGroup>

    for (const [from, to, port] of CONNECTIONS) this.#connect(from, to, port)
    this.#fromInternet(HTTPS, 'Clients, with TLS')
    this.#fromInternet(HTTP, 'Clients without TLS, who are told to come back with it')
    // Pods of a node talk to those of another on whatever port they have; what each may, NetworkPolicies say.
    new VpcSecurityGroupIngressRule(this, 'aws_vpc_security_group_ingress_rule.nodes_from_nodes', {
      securityGroupId: this.id('nodes'),
      referencedSecurityGroupId: this.id('nodes'),
      ipProtocol: '-1',
      description: 'Between nodes',
    })
    new VpcSecurityGroupEgressRule(this, 'aws_vpc_security_group_egress_rule.nodes_to_nodes', {
      securityGroupId: this.id('nodes'),
      referencedSecurityGroupId: this.id('nodes'),
      ipProtocol: '-1',
      description: 'Between nodes',
    })
    // Market data, and services of AWS that have no endpoint in the network: with TLS only, through the NAT gateways.
    new VpcSecurityGroupEgressRule(this, 'aws_vpc_security_group_egress_rule.nodes_to_internet', {
      securityGroupId: this.id('nodes'),
      cidrIpv4: ANYWHERE,
      ipProtocol: 'tcp',
      fromPort: HTTPS,
      toPort: HTTPS,
      description: 'Market data feeds, through NAT',
    })
  }

  id(name: GroupName): string {
    return this.#groups[name].id
  }

  #group(name: GroupName, naming: Naming, vpc: Vpc): SecurityGroup {
    return new SecurityGroup(this, `aws_security_group.${name}`, {
      name: naming.named(name.replace('_', '-')),
      description: DESCRIPTIONS[name],
      vpcId: vpc.id,
      tags: { Name: naming.named(name.replace('_', '-')) },
    })
  }

  #connect(from: GroupName, to: GroupName, port: number): void {
    const rule = { ipProtocol: 'tcp', fromPort: port, toPort: port }
    const portName = PORT_NAMES[port] ?? String(port)
    new VpcSecurityGroupIngressRule(this, `aws_vpc_security_group_ingress_rule.${to}_from_${from}_${portName}`, {
      ...rule,
      securityGroupId: this.id(to),
      referencedSecurityGroupId: this.id(from),
      description: `${portName} from ${from}`,
    })
    new VpcSecurityGroupEgressRule(this, `aws_vpc_security_group_egress_rule.${from}_to_${to}_${portName}`, {
      ...rule,
      securityGroupId: this.id(from),
      referencedSecurityGroupId: this.id(to),
      description: `${portName} to ${to}`,
    })
  }

  #fromInternet(port: number, description: string): void {
    new VpcSecurityGroupIngressRule(this, `aws_vpc_security_group_ingress_rule.load_balancer_from_internet_${port}`, {
      securityGroupId: this.id('load_balancer'),
      cidrIpv4: ANYWHERE,
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      description,
    })
  }
}
