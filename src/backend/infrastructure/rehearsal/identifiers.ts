// What AWS would have answered for the values that nobody chooses: identifiers, ARNs, endpoints. They have the right form, so that what is built of
// them (a policy's resource, a trust's issuer) looks as it will, and they depend on nothing but the resource, so that two runs give the same.
import { createHash } from 'node:crypto'
import type { ValueType } from '../schema/value-type.ts'
import { isObject, isUnknown, type ObjectValue, type Value } from './wire.ts'

export interface Account {
  id: string
  region: string
}

/** The resource whose gap is filled, and a short number that is its own. */
export interface Subject {
  type: string
  values: ObjectValue
  digest: string
  account: Account
}

/** Resources whose identifier has a prefix of its own. */
const PREFIX: Record<string, string> = {
  aws_vpc: 'vpc',
  aws_subnet: 'subnet',
  aws_security_group: 'sg',
  aws_vpc_security_group_ingress_rule: 'sgr',
  aws_vpc_security_group_egress_rule: 'sgr',
  aws_security_group_rule: 'sgrule',
  aws_internet_gateway: 'igw',
  aws_nat_gateway: 'nat',
  aws_eip: 'eipalloc',
  aws_route_table: 'rtb',
  aws_route_table_association: 'rtbassoc',
  aws_route: 'r-rtb',
  aws_network_acl: 'acl',
  aws_vpc_endpoint: 'vpce',
  aws_vpc_encryption_control: 'vpcec',
  aws_flow_log: 'fl',
  aws_launch_template: 'lt',
  aws_instance: 'i',
  aws_network_interface: 'eni',
  aws_ec2_client_vpn_endpoint: 'cvpn-endpoint',
  aws_ssm_maintenance_window: 'mw',
  aws_ssm_patch_baseline: 'pb',
  aws_eks_pod_identity_association: 'a',
  aws_db_instance: 'db',
  aws_vpc_dhcp_options: 'dopt',
  aws_vpc_peering_connection: 'pcx',
  aws_ami: 'ami',
}

/** Resources whose identifier is something that their author wrote. */
const IDENTIFIED_BY: Record<string, string> = {
  aws_eks_cluster: 'name',
  aws_s3_bucket: 'bucket',
  aws_iam_role: 'name',
  aws_iam_user: 'name',
  aws_iam_group: 'name',
  aws_iam_instance_profile: 'name',
  aws_db_subnet_group: 'name',
  aws_db_parameter_group: 'name',
  aws_db_option_group: 'name',
  aws_elasticache_subnet_group: 'name',
  aws_elasticache_parameter_group: 'name',
  aws_elasticache_replication_group: 'replication_group_id',
  aws_elasticache_user: 'user_id',
  aws_elasticache_user_group: 'user_group_id',
  aws_ecr_repository: 'name',
  aws_ssm_parameter: 'name',
  aws_cloudwatch_log_group: 'name',
  aws_cloudwatch_metric_alarm: 'alarm_name',
  aws_cloudwatch_dashboard: 'dashboard_name',
  aws_autoscaling_group: 'name',
  aws_backup_vault: 'name',
  aws_kms_alias: 'name',
  aws_sns_topic: 'arn',
  aws_lb: 'arn',
  aws_lb_listener: 'arn',
  aws_lb_target_group: 'arn',
  aws_acm_certificate: 'arn',
  aws_iam_policy: 'arn',
  aws_iam_openid_connect_provider: 'arn',
  aws_secretsmanager_secret: 'arn',
  aws_cloudtrail: 'arn',
}

/** The service in an ARN, where it is not the first word of the type; "" as region where the service has none. */
const SERVICE: Record<
  string,
  { service: string; kind?: string; separator?: string; region?: string; account?: string; named?: string }
