// Ways to AWS's own services that stay within the network. Where there is one, its traffic needs no NAT gateway, and only principals of
// this account can use it.
import { VpcEndpoint } from '@cdktn/provider-aws/lib/vpc-endpoint/index.js'
import { Construct } from 'constructs'
import { addressOf, list, text } from './expressions.ts'
import type { Naming } from './naming.ts'
import { policyDocument } from './policy_documents.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { Network } from './vpc.ts'

/** By the name of the service, after `com.amazonaws.us-east-1.`. */
export const INTERFACE_ENDPOINTS = [
  // Images and the secrets of pods.
  'ecr.api',
  'ecr.dkr',
  'secretsmanager',
  'kms',
  // Identities of nodes and pods.
  'sts',
  'eks',
  'eks-auth',
  // Logs and metrics.
  'logs',
  'monitoring',
  // Sessions on the bastion, patches.
  'ssm',
  'ssmmessages',
  'ec2messages',
  // Controllers of the cluster: nodes, disks, load balancers.
  'ec2',
  'autoscaling',
  'elasticloadbalancing',
] as const

export class Endpoints extends Construct {
  readonly s3: VpcEndpoint

  constructor(scope: Construct, naming: Naming, network: Network, groups: SecurityGroups) {
    super(scope, 'endpoints')
    for (const service of INTERFACE_ENDPOINTS) {
      const name = service.replaceAll(/[.-]/g, '_')
      new VpcEndpoint(this, `aws_vpc_endpoint.${name}`, {
        vpcId: network.vpc.id,
        serviceName: `com.amazonaws.\${var.aws_region}.${service}`,
        vpcEndpointType: 'Interface',
        privateDnsEnabled: true,
        subnetIds: list(`slice(${addressOf(network.appSubnets)}[*].id, 0, var.nat_gateway_count)`),
        securityGroupIds: [groups.id('endpoints')],
        policy: policyDocument({
          sid: 'OwnAccount',
          actions: ['*'],
          resources: ['*'],
          principals: '*',
          conditions: { StringEquals: { 'aws:PrincipalAccount': naming.accountId } },
        }),
        tags: { Name: naming.named(service.replaceAll('.', '-')) },
      })
    }
    this.s3 = new VpcEndpoint(this, 'aws_vpc_endpoint.s3', {
      vpcId: network.vpc.id,
      serviceName: 'com.amazonaws.${var.aws_region}.s3',
      vpcEndpointType: 'Gateway',
      routeTableIds: list(`${addressOf(network.appRouteTables)}[*].id`),
      policy: policyDocument(
        {
          sid: 'OwnBuckets',
          actions: ['s3:*'],
          resources: [`arn:aws:s3:::${naming.name}-*`, `arn:aws:s3:::${naming.name}-*/*`],
          principals: '*',
          conditions: { StringEquals: { 'aws:PrincipalAccount': naming.accountId } },
        },
        {
          // Layers of images lie in a bucket of ECR; packages of Amazon Linux and documents of Systems Manager in others of AWS. Nodes
          // fetch some of them without signing.
          sid: 'BucketsOfAws',
          actions: ['s3:GetObject'],
          resources: [
            'arn:aws:s3:::prod-${var.aws_region}-starport-layer-bucket/*',
            'arn:aws:s3:::al2023-repos-${var.aws_region}-de612dc2/*',
            'arn:aws:s3:::aws-ssm-${var.aws_region}/*',
            'arn:aws:s3:::amazon-ssm-${var.aws_region}/*',
            'arn:aws:s3:::patch-baseline-snapshot-${var.aws_region}/*',
            'arn:aws:s3:::aws-patchmanager-${var.aws_region}/*',
          ],
          principals: '*',
        },
      ),
      tags: { Name: naming.named('s3') },
    })
  }

  get s3PrefixListId(): string {
    return text(`${addressOf(this.s3)}.prefix_list_id`)
  }
}
