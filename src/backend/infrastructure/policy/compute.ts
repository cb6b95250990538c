// The cluster and its machines.
import { subnetsOf } from './networks.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, isGiven, numberAt, referencesAt, textAt, textsAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { differs, every, missing, type PolicyRule, whereThereIs } from './rule.ts'
import { ingressOf } from './security-group.ts'
import { SIZES } from './sizing.ts'

/** The oldest version that is in standard support for the next quarter's upgrade. */
const KUBERNETES_MINOR_MIN = 35
const CONTROL_PLANE_LOGS = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler']

/** Pods that speak to AWS, each with a role of its own: namespace and service account. `{env}` is the environment. */
export const POD_IDENTITIES: readonly { readonly namespace: string; readonly serviceAccount: string }[] = [
  { namespace: 'borrow-rate-engine-{env}', serviceAccount: 'audit-service' },
  { namespace: 'external-secrets', serviceAccount: 'external-secrets' },
  { namespace: 'kube-system', serviceAccount: 'cluster-autoscaler' },
  { namespace: 'kube-system', serviceAccount: 'aws-load-balancer-controller' },
]

/** Who may administer the cluster: the role of break-glass, and access entries made of the environment's own list. */
const ADMINISTRATORS =
  /^(?:aws_iam_role\.break_glass|aws_eks_access_entry\.administrators|var\.cluster_admin_role_arns)\b/