> = {
  aws_db_instance: { service: 'rds', kind: 'db', separator: ':', named: 'identifier' },
  aws_db_subnet_group: { service: 'rds', kind: 'subgrp', separator: ':', named: 'name' },
  aws_db_parameter_group: { service: 'rds', kind: 'pg', separator: ':', named: 'name' },
  aws_elasticache_replication_group: {
    service: 'elasticache',
    kind: 'replicationgroup',
    separator: ':',
    named: 'replication_group_id',
  },
  aws_s3_bucket: { service: 's3', kind: '', named: 'bucket', region: '', account: '' },
  aws_iam_role: { service: 'iam', kind: 'role', region: '', named: 'name' },
  aws_iam_policy: { service: 'iam', kind: 'policy', region: '', named: 'name' },
  aws_iam_user: { service: 'iam', kind: 'user', region: '', named: 'name' },
  aws_iam_instance_profile: { service: 'iam', kind: 'instance-profile', region: '', named: 'name' },
  aws_iam_openid_connect_provider: { service: 'iam', kind: 'oidc-provider', region: '', named: 'url' },
  aws_eks_cluster: { service: 'eks', kind: 'cluster', named: 'name' },
  aws_eks_node_group: { service: 'eks', kind: 'nodegroup', named: 'node_group_name' },
  aws_eks_addon: { service: 'eks', kind: 'addon', named: 'addon_name' },
  aws_ecr_repository: { service: 'ecr', kind: 'repository', named: 'name' },
  aws_kms_key: { service: 'kms', kind: 'key' },
  aws_kms_alias: { service: 'kms', kind: '', named: 'name' },
  aws_secretsmanager_secret: { service: 'secretsmanager', kind: 'secret', separator: ':', named: 'name' },
  aws_cloudwatch_log_group: { service: 'logs', kind: 'log-group', separator: ':', named: 'name' },
  aws_cloudwatch_metric_alarm: { service: 'cloudwatch', kind: 'alarm', separator: ':', named: 'alarm_name' },
  aws_sns_topic: { service: 'sns', kind: '', named: 'name' },
  aws_sqs_queue: { service: 'sqs', kind: '', named: 'name' },
  aws_ssm_parameter: { service: 'ssm', kind: 'parameter', separator: '', named: 'name' },
  aws_lb: { service: 'elasticloadbalancing', kind: 'loadbalancer/app', named: 'name' },
  aws_lb_target_group: { service: 'elasticloadbalancing', kind: 'targetgroup', named: 'name' },
  aws_lb_listener: { service: 'elasticloadbalancing', kind: 'listener/app' },
  aws_wafv2_web_acl: { service: 'wafv2', kind: 'regional/webacl', named: 'name' },
  aws_acm_certificate: { service: 'acm', kind: 'certificate' },
  aws_backup_vault: { service: 'backup', kind: 'backup-vault', separator: ':', named: 'name' },
  aws_backup_plan: { service: 'backup', kind: 'backup-plan', separator: ':' },
  aws_cloudtrail: { service: 'cloudtrail', kind: 'trail', named: 'name' },
  aws_lambda_function: { service: 'lambda', kind: 'function', separator: ':', named: 'function_name' },
  aws_route53_zone: { service: 'route53', kind: 'hostedzone', region: '', account: '' },
}

const EC2 =
  /^aws_(vpc|subnet|security_group|internet_gateway|nat_gateway|eip|route|network|flow_log|launch_template|instance|ec2|ami)/

