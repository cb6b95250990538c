// How people come in: a bastion to the cluster and a jump server to the database, both reached by Session Manager and by nothing else (no
// key, no open port, no public address), and a VPN where that is asked for.
import { AutoscalingGroup } from '@cdktn/provider-aws/lib/autoscaling-group/index.js'
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { Ec2ClientVpnAuthorizationRule } from '@cdktn/provider-aws/lib/ec2-client-vpn-authorization-rule/index.js'
import { Ec2ClientVpnEndpoint } from '@cdktn/provider-aws/lib/ec2-client-vpn-endpoint/index.js'
import { Ec2ClientVpnNetworkAssociation } from '@cdktn/provider-aws/lib/ec2-client-vpn-network-association/index.js'
import { IamInstanceProfile } from '@cdktn/provider-aws/lib/iam-instance-profile/index.js'
import { LaunchTemplate } from '@cdktn/provider-aws/lib/launch-template/index.js'
import { SsmDocument } from '@cdktn/provider-aws/lib/ssm-document/index.js'
import { Construct } from 'constructs'
import { addressOf, instance, number, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { trustedService } from './policy_documents.ts'
import { role } from './roles.ts'
import type { GroupName, SecurityGroups } from './security_groups.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Network } from './vpc.ts'

const IMAGE = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64'

interface Host {
  readonly name: Extract<GroupName, 'bastion' | 'jump'>
  readonly subnetIds: string[]
  readonly wanted: number
}

export class WaysIn extends Construct {
  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    groups: SecurityGroups,
  ) {
    super(scope, 'ways_in')
    const profile = this.#profile(naming, keys)
    // The bastion is always there, in case of need. The jump server is started for an hour by whoever needs the database:
    // aws autoscaling set-desired-capacity.
    const hosts: Host[] = [
      { name: 'bastion', subnetIds: network.publicSubnetIds, wanted: 1 },
      { name: 'jump', subnetIds: network.appSubnetIds, wanted: 0 },
    ]
    for (const host of hosts) this.#host(host, naming, keys, groups, profile)
    this.#sessions(settings, naming, keys)
    this.#vpn(settings, naming, keys, network, groups)
  }

  #profile(naming: Naming, keys: Keys): IamInstanceProfile {
    const hosts = role(this, naming, 'bastion', {
      description: 'Hosts that people have sessions on',
      trust: trustedService('ec2.amazonaws.com'),
      managedPolicies: ['AmazonSSMManagedInstanceCore'],
      statements: [
        { sid: 'EncryptedSessions', actions: ['kms:Decrypt'], resources: [keys.logs.arn] },
        {
          sid: 'RecordSessions',
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
          resources: [naming.arn('logs', `log-group:/aws/ssm/${naming.name}/sessions:*`)],
        },
        { sid: 'FindLogs', actions: ['logs:DescribeLogGroups'] },
      ],
    })
    return new IamInstanceProfile(this, 'aws_iam_instance_profile.bastion', {
      name: naming.named('bastion'),
      role: hosts.name,
    })
  }

  #host(host: Host, naming: Naming, keys: Keys, groups: SecurityGroups, profile: IamInstanceProfile): void {
    const name = naming.named(host.name)
    const tags = { Name: name, Environment: '${var.environment}', PatchGroup: naming.named('hosts') }
    const template = new LaunchTemplate(this, `aws_launch_template.${host.name}`, {
      name,
      imageId: IMAGE,
      instanceType: 't4g.nano',
      updateDefaultVersion: true,
      iamInstanceProfile: { arn: profile.arn },
      networkInterfaces: [
        {
          associatePublicIpAddress: 'false',
          deleteOnTermination: 'true',
          securityGroups: [groups.id(host.name)],
        },
      ],
      metadataOptions: { httpEndpoint: 'enabled', httpTokens: 'required', httpPutResponseHopLimit: 1 },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: {
            volumeType: 'gp3',
            volumeSize: 8,
            encrypted: 'true',
            kmsKeyId: keys.volumes.arn,
            deleteOnTermination: 'true',
          },
        },
      ],
      monitoring: { enabled: true },
      tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags })),
      tags: { Name: name },
    })
    new AutoscalingGroup(this, `aws_autoscaling_group.${host.name}`, {
      name,
      minSize: host.wanted,
      maxSize: 1,
      desiredCapacity: host.wanted,
      vpcZoneIdentifier: host.subnetIds,
      launchTemplate: { id: template.id, version: text(`${addressOf(template)}.latest_version`) },
      // After a week it is another machine, with all patches.
      maxInstanceLifetime: 7 * 86_400,
      healthCheckType: 'EC2',
      tag: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: true })),
      lifecycle: { ignoreChanges: ['desired_capacity'] },
    })
  }

  /** Sessions are encrypted, recorded, and end when nobody types. */
  #sessions(settings: DeclaredSettings, naming: Naming, keys: Keys): void {
    const logs = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.sessions', {
      name: `/aws/ssm/${naming.name}/sessions`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    new SsmDocument(this, 'aws_ssm_document.sessions', {
      name: naming.named('sessions'),
      documentType: 'Session',
      documentFormat: 'JSON',
      content: JSON.stringify({
        schemaVersion: '1.0',
        description: 'How sessions are kept',
        sessionType: 'Standard_Stream',
        inputs: {
          cloudWatchLogGroupName: logs.name,
          cloudWatchEncryptionEnabled: true,
          cloudWatchStreamingEnabled: true,
          kmsKeyId: keys.logs.arn,
          idleSessionTimeout: '20',
          maxSessionDuration: '60',
          runAsEnabled: false,
        },
      }),
    })
  }

  #vpn(settings: DeclaredSettings, naming: Naming, keys: Keys, network: Network, groups: SecurityGroups): void {
    const once = number('var.client_vpn_enabled ? 1 : 0')
    const logs = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.vpn', {
      count: once,
      name: `/aws/client-vpn/${naming.name}`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    const endpoint = new Ec2ClientVpnEndpoint(this, 'aws_ec2_client_vpn_endpoint.main', {
      count: once,
      description: naming.name,
      serverCertificateArn: settings.client_vpn_server_certificate_arn,
      clientCidrBlock: settings.client_vpn_cidr,
      vpcId: network.vpc.id,
      securityGroupIds: [groups.id('vpn')],
      // Only what is for the network comes through it.
      splitTunnel: true,
      transportProtocol: 'udp',
      sessionTimeoutHours: 8,
      disconnectOnSessionTimeout: true,
      authenticationOptions: [
        { type: 'federated-authentication', samlProviderArn: settings.client_vpn_saml_provider_arn },
      ],
      connectionLogOptions: { enabled: true, cloudwatchLogGroup: instance(logs, 'name', 0) },
      tags: { Name: naming.name },
    })
    new Ec2ClientVpnNetworkAssociation(this, 'aws_ec2_client_vpn_network_association.main', {
      count: number('var.client_vpn_enabled ? 2 : 0'),
      clientVpnEndpointId: instance(endpoint, 'id', 0),
      subnetId: instance(network.appSubnets, 'id'),
    })
    new Ec2ClientVpnAuthorizationRule(this, 'aws_ec2_client_vpn_authorization_rule.main', {
      count: once,
      clientVpnEndpointId: instance(endpoint, 'id', 0),
      targetNetworkCidr: settings.vpc_cidr,
      authorizeAllGroups: true,
      description: 'Everybody whom the SAML provider lets in; security groups say where to',
    })
  }
}
