// What differs between environments, or may be asked for: written once here, declared to Terraform from here, and given in
// environments/*/terraform.tfvars.

import { type IResolvable, TerraformVariable } from 'cdktn'
import type { Construct } from 'constructs'
import { text } from './expressions.ts'
import { ENVIRONMENTS } from './maintenance_windows.ts'

interface TypeNames {
  string: string
  number: number
  bool: boolean
  'list(string)': readonly string[]
}

export interface Setting<Type extends keyof TypeNames = keyof TypeNames> {
  readonly type: Type
  readonly description: string
  readonly default?: TypeNames[Type]
  /** What has to be true of it, in Terraform's language, and what is said if it is not. */
  readonly validations?: readonly { readonly condition: string; readonly message: string }[]
}

function setting<Type extends keyof TypeNames>(
  type: Type,
  about: Omit<Setting<Type>, 'type'>,
): Setting<Type> & { readonly type: Type } {
  return { type, ...about }
}

function oneOf(name: string, values: readonly string[]) {
  return {
    condition: `contains(${JSON.stringify(values)}, var.${name})`,
    message: `${name} is one of ${values.join(', ')}.`,
  }
}

function between(name: string, least: number, most: number) {
  return {
    condition: `var.${name} >= ${least} && var.${name} <= ${most}`,
    message: `${name} is between ${least} and ${most}.`,
  }
}

/** Days that CloudWatch can keep a log for. */
const LOG_DAYS = [30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]

