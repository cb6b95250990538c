// A firewall between the application tier and the NAT gateways that lets out to names on a list, and to nothing else. Switched on by
// network_firewall_enabled; without it nothing here exists.
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import type { InternetGateway } from '@cdktn/provider-aws/lib/internet-gateway/index.js'
import type { NatGateway } from '@cdktn/provider-aws/lib/nat-gateway/index.js'
import { NetworkfirewallFirewall } from '@cdktn/provider-aws/lib/networkfirewall-firewall/index.js'
import { NetworkfirewallFirewallPolicy } from '@cdktn/provider-aws/lib/networkfirewall-firewall-policy/index.js'
import { NetworkfirewallLoggingConfiguration } from '@cdktn/provider-aws/lib/networkfirewall-logging-configuration/index.js'
import { NetworkfirewallRuleGroup } from '@cdktn/provider-aws/lib/networkfirewall-rule-group/index.js'
import { Route } from '@cdktn/provider-aws/lib/route/index.js'
import { RouteTable } from '@cdktn/provider-aws/lib/route-table/index.js'
import { RouteTableAssociation } from '@cdktn/provider-aws/lib/route-table-association/index.js'
import type { Subnet } from '@cdktn/provider-aws/lib/subnet/index.js'
import type { Vpc } from '@cdktn/provider-aws/lib/vpc/index.js'
import { Construct } from 'constructs'
import { subnetExpression } from './address_plan.ts'
import { addressOf, instance, list, number, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { networkAcl } from './network_acls.ts'
import type { DeclaredSettings } from './settings.ts'

const ANYWHERE = '0.0.0.0/0'

export interface FirewallPlace {
  readonly vpc: Vpc
  readonly firewallSubnets: Subnet
  /** Where the NAT gateways are, behind the firewall. */
  readonly egressSubnets: Subnet
  readonly appRouteTables: RouteTable
  readonly nat: NatGateway
  readonly internetGateway: InternetGateway
}

export class EgressFirewall extends Construct {
  constructor(scope: Construct, settings: DeclaredSettings, naming: Naming, keys: Keys, place: FirewallPlace) {
    super(scope, 'firewall')
    const once = number('var.network_firewall_enabled ? 1 : 0')
    const inEveryZone = number('var.network_firewall_enabled ? 3 : 0')
    const encryptionConfiguration = { type: 'CUSTOMER_KMS', keyId: keys.data.arn }

    const allowed = new NetworkfirewallRuleGroup(this, 'aws_networkfirewall_rule_group.allowed_domains', {
      count: once,
      name: naming.named('allowed-domains'),
      description: 'Names that the application tier may connect to',
      type: 'STATEFUL',
      capacity: 500,
      encryptionConfiguration,
      ruleGroup: {
        ruleVariables: { ipSets: [{ key: 'HOME_NET', ipSet: { definition: [settings.vpc_cidr] } }] },
        rulesSource: {
          rulesSourceList: {
            generatedRulesType: 'ALLOWLIST',
            targetTypes: ['TLS_SNI', 'HTTP_HOST'],
            targets: settings.egress_allowed_domains,
          },
        },
        statefulRuleOptions: { ruleOrder: 'STRICT_ORDER' },
      },
    })
    const policy = new NetworkfirewallFirewallPolicy(this, 'aws_networkfirewall_firewall_policy.egress', {
      count: once,
      name: naming.named('egress'),
      encryptionConfiguration,
      firewallPolicy: {
        statelessDefaultActions: ['aws:forward_to_sfe'],
        statelessFragmentDefaultActions: ['aws:forward_to_sfe'],
        statefulEngineOptions: { ruleOrder: 'STRICT_ORDER', streamExceptionPolicy: 'REJECT' },
        // A connection has to be let through far enough to say which name it is for.
        statefulDefaultActions: ['aws:drop_established', 'aws:alert_established'],
        statefulRuleGroupReference: [{ priority: 1, resourceArn: instance(allowed, 'arn', 0) }],
      },
    })
    const firewall = new NetworkfirewallFirewall(this, 'aws_networkfirewall_firewall.egress', {
      count: once,
      name: naming.named('egress'),
      vpcId: place.vpc.id,
      firewallPolicyArn: instance(policy, 'arn', 0),
      deleteProtection: settings.deletion_protection,
      subnetChangeProtection: settings.deletion_protection,
      encryptionConfiguration,
      subnetMapping: [0, 1, 2].map((zone) => ({ subnetId: instance(place.firewallSubnets, 'id', zone) })),
    })
    this.#logs(naming, keys, settings, firewall)
    networkAcl(this, 'transit', {
      naming,
      vpc: place.vpc,
      count: once,
      subnetIds: list(
        `concat(${[place.firewallSubnets, place.egressSubnets].map((subnets) => `${addressOf(subnets)}[*].id`).join(', ')})`,
      ),
    })

    // The endpoint of a zone, out of the firewall's status, which knows it by the zone's name.
    const endpoint = text(
      `one([for state in one(${addressOf(firewall)}[*].firewall_status)[0].sync_states : one(state.attachment[*].endpoint_id) if state.availability_zone == var.availability_zones[count.index]])`,
    )
    new Route(this, 'aws_route.app_to_firewall', {
      count: inEveryZone,
      routeTableId: instance(place.appRouteTables, 'id'),
      destinationCidrBlock: ANYWHERE,
      vpcEndpointId: endpoint,
    })

    const tables = (name: string) =>
      new RouteTable(this, `aws_route_table.${name}`, {
        count: inEveryZone,
        vpcId: place.vpc.id,
        tags: { Name: `${naming.named(name)}-\${var.availability_zones[count.index]}`, Tier: name },
      })
    const associate = (name: string, subnets: Subnet, table: RouteTable) =>
      new RouteTableAssociation(this, `aws_route_table_association.${name}`, {
        count: inEveryZone,
        subnetId: instance(subnets, 'id'),
        routeTableId: instance(table, 'id'),
      })

    const firewallTables = tables('firewall')
    associate('firewall', place.firewallSubnets, firewallTables)
    new Route(this, 'aws_route.firewall_to_nat', {
      count: inEveryZone,
      routeTableId: instance(firewallTables, 'id'),
      destinationCidrBlock: ANYWHERE,
      natGatewayId: instance(place.nat, 'id', 'count.index % var.nat_gateway_count'),
    })

    const egressTables = tables('egress')
    associate('egress', place.egressSubnets, egressTables)
    new Route(this, 'aws_route.egress_to_internet', {
      count: inEveryZone,
      routeTableId: instance(egressTables, 'id'),
      destinationCidrBlock: ANYWHERE,
      gatewayId: place.internetGateway.id,
    })
    // Answers go back through the firewall that saw the question.
    new Route(this, 'aws_route.egress_to_app', {
      count: inEveryZone,
      routeTableId: instance(egressTables, 'id'),
      destinationCidrBlock: text(subnetExpression('app', 'count.index')),
      vpcEndpointId: endpoint,
    })
  }

  #logs(naming: Naming, keys: Keys, settings: DeclaredSettings, firewall: NetworkfirewallFirewall): void {
    const once = number('var.network_firewall_enabled ? 1 : 0')
    const group = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.firewall', {
      count: once,
      name: `/aws/network-firewall/${naming.name}`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    new NetworkfirewallLoggingConfiguration(this, 'aws_networkfirewall_logging_configuration.egress', {
      count: once,
      firewallArn: instance(firewall, 'arn', 0),
      loggingConfiguration: {
        logDestinationConfig: [
          {
            logType: 'ALERT',
            logDestinationType: 'CloudWatchLogs',
            logDestination: { logGroup: instance(group, 'name', 0) },
          },
        ],
      },
    })
  }
}
