// The name that the engine answers to: a zone of its own, to which the domain above it has to point (output `zone_name_servers`).
import { Route53Record } from '@cdktn/provider-aws/lib/route53-record/index.js'
import { Route53Zone } from '@cdktn/provider-aws/lib/route53-zone/index.js'
import { Construct } from 'constructs'
import type { DeclaredSettings } from './settings.ts'

export class DnsZone extends Construct {
  readonly zone: Route53Zone

  constructor(scope: Construct, settings: DeclaredSettings) {
    super(scope, 'dns')
    this.zone = new Route53Zone(this, 'aws_route53_zone.main', {
      name: settings.domain_name,
      comment: 'borrow-rate-engine ${var.environment}',
      forceDestroy: false,
    })
    // Nobody but Amazon may give out certificates for the name.
    new Route53Record(this, 'aws_route53_record.caa', {
      zoneId: this.zone.zoneId,
      name: settings.domain_name,
      type: 'CAA',
      ttl: 3600,
      records: ['0 issue "amazon.com"', '0 issuewild ";"'],
    })
  }
}