export const SETTINGS = {
  environment: setting('string', {
    description: 'The environment, part of every name that must be unique.',
    validations: [oneOf('environment', ENVIRONMENTS)],
  }),
  aws_region: setting('string', {
    description: 'The region that everything is in.',
    default: 'us-east-1',
  }),
  availability_zones: setting('list(string)', {
    description: 'The three availability zones of the network.',
    default: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
    validations: [
      {
        condition: 'length(var.availability_zones) == 3 && length(distinct(var.availability_zones)) == 3',
        message: 'availability_zones names three different zones.',
      },
    ],
  }),

  // The network.
  vpc_cidr: setting('string', {
    description: 'The addresses of the network.',
    default: '10.0.0.0/16',
    validations: [
      {
        condition: 'can(cidrnetmask(var.vpc_cidr)) && endswith(var.vpc_cidr, "/16")',
        message: 'vpc_cidr is a range of IPv4 addresses with 16 bits of prefix: the plan of subnets is made for it.',
      },
    ],
  }),
  nat_gateway_count: setting('number', {
    description:
      'Ways out: 3 for one in each zone, 1 for one that all zones share. VPC endpoints are in as many zones.',
    validations: [{ condition: 'contains([1, 3], var.nat_gateway_count)', message: 'nat_gateway_count is 1 or 3.' }],
  }),
  vpc_encryption_mode: setting('string', {
    description:
      'monitor reports traffic within the network that the hardware does not encrypt; enforce refuses to start what would send such.',
    default: 'monitor',
    validations: [oneOf('vpc_encryption_mode', ['monitor', 'enforce'])],
  }),
  network_firewall_enabled: setting('bool', {
    description: 'Whether traffic out of the application tier passes a firewall that knows names.',
    default: false,
  }),
  egress_allowed_domains: setting('list(string)', {
    description: 'Names that the firewall lets out to. One that begins with a dot includes all names below it.',
    default: [],
    validations: [
      {
        condition: '!var.network_firewall_enabled || length(var.egress_allowed_domains) > 0',
        message: 'with network_firewall_enabled, egress_allowed_domains names at least one domain.',
      },
    ],
  }),
  client_vpn_enabled: setting('bool', {
    description: 'Whether people come into the network by Client VPN.',
    default: false,
  }),
  client_vpn_cidr: setting('string', {
    description: 'Addresses of VPN clients, outside of the network.',
    default: '10.100.0.0/22',
    validations: [
      { condition: 'can(cidrnetmask(var.client_vpn_cidr))', message: 'client_vpn_cidr is a range of IPv4 addresses.' },
    ],
  }),
  client_vpn_server_certificate_arn: setting('string', {
    description: 'Certificate of the VPN endpoint, in Certificate Manager.',
    default: '',
    validations: [
      {
        condition: '!var.client_vpn_enabled || startswith(var.client_vpn_server_certificate_arn, "arn:aws:acm:")',
        message: 'with client_vpn_enabled, client_vpn_server_certificate_arn is the ARN of a certificate.',
      },
    ],
  }),
  client_vpn_saml_provider_arn: setting('string', {
    description: 'The SAML provider that VPN users sign in with, and that asks them for a second factor.',
    default: '',
    validations: [
      {
        condition: '!var.client_vpn_enabled || startswith(var.client_vpn_saml_provider_arn, "arn:aws:iam::")',
        message: 'with client_vpn_enabled, client_vpn_saml_provider_arn is the ARN of a SAML provider.',
      },
    ],
  }),

  // Names and certificates.
  domain_name: setting('string', {
    description: 'The name that the engine answers to. A zone of its own is made for it.',
    validations: [
      {
        condition: 'can(regex("^([a-z0-9-]+\\\\.)+[a-z]{2,}$", var.domain_name))',
        message: 'domain_name is a name such as dev.borrow-rates.example.com.',
      },
    ],
  }),

  // The cluster.
  kubernetes_version: setting('string', {
    description: 'Version of Kubernetes. It goes up by one at a time.',
    default: '1.35',
    validations: [
      {
        condition: 'can(regex("^1\\\\.[0-9]{2}$", var.kubernetes_version))',
        message: 'kubernetes_version is a version such as 1.35.',
      },
    ],
  }),
  node_instance_types: setting('list(string)', {
    description:
      'Types of the nodes, the preferred one first. All of them have the same number of processors and the same memory.',
  }),
  node_count_min: setting('number', {
    description: 'Nodes that there always are.',
    validations: [between('node_count_min', 1, 100)],
  }),
  node_count_max: setting('number', {
    description: 'Nodes that the cluster autoscaler may bring it to.',
    validations: [
      {
        condition: 'var.node_count_max >= var.node_count_min && var.node_count_max <= 100',
        message: 'node_count_max is at least node_count_min, and at most 100.',
      },
    ],
  }),
  node_volume_gib: setting('number', {
    description: 'Size of the disk of a node, in GiB.',
    default: 80,
    validations: [between('node_volume_gib', 30, 1000)],
  }),
  cluster_admin_role_arns: setting('list(string)', {
    description: 'Roles, besides break-glass, that administer the cluster: whoever installs its controllers.',
    default: [],
  }),

  // The database.
  database_instance_class: setting('string', {
    description: 'Class of the database and its replicas.',
    validations: [
      {
        condition: 'startswith(var.database_instance_class, "db.")',
        message: 'database_instance_class is a class such as db.r5.large.',
      },
    ],
  }),
  database_multi_az: setting('bool', {
    description: 'Whether a standby in another zone takes over when the database fails.',
  }),
  database_replica_count: setting('number', {
    description: 'Read replicas, each in another zone.',
    default: 0,
    validations: [between('database_replica_count', 0, 3)],
  }),
  database_storage_gib: setting('number', {
    description: 'Storage of the database, in GiB.',
    validations: [between('database_storage_gib', 20, 65536)],
  }),
  database_storage_max_gib: setting('number', {
    description: 'What the storage may grow to by itself, in GiB.',
    validations: [
      {
        condition: 'var.database_storage_max_gib > var.database_storage_gib',
        message: 'database_storage_max_gib is more than database_storage_gib.',
      },
    ],
  }),
  backup_retention_days: setting('number', {
    description: 'How long daily snapshots are kept, and how far back the database can be restored to any second.',
    default: 30,
    validations: [between('backup_retention_days', 30, 35)],
  }),
  backup_vault_lock_grace_days: setting('number', {
    description:
      'Days after which nobody can loosen the lock of the backup vault any more. 0: whoever has the right always can.',
    default: 0,
    validations: [
      {
        condition: 'var.backup_vault_lock_grace_days == 0 || var.backup_vault_lock_grace_days >= 3',
        message: 'backup_vault_lock_grace_days is 0 or at least 3.',
      },
    ],
  }),
  deletion_protection: setting('bool', {
    description: 'Whether the database and the cluster refuse to be deleted.',
    default: true,
  }),

  // The cache.
  cache_node_type: setting('string', {
    description: 'Type of the nodes of the cache.',
    validations: [
      {
        condition: 'startswith(var.cache_node_type, "cache.")',
        message: 'cache_node_type is a type such as cache.m5.large.',
      },
    ],
  }),
  cache_cluster_mode_enabled: setting('bool', {
    description: 'Whether the keys are spread over shards.',
    default: false,
  }),
  cache_shard_count: setting('number', {
    description: 'Shards in cluster mode.',
    default: 1,
    validations: [
      {
        condition: 'var.cache_cluster_mode_enabled ? var.cache_shard_count >= 2 : var.cache_shard_count == 1',
        message: 'cache_shard_count is at least 2 in cluster mode, and 1 without it.',
      },
    ],
  }),
  cache_replicas_per_shard: setting('number', {
    description: 'Replicas of each primary, in other zones.',
    default: 0,
    validations: [between('cache_replicas_per_shard', 0, 5)],
  }),

  // Logs, records, secrets.
  log_retention_days: setting('number', {
    description: 'How long CloudWatch keeps logs.',
    validations: [
      {
        condition: `contains(${JSON.stringify(LOG_DAYS)}, var.log_retention_days)`,
        message: 'log_retention_days is a number of days that CloudWatch knows, and at least 30.',
      },
    ],
  }),
  audit_lock_days: setting('number', {
    description: 'How long at least an object in the audit bucket can neither be removed nor changed, by anybody.',
    validations: [between('audit_lock_days', 1, 36500)],
  }),
  secret_rotation_days: setting('number', {
    description: "After how many days the database's own user gets a new password.",
    default: 30,
    validations: [between('secret_rotation_days', 1, 90)],
  }),
  password_generation: setting('number', {
    description:
      'The passwords that Terraform draws, of database and cache, are drawn anew in both places when this is raised by one: after an apply that broke off between them.',
    default: 1,
    validations: [between('password_generation', 1, 1000)],
  }),
  secret_replica_regions: setting('list(string)', {
    description: 'Regions that a copy of each secret is kept in.',
    default: [],
  }),

  // Who deploys, who is told.
  github_repository: setting('string', {
    description: 'The repository whose workflows deploy, as organisation/name.',
    validations: [
      {
        condition: 'can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))',
        message: 'github_repository is organisation/name.',
      },
    ],
  }),
  github_environment: setting('string', {
    description: 'The GitHub environment whose jobs may deploy here.',
  }),
  alarm_email_addresses: setting('list(string)', {
    description: 'Who is told by mail when an alarm of CloudWatch goes off.',
    default: [],
  }),
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS

/** What an environment gives: all settings without a default, and those others that it wants otherwise. */
export type EnvironmentSettings = {
  -readonly [Name in SettingName as (typeof SETTINGS)[Name] extends { default: unknown } ? never : Name]: ValueOf<Name>
} & { -readonly [Name in SettingName]?: ValueOf<Name> }

type ValueOf<Name extends SettingName> = TypeNames[(typeof SETTINGS)[Name]['type']]

interface TokenTypes {
  string: string
  number: number
  bool: IResolvable
  'list(string)': string[]
}

/** The settings as values that a resource can be given. */
export type DeclaredSettings = { readonly [Name in SettingName]: TokenTypes[(typeof SETTINGS)[Name]['type']] }

export function declareSettings(scope: Construct): DeclaredSettings {
  const declared = Object.entries<Setting>(SETTINGS).map(([name, about]) => {
    const variable = new TerraformVariable(scope, `var.${name}`, {
      type: about.type,
      description: about.description,
      nullable: false,
      ...(about.default === undefined ? {} : { default: about.default }),
      ...(about.validations === undefined
        ? {}
        : {
            validation: about.validations.map(({ condition, message }) => ({
              condition: text(condition),
              errorMessage: message,
            })),
          }),
    })
    const values = {
      string: variable.stringValue,
      number: variable.numberValue,
      bool: variable.booleanValue,
      'list(string)': variable.listValue,
    }
    return [name, values[about.type]]
  })
  return Object.fromEntries(declared) as DeclaredSettings
}
