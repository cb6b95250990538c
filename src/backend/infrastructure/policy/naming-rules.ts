// What things are called: names that carry the environment, so that two of them never meet, and tags that say whose a thing is.
import type { EnvironmentName, PlannedEnvironment } from './planned-environment.ts'
import { blocksAt, textAt } from './planned-environment.ts'
import { type PlannedResource, PROVIDER } from './planned-resources.ts'
import type { Fault, PolicyRule } from './rule.ts'

const TAGS = ['Environment', 'Project', 'ManagedBy']

/** The attribute that names a thing in the account, where that name must be one of a kind. */
const PHYSICAL_NAMES: Readonly<Record<string, readonly string[]>> = {
  aws_accessanalyzer_analyzer: ['analyzer_name'],
  aws_autoscaling_group: ['name'],
  aws_backup_plan: ['name'],
  aws_backup_vault: ['name'],
  aws_cloudtrail: ['name'],
  aws_cloudwatch_log_group: ['name'],
  aws_cloudwatch_metric_alarm: ['alarm_name'],
  aws_db_instance: ['identifier'],
  aws_db_parameter_group: ['name'],
  aws_db_subnet_group: ['name'],
  aws_ecr_repository: ['name'],
  aws_eks_cluster: ['name'],
  aws_eks_node_group: ['node_group_name'],
  aws_elasticache_parameter_group: ['name'],
  aws_elasticache_replication_group: ['replication_group_id'],
  aws_elasticache_subnet_group: ['name'],
  aws_iam_instance_profile: ['name'],
  aws_iam_policy: ['name'],
  aws_iam_role: ['name'],
  aws_kms_alias: ['name'],
  aws_launch_template: ['name'],
  aws_lb: ['name'],
  aws_lb_target_group: ['name'],
  aws_networkfirewall_firewall: ['name'],
  aws_networkfirewall_firewall_policy: ['name'],
  aws_networkfirewall_rule_group: ['name'],
  aws_route53_zone: ['name'],
  aws_s3_bucket: ['bucket'],
  aws_secretsmanager_secret: ['name'],
  aws_security_group: ['name'],
  aws_sns_topic: ['name'],
  aws_ssm_maintenance_window: ['name'],
  aws_ssm_parameter: ['name'],
  aws_ssm_patch_baseline: ['name'],
  aws_wafv2_web_acl: ['name'],
}

/** Names that do not say the environment, and why. */
const OTHER_NAMES: readonly { readonly type: string; readonly why: string }[] = [
  {
    type: 'aws_ecr_repository',
    why: 'each environment has a registry of its own, in its own account, and one image goes from the one to the next under the same name',
  },
  { type: 'aws_route53_zone', why: "clients type it, and production's has nothing before it" },
]
/** Of those, what two environments may both have. */
const SHARED = ['aws_ecr_repository']
/** Production is also written out. */
const WORDS = { dev: 'dev', staging: 'staging', prod: 'prod(?:uction)?' }

/** What a log group of AWS must be called, whatever the environment. */
const NAMES_OF_AWS = /^(?:aws-waf-logs-|\/aws\/)/

export const NAMING_RULES: readonly PolicyRule[] = [
  {
    id: 'BRE-43',
    alsoKnownAs: ['EKS.6', 'ECR.4'],
    title: `Everything says whose it is: the tags ${TAGS.join(', ')}`,
    remedy: "Set them in the provider's default_tags, or on the resource.",
    appliesTo: [PROVIDER, 'every resource that can have tags'],
    check: (planned) => {
      const common = planned
        .all(PROVIDER)
        .filter(({ name }) => name === 'aws')
        .flatMap((provider) => blocksAt(provider, 'default_tags'))
        .flatMap(({ tags }) => Object.entries((tags ?? {}) as Record<string, unknown>))
      const wrong = common.find(([key, value]) => key === 'Environment' && value !== planned.name)
      if (wrong)
        return [{ address: PROVIDER, found: `the tag Environment is ${String(wrong[1])}, not ${planned.name}` }]
      return planned.resources.filter(canHaveTags).flatMap((resource) => {
        const has = new Set([...common.map(([key]) => key), ...Object.keys(tagsOf(resource))])
        const lost = TAGS.filter((tag) => !has.has(tag))
        return lost.length === 0 ? [] : [{ address: resource.address, found: `no tag ${lost.join(', ')}` }]
      })
    },
  },
  {
    id: 'BRE-44',
    title: 'Names carry the environment, so that two of them can stand in one account',
    remedy: `Put the environment into the name. Exceptions: ${OTHER_NAMES.map(({ type, why }) => `${type} (${why})`).join('; ')}.`,
    appliesTo: ['every resource whose name must be one of a kind'],
    check: (planned) =>
      physicalNames(planned)
        .filter(({ resource }) => !OTHER_NAMES.some(({ type }) => type === resource.type))
        .flatMap(({ resource, name }) =>
          carries(name, planned.name)
            ? []
            : [{ address: resource.address, found: `${name} does not say ${planned.name}` }],
        ),
  },
]

/** Names that two environments share, as faults of the first: a thing of one would be taken for a thing of the other. */
export function sharedNames(one: PlannedEnvironment, other: PlannedEnvironment): Fault[] {
  const names = new Set(physicalNames(other).map(({ resource, name }) => `${resource.type} ${name}`))
  return physicalNames(one)
    .filter(({ resource, name }) => !SHARED.includes(resource.type) && names.has(`${resource.type} ${name}`))
    .map(({ resource, name }) => ({
      address: resource.address,
      found: `${one.name} and ${other.name} both have ${name}`,
    }))
}

function physicalNames(planned: PlannedEnvironment): { resource: PlannedResource; name: string }[] {
  return Object.entries(PHYSICAL_NAMES).flatMap(([type, attributes]) =>
    planned.all(type).flatMap((resource) =>
      attributes.flatMap((attribute) => {
        const name = textAt(resource, attribute)
        return name === undefined ? [] : [{ resource, name }]
      }),
    ),
  )
}

function carries(name: string, environment: EnvironmentName): boolean {
  return new RegExp(`(^|[-_/.])${WORDS[environment]}($|[-_/.])`).test(name.replace(NAMES_OF_AWS, '/'))
}

/** The schema gives a resource `tags` when it can have some; without a schema at hand, that it has the attribute at all says so. */
function canHaveTags(resource: PlannedResource): boolean {
  if (resource.type === PROVIDER || resource.type.startsWith('data.')) return false
  return ['tags', 'tags_all'].some((attribute) => attribute in resource.values || attribute in resource.unknown)
}

function tagsOf(resource: PlannedResource): Record<string, unknown> {
  const { tags, tags_all: all } = resource.values
  return { ...(tags ?? {}), ...(all ?? {}) }
}
