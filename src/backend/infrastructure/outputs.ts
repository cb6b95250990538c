// What operators, workflows and the manifests of the cluster need to know of what was made: `terraform output`.
import { TerraformOutput } from 'cdktn'
import type { Construct } from 'constructs'
import type { Backups } from './backup.ts'
import type { Monitoring } from './cloudwatch.ts'
import type { DnsZone } from './dns.ts'
import type { Edge } from './edge.ts'
import type { KubernetesCluster } from './eks.ts'
import { text } from './expressions.ts'
import type { Access } from './iam.ts'
import type { Naming } from './naming.ts'
import type { Database } from './rds.ts'
import type { Cache } from './redis.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { Storage } from './storage.ts'
import type { Network } from './vpc.ts'

export interface Made {
  readonly naming: Naming
  readonly network: Network
  readonly groups: SecurityGroups
  readonly kubernetes: KubernetesCluster
  readonly database: Database
  readonly cache: Cache
  readonly storage: Storage
  readonly access: Access
  readonly edge: Edge
  readonly zone: DnsZone
  readonly monitoring: Monitoring
  readonly backups: Backups
}

export function declareOutputs(scope: Construct, made: Made): void {
  const { naming, network, groups, kubernetes, database, cache, storage, access, edge, zone } = made
  const [image] = storage.repositories
  const outputs: Readonly<Record<string, readonly [value: unknown, description: string]>> = {
    environment: [text('var.environment'), 'The environment.'],
    account_id: [naming.accountId, 'Number of the account: AWS_ACCOUNT_ID of the deployment commands.'],
    vpc_id: [network.vpc.id, 'The network.'],
    public_subnet_ids: [network.publicSubnetIds, 'Subnets of the load balancer.'],
    app_subnet_ids: [network.appSubnetIds, 'Subnets of nodes and pods.'],
    data_subnet_ids: [network.dataSubnetIds, 'Subnets of the database and the cache.'],
    load_balancer_security_group_id: [
      groups.id('load_balancer'),
      "Security group of the load balancer, for the gateway's LoadBalancerConfiguration.",
    ],
    cluster_name: [kubernetes.cluster.name, 'aws eks update-kubeconfig --name'],
    cluster_endpoint: [kubernetes.cluster.endpoint, 'The API of the cluster, within the network.'],
    node_group_autoscaling_group_name: [
      kubernetes.autoscalingGroupName(),
      'aws autoscaling update-auto-scaling-group --auto-scaling-group-name',
    ],
    bastion_autoscaling_group_name: [naming.named('bastion'), 'Where the bastion is found.'],
    jump_autoscaling_group_name: [
      naming.named('jump'),
      'aws autoscaling set-desired-capacity: 1 starts the jump server.',
    ],
    database_identifier: [database.instance.identifier, 'aws rds … --db-instance-identifier'],
    database_address: [database.instance.address, 'Where the database is.'],
    database_replica_addresses: [text('aws_db_instance.replica[*].address'), 'Where its read replicas are.'],
    database_subnet_group_name: [database.subnetGroup.name, 'A restored database needs it: --db-subnet-group-name.'],
    database_parameter_group_name: [database.parameterGroup.name, 'And this: --db-parameter-group-name.'],
    database_security_group_id: [groups.id('database'), 'And this: --vpc-security-group-ids.'],
    cache_address: [cache.address, 'Where the cache is.'],
    cache_cluster_mode_enabled: [text('var.cache_cluster_mode_enabled'), 'Whether its clients speak to a cluster.'],
    image_registry: [
      text(`split("/", aws_ecr_repository.${image?.friendlyUniqueId}.repository_url)[0]`),
      'ECR_REPO of the deployment commands.',
    ],
    image_repository_urls: [storage.repositories.map(({ repositoryUrl }) => repositoryUrl), 'Where images are pushed.'],
    audit_storage_url: [
      `s3://${storage.audit.bucket}/records?region=\${var.aws_region}`,
      'AUDIT_STORAGE_URL of the audit service.',
    ],
    access_logs_bucket_name: [storage.accessLogs.bucket, "Where the load balancer's access log goes, below alb/."],
    logs_bucket_name: [storage.logs.bucket, 'Where the trail goes.'],
    certificate_arn: [edge.certificate.arn, 'Certificate of the load balancer.'],
    web_acl_arn: [edge.webAcl.arn, "Web firewall, for the gateway's LoadBalancerConfiguration."],
    domain_name: [text('var.domain_name'), 'The name that the engine answers to.'],
    zone_name_servers: [zone.zone.nameServers, 'Name servers that the domain above has to point to.'],
    deploy_role_arn: [access.deploy.arn, 'Role of workflows: role-to-assume.'],
    read_only_role_arn: [access.readOnly.arn, 'Role of people who look.'],
    break_glass_role_arn: [access.breakGlass.arn, 'Role for when nothing else helps.'],
    alarm_topic_arn: [made.monitoring.topic.arn, 'Where alarms are told.'],
    backup_vault_name: [made.backups.vault.name, 'Where the second copies are.'],
  }
  for (const [name, [value, description]] of Object.entries(outputs)) {
    new TerraformOutput(scope, `output.${name}`, { value, description })
  }
}
