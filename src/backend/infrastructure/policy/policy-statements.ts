// The statements of the policies in a plan, whether they are written as a text or as a data source, in one form.
import type { Block, PlannedEnvironment } from './planned-environment.ts'
import { textAt, valueAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

export interface Statement {
  readonly sid: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly notActions: readonly string[]
  readonly resources: readonly string[]
  readonly notResources: readonly string[]
  /** By kind: AWS, Service, Federated. Everybody is `*: ['*']`. */
  readonly principals: Readonly<Record<string, readonly string[]>>
  /** By operator, then by key. */
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

/** A policy of the plan. `statements` is null where the plan does not show its text. */
export interface Policy {
  readonly resource: PlannedResource
  readonly attribute: string
  readonly statements: readonly Statement[] | null
}

/** Where policies stand, by the type of the resource. */
const POLICY_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  aws_iam_policy: ['policy'],
  aws_iam_role_policy: ['policy'],
  aws_iam_role: ['assume_role_policy'],
  aws_kms_key: ['policy'],
  aws_kms_key_policy: ['policy'],
  aws_s3_bucket_policy: ['policy'],
  aws_sns_topic_policy: ['policy'],
  aws_sqs_queue_policy: ['policy'],
  aws_secretsmanager_secret_policy: ['policy'],
  aws_ecr_repository_policy: ['policy'],
  aws_vpc_endpoint: ['policy'],
  aws_backup_vault_policy: ['policy'],
  aws_cloudwatch_log_resource_policy: ['policy_document'],
}
export const POLICY_TYPES = Object.keys(POLICY_ATTRIBUTES)
const IDENTITY_TYPES = ['aws_iam_policy', 'aws_iam_role_policy']

export function policies(planned: PlannedEnvironment): readonly Policy[] {
  return Object.entries(POLICY_ATTRIBUTES).flatMap(([type, attributes]) =>
    planned
      .all(type)
      .flatMap((resource) =>
        attributes
          .filter((attribute) => resource.values[attribute] != null || resource.references[attribute] !== undefined)
          .map((attribute) => ({ resource, attribute, statements: statementsOf(planned, resource, attribute) })),
      ),
  )
}

/** Policies that say what a role may do, as against who may use a resource. */
export function rights(planned: PlannedEnvironment): readonly Policy[] {
  return policies(planned).filter(({ resource }) => IDENTITY_TYPES.includes(resource.type))
}

/** Who may take a role. */
export function trust(planned: PlannedEnvironment, role: PlannedResource): readonly Statement[] {
  return statementsOf(planned, role, 'assume_role_policy') ?? []
}

/** The statements of a policy, null where they cannot be read. */
export function statementsOf(
  planned: PlannedEnvironment,
  resource: PlannedResource,
  attribute: string,
): readonly Statement[] | null {
  const text = textAt(resource, attribute)
  if (text !== undefined) {
    const parsed = json(text)
    return parsed === null ? null : [parsed.Statement].flat().map((each) => written(each as Block))
  }
  const documents = planned.ledTo(resource, attribute, 'data.aws_iam_policy_document')
  if (documents.length === 0) return null
  return documents.flatMap((document) => {
    const blocks = valueAt(document, 'statement')
    return Array.isArray(blocks) ? blocks.map((block) => ofDataSource(block as Block)) : []
  })
}

/** Whether an allowed action is every action, or every action of a service. */
export function isWildcard(action: string): boolean {
  return action === '*' || action.endsWith(':*')
}

function json(text: string): { Statement: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' && 'Statement' in value
      ? (value as { Statement: unknown })
      : null
  } catch {
    return null
  }
}

function written(statement: Block): Statement {
  const conditions = Object.entries((statement.Condition ?? {}) as Record<string, Record<string, unknown>>)
  const principal = statement.Principal ?? {}
  return {
    sid: String(statement.Sid ?? ''),
    effect: statement.Effect === 'Deny' ? 'Deny' : 'Allow',
    actions: texts(statement.Action),
    notActions: texts(statement.NotAction),
    resources: texts(statement.Resource),
    notResources: texts(statement.NotResource),
    principals:
      typeof principal === 'string'
        ? { [principal]: [principal] }
        : Object.fromEntries(Object.entries(principal).map(([kind, names]) => [kind, texts(names)])),
    conditions: Object.fromEntries(
      conditions.map(([operator, keys]) => [
        operator,
        Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, texts(values)])),
      ]),
    ),
  }
}

function ofDataSource(block: Block): Statement {
  const conditions: Record<string, Record<string, string[]>> = {}
  for (const { test, variable, values } of (block.condition ?? []) as Record<string, unknown>[]) {
    const operator = String(test)
    conditions[operator] = { ...conditions[operator], [String(variable)]: texts(values) }
  }
  return {
    sid: String(block.sid ?? ''),
    effect: block.effect === 'Deny' ? 'Deny' : 'Allow',
    actions: texts(block.actions),
    notActions: texts(block.not_actions),
    resources: texts(block.resources),
    notResources: texts(block.not_resources),
    principals: Object.fromEntries(
      ((block.principals ?? []) as Record<string, unknown>[]).map(({ type, identifiers }) => [
        String(type),
        texts(identifiers),
      ]),
    ),
    conditions,
  }
}

function texts(value: unknown): string[] {
  return [value].flat().filter((each) => typeof each === 'string')
}
