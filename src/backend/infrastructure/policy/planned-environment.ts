// The planned resources of one environment as something that rules can ask: which ones there are, what each has, what each leads to.
import type { PlannedResource } from './planned-resources.ts'
import { withoutInstanceKeys } from './planned-resources.ts'

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

export class PlannedEnvironment {
  readonly name: EnvironmentName
  readonly resources: readonly PlannedResource[]
  readonly #byType = new Map<string, PlannedResource[]>()
  readonly #byAddress = new Map<string, PlannedResource>()
  /** Instances by the address of what is configured once. */
  readonly #instances = new Map<string, PlannedResource[]>()
  readonly #byId = new Map<string, PlannedResource>()
  /** Rules ask the same again and again: what an attribute leads to, by resource and attribute. */
  readonly #led = new Map<PlannedResource, Map<string, readonly PlannedResource[]>>()

  constructor(name: EnvironmentName, resources: readonly PlannedResource[]) {
    this.name = name
    this.resources = resources
    for (const resource of resources) {
      append(this.#byType, resource.type, resource)
      append(this.#instances, withoutInstanceKeys(resource.address), resource)
      this.#byAddress.set(resource.address, resource)
      if (typeof resource.values.id === 'string') this.#byId.set(resource.values.id, resource)
    }
  }

  get isProduction(): boolean {
    return this.name === 'prod'
  }

  /** Staging is production-like: what keeps production up is kept there too. */
  get isHighlyAvailable(): boolean {
    return this.name !== 'dev'
  }

  all(...types: string[]): readonly PlannedResource[] {
    return types.flatMap((type) => this.#byType.get(type) ?? [])
  }

  /**
   * The resources that an attribute leads to: by what its expression names, and where the attribute is known, by the ids in it. Where the
   * expression picks one of many in a way that only Terraform can compute, all of them: a rule that walks must not miss a way.
   */
  led(resource: PlannedResource, attribute: string): readonly PlannedResource[] {
    const ofResource = this.#led.get(resource) ?? new Map<string, readonly PlannedResource[]>()
    this.#led.set(resource, ofResource)
    const known = ofResource.get(attribute) ?? this.#follow(resource, attribute)
    ofResource.set(attribute, known)
    return known
  }

  #follow(resource: PlannedResource, attribute: string): readonly PlannedResource[] {
    const found = new Set<PlannedResource>()
    for (const id of [valueAt(resource, attribute)].flat()) {
      const known = typeof id === 'string' ? this.#byId.get(id) : undefined
      if (known !== undefined) found.add(known)
    }
    for (const target of this.#named(resource, referencesAt(resource, attribute))) found.add(target)
    return [...found]
  }

  ledTo(resource: PlannedResource, attribute: string, type: string): readonly PlannedResource[] {
    return this.led(resource, attribute).filter((target) => target.type === type)
  }

  /** Resources of a type of which an attribute leads to the target. */
  leadingTo(target: PlannedResource, type: string, attribute: string): readonly PlannedResource[] {
    return this.all(type).filter((resource) => this.led(resource, attribute).includes(target))
  }

  #named(from: PlannedResource, references: readonly string[]): PlannedResource[] {
    const byResource = new Map<string, Set<string>>()
    for (const reference of references) {
      const address = resourceAddress(reference)
      if (address === null) continue
      const key = withoutInstanceKeys(address)
      byResource.set(key, (byResource.get(key) ?? new Set()).add(address))
    }
    const sameKey = references.some((reference) => /^(?:count\.index|each\.(?:key|value))\b/.test(reference))
    return [...byResource].flatMap(([key, addresses]) => {
      const exact = [...addresses].flatMap((address) => this.#byAddress.get(address) ?? [])
      const instances = this.#instances.get(key) ?? []
      // `aws_subnet.data[0].id` also names `aws_subnet.data`: the narrower one counts.
      if (exact.length > 0) return exact
      const own = instanceKey(from.address)
      const twin = sameKey && own !== null ? instances.filter(({ address }) => instanceKey(address) === own) : []
      return twin.length > 0 ? twin : instances
    })
  }
}

/** What stands at a path: `vpc_config.endpoint_public_access` looks into the first block, `ingress.1.from_port` into the second. */
export function valueAt(resource: PlannedResource, path: string): unknown {
  let value: unknown = resource.values
  for (const step of path.split('.')) {
    if (Array.isArray(value) && !/^\d+$/.test(step)) value = value[0]
    if (value === null || typeof value !== 'object') return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value ?? undefined
}

export function textAt(resource: PlannedResource, path: string): string | undefined {
  const value = valueAt(resource, path)
  return typeof value === 'string' ? value : undefined
}

/** A number, also where the provider keeps it as text. */
export function numberAt(resource: PlannedResource, path: string): number | undefined {
  const value = valueAt(resource, path)
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : undefined
}

export function textsAt(resource: PlannedResource, path: string): readonly string[] {
  const value = valueAt(resource, path)
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}

export type Block = Readonly<Record<string, unknown>>

/** The blocks of a name: Terraform keeps a single one as a list too. */
export function blocksAt(resource: PlannedResource, path: string): readonly Block[] {
  const value = valueAt(resource, path)
  const blocks = Array.isArray(value) ? value : value === undefined ? [] : [value]
  return blocks.filter((each) => each !== null && typeof each === 'object')
}

/** What the expression of an attribute names, also of an attribute in a block. */
export function referencesAt(resource: PlannedResource, path: string): readonly string[] {
  return Object.entries(resource.references).flatMap(([at, references]) =>
    at === path || at.replace(/\.\d+(?=\.|$)/g, '') === path || at.startsWith(`${path}.`) ? references : [],
  )
}

/** Whether an attribute was given, be its value known or not. What the provider will make up is not given. */
export function isGiven(resource: PlannedResource, path: string): boolean {
  const value = valueAt(resource, path)
  const known = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== ''
  return known || referencesAt(resource, path).some((reference) => !/^(?:count|each)\./.test(reference))
}

/** `aws_subnet.data[0].id` is an attribute of `aws_subnet.data[0]`; `var.region` is of no resource. */
function resourceAddress(reference: string): string | null {
  const match = /^(?:module\.[\w-]+(?:\[[^\]]+\])?\.)*(?:data\.)?[a-z][a-z0-9]*_\w+\.[\w-]+(?:\[[^\]]+\])?/.exec(
    reference,
  )
  return match?.[0] ?? null
}

function instanceKey(address: string): string | null {
  return /\[[^\]]+\]$/.exec(address)?.[0] ?? null
}

function append(map: Map<string, PlannedResource[]>, key: string, resource: PlannedResource): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [resource])
  else list.push(resource)
}
