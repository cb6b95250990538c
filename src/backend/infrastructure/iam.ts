// Who may do what in the account. Pods take their roles by Pod Identity, by namespace and service account; workflows by OIDC, from one
// GitHub environment; people with a second factor. There is no user and no key that lives longer than a session.
import { EksAccessEntry } from '@cdktn/provider-aws/lib/eks-access-entry/index.js'
import { EksAccessPolicyAssociation } from '@cdktn/provider-aws/lib/eks-access-policy-association/index.js'
import { EksPodIdentityAssociation } from '@cdktn/provider-aws/lib/eks-pod-identity-association/index.js'
import { IamOpenidConnectProvider } from '@cdktn/provider-aws/lib/iam-openid-connect-provider/index.js'
import type { IamRole } from '@cdktn/provider-aws/lib/iam-role/index.js'
import { Construct } from 'constructs'
import type { KubernetesCluster } from './eks.ts'
import { addressOf, number, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import { loadBalancerControllerStatements } from './load_balancer_controller_policy.ts'
import type { Naming } from './naming.ts'
import { policyDocument, type Statement, trustedPods } from './policy_documents.ts'
import { role } from './roles.ts'
import type { SecurityGroups } from './security_groups.ts'
import { PUSH_IMAGES, type Storage } from './storage.ts'

const SERVICES = ['api-gateway', 'calculation-service', 'data-service', 'cache-service', 'audit-service'] as const

export interface AccessTo {
  readonly keys: Keys
  readonly kubernetes: KubernetesCluster
  readonly storage: Storage
  readonly groups: SecurityGroups
}

export class Access extends Construct {
  readonly deploy: IamRole
  readonly restoreDrill: IamRole
  readonly readOnly: IamRole
  readonly breakGlass: IamRole
  readonly podRoles: Readonly<Record<string, IamRole>>
  readonly #naming: Naming
  readonly #to: AccessTo

  constructor(scope: Construct, naming: Naming, to: AccessTo) {
    super(scope, 'iam')
    this.#naming = naming
    this.#to = to
    this.podRoles = { ...this.#services(), ...this.#controllers() }
    const trust = this.#workflows()
    this.deploy = this.#deployment(trust)
    this.restoreDrill = this.#restoreDrill(trust)
    to.storage.letIn({ pulling: to.kubernetes.nodeRole, pushing: this.deploy })
    this.readOnly = this.#people()
    this.breakGlass = this.#breakGlass()
    this.#clusterAccess()
  }

  /** Only the audit service has anything to do in AWS. The others have an identity with no rights, and not that of their node. */
  #services(): Record<string, IamRole> {
    const { storage, keys } = this.#to
    const audit: Statement[] = [
      {
        sid: 'WriteRecordsOnce',
        actions: ['s3:PutObject', 's3:PutObjectRetention', 's3:GetObjectVersion', 's3:AbortMultipartUpload'],
        resources: [`${storage.audit.arn}/*`],
      },
      { sid: 'FindRecords', actions: ['s3:ListBucketVersions'], resources: [storage.audit.arn] },
      { sid: 'Encrypted', actions: ['kms:GenerateDataKey', 'kms:Decrypt'], resources: [keys.storage.arn] },
    ]
    return Object.fromEntries(
      SERVICES.map((service) => [
        service,
        this.#podRole(service, {
          description: `The pods of ${service}`,
          namespace: this.#naming.name,
          serviceAccount: service,
          ...(service === 'audit-service' ? { statements: audit } : {}),
        }),
      ]),
    )
  }

  #controllers(): Record<string, IamRole> {
    const { keys, kubernetes } = this.#to
    return {
      'external-secrets': this.#podRole('external-secrets', {
        description: 'Brings secrets from Secrets Manager into the cluster',
        namespace: 'external-secrets',
        serviceAccount: 'external-secrets',
        statements: [
          {
            sid: 'ReadOwnSecrets',
            actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
            resources: [this.#naming.arn('secretsmanager', 'secret:borrow-rate-engine/${var.environment}/*')],
          },
          { sid: 'DecryptThem', actions: ['kms:Decrypt'], resources: [keys.secrets.arn] },
        ],
      }),
      'load-balancer-controller': this.#podRole('load-balancer-controller', {
        description: 'Makes the load balancer that the gateway asks for',
        namespace: 'kube-system',
        serviceAccount: 'aws-load-balancer-controller',
        statements: loadBalancerControllerStatements(
          this.#naming.arn('ec2', `security-group/${this.#to.groups.id('nodes')}`),
        ),
      }),
      'cluster-autoscaler': this.#podRole('cluster-autoscaler', {
        description: 'Makes the group of nodes larger and smaller',
        namespace: 'kube-system',
        serviceAccount: 'cluster-autoscaler',
        statements: [
          {
            sid: 'Look',
            actions: [
              'autoscaling:DescribeAutoScalingGroups',
              'autoscaling:DescribeAutoScalingInstances',
              'autoscaling:DescribeLaunchConfigurations',
              'autoscaling:DescribeScalingActivities',
              'autoscaling:DescribeTags',
              'ec2:DescribeImages',
              'ec2:DescribeInstanceTypes',
              'ec2:DescribeLaunchTemplateVersions',
              'ec2:GetInstanceTypesFromInstanceRequirements',
            ],
          },
          { sid: 'LookAtOwnGroups', actions: ['eks:DescribeNodegroup'], resources: [kubernetes.nodeGroup.arn] },
          {
            sid: 'ScaleOwnGroups',
            actions: ['autoscaling:SetDesiredCapacity', 'autoscaling:TerminateInstanceInAutoScalingGroup'],
            conditions: {
              StringEquals: {
                'aws:ResourceTag/k8s.io/cluster-autoscaler/enabled': 'true',
                [`aws:ResourceTag/k8s.io/cluster-autoscaler/${this.#naming.name}`]: 'owned',
              },
            },
          },
        ],
      }),
    }
  }

  #podRole(
    purpose: string,
    request: {
      readonly description: string
      readonly namespace: string
      readonly serviceAccount: string
      readonly statements?: readonly Statement[]
    },
  ): IamRole {
    const { description, namespace, serviceAccount, statements } = request
    const made = role(this, this.#naming, purpose, {
      description,
      trust: trustedPods(),
      ...(statements === undefined ? {} : { statements }),
    })
    new EksPodIdentityAssociation(this, `aws_eks_pod_identity_association.${purpose.replaceAll('-', '_')}`, {
      clusterName: this.#to.kubernetes.cluster.name,
      namespace,
      serviceAccount,
      roleArn: made.arn,
    })
    return made
  }

  /** Workflows of one GitHub environment, as their identity provider says it. */
  #workflows(): string {
    const github = new IamOpenidConnectProvider(this, 'aws_iam_openid_connect_provider.github', {
      url: 'https://token.actions.githubusercontent.com',
      clientIdList: ['sts.amazonaws.com'],
    })
    const issuer = 'token.actions.githubusercontent.com'
    return policyDocument({
      sid: 'GitHub',
      actions: ['sts:AssumeRoleWithWebIdentity'],
      principals: { Federated: [github.arn] },
      conditions: {
        StringEquals: {
          [`${issuer}:aud`]: 'sts.amazonaws.com',
          [`${issuer}:sub`]: 'repo:${var.github_repository}:environment:${var.github_environment}',
        },
      },
    })
  }

  /** The endpoint of the cluster is in the network: kubectl goes through the bastion. */
  #wayToTheCluster(): Statement[] {
    const naming = this.#naming
    return [
      { sid: 'FindCluster', actions: ['eks:DescribeCluster'], resources: [this.#to.kubernetes.cluster.arn] },
      {
        sid: 'TunnelThroughBastion',
        actions: ['ssm:StartSession'],
        resources: [naming.arn('ec2', 'instance/*')],
        conditions: { StringEquals: { 'ssm:resourceTag/Name': naming.named('bastion') } },
      },
      {
        sid: 'TunnelDocument',
        actions: ['ssm:StartSession'],
        resources: ['arn:aws:ssm:${var.aws_region}::document/AWS-StartPortForwardingSessionToRemoteHost'],
      },
      {
        sid: 'OwnSessions',
        actions: ['ssm:TerminateSession', 'ssm:ResumeSession'],
        // The first dollar says that what follows is AWS's and not Terraform's.
        resources: ['arn:aws:ssm:*:*:session/$${aws:userid}-*'],
      },
      { sid: 'FindBastion', actions: ['ec2:DescribeInstances'] },
    ]
  }

  /** What a deployment does: push an image, take a snapshot, look at the cluster and change it, write down the version. */
  #deployment(trust: string): IamRole {
    const naming = this.#naming
    const parameters = ['${var.environment}', 'production'].map((name) =>
      naming.arn('ssm', `parameter/borrow-rate-engine/${name}/deployed-version`),
    )
    return role(this, naming, 'deploy', {
      description: 'Workflows of one GitHub environment',
      sessionHoursMax: 2,
      trust,
      statements: [
        { sid: 'LogInToRegistry', actions: ['ecr:GetAuthorizationToken'] },
        {
          sid: 'PushImages',
          actions: PUSH_IMAGES,
          resources: this.#to.storage.repositories.map(({ arn }) => arn),
        },
        {
          sid: 'SnapshotBeforeMigration',
          actions: [
            'rds:CreateDBSnapshot',
            'rds:AddTagsToResource',
            'rds:DescribeDBSnapshots',
            'rds:DescribeDBInstances',
          ],
          resources: [naming.arn('rds', `db:${naming.name}`), naming.arn('rds', `snapshot:${naming.name}-*`)],
        },
        {
          sid: 'DeployedVersion',
          actions: ['ssm:GetParameter', 'ssm:GetParameterHistory', 'ssm:PutParameter'],
          resources: parameters,
        },
        ...this.#wayToTheCluster(),
      ],
    })
  }

  /** A copy of the database under a name of its own is made, looked at and removed; the database itself is out of reach. */
  #restoreDrill(trust: string): IamRole {
    const naming = this.#naming
    const copy = naming.arn('rds', `db:${naming.named('drill')}`)
    return role(this, naming, 'restore-drill', {
      description: 'The monthly restore of a backup',
      sessionHoursMax: 2,
      trust,
      statements: [
        {
          sid: 'LookAtDatabases',
          actions: ['rds:DescribeDBInstances', 'rds:DescribeDBSnapshots'],
        },
        {
          sid: 'RestoreACopy',
          actions: ['rds:RestoreDBInstanceFromDBSnapshot', 'rds:AddTagsToResource'],
          resources: [
            copy,
            naming.arn('rds', `snapshot:rds:${naming.name}-*`),
            naming.arn('rds', `snapshot:${naming.name}-*`),
            naming.arn('rds', `subgrp:${naming.name}*`),
            naming.arn('rds', `pg:${naming.name}*`),
            naming.arn('rds', 'og:default*'),
          ],
        },
        { sid: 'FindItsKey', actions: ['kms:DescribeKey'], resources: [this.#to.keys.data.arn] },
        {
          sid: 'EncryptItsDisk',
          actions: ['kms:CreateGrant'],
          resources: [this.#to.keys.data.arn],
          conditions: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
        },
        { sid: 'RemoveTheCopy', actions: ['rds:DeleteDBInstance'], resources: [copy] },
        ...this.#wayToTheCluster(),
      ],
    })
  }

  /** To look and to plan, without a way to see a secret's value. */
  #people(): IamRole {
    return role(this, this.#naming, 'read-only', {
      description: 'People who look, with a second factor',
      sessionHoursMax: 8,
      trust: this.#peopleWithSecondFactor(8),
      managedPolicies: ['ReadOnlyAccess'],
      statements: [
        {
          sid: 'NoSecretsNoRecords',
          effect: 'Deny',
          actions: ['secretsmanager:GetSecretValue', 'ssm:GetParameter*', 's3:GetObject*', 'kms:Decrypt'],
          notResources: [this.#naming.arn('ssm', 'parameter/borrow-rate-engine/*')],
        },
      ],
    })
  }

  /** Everything, for an hour, for when nothing else helps. Whoever takes it sets off an alarm. */
  #breakGlass(): IamRole {
    return role(this, this.#naming, 'break-glass', {
      description: 'Everything, for one hour, with a second factor. Taking it sets off an alarm',
      sessionHoursMax: 1,
      trust: this.#peopleWithSecondFactor(1),
      managedPolicies: ['AdministratorAccess'],
    })
  }

  #peopleWithSecondFactor(hours: number): string {
    return policyDocument({
      sid: 'PeopleWithSecondFactor',
      actions: ['sts:AssumeRole'],
      principals: { AWS: [this.#naming.accountRoot] },
      conditions: {
        Bool: { 'aws:MultiFactorAuthPresent': 'true' },
        NumericLessThan: { 'aws:MultiFactorAuthAge': String(hours * 3600) },
      },
    })
  }

  /** Roles of AWS as groups of Kubernetes, whose rights are in the manifests, and where AWS has a fitting policy, that. */
  #clusterAccess(): void {
    const { cluster } = this.#to.kubernetes
    const entry = (name: string, principal: IamRole, groups: string[]) =>
      new EksAccessEntry(this, `aws_eks_access_entry.${name}`, {
        clusterName: cluster.name,
        principalArn: principal.arn,
        type: 'STANDARD',
        kubernetesGroups: groups,
      })
    const policy = (name: string, principalArn: string, policyName: string, namespaces?: string[], count?: number) =>
      new EksAccessPolicyAssociation(this, `aws_eks_access_policy_association.${name}`, {
        ...(count === undefined ? {} : { count }),
        clusterName: cluster.name,
        principalArn,
        policyArn: `arn:aws:eks::aws:cluster-access-policy/${policyName}`,
        accessScope: namespaces === undefined ? { type: 'cluster' } : { type: 'namespace', namespaces },
      })
    entry('deploy', this.deploy, ['borrow-rate-engine:deployers'])
    entry('restore_drill', this.restoreDrill, ['borrow-rate-engine:deployers'])
    entry('read_only', this.readOnly, ['borrow-rate-engine:viewers'])
    entry('break_glass', this.breakGlass, ['borrow-rate-engine:admins'])
    policy('read_only', this.readOnly.arn, 'AmazonEKSViewPolicy')
    policy('break_glass', this.breakGlass.arn, 'AmazonEKSClusterAdminPolicy')

    const count = number('length(var.cluster_admin_role_arns)')
    const principalArn = text('var.cluster_admin_role_arns[count.index]')
    const administrators = new EksAccessEntry(this, 'aws_eks_access_entry.administrators', {
      count,
      clusterName: cluster.name,
      principalArn,
      type: 'STANDARD',
    })
    policy(
      'administrators',
      text(`${addressOf(administrators)}[count.index].principal_arn`),
      'AmazonEKSClusterAdminPolicy',
      undefined,
      count,
    )
  }
}
