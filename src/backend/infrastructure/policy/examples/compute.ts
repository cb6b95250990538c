// Plans of clusters and machines.
import { but, type Examples, inEnvironment, planned, without } from './example.ts'
import { SUBNETS } from './networks.ts'

const CLUSTER = planned(
  'aws_eks_cluster.main',
  {
    version: '1.35',
    vpc_config: [{ endpoint_private_access: true, endpoint_public_access: false }],
    encryption_config: [{ resources: ['secrets'], provider: [{}] }],
    enabled_cluster_log_types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'],
    access_config: [{ authentication_mode: 'API', bootstrap_cluster_creator_admin_permissions: false }],
  },
  {
    'vpc_config.0.subnet_ids': 'aws_subnet.app',
    'encryption_config.0.provider.0.key_arn': 'aws_kms_key.secrets.arn',
  },
)
const ENTRY = planned('aws_eks_access_entry.deploy')

const TEMPLATE = planned(
  'aws_launch_template.nodes',
  {
    metadata_options: [{ http_tokens: 'required', http_put_response_hop_limit: 1 }],
    block_device_mappings: [{ ebs: [{ encrypted: 'true', volume_type: 'gp3' }] }],
  },
  { 'block_device_mappings.0.ebs.0.kms_key_id': 'aws_kms_key.volumes.arn' },
)

const sessions = (changed: object = {}) =>
  JSON.stringify({
    inputs: {
      cloudWatchLogGroupName: '/aws/ssm/sessions',
      cloudWatchEncryptionEnabled: true,
      kmsKeyId: 'alias/logs',
      ...changed,
    },
  })
const WAYS_IN = [
  planned(
    'aws_autoscaling_group.bastion',
    { max_size: 1, launch_template: [{}] },
    { 'launch_template.0.id': 'aws_launch_template.bastion.id' },
  ),
  planned(
    'aws_launch_template.bastion',
    { network_interfaces: [{}] },
    { 'network_interfaces.0.security_groups': 'aws_security_group.bastion.id' },
  ),
  planned('aws_security_group.bastion'),
  planned('aws_ssm_document.sessions', { document_type: 'Session', content: sessions() }),
]

const NODES = planned(
  'aws_eks_node_group.main',
  { scaling_config: [{ min_size: 3, max_size: 20 }], update_config: [{ max_unavailable: 1 }], launch_template: [{}] },
  { subnet_ids: 'aws_subnet.app', 'launch_template.0.id': 'aws_launch_template.nodes.id' },
)

const tag = (name: string, key: string) =>
  planned(
    `aws_autoscaling_group_tag.${name}`,
    { tag: [{ key }] },
    { autoscaling_group_name: 'aws_eks_node_group.main.resources' },
  )
const TAGGED = [
  NODES,
  tag('enabled', 'k8s.io/cluster-autoscaler/enabled'),
  tag('cluster', 'k8s.io/cluster-autoscaler/borrow-rate-engine-prod'),
]

const identity = (name: string, namespace: string, service_account: string) =>
  planned(
    `aws_eks_pod_identity_association.${name}`,
    { namespace, service_account },
    { role_arn: `aws_iam_role.${name}.arn` },
  )
const IDENTITIES = [
  identity('audit_service', 'borrow-rate-engine-prod', 'audit-service'),
  identity('external_secrets', 'external-secrets', 'external-secrets'),
  identity('cluster_autoscaler', 'kube-system', 'cluster-autoscaler'),
  identity('load_balancer_controller', 'kube-system', 'aws-load-balancer-controller'),
]

const accessPolicy = (name: string, policy: string, role: string) =>
  planned(
    `aws_eks_access_policy_association.${name}`,
    { policy_arn: `arn:aws:eks::aws:cluster-access-policy/${policy}` },
    { principal_arn: `aws_iam_role.${role}.arn` },
  )
const ADMINISTRATION = [
  accessPolicy('admin', 'AmazonEKSClusterAdminPolicy', 'break_glass'),
  accessPolicy('view', 'AmazonEKSViewPolicy', 'read_only'),
]

const PLACED = [CLUSTER, NODES, ...SUBNETS]

