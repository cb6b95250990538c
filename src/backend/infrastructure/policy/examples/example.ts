// Small plans that keep a rule and small plans that break it, written down so that a reader sees which line makes the difference.
import type { EnvironmentName } from '../planned-environment.ts'
import type { PlannedResource } from '../planned-resources.ts'

/** A plan of production, or of another environment. */
export type Case =
  | readonly PlannedResource[]
  | { readonly environment: EnvironmentName; readonly plan: readonly PlannedResource[] }

export interface Example {
  /** By words that say what is special. */
  readonly keeps: Readonly<Record<string, Case>>
  readonly breaks: Readonly<Record<string, Case>>
}

/** By the id of the rule. */
export type Examples = Readonly<Record<string, Example>>

/** A planned resource. `references` are written as in Terraform, `aws_subnet.data[0].id`; it names the resource too, and so does this. */
export function planned(
  address: string,
  values: Readonly<Record<string, unknown>> = {},
  references: Readonly<Record<string, string | readonly string[]>> = {},
): PlannedResource {
  const [type = '', name = ''] = address
    .replace(/^data\./, 'data|')
    .replace(/\[.*/, '')
    .split('.')
  return {
    address,
    type: type.replace('|', '.'),
    name,
    values,
    unknown: {},
    references: Object.fromEntries(
      Object.entries(references).map(([attribute, named]) => [attribute, [named].flat().flatMap(withItsResource)]),
    ),
  }
}

/** The same plan, one resource of it changed. What is undefined is not given. */
export function but(
  plan: readonly PlannedResource[],
  address: string,
  values: Readonly<Record<string, unknown>>,
  references: Readonly<Record<string, string | readonly string[] | undefined>> = {},
): PlannedResource[] {
  if (!plan.some((resource) => resource.address === address)) throw new Error(`the plan has no ${address}`)
  return plan.map((resource) => {
    if (resource.address !== address) return resource
    const changed = planned(address, {}, onlyGiven(references))
    const kept = Object.entries(resource.references).filter(([attribute]) => !(attribute in references))
    return {
      ...resource,
      values: onlyGiven({ ...resource.values, ...values }),
      references: { ...Object.fromEntries(kept), ...changed.references },
    }
  })
}

export function without(plan: readonly PlannedResource[], ...addresses: string[]): PlannedResource[] {
  const rest = plan.filter(({ address }) => !addresses.includes(address))
  if (rest.length !== plan.length - addresses.length) throw new Error(`the plan has not all of ${addresses.join(', ')}`)
  return rest
}

export function inEnvironment(environment: EnvironmentName, plan: readonly PlannedResource[]): Case {
  return { environment, plan }
}

/** `[0, 1, 2]` for what there is one of in each zone. */
export function inEachZone(make: (index: number) => PlannedResource): PlannedResource[] {
  return [0, 1, 2].map(make)
}

function withItsResource(reference: string): string[] {
  const match = /^((?:data\.)?\w+\.[\w-]+)(\[[^\]]+\])?\.\w/.exec(reference)
  if (match === null) return [reference]
  const [, resource = '', key] = match
  return key === undefined ? [reference, resource] : [reference, resource + key, resource]
}

function onlyGiven<Value>(values: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Value] => entry[1] !== undefined))
}

/** The ARN of a resource that is to be made, as a policy's text holds it. */
export function unknownArn(address: string, path = ''): string {
  return `\${${address}.arn}${path}`
}
