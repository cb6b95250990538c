// What the AWS Load Balancer Controller needs, after the policy that its project publishes. Left out: Cognito, Shield, classic WAF and
// server certificates, which this system does not use. What is made or changed has to bear the controller's tag of a cluster.
import type { Statement } from './policy_documents.ts'

const CLUSTER_TAG = 'elbv2.k8s.aws/cluster'
const IS_OURS = { Null: { [`aws:ResourceTag/${CLUSTER_TAG}`]: 'false' } }
const WILL_BE_OURS = { Null: { [`aws:RequestTag/${CLUSTER_TAG}`]: 'false' } }
const LOAD_BALANCING = 'arn:aws:elasticloadbalancing:*:*'
const OWN_SECURITY_GROUPS = 'arn:aws:ec2:*:*:security-group/*'

const BALANCERS_AND_GROUPS = [
  `${LOAD_BALANCING}:targetgroup/*/*`,
  `${LOAD_BALANCING}:loadbalancer/net/*/*`,
  `${LOAD_BALANCING}:loadbalancer/app/*/*`,
]
const LISTENERS_AND_RULES = [
  `${LOAD_BALANCING}:listener/net/*/*/*`,
  `${LOAD_BALANCING}:listener/app/*/*/*`,
  `${LOAD_BALANCING}:listener-rule/net/*/*/*`,
  `${LOAD_BALANCING}:listener-rule/app/*/*/*`,
]

