// What a plan will make, one entry an instance, read from what `terraform show -json` prints. A plan keeps three things apart: the values
// that are known, the attributes that are known only when the resource exists, and the expressions that say what an attribute refers to.
// A rule needs all three at once.

/** One instance of a resource or of a data source in a plan. */
export interface PlannedResource {
  /** As Terraform writes it: `module.network.aws_subnet.data[0]`, `data.aws_iam_policy_document.deploy`. */
  readonly address: string
  /** `aws_subnet`; a data source carries its prefix, `data.aws_iam_policy_document`. */
  readonly type: string
  readonly name: string
  /** Attributes that are known. A policy whose text holds an id not known yet is here as it is written, `${aws_kms_key.logs.arn}` in it. */
  readonly values: Readonly<Record<string, unknown>>
  /** Attributes that are known after the apply: `true`, or for blocks the same shape with `true` in it. */
  readonly unknown: Readonly<Record<string, unknown>>
  /** What the expression of an attribute names, from the root of the program. Blocks are `ingress.0.security_groups`. */
  readonly references: Readonly<Record<string, readonly string[]>>
}

/** The settings of a provider are no resource; rules about tags need them. */
export const PROVIDER = 'provider'

interface Expression {
  readonly references?: readonly string[]
  readonly constant_value?: unknown
}

interface ConfiguredResource {
  readonly address: string
  readonly expressions?: Readonly<Record<string, unknown>>
}

interface ConfiguredModule {
  readonly resources?: readonly ConfiguredResource[]
  readonly outputs?: Readonly<Record<string, { readonly expression?: Expression }>>
  readonly module_calls?: Readonly<Record<string, ModuleCall>>
}

interface ModuleCall {
  readonly expressions?: Readonly<Record<string, unknown>>
  readonly module?: ConfiguredModule
}

interface ValuesModule {
  readonly resources?: readonly {
    readonly address: string
    readonly mode: string
    readonly type: string
    readonly name: string
    readonly values?: Readonly<Record<string, unknown>>
  }[]
  readonly child_modules?: readonly ValuesModule[]
}

interface Plan {
  readonly format_version?: string
  readonly variables?: Readonly<Record<string, { readonly value?: unknown }>>
  readonly planned_values?: { readonly root_module?: ValuesModule }
  readonly prior_state?: { readonly values?: { readonly root_module?: ValuesModule } }
  readonly resource_changes?: readonly {
    readonly address: string
    readonly mode: string
    readonly type: string
    readonly name: string
    readonly change: {
      readonly actions: readonly string[]
      readonly after?: Readonly<Record<string, unknown>> | null
      readonly after_unknown?: Readonly<Record<string, unknown>>
    }
  }[]
  readonly configuration?: {
    readonly root_module?: ConfiguredModule
    readonly provider_config?: Readonly<
      Record<string, { readonly name: string; readonly expressions?: Readonly<Record<string, unknown>> }>
    >
  }
}

/** The program that was planned, as `main.tf.json` writes it. A plan does not say how a text with an unknown id in it is written. */
export interface Program {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
  readonly provider?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
  readonly locals?: Readonly<Record<string, unknown>>
}

/** All that the plan creates, changes or keeps, and the data that it reads. What it destroys is not among them. */
export function plannedResources(planJson: unknown, program: Program = {}): PlannedResource[] {
  const plan = planJson as Plan
  if (plan?.planned_values === undefined || plan.configuration === undefined) {
    throw new Error('this is no plan: it needs the JSON that `terraform show -json tfplan` prints')
  }
  const references = configuredReferences(plan.configuration.root_module ?? {})
  const changes = new Map((plan.resource_changes ?? []).map((change) => [change.address, change]))
  const managed = everyResource(plan.planned_values.root_module).filter(({ mode }) => mode === 'managed')
  const read = everyResource(plan.prior_state?.values?.root_module).filter(({ mode }) => mode === 'data')
  const known = knownTexts(plan, program, [...managed, ...read])
  const toBeRead = [...changes.values()]
    .filter(({ mode, change }) => mode === 'data' && change.actions.includes('read'))
    .map(({ address, mode, type, name }) => ({ address, mode, type, name, values: {} }))

  const resources = [...managed, ...read, ...toBeRead].map(({ address, mode, type, name, values = {} }) => {
    const change = changes.get(address)?.change
    const unknown = change?.after_unknown ?? {}
    return {
      address,
      type: mode === 'data' ? `data.${type}` : type,
      name,
      values: {
        ...values,
        ...change?.after,
        ...(mode === 'managed' ? writtenPolicies(program.resource?.[type]?.[name], unknown, known) : {}),
      },
      unknown,
      references: references.get(withoutInstanceKeys(address)) ?? {},
    }
  })
  return [...resources, ...providers(plan, program, known)].toSorted((a, b) => (a.address < b.address ? -1 : 1))
}

/** Values of the plan's variables, e.g. `environment`. */
export function planVariables(planJson: unknown): ReadonlyMap<string, unknown> {
  const { variables = {} } = planJson as Plan
  return new Map(Object.entries(variables).map(([name, { value }]) => [name, value]))
}

/** `module.a["x"].aws_subnet.data[0]` is configured once, as `module.a.aws_subnet.data`. */
export function withoutInstanceKeys(address: string): string {
  return address.replace(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g, '')
}

function everyResource(module: ValuesModule | undefined): NonNullable<ValuesModule['resources']>[number][] {
  if (module === undefined) return []
  return [...(module.resources ?? []), ...(module.child_modules ?? []).flatMap(everyResource)]
}

