// The network: three zones, and in each a public subnet (load balancer, NAT gateway, bastion), one of the application tier (nodes and
// pods) and one of the data tier (database and cache), which has no way out of the network at all.
import { DefaultNetworkAcl } from '@cdktn/provider-aws/lib/default-network-acl/index.js'
import { DefaultRouteTable } from '@cdktn/provider-aws/lib/default-route-table/index.js'
import { DefaultSecurityGroup } from '@cdktn/provider-aws/lib/default-security-group/index.js'
import { Eip } from '@cdktn/provider-aws/lib/eip/index.js'
import { InternetGateway } from '@cdktn/provider-aws/lib/internet-gateway/index.js'
import { NatGateway } from '@cdktn/provider-aws/lib/nat-gateway/index.js'
import { Route } from '@cdktn/provider-aws/lib/route/index.js'
import { RouteTable } from '@cdktn/provider-aws/lib/route-table/index.js'
import { RouteTableAssociation } from '@cdktn/provider-aws/lib/route-table-association/index.js'
import { Subnet } from '@cdktn/provider-aws/lib/subnet/index.js'
import { Vpc } from '@cdktn/provider-aws/lib/vpc/index.js'
import { VpcEncryptionControl } from '@cdktn/provider-aws/lib/vpc-encryption-control/index.js'
import { Construct } from 'constructs'
import { subnetExpression, type Tier, ZONES } from './address_plan.ts'
import { addressOf, every, instance, number, text } from './expressions.ts'
import { EgressFirewall } from './firewall.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { networkAcl } from './network_acls.ts'
import type { DeclaredSettings } from './settings.ts'

const ANYWHERE = '0.0.0.0/0'

export class Network extends Construct {
  readonly vpc: Vpc
  readonly publicSubnets: Subnet
  readonly appSubnets: Subnet
  readonly dataSubnets: Subnet
  readonly appRouteTables: RouteTable
  readonly dataRouteTable: RouteTable
  readonly #naming: Naming

  constructor(scope: Construct, settings: DeclaredSettings, naming: Naming, keys: Keys) {
    super(scope, 'vpc')
    this.#naming = naming
    this.vpc = new Vpc(this, 'aws_vpc.main', {
      cidrBlock: settings.vpc_cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: { Name: naming.name },
    })
    this.#closeDefaults()
    new VpcEncryptionControl(this, 'aws_vpc_encryption_control.main', {
      vpcId: this.vpc.id,
      mode: settings.vpc_encryption_mode,
      // What leaves the network cannot be encrypted by its hardware: TLS does that.
      internetGatewayExclusion: text('var.vpc_encryption_mode == "enforce" ? "enable" : null'),
      natGatewayExclusion: text('var.vpc_encryption_mode == "enforce" ? "enable" : null'),
      tags: { Name: naming.name },
    })

    this.publicSubnets = this.#subnets('public', ZONES, { 'kubernetes.io/role/elb': '1' })
    this.appSubnets = this.#subnets('app', ZONES, { 'kubernetes.io/role/internal-elb': '1' })
    this.dataSubnets = this.#subnets('data', ZONES)

    const gateway = new InternetGateway(this, 'aws_internet_gateway.main', {
      vpcId: this.vpc.id,
      tags: { Name: naming.name },
    })
    const publicTable = new RouteTable(this, 'aws_route_table.public', {
      vpcId: this.vpc.id,
      tags: { Name: naming.named('public'), Tier: 'public' },
    })
    new Route(this, 'aws_route.public_to_internet', {
      routeTableId: publicTable.id,
      destinationCidrBlock: ANYWHERE,
      gatewayId: gateway.id,
    })
    this.#associate('public', this.publicSubnets, publicTable.id)

    // With the firewall, NAT gateways stand in subnets of their own behind it, so that answers to pods pass it as well, and clients'
    // requests through the load balancer do not.
    const egressSubnets = this.#subnets('egress', number('var.network_firewall_enabled ? 3 : 0'))
    const nat = this.#natGateways(settings, gateway, egressSubnets)
    this.appRouteTables = new RouteTable(this, 'aws_route_table.app', {
      count: ZONES,
      vpcId: this.vpc.id,
      tags: { Name: this.#inZone('app'), Tier: 'app' },
    })
    this.#associate('app', this.appSubnets, instance(this.appRouteTables, 'id'))
    new Route(this, 'aws_route.app_to_nat', {
      count: number('var.network_firewall_enabled ? 0 : 3'),
      routeTableId: instance(this.appRouteTables, 'id'),
      destinationCidrBlock: ANYWHERE,
      natGatewayId: instance(nat, 'id', 'count.index % var.nat_gateway_count'),
    })
    new EgressFirewall(this, settings, naming, keys, {
      vpc: this.vpc,
      firewallSubnets: this.#subnets('firewall', number('var.network_firewall_enabled ? 3 : 0')),
      egressSubnets,
      appRouteTables: this.appRouteTables,
      nat,
      internetGateway: gateway,
    })

    this.dataRouteTable = new RouteTable(this, 'aws_route_table.data', {
      vpcId: this.vpc.id,
      tags: { Name: naming.named('data'), Tier: 'data' },
    })
    this.#associate('data', this.dataSubnets, this.dataRouteTable.id)
    const place = { naming, vpc: this.vpc }
    networkAcl(this, 'public', { ...place, subnetIds: this.publicSubnetIds })
    networkAcl(this, 'app', { ...place, subnetIds: this.appSubnetIds })
    networkAcl(this, 'data', { ...place, subnetIds: this.dataSubnetIds })
  }

  /** What every network begins with lets everything through. Nothing of ours uses it, and nothing shall by mistake. */
  #closeDefaults(): void {
    const name = this.#naming.named('default-closed')
    new DefaultSecurityGroup(this, 'aws_default_security_group.closed', {
      vpcId: this.vpc.id,
      ingress: [],
      egress: [],
      tags: { Name: name },
    })
    new DefaultNetworkAcl(this, 'aws_default_network_acl.closed', {
      defaultNetworkAclId: this.vpc.defaultNetworkAclId,
      tags: { Name: name },
    })
    new DefaultRouteTable(this, 'aws_default_route_table.closed', {
      defaultRouteTableId: this.vpc.defaultRouteTableId,
      route: [],
      tags: { Name: name },
    })
  }