/** @param nodesGroupArn the security group of nodes, where the controller lets its load balancer in if no rule does */
export function loadBalancerControllerStatements(nodesGroupArn: string): Statement[] {
  return [
    {
      sid: 'ServiceLinkedRole',
      actions: ['iam:CreateServiceLinkedRole'],
      conditions: { StringEquals: { 'iam:AWSServiceName': 'elasticloadbalancing.amazonaws.com' } },
    },
    {
      sid: 'Look',
      actions: [
        'acm:DescribeCertificate',
        'acm:ListCertificates',
        'ec2:DescribeAccountAttributes',
        'ec2:DescribeAddresses',
        'ec2:DescribeAvailabilityZones',
        'ec2:DescribeCoipPools',
        'ec2:DescribeInstances',
        'ec2:DescribeInternetGateways',
        'ec2:DescribeIpamPools',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeRouteTables',
        'ec2:DescribeSecurityGroups',
        'ec2:DescribeSubnets',
        'ec2:DescribeTags',
        'ec2:DescribeVpcPeeringConnections',
        'ec2:DescribeVpcs',
        'ec2:GetCoipPoolUsage',
        'ec2:GetSecurityGroupsForVpc',
        'elasticloadbalancing:DescribeCapacityReservation',
        'elasticloadbalancing:DescribeListenerAttributes',
        'elasticloadbalancing:DescribeListenerCertificates',
        'elasticloadbalancing:DescribeListeners',
        'elasticloadbalancing:DescribeLoadBalancerAttributes',
        'elasticloadbalancing:DescribeLoadBalancers',
        'elasticloadbalancing:DescribeRules',
        'elasticloadbalancing:DescribeSSLPolicies',
        'elasticloadbalancing:DescribeTags',
        'elasticloadbalancing:DescribeTargetGroupAttributes',
        'elasticloadbalancing:DescribeTargetGroups',
        'elasticloadbalancing:DescribeTargetHealth',
        'elasticloadbalancing:DescribeTrustStores',
      ],
    },
    {
      sid: 'Firewall',
      actions: ['wafv2:AssociateWebACL', 'wafv2:DisassociateWebACL', 'wafv2:GetWebACL', 'wafv2:GetWebACLForResource'],
    },
    { sid: 'MakeSecurityGroups', actions: ['ec2:CreateSecurityGroup'] },
    {
      sid: 'TagNewSecurityGroups',
      actions: ['ec2:CreateTags'],
      resources: [OWN_SECURITY_GROUPS],
      conditions: { StringEquals: { 'ec2:CreateAction': 'CreateSecurityGroup' }, ...WILL_BE_OURS },
    },
    {
      sid: 'LetIntoNodes',
      actions: ['ec2:AuthorizeSecurityGroupIngress', 'ec2:RevokeSecurityGroupIngress'],
      resources: [nodesGroupArn],
    },
    {
      sid: 'ChangeOwnSecurityGroups',
      actions: ['ec2:AuthorizeSecurityGroupIngress', 'ec2:DeleteSecurityGroup', 'ec2:RevokeSecurityGroupIngress'],
      conditions: IS_OURS,
    },
    {
      sid: 'TagOwnSecurityGroups',
      actions: ['ec2:CreateTags', 'ec2:DeleteTags'],
      resources: [OWN_SECURITY_GROUPS],
      conditions: {
        Null: { [`aws:RequestTag/${CLUSTER_TAG}`]: 'true', [`aws:ResourceTag/${CLUSTER_TAG}`]: 'false' },
      },
    },
    {
      sid: 'MakeLoadBalancers',
      actions: ['elasticloadbalancing:CreateLoadBalancer', 'elasticloadbalancing:CreateTargetGroup'],
      conditions: WILL_BE_OURS,
    },
    {
      sid: 'Listeners',
      actions: [
        'elasticloadbalancing:AddListenerCertificates',
        'elasticloadbalancing:CreateListener',
        'elasticloadbalancing:CreateRule',
        'elasticloadbalancing:DeleteListener',
        'elasticloadbalancing:DeleteRule',
        'elasticloadbalancing:ModifyListener',
        'elasticloadbalancing:ModifyListenerAttributes',
        'elasticloadbalancing:ModifyRule',
        'elasticloadbalancing:RemoveListenerCertificates',
        'elasticloadbalancing:SetRulePriorities',
        'elasticloadbalancing:SetWebAcl',
      ],
    },
    {
      sid: 'TagOwnLoadBalancers',
      actions: ['elasticloadbalancing:AddTags', 'elasticloadbalancing:RemoveTags'],
      resources: BALANCERS_AND_GROUPS,
      conditions: {
        Null: { [`aws:RequestTag/${CLUSTER_TAG}`]: 'true', [`aws:ResourceTag/${CLUSTER_TAG}`]: 'false' },
      },
    },
    {
      sid: 'TagListeners',
      actions: ['elasticloadbalancing:AddTags', 'elasticloadbalancing:RemoveTags'],
      resources: LISTENERS_AND_RULES,
    },
    {
      sid: 'TagWhatIsMade',
      actions: ['elasticloadbalancing:AddTags'],
      resources: BALANCERS_AND_GROUPS,
      conditions: {
        StringEquals: { 'elasticloadbalancing:CreateAction': ['CreateTargetGroup', 'CreateLoadBalancer'] },
        ...WILL_BE_OURS,
      },
    },
    {
      sid: 'ChangeOwnLoadBalancers',
      actions: [
        'elasticloadbalancing:DeleteLoadBalancer',
        'elasticloadbalancing:DeleteTargetGroup',
        'elasticloadbalancing:ModifyCapacityReservation',
        'elasticloadbalancing:ModifyIpPools',
        'elasticloadbalancing:ModifyLoadBalancerAttributes',
        'elasticloadbalancing:ModifyTargetGroup',
        'elasticloadbalancing:ModifyTargetGroupAttributes',
        'elasticloadbalancing:SetIpAddressType',
        'elasticloadbalancing:SetSecurityGroups',
        'elasticloadbalancing:SetSubnets',
      ],
      conditions: IS_OURS,
    },
    {
      sid: 'Targets',
      actions: ['elasticloadbalancing:DeregisterTargets', 'elasticloadbalancing:RegisterTargets'],
      resources: [`${LOAD_BALANCING}:targetgroup/*/*`],
    },
  ]
}