/** A module while its expressions are read: what it is called from is needed to follow a variable outwards. */
interface Scope {
  readonly module: ConfiguredModule
  /** `module.network.` or nothing. */
  readonly prefix: string
  readonly caller?: { readonly scope: Scope; readonly call: ModuleCall }
}

function configuredReferences(root: ConfiguredModule): Map<string, Record<string, string[]>> {
  const found = new Map<string, Record<string, string[]>>()
  const visit = (scope: Scope): void => {
    for (const resource of scope.module.resources ?? []) {
      const references: Record<string, string[]> = {}
      for (const [path, named] of expressionReferences(resource.expressions ?? {}, '')) {
        references[path] = [...new Set(named.flatMap((reference) => fromRoot(reference, scope)))]
      }
      found.set(scope.prefix + resource.address, references)
    }
    for (const [name, call] of Object.entries(scope.module.module_calls ?? {})) {
      if (call.module === undefined) continue
      visit({ module: call.module, prefix: `${scope.prefix}module.${name}.`, caller: { scope, call } })
    }
  }
  visit({ module: root, prefix: '' })
  return found
}

/** Paths of attributes with what their expressions name. A block is an object of expressions, or a list of such. */
function expressionReferences(expressions: unknown, path: string): [string, readonly string[]][] {
  if (Array.isArray(expressions)) {
    return expressions.flatMap((each, index) => expressionReferences(each, `${path}.${index}`))
  }
  if (expressions === null || typeof expressions !== 'object') return []
  const { references } = expressions as Expression
  if (Array.isArray(references)) return [[path, references]]
  return Object.entries(expressions).flatMap(([key, value]) =>
    expressionReferences(value, path === '' ? key : `${path}.${key}`),
  )
}

/** A reference as the root would write it: variables of a module lead to its caller, outputs of a module into it. */
function fromRoot(reference: string, scope: Scope): string[] {
  const [kind = '', name = '', member = ''] = reference.split('.')
  if (kind === 'var' && scope.caller !== undefined) {
    const expression = scope.caller.call.expressions?.[name]
    return expressionReferences(expression, '').flatMap(([, named]) =>
      named.flatMap((outer) => fromRoot(outer, scope.caller?.scope ?? scope)),
    )
  }
  if (kind === 'module') {
    const call = scope.module.module_calls?.[withoutInstanceKeys(name)]
    const named = call?.module?.outputs?.[withoutInstanceKeys(member)]?.expression?.references ?? []
    if (call?.module === undefined) return []
    const inside = {
      module: call.module,
      prefix: `${scope.prefix}module.${withoutInstanceKeys(name)}.`,
      caller: { scope, call },
    }
    return named.flatMap((inner) => fromRoot(inner, inside))
  }
  if (['var', 'local', 'count', 'each', 'path', 'self', 'terraform'].includes(kind)) return [reference]
  return [scope.prefix + reference]
}

/** Texts by what stands for them between `${` and `}`. */
type KnownTexts = ReadonlyMap<string, string>

/** Texts that are JSON and unknown only because they hold ids: as the program writes them, with what is known put in. */
function writtenPolicies(
  written: Readonly<Record<string, unknown>> | undefined,
  unknown: Readonly<Record<string, unknown>>,
  known: KnownTexts,
): Record<string, string> {
  const policies: Record<string, string> = {}
  for (const [attribute, text] of Object.entries(written ?? {})) {
    if (unknown[attribute] === true && typeof text === 'string' && /^\s*\{/.test(text)) {
      policies[attribute] = filledIn(text, known)
    }
  }
  return policies
}

function providers(plan: Plan, program: Program, known: KnownTexts): PlannedResource[] {
  return Object.entries(plan.configuration?.provider_config ?? {}).map(([key, { name, expressions = {} }]) => {
    const written = program.provider?.[name]?.[0]
    return {
      address: `${PROVIDER}.${key}`,
      type: PROVIDER,
      name,
      values: written === undefined ? (constants(expressions) as Record<string, unknown>) : filledInAll(written, known),
      unknown: {},
      references: Object.fromEntries(expressionReferences(expressions, '')),
    }
  })
}

/** The literals of expressions, in the shape of the blocks they stand in. */
function constants(expressions: unknown): unknown {
  if (Array.isArray(expressions)) return expressions.map(constants)
  if (expressions === null || typeof expressions !== 'object') return undefined
  if ('constant_value' in expressions) return (expressions as Expression).constant_value
  return Object.fromEntries(
    Object.entries(expressions)
      .map(([key, value]) => [key, constants(value)] as const)
      .filter(([, value]) => value !== undefined),
  )
}

function knownTexts(
  plan: Plan,
  program: Program,
  resources: readonly { address: string; values?: Readonly<Record<string, unknown>> }[],
): KnownTexts {
  const known = new Map<string, string>()
  for (const [name, value] of planVariables(plan)) known.set(`var.${name}`, String(value))
  for (const { address, values = {} } of resources) {
    for (const [attribute, value] of Object.entries(values)) {
      if (typeof value === 'string') known.set(`${address}.${attribute}`, value)
    }
  }
  for (const [name, value] of Object.entries(program.locals ?? {})) {
    if (typeof value === 'string') known.set(`local.${name}`, filledIn(value, known))
  }
  return known
}

function filledIn(text: string, known: KnownTexts): string {
  return text.replace(/\$\{([\w.[\]-]+)\}/g, (whole, name: string) => known.get(name) ?? whole)
}

function filledInAll(written: Readonly<Record<string, unknown>>, known: KnownTexts) {
  const fill = (value: unknown): unknown => {
    if (typeof value === 'string') return filledIn(value, known)
    if (Array.isArray(value)) return value.map(fill)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]))
  }
  return fill(written) as Record<string, unknown>
}