  #subnets(tier: Tier, count: number, tags: Record<string, string> = {}): Subnet {
    return new Subnet(this, `aws_subnet.${tier}`, {
      count,
      vpcId: this.vpc.id,
      availabilityZone: text('var.availability_zones[count.index]'),
      cidrBlock: text(subnetExpression(tier, 'count.index')),
      mapPublicIpOnLaunch: false,
      tags: { Name: this.#inZone(tier), Tier: tier, ...tags },
    })
  }

  #associate(tier: Tier, subnets: Subnet, routeTableId: string): void {
    new RouteTableAssociation(this, `aws_route_table_association.${tier}`, {
      count: ZONES,
      subnetId: instance(subnets, 'id'),
      routeTableId,
    })
  }

  #natGateways(settings: DeclaredSettings, gateway: InternetGateway, egressSubnets: Subnet): NatGateway {
    const addresses = new Eip(this, 'aws_eip.nat', {
      count: settings.nat_gateway_count,
      domain: 'vpc',
      tags: { Name: this.#inZone('nat') },
      dependsOn: [gateway],
    })
    const [behind, before] = [egressSubnets, this.publicSubnets].map(addressOf)
    return new NatGateway(this, 'aws_nat_gateway.main', {
      count: settings.nat_gateway_count,
      allocationId: instance(addresses, 'id'),
      connectivityType: 'public',
      subnetId: text(`(var.network_firewall_enabled ? ${behind}[*].id : ${before}[*].id)[count.index]`),
      tags: { Name: this.#inZone('nat') },
      dependsOn: [gateway],
    })
  }

  #inZone(purpose: string): string {
    return `${this.#naming.named(purpose)}-\${var.availability_zones[count.index]}`
  }

  get appSubnetIds(): string[] {
    return every(this.appSubnets, 'id')
  }

  get publicSubnetIds(): string[] {
    return every(this.publicSubnets, 'id')
  }

  get dataSubnetIds(): string[] {
    return every(this.dataSubnets, 'id')
  }
}