export const COMPUTE_RULES: readonly PolicyRule[] = [
  {
    id: 'EKS.1',
    title: "The cluster's API is reached from within the network only",
    remedy:
      'Set endpoint_private_access to true and endpoint_public_access to false; operators come by VPN or Session Manager.',
    appliesTo: ['aws_eks_cluster'],
    check: (planned) =>
      clusters(
        planned,
        (cluster) =>
          differs('endpoint_private_access', valueAt(cluster, 'vpc_config.endpoint_private_access'), true) ??
          differs('endpoint_public_access', valueAt(cluster, 'vpc_config.endpoint_public_access'), false),
      ),
  },
  {
    id: 'EKS.2',
    title: `Kubernetes is 1.${KUBERNETES_MINOR_MIN} or newer, and the version is written down`,
    remedy: 'Raise the version, the control plane first, then the node groups.',
    appliesTo: ['aws_eks_cluster'],
    check: (planned) =>
      clusters(planned, (cluster) => {
        const version = /^1\.(\d+)$/.exec(textAt(cluster, 'version') ?? '')
        if (version === null) return `version is ${textAt(cluster, 'version') ?? 'not given'}`
        return Number(version[1]) < KUBERNETES_MINOR_MIN && `version is ${version[0]}, whose support ends`
      }),
  },
  {
    id: 'EKS.3',
    title: 'Secrets of the cluster are encrypted with a key of ours',
    remedy: 'Add encryption_config for secrets with an aws_kms_key.',
    appliesTo: ['aws_eks_cluster'],
    check: (planned) =>
      clusters(planned, (cluster) => {
        if (!textsAt(cluster, 'encryption_config.resources').includes('secrets')) return 'secrets are not encrypted'
        return isGiven(cluster, 'encryption_config.provider') ? null : 'it names no key'
      }),
  },
  {
    id: 'EKS.8',
    title: 'All five kinds of logs of the control plane are kept, the audit log first',
    remedy: `Set enabled_cluster_log_types to ${CONTROL_PLANE_LOGS.join(', ')}.`,
    appliesTo: ['aws_eks_cluster'],
    check: (planned) =>
      clusters(planned, (cluster) => {
        const kept = textsAt(cluster, 'enabled_cluster_log_types')
        const lost = CONTROL_PLANE_LOGS.filter((kind) => !kept.includes(kind))
        return lost.length > 0 && `no ${lost.join(', ')}`
      }),
  },
  {
    id: 'BRE-11',
    title: 'Who may enter the cluster is a list of access entries; who made it has no right of that',
    remedy:
      'Set authentication_mode to API and bootstrap_cluster_creator_admin_permissions to false, and add aws_eks_access_entry.',
    appliesTo: ['aws_eks_cluster', 'aws_eks_access_entry'],
    check: (planned) => [
      ...clusters(
        planned,
        (cluster) =>
          differs('authentication_mode', valueAt(cluster, 'access_config.authentication_mode'), 'API') ??
          differs(
            'bootstrap_cluster_creator_admin_permissions',
            valueAt(cluster, 'access_config.bootstrap_cluster_creator_admin_permissions'),
            false,
          ),
      ),
      ...(planned.all('aws_eks_access_entry').length === 0 ? [missing('aws_eks_access_entry')] : []),
    ],
  },
  {
    id: 'BRE-47',
    title:
      'The cluster is administered by break-glass, and by those whom the environment names; a deployment has the rights of its group',
    remedy: 'Associate AmazonEKSClusterAdminPolicy and AmazonEKSAdminPolicy with no other role.',
    appliesTo: ['aws_eks_access_policy_association'],
    check: (planned) =>
      every(planned.all('aws_eks_access_policy_association'), 'aws_eks_access_policy_association', (association) => {
        const policy = textAt(association, 'policy_arn')?.split('/').at(-1) ?? 'a policy that is not known'
        if (!/Admin/.test(policy)) return null
        const who = referencesAt(association, 'principal_arn')
        return who.some((reference) => ADMINISTRATORS.test(reference))
          ? null
          : `${policy} for ${who.join(', ') || 'somebody'}`
      }),
  },
  {
    id: 'BRE-12',
    title: 'Cluster and nodes stand in private subnets of the app tier, in three zones',
    remedy: 'Give vpc_config and the node groups the app subnets, all three.',
    appliesTo: ['aws_eks_cluster', 'aws_eks_node_group'],
    check: (planned) => {
      const inAppTier = (resource: PlannedResource, attribute: string) => {
        const subnets = planned.led(resource, attribute)
        const app = subnetsOf(planned, 'app')
        const outside = subnets.find((subnet) => !app.includes(subnet))
        if (outside) return `it stands in ${outside.address}`
        return subnets.length < 3 && `it stands in ${subnets.length} subnets`
      }
      return [
        ...clusters(planned, (cluster) => inAppTier(cluster, 'vpc_config.subnet_ids')),
        ...nodeGroups(planned, (group) => inAppTier(group, 'subnet_ids')),
      ]
    },
  },
  {
    id: 'EC2.170',
    alsoKnownAs: ['EC2.8', 'CIS 5.7'],
    title: 'Machines give their credentials by IMDSv2 only, and to no container',
    remedy:
      'Set metadata_options: http_tokens required, http_put_response_hop_limit 1; pods get theirs by Pod Identity.',
    appliesTo: ['aws_launch_template', 'aws_instance'],
    check: (planned) =>
      every(
        machines(planned),
        'aws_launch_template',
        (machine) =>
          differs('http_tokens', valueAt(machine, 'metadata_options.http_tokens'), 'required') ??
          differs('hop limit', numberAt(machine, 'metadata_options.http_put_response_hop_limit'), 1),
      ),
  },
  {
    id: 'EC2.25',
    alsoKnownAs: ['EC2.9'],
    title: 'No machine has a public address',
    remedy: 'Leave associate_public_ip_address out, or set it to false.',
    appliesTo: ['aws_launch_template', 'aws_instance'],
    check: (planned) =>
      every(machines(planned), 'aws_launch_template', (machine) => {
        const interfaces = [...blocksAt(machine, 'network_interfaces'), machine.values]
        const isPublic = interfaces.some(({ associate_public_ip_address: given }) => String(given) === 'true')
        return isPublic && 'associate_public_ip_address is true'
      }),
  },
  {
    id: 'EC2.181',
    alsoKnownAs: ['EC2.3'],
    title: 'Disks of machines are gp3, encrypted with a key of ours',
    remedy: 'Give block_device_mappings an ebs block: volume_type gp3, encrypted true, kms_key_id.',
    appliesTo: ['aws_launch_template'],
    check: (planned) =>
      every(planned.all('aws_launch_template'), 'aws_launch_template', (template) => {
        const disks = blocksAt(template, 'block_device_mappings')
        if (disks.length === 0) return 'it says nothing of its disk'
        return disks
          .map((_, index) => {
            const ebs = `block_device_mappings.${index}.ebs.0`
            if (String(valueAt(template, `${ebs}.encrypted`)) !== 'true') return `disk ${index + 1} is not encrypted`
            if (!isGiven(template, `${ebs}.kms_key_id`)) return `disk ${index + 1} names no key`
            return differs('volume_type', valueAt(template, `${ebs}.volume_type`), 'gp3')
          })
          .find((fault) => fault !== null)
      }),
  },
  {
    id: 'EC2.7',
    alsoKnownAs: ['CIS 5.1.1'],
    title: 'Any disk that is made in the account is encrypted',
    remedy: 'Add aws_ebs_encryption_by_default, enabled.',
    appliesTo: ['aws_ebs_encryption_by_default'],
    check: (planned) =>
      every(planned.all('aws_ebs_encryption_by_default'), 'aws_ebs_encryption_by_default', (setting) =>
        differs('enabled', valueAt(setting, 'enabled'), true),
      ),
  },
  {
    id: 'BRE-13',
    title: 'Nobody has an SSH key: machines are entered by Session Manager',
    remedy: 'Remove key_name and remote_access; give the instance profile AmazonSSMManagedInstanceCore.',
    appliesTo: ['aws_launch_template', 'aws_instance', 'aws_eks_node_group', 'aws_key_pair'],
    check: (planned) => [
      ...whereThereIs(planned.all('aws_key_pair'), () => 'a key pair'),
      ...whereThereIs(machines(planned), (machine) => isGiven(machine, 'key_name') && 'it has a key_name'),
      ...whereThereIs(
        planned.all('aws_eks_node_group'),
        (group) => blocksAt(group, 'remote_access').length > 0 && 'it has remote_access',
      ),
    ],
  },
  {
    id: 'BRE-48',
    title:
      'The hosts that people come in by have no door: nobody connects to them, there is one at most, and sessions are recorded',
    remedy:
      'Give bastion and jump server a security group without ingress and an Auto Scaling group of at most 1, and Session Manager a document with CloudWatch logs and a key.',
    appliesTo: ['aws_autoscaling_group', 'aws_launch_template', 'aws_security_group', 'aws_ssm_document'],
    check: (planned) => [
      ...every(planned.all('aws_autoscaling_group'), 'aws_autoscaling_group of a bastion', (group) => {
        const most = differs('max_size', numberAt(group, 'max_size'), 1)
        if (most) return most
        const [template] = planned.ledTo(group, 'launch_template', 'aws_launch_template')
        if (template === undefined) return 'it has no launch template of ours'
        const groups = ['network_interfaces', 'vpc_security_group_ids'].flatMap((attribute) =>
          planned.ledTo(template, attribute, 'aws_security_group'),
        )
        if (groups.length === 0) return `${template.address} has no security group of ours`
        const door = groups.flatMap((each) => ingressOf(planned, each))[0]
        return door && `${door.address} lets in by ${door.ports}`
      }),
      ...every(planned.all('aws_ssm_document').filter(isOfSessions), 'aws_ssm_document of sessions', (document) => {
        const inputs = sessionInputs(document)
        if (!inputs.cloudWatchLogGroupName) return 'sessions are recorded nowhere'
        if (inputs.cloudWatchEncryptionEnabled !== true) return 'what is recorded is not encrypted'
        return inputs.kmsKeyId ? null : 'sessions are not encrypted with a key of ours'
      }),
    ],
  },
  {
    id: 'BRE-14',
    title: 'Nodes: development 2 to 5, staging 3 to 10, production 3 to 20',
    remedy: 'Set the sizes in scaling_config; several node groups count together.',
    appliesTo: ['aws_eks_node_group'],
    check: (planned) => {
      const groups = planned.all('aws_eks_node_group')
      const sum = (size: string) =>
        groups.reduce((total, group) => total + (numberAt(group, `scaling_config.${size}`) ?? Number.NaN), 0)
      const { min, max } = SIZES[planned.name].nodes
      const fault = differs('the least', sum('min_size'), min) || differs('the most', sum('max_size'), max)
      return groups.length === 0
        ? [missing('aws_eks_node_group')]
        : fault
          ? [{ address: 'aws_eks_node_group', found: `${planned.name}: ${fault}` }]
          : []
    },
  },
  {
    id: 'BRE-15',
    title: 'The autoscaler finds the Auto Scaling groups of its cluster by their tags',
    remedy:
      'Add aws_autoscaling_group_tag with k8s.io/cluster-autoscaler/enabled and k8s.io/cluster-autoscaler/<cluster>.',
    appliesTo: ['aws_autoscaling_group_tag', 'aws_eks_node_group'],
    check: (planned) => {
      const cluster = `k8s.io/cluster-autoscaler/borrow-rate-engine-${planned.name}`
      const tags = planned.all('aws_autoscaling_group_tag')
      return nodeGroups(planned, (group) => {
        const keys = tags
          .filter((tag) => planned.led(tag, 'autoscaling_group_name').includes(group))
          .map((tag) => textAt(tag, 'tag.key'))
        const lost = ['k8s.io/cluster-autoscaler/enabled', cluster].filter((key) => !keys.includes(key))
        return lost.length > 0 && `its Auto Scaling group has no tag ${lost.join(', ')}`
      })
    },
  },
  {
    id: 'BRE-16',
    title: 'Nodes are replaced a few at a time, and are made of a template of ours',
    remedy: 'Set update_config and launch_template on the node group.',
    appliesTo: ['aws_eks_node_group'],
    check: (planned) =>
      nodeGroups(planned, (group) => {
        if (planned.ledTo(group, 'launch_template', 'aws_launch_template').length === 0)
          return 'it has no launch template'
        const amount = numberAt(group, 'update_config.max_unavailable')
        const percentage = numberAt(group, 'update_config.max_unavailable_percentage')
        const few = (amount !== undefined && amount <= 2) || (percentage !== undefined && percentage <= 34)
        return few ? null : 'update_config does not say how many at a time'
      }),
  },
  {
    id: 'BRE-17',
    title: 'Pods that speak to AWS have a role each, bound to their service account',
    remedy: `Add aws_eks_pod_identity_association for ${POD_IDENTITIES.map(({ serviceAccount }) => serviceAccount).join(', ')}, each with a role of its own.`,
    appliesTo: ['aws_eks_pod_identity_association'],
    check: (planned) => {
      const associations = planned.all('aws_eks_pod_identity_association')
      const lost = POD_IDENTITIES.filter(({ namespace, serviceAccount }) =>
        associations.every(
          (association) =>
            textAt(association, 'namespace') !== namespace.replace('{env}', planned.name) ||
            textAt(association, 'service_account') !== serviceAccount,
        ),
      )
      const roles = associations.map((association) => referencesAt(association, 'role_arn').join())
      return [
        ...lost.map(({ namespace, serviceAccount }) =>
          missing(`aws_eks_pod_identity_association of ${namespace.replace('{env}', planned.name)}/${serviceAccount}`),
        ),
        ...whereThereIs(associations, (association) => {
          const role = referencesAt(association, 'role_arn').join()
          return roles.filter((other) => other === role).length > 1 && 'it shares its role with another'
        }),
      ]
    },
  },
]

function isOfSessions(document: PlannedResource): boolean {
  return textAt(document, 'document_type') === 'Session'
}

/** Nothing where the plan shows no JSON. */
function sessionInputs(document: PlannedResource): Record<string, unknown> {
  try {
    const { inputs = {} } = JSON.parse(textAt(document, 'content') ?? '{}') as { inputs?: Record<string, unknown> }
    return inputs
  } catch {
    return {}
  }
}

function clusters(planned: PlannedEnvironment, verdict: Parameters<typeof every>[2]) {
  return every(planned.all('aws_eks_cluster'), 'aws_eks_cluster', verdict)
}

function nodeGroups(planned: PlannedEnvironment, verdict: Parameters<typeof every>[2]) {
  return every(planned.all('aws_eks_node_group'), 'aws_eks_node_group', verdict)
}

function machines(planned: PlannedEnvironment): readonly PlannedResource[] {
  return planned.all('aws_launch_template', 'aws_instance')
}
