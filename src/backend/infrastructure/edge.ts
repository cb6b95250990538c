// What stands before the load balancer, which the cluster's controller makes itself: the certificate it finds by the engine's name, and
// the web firewall that its requests pass.
import { AcmCertificate } from '@cdktn/provider-aws/lib/acm-certificate/index.js'
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { Route53Record } from '@cdktn/provider-aws/lib/route53-record/index.js'
import { Wafv2WebAcl, type Wafv2WebAclRule } from '@cdktn/provider-aws/lib/wafv2-web-acl/index.js'
import { Wafv2WebAclLoggingConfiguration } from '@cdktn/provider-aws/lib/wafv2-web-acl-logging-configuration/index.js'
import { Construct } from 'constructs'
import type { DnsZone } from './dns.ts'
import { addressOf, list, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import type { DeclaredSettings } from './settings.ts'

/** Requests of one address in five minutes. A desk behind one address asks for hundreds of quotes a second; the gateway's own limits are per client. */
const REQUESTS_PER_ADDRESS = 200_000

/** Rules that AWS keeps up to date. */
const MANAGED_RULES = [
  'AWSManagedRulesAmazonIpReputationList',
  'AWSManagedRulesKnownBadInputsRuleSet',
  'AWSManagedRulesCommonRuleSet',
  'AWSManagedRulesSQLiRuleSet',
] as const

export class Edge extends Construct {
  readonly certificate: AcmCertificate
  readonly webAcl: Wafv2WebAcl

  constructor(scope: Construct, settings: DeclaredSettings, naming: Naming, keys: Keys, zone: DnsZone) {
    super(scope, 'edge')
    // Given out once the zone is known to the domain above it, and renewed as long as the record stays.
    this.certificate = new AcmCertificate(this, 'aws_acm_certificate.main', {
      domainName: settings.domain_name,
      validationMethod: 'DNS',
      keyAlgorithm: 'EC_prime256v1',
      options: { certificateTransparencyLoggingPreference: 'ENABLED' },
      tags: { Name: naming.name },
      lifecycle: { createBeforeDestroy: true },
    })
    const validation = (attribute: string) =>
      `one(${addressOf(this.certificate)}.domain_validation_options[*].resource_record_${attribute})`
    new Route53Record(this, 'aws_route53_record.certificate_validation', {
      zoneId: zone.zone.zoneId,
      name: text(validation('name')),
      type: text(validation('type')),
      records: list(`[${validation('value')}]`),
      ttl: 300,
      allowOverwrite: true,
    })

    this.webAcl = new Wafv2WebAcl(this, 'aws_wafv2_web_acl.main', {
      name: naming.name,
      description: 'What no request to the engine needs',
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      rule: [
        ...MANAGED_RULES.map(managedRule),
        {
          name: 'RequestsPerAddress',
          priority: MANAGED_RULES.length,
          action: { block: {} },
          statement: { rate_based_statement: { limit: REQUESTS_PER_ADDRESS, aggregate_key_type: 'IP' } },
          visibilityConfig: visibility('RequestsPerAddress'),
        },
      ],
      visibilityConfig: visibility('WebAcl'),
      tags: { Name: naming.name },
    })
    const logs = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.waf', {
      // The firewall writes to no other name.
      name: `aws-waf-logs-${naming.name}`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    new Wafv2WebAclLoggingConfiguration(this, 'aws_wafv2_web_acl_logging_configuration.main', {
      resourceArn: this.webAcl.arn,
      logDestinationConfigs: [logs.arn],
      redactedFields: ['authorization', 'x-api-key', 'cookie'].map((name) => ({ singleHeader: { name } })),
    })
  }
}

function managedRule(name: (typeof MANAGED_RULES)[number], priority: number): Wafv2WebAclRule {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    // The binding leaves the inside of a statement, which may nest for ever, to whoever writes it: Terraform's own names.
    statement: {
      managed_rule_group_statement: {
        name,
        vendor_name: 'AWS',
        // A batch of quotes is larger than the 8 KB that the rule allows; the gateway has its own limit, and says so in words.
        ...(name === 'AWSManagedRulesCommonRuleSet'
          ? { rule_action_override: [{ name: 'SizeRestrictions_BODY', action_to_use: { count: {} } }] }
          : {}),
      },
    },
    visibilityConfig: visibility(name),
  }
}

function visibility(metricName: string) {
  return { cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true, metricName }
}