export const COMPUTE_EXAMPLES: Examples = {
  'EKS.1': {
    keeps: { 'a private endpoint': [CLUSTER] },
    breaks: {
      'a public one beside it': but([CLUSTER], 'aws_eks_cluster.main', {
        vpc_config: [{ endpoint_private_access: true, endpoint_public_access: true }],
      }),
      'what AWS does when nothing is said': but([CLUSTER], 'aws_eks_cluster.main', { vpc_config: [{}] }),
    },
  },
  'EKS.2': {
    keeps: { '1.35': [CLUSTER], 'a newer one': but([CLUSTER], 'aws_eks_cluster.main', { version: '1.36' }) },
    breaks: {
      '1.34': but([CLUSTER], 'aws_eks_cluster.main', { version: '1.34' }),
      'whatever is newest': but([CLUSTER], 'aws_eks_cluster.main', { version: undefined }),
    },
  },
  'EKS.3': {
    keeps: { 'a key of ours': [CLUSTER] },
    breaks: {
      'no encryption': but([CLUSTER], 'aws_eks_cluster.main', { encryption_config: undefined }),
      'no key': [planned('aws_eks_cluster.main', { encryption_config: [{ resources: ['secrets'] }] })],
    },
  },
  'EKS.8': {
    keeps: { 'all five': [CLUSTER] },
    breaks: {
      'no audit log': but([CLUSTER], 'aws_eks_cluster.main', { enabled_cluster_log_types: ['api', 'authenticator'] }),
    },
  },
  'BRE-11': {
    keeps: { 'a list of entries': [CLUSTER, ENTRY] },
    breaks: {
      'the old map beside it': but([CLUSTER, ENTRY], 'aws_eks_cluster.main', {
        access_config: [
          { authentication_mode: 'API_AND_CONFIG_MAP', bootstrap_cluster_creator_admin_permissions: false },
        ],
      }),
      'who made it may do everything': but([CLUSTER, ENTRY], 'aws_eks_cluster.main', {
        access_config: [{ authentication_mode: 'API', bootstrap_cluster_creator_admin_permissions: true }],
      }),
      'nobody is on the list': [CLUSTER],
    },
  },
  'BRE-47': {
    keeps: { 'break-glass administers, readers look': ADMINISTRATION },
    breaks: {
      'a deployment administers': but(
        ADMINISTRATION,
        'aws_eks_access_policy_association.admin',
        {},
        {
          principal_arn: 'aws_iam_role.deploy.arn',
        },
      ),
      'nobody may do anything': [],
    },
  },
  'BRE-12': {
    keeps: { 'three subnets of the app tier': PLACED },
    breaks: {
      'nodes in a public subnet': but(PLACED, 'aws_eks_node_group.main', {}, { subnet_ids: 'aws_subnet.public' }),
      'the cluster in one zone': but(
        PLACED,
        'aws_eks_cluster.main',
        {},
        {
          'vpc_config.0.subnet_ids': 'aws_subnet.app[0].id',
        },
      ),
    },
  },
  'EC2.170': {
    keeps: { 'a token, and one hop': [TEMPLATE] },
    breaks: {
      'a token may be left out': but([TEMPLATE], 'aws_launch_template.nodes', {
        metadata_options: [{ http_tokens: 'optional', http_put_response_hop_limit: 1 }],
      }),
      'containers reach it': but([TEMPLATE], 'aws_launch_template.nodes', {
        metadata_options: [{ http_tokens: 'required', http_put_response_hop_limit: 2 }],
      }),
    },
  },
  'EC2.25': {
    keeps: { 'nothing is said': [TEMPLATE] },
    breaks: {
      'an interface with one': but([TEMPLATE], 'aws_launch_template.nodes', {
        network_interfaces: [{ associate_public_ip_address: 'true' }],
      }),
      'an instance with one': [TEMPLATE, planned('aws_instance.bastion', { associate_public_ip_address: true })],
    },
  },
  'EC2.181': {
    keeps: { 'gp3 with a key': [TEMPLATE] },
    breaks: {
      gp2: but([TEMPLATE], 'aws_launch_template.nodes', {
        block_device_mappings: [{ ebs: [{ encrypted: 'true', volume_type: 'gp2' }] }],
      }),
      'a second disk that is not': but([TEMPLATE], 'aws_launch_template.nodes', {
        block_device_mappings: [
          { ebs: [{ encrypted: 'true', volume_type: 'gp3' }] },
          { ebs: [{ volume_type: 'gp3' }] },
        ],
      }),
      'whatever the image says': but([TEMPLATE], 'aws_launch_template.nodes', { block_device_mappings: undefined }),
    },
  },
  'EC2.7': {
    keeps: { enabled: [planned('aws_ebs_encryption_by_default.main', { enabled: true })] },
    breaks: { 'not there': [], off: [planned('aws_ebs_encryption_by_default.main', { enabled: false })] },
  },
  'BRE-13': {
    keeps: { 'no key': [TEMPLATE, NODES] },
    breaks: {
      'a key name': but([TEMPLATE], 'aws_launch_template.nodes', { key_name: 'ops' }),
      'a key pair': [planned('aws_key_pair.ops')],
      'remote access': but([NODES], 'aws_eks_node_group.main', { remote_access: [{ ec2_ssh_key: 'ops' }] }),
    },
  },
  'BRE-48': {
    keeps: { 'no door, and a record': WAYS_IN },
    breaks: {
      'a door for the office': [
        ...WAYS_IN,
        planned(
          'aws_vpc_security_group_ingress_rule.office',
          { cidr_ipv4: '203.0.113.0/24', from_port: 443, to_port: 443, ip_protocol: 'tcp' },
          { security_group_id: 'aws_security_group.bastion.id' },
        ),
      ],
      'several of them': but(WAYS_IN, 'aws_autoscaling_group.bastion', { max_size: 3 }),
      'no record': but(WAYS_IN, 'aws_ssm_document.sessions', { content: sessions({ cloudWatchLogGroupName: '' }) }),
      'a record that anybody reads': but(WAYS_IN, 'aws_ssm_document.sessions', {
        content: sessions({ cloudWatchEncryptionEnabled: false }),
      }),
      'sessions as AWS has them': without(WAYS_IN, 'aws_ssm_document.sessions'),
    },
  },
  'BRE-14': {
    keeps: {
      '3 to 20 in production': [NODES],
      '2 to 5 in development': inEnvironment(
        'dev',
        but([NODES], 'aws_eks_node_group.main', { scaling_config: [{ min_size: 2, max_size: 5 }] }),
      ),
      'two groups together': inEnvironment('staging', [
        planned('aws_eks_node_group.a', { scaling_config: [{ min_size: 1, max_size: 4 }] }),
        planned('aws_eks_node_group.b', { scaling_config: [{ min_size: 2, max_size: 6 }] }),
      ]),
    },
    breaks: {
      "production's size in staging": inEnvironment('staging', [NODES]),
      'no size': but([NODES], 'aws_eks_node_group.main', { scaling_config: undefined }),
      'no nodes': [],
    },
  },
  'BRE-15': {
    keeps: { 'both tags': TAGGED },
    breaks: {
      "another cluster's": [...TAGGED.slice(0, 2), tag('cluster', 'k8s.io/cluster-autoscaler/borrow-rate-engine-dev')],
      none: [NODES],
    },
  },
  'BRE-16': {
    keeps: { 'one at a time': [NODES, TEMPLATE] },
    breaks: {
      'as many as it likes': but([NODES, TEMPLATE], 'aws_eks_node_group.main', { update_config: undefined }),
      'a template of AWS': [NODES],
    },
  },
  'BRE-17': {
    keeps: { 'a role each': IDENTITIES },
    breaks: {
      'one role for two': but(
        IDENTITIES,
        'aws_eks_pod_identity_association.audit_service',
        {},
        {
          role_arn: 'aws_iam_role.external_secrets.arn',
        },
      ),
      'the namespace of another environment': but(IDENTITIES, 'aws_eks_pod_identity_association.audit_service', {
        namespace: 'borrow-rate-engine-dev',
      }),
      'nobody scales': without(IDENTITIES, 'aws_eks_pod_identity_association.cluster_autoscaler'),
    },
  },
}