export function arnOf(subject: Subject): string {
  const { type, account, values } = subject
  const words = type.replace(/^aws_/, '').split('_')
  const known = SERVICE[type]
  const service = known?.service ?? (EC2.test(type) ? 'ec2' : words[0]!)
  const kind = known?.kind ?? (words.length > 1 && !EC2.test(type) ? words.slice(1).join('-') : words.join('-'))
  const written = known?.named === undefined ? undefined : values[known.named]
  const name =
    typeof written === 'string' && written !== '' ? written.replace(/^https:\/\//, '') : bareIdentifier(subject)
  const region = known?.region ?? account.region
  return `arn:aws:${service}:${region}:${known?.account ?? account.id}:${kind}${kind === '' ? '' : (known?.separator ?? '/')}${name}`
}

export function identifierOf(subject: Subject): string {
  const written = IDENTIFIED_BY[subject.type]
  if (written === 'arn') return arnOf(subject)
  const value = written === undefined ? undefined : subject.values[written]
  return typeof value === 'string' && value !== '' ? value : bareIdentifier(subject)
}

function bareIdentifier({ type, digest }: Subject): string {
  if (type === 'aws_kms_key' || type === 'aws_acm_certificate' || type === 'aws_wafv2_web_acl') return uuid(digest)
  if (type === 'aws_route53_zone') return `Z${digest.slice(0, 20).toUpperCase()}`
  if (type === 'aws_db_instance') return `db-${digest.slice(0, 26).toUpperCase()}`
  const prefix = PREFIX[type] ?? type.replace(/^aws_/, '').replaceAll('_', '-')
  return `${prefix}-${digest.slice(0, 17)}`
}

function uuid(digest: string): string {
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `4${digest.slice(13, 16)}`,
    `a${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join('-')
}

/** What a computed attribute holds after apply. `given` says that the author might have set it: then nothing is the likeliest answer for a list. */
export function answerFor(name: string, type: ValueType, subject: Subject, given: boolean): Value {
  if (type === 'bool') return false
  if (type === 'number') return numberFor(name, subject)
  if (type === 'string') return textFor(name, subject)
  if (type === 'dynamic') return null
  if (type[0] === 'map') return {}
  if (type[0] === 'object') return objectFor(type[1], subject)
  if (type[0] === 'tuple') return []
  const special = LISTS[`${subject.type}.${name}`]
  if (special !== undefined) return special(subject)
  if (given || NOTHING_AT_FIRST.has(name)) return []
  return [answerFor(name.replace(/s$/, ''), type[1], subject, false)]
}

function objectFor(members: Record<string, ValueType>, subject: Subject): Value {
  return Object.fromEntries(
    Object.entries(members).map(([name, type]) => [name, answerFor(name, type, subject, false)]),
  )
}

const NOTHING_AT_FIRST = new Set([
  'replicas',
  'active_trusted_signers',
  'master_user_secret',
  'listener_endpoint',
  'pending_modified_values',
])

const LISTS: Record<string, (subject: Subject) => Value> = {
  'aws_route53_zone.name_servers': () => [1, 2, 3, 4].map((n) => `ns-${n}.awsdns-0${n}.example`),
  'aws_acm_certificate.domain_validation_options': ({ values, digest }) => [
    {
      domain_name: textOf(values.domain_name, 'example.com'),
      resource_record_name: `_${digest.slice(0, 16)}.${textOf(values.domain_name, 'example.com')}.`,
      resource_record_type: 'CNAME',
      resource_record_value: `_${digest.slice(16, 32)}.acm-validations.aws.`,
    },
  ],
}

function numberFor(name: string, { type, values }: Subject): number {
  if (name === 'port') return type === 'aws_db_instance' ? 5432 : type.startsWith('aws_elasticache') ? 6379 : 443
  if (/version/.test(name)) return 1
  if (name === 'allocated_storage' && typeof values.max_allocated_storage === 'number')
    return values.max_allocated_storage
  return 0
}

function textFor(name: string, subject: Subject): string {
  const { type, values, digest, account } = subject
  const own = textOf(
    values.name ?? values.identifier ?? values.bucket ?? values.replication_group_id,
    digest.slice(0, 8),
  )
  if (name === 'id') return identifierOf(subject)
  if (name === 'arn') return arnOf(subject)
  if (name === 'region') return account.region
  if (name === 'owner_id' || name === 'account_id' || name === 'registry_id') return account.id
  if (name === 'key_id' && type === 'aws_kms_key') return uuid(digest)
  if (type === 'aws_eks_cluster') {
    if (name === 'endpoint')
      return `https://${digest.slice(0, 32).toUpperCase()}.gr7.${account.region}.eks.amazonaws.com`
    if (name === 'issuer')
      return `https://oidc.eks.${account.region}.amazonaws.com/id/${digest.slice(0, 32).toUpperCase()}`
    if (name === 'data') return Buffer.from(`certificate ${digest}`).toString('base64')
    if (name === 'cluster_security_group_id') return `sg-${digest.slice(0, 17)}`
  }
  if (type === 'aws_db_instance') {
    const host = `${own}.${digest.slice(0, 12)}.${account.region}.rds.amazonaws.com`
    if (name === 'endpoint') return `${host}:5432`
    if (name === 'address') return host
  }
  if (type === 'aws_elasticache_replication_group') {
    if (name === 'primary_endpoint_address') return `master.${own}.${digest.slice(0, 6)}.use1.cache.amazonaws.com`
    if (name === 'reader_endpoint_address') return `replica.${own}.${digest.slice(0, 6)}.use1.cache.amazonaws.com`
    if (name === 'configuration_endpoint_address')
      return `clustercfg.${own}.${digest.slice(0, 6)}.use1.cache.amazonaws.com`
  }
  if (type === 'aws_ecr_repository' && name === 'repository_url')
    return `${account.id}.dkr.ecr.${account.region}.amazonaws.com/${own}`
  if (type === 'aws_s3_bucket' && name === 'bucket_domain_name') return `${own}.s3.amazonaws.com`
  if (type === 'aws_s3_bucket' && name === 'bucket_regional_domain_name')
    return `${own}.s3.${account.region}.amazonaws.com`
  if (name === 'dns_name') return `${own}-${digest.slice(0, 9)}.${account.region}.elb.amazonaws.com`
  if (name === 'public_ip') return `198.51.100.${1 + (Number.parseInt(digest.slice(0, 4), 16) % 250)}`
  if (name === 'private_ip') return `10.0.0.${4 + (Number.parseInt(digest.slice(0, 4), 16) % 250)}`
  if (name.endsWith('_arn'))
    return `arn:aws:${type.split('_')[1]}:${account.region}:${account.id}:${name.slice(0, -4)}/${digest.slice(0, 12)}`
  if (/(cidr_block|cidr)$/.test(name)) return '10.255.0.0/24'
  if (/(_at|_date|_time|timestamp)$/.test(name)) return '2026-01-01T00:00:00Z'
  if (/(url|endpoint)$/.test(name)) return `https://${own}.${account.region}.amazonaws.com`
  if (/^(status|state)$/.test(name)) return 'ACTIVE'
  if (/(json|policy)$/.test(name)) return '{}'
  if (name === 'availability_zone') return `${account.region}a`
  if (name.endsWith('_id')) return `${name.slice(0, -3).replaceAll('_', '-')}-${digest.slice(0, 17)}`
  if (name === 'name') return `${textOf(values.name_prefix, 'terraform-')}${digest.slice(0, 12)}`
  return `${name.replaceAll('_', '-')}-${digest.slice(0, 8)}`
}

function textOf(value: Value | undefined, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise
}

/** A number made of what is known of a resource; two equal ones (addresses of three NAT gateways) are told apart by counting. */
export function digestOf(type: string, values: Value, nth: number): string {
  return createHash('sha256')
    .update(JSON.stringify([type, plain(values), nth]))
    .digest('hex')
}

function plain(value: Value): unknown {
  if (isUnknown(value)) return { unknown: true }
  if (Array.isArray(value)) return value.map(plain)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, plain(value[name]!)]),
  )
}
