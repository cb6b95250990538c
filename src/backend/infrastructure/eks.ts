// The Kubernetes cluster: a control plane with an endpoint inside the network only, and one group of nodes that the cluster autoscaler
// makes larger and smaller.
import { AutoscalingGroupTagA } from '@cdktn/provider-aws/lib/autoscaling-group-tag/index.js'
import { CloudwatchLogGroup } from '@cdktn/provider-aws/lib/cloudwatch-log-group/index.js'
import { EksAddon, type EksAddonConfig } from '@cdktn/provider-aws/lib/eks-addon/index.js'
import { EksCluster } from '@cdktn/provider-aws/lib/eks-cluster/index.js'
import { EksNodeGroup } from '@cdktn/provider-aws/lib/eks-node-group/index.js'
import type { IamRole } from '@cdktn/provider-aws/lib/iam-role/index.js'
import { IamRolePolicyAttachment } from '@cdktn/provider-aws/lib/iam-role-policy-attachment/index.js'
import { LaunchTemplate } from '@cdktn/provider-aws/lib/launch-template/index.js'
import { Construct } from 'constructs'
import { addressOf, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { trustedPods, trustedService } from './policy_documents.ts'
import { role } from './roles.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Network } from './vpc.ts'

const CONTROL_PLANE_LOGS = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler']

/** Labels of nodes that are told to the autoscaler too, so that it knows what a new node will be like when there is none. */
const NODE_LABELS: Readonly<Record<string, string>> = { 'borrow-rate-engine/pool': 'services' }

export class KubernetesCluster extends Construct {
  readonly cluster: EksCluster
  readonly nodeGroup: EksNodeGroup
  readonly nodeRole: IamRole

  constructor(
    scope: Construct,
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    groups: SecurityGroups,
  ) {
    super(scope, 'eks')
    const clusterRole = role(this, naming, 'cluster', {
      description: 'The control plane of the cluster',
      trust: trustedService('eks.amazonaws.com'),
      managedPolicies: ['AmazonEKSClusterPolicy'],
      statements: [
        {
          sid: 'SecretsOfTheCluster',
          actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey', 'kms:ListGrants', 'kms:CreateGrant'],
          resources: [keys.secrets.arn],
        },
      ],
    })
    // Made before the cluster, which would make one that keeps everything for ever.
    const logs = new CloudwatchLogGroup(this, 'aws_cloudwatch_log_group.cluster', {
      name: `/aws/eks/${naming.name}/cluster`,
      retentionInDays: settings.log_retention_days,
      kmsKeyId: keys.logs.arn,
    })
    this.cluster = new EksCluster(this, 'aws_eks_cluster.main', {
      name: naming.name,
      version: settings.kubernetes_version,
      roleArn: clusterRole.arn,
      deletionProtection: settings.deletion_protection,
      enabledClusterLogTypes: CONTROL_PLANE_LOGS,
      bootstrapSelfManagedAddons: false,
      accessConfig: { authenticationMode: 'API', bootstrapClusterCreatorAdminPermissions: false },
      vpcConfig: {
        subnetIds: network.appSubnetIds,
        securityGroupIds: [groups.id('cluster')],
        endpointPrivateAccess: true,
        endpointPublicAccess: false,
      },
      kubernetesNetworkConfig: { serviceIpv4Cidr: '172.20.0.0/16', ipFamily: 'ipv4' },
      encryptionConfig: { resources: ['secrets'], provider: { keyArn: keys.secrets.arn } },
      upgradePolicy: { supportType: 'STANDARD' },
      zonalShiftConfig: { enabled: true },
      tags: { Name: naming.name },
      dependsOn: [logs, ...this.#attachments()],
    })

    this.nodeRole = role(this, naming, 'nodes', {
      description: 'Nodes: they join the cluster, pull images and are patched. Pods have roles of their own',
      trust: trustedService('ec2.amazonaws.com'),
      managedPolicies: [
        'AmazonEKSWorkerNodePolicy',
        'AmazonEC2ContainerRegistryPullOnly',
        'AmazonSSMManagedInstanceCore',
      ],
    })
    // A node is not ready before it has its network, and is not waited for longer than a quarter of an hour.
    const first = this.#addonsOfNodes(naming)
    this.nodeGroup = this.#nodes(settings, naming, keys, network, groups, first)
    this.#addonsOnNodes(naming)
  }

  /** A role that lacks a policy is a role all the same: what needs it waits for both. */
  #attachments(): IamRolePolicyAttachment[] {
    return this.node.children.filter((child) => child instanceof IamRolePolicyAttachment)
  }

  #nodes(
    settings: DeclaredSettings,
    naming: Naming,
    keys: Keys,
    network: Network,
    groups: SecurityGroups,
    addons: readonly EksAddon[],
  ): EksNodeGroup {
    const tags = { Name: naming.named('node'), Environment: settings.environment, PatchGroup: naming.named('nodes') }
    const template = new LaunchTemplate(this, 'aws_launch_template.nodes', {
      name: naming.named('nodes'),
      updateDefaultVersion: true,
      vpcSecurityGroupIds: [groups.id('nodes')],
      metadataOptions: {
        httpEndpoint: 'enabled',
        httpTokens: 'required',
        // One hop: a pod does not reach the identity of its node.
        httpPutResponseHopLimit: 1,
        instanceMetadataTags: 'disabled',
      },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: {
            volumeType: 'gp3',
            volumeSize: settings.node_volume_gib,
            encrypted: 'true',
            kmsKeyId: keys.volumes.arn,
            deleteOnTermination: 'true',
          },
        },
      ],
      monitoring: { enabled: true },
      tagSpecifications: ['instance', 'volume'].map((resourceType) => ({ resourceType, tags })),
      tags: { Name: naming.named('nodes') },
    })
    const group = new EksNodeGroup(this, 'aws_eks_node_group.services', {
      clusterName: this.cluster.name,
      nodeGroupName: naming.named('services'),
      nodeRoleArn: this.nodeRole.arn,
      subnetIds: network.appSubnetIds,
      amiType: 'AL2023_x86_64_STANDARD',
      capacityType: 'ON_DEMAND',
      instanceTypes: settings.node_instance_types,
      labels: NODE_LABELS,
      launchTemplate: { id: template.id, version: text(`${addressOf(template)}.latest_version`) },
      scalingConfig: {
        minSize: settings.node_count_min,
        maxSize: settings.node_count_max,
        desiredSize: settings.node_count_min,
      },
      updateConfig: { maxUnavailable: 1 },
      nodeRepairConfig: { enabled: true },
      tags: { Name: naming.named('services') },
      dependsOn: [...addons, ...this.#attachments()],
      // How many there are is the autoscaler's to say.
      lifecycle: { ignoreChanges: ['scaling_config[0].desired_size'] },
    })
    const autoscaling: Readonly<Record<string, string>> = {
      enabled: 'true',
      [naming.name]: 'owned',
      ...Object.fromEntries(
        Object.entries(NODE_LABELS).map(([label, value]) => [`node-template/label/${label}`, value]),
      ),
    }
    for (const [index, [key, value]] of Object.entries(autoscaling).entries()) {
      const name = ['enabled', 'cluster', 'label_pool'][index]
      new AutoscalingGroupTagA(this, `aws_autoscaling_group_tag.autoscaler_${name}`, {
        autoscalingGroupName: this.autoscalingGroupName(group),
        tag: { key: `k8s.io/cluster-autoscaler/${key}`, value, propagateAtLaunch: false },
      })
    }
    return group
  }

  autoscalingGroupName(group = this.nodeGroup): string {
    return group.resources.get(0).autoscalingGroups.get(0).name
  }

  #addonsOfNodes(naming: Naming): EksAddon[] {
    const cni = role(this, naming, 'vpc-cni', {
      description: 'The network plug-in: addresses for pods',
      trust: trustedPods(),
      managedPolicies: ['AmazonEKS_CNI_Policy'],
    })
    const identities = this.#addon('eks-pod-identity-agent')
    return [
      identities,
      this.#addon('kube-proxy'),
      this.#addon('vpc-cni', {
        // The plug-in enforces NetworkPolicies too. Addresses come to nodes sixteen at a time.
        configurationValues: JSON.stringify({
          enableNetworkPolicy: 'true',
          env: { ENABLE_PREFIX_DELEGATION: 'true' },
        }),
        podIdentityAssociation: [{ roleArn: cni.arn, serviceAccount: 'aws-node' }],
        dependsOn: [identities],
      }),
    ]
  }

  #addonsOnNodes(naming: Naming): void {
    const disks = role(this, naming, 'ebs-csi', {
      description: 'The storage driver: disks for pods',
      trust: trustedPods(),
      managedPolicies: ['service-role/AmazonEBSCSIDriverPolicy'],
    })
    const dependsOn = [this.nodeGroup]
    this.#addon('coredns', { dependsOn })
    this.#addon('metrics-server', { dependsOn })
    this.#addon('aws-ebs-csi-driver', {
      configurationValues: JSON.stringify({ controller: { extraVolumeTags: { Project: 'borrow-rate-engine' } } }),
      podIdentityAssociation: [{ roleArn: disks.arn, serviceAccount: 'ebs-csi-controller-sa' }],
      dependsOn,
    })
  }

  #addon(name: string, more: Partial<EksAddonConfig> = {}): EksAddon {
    return new EksAddon(this, `aws_eks_addon.${name.replaceAll('-', '_')}`, {
      clusterName: this.cluster.name,
      addonName: name,
      resolveConflictsOnCreate: 'OVERWRITE',
      resolveConflictsOnUpdate: 'PRESERVE',
      ...more,
    })
  }
}
