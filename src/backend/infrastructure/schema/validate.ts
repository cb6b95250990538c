// Reads main.tf.json as Terraform would, over the provider's schema, without Terraform: what does not exist, what is missing, what has the wrong type,
// what may not be set, which references lead nowhere. Where Terraform is there it says the same and more; this is for machines where it is not, and
// it takes a fraction of a second.
import { parseReference, parseTemplate, type Reference, type Step } from './expression.ts'
import type { Attribute, Block, NestedBlock, ProviderSchema } from './provider-schema.ts'
import { parseTfvars } from './tfvars.ts'
import { describeType, mismatch, parseType, type ValueType } from './value-type.ts'

export interface Fault {
  /** "resource.aws_db_instance.main.instance_class" */
  where: string
  what: string
}

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
type JsonObject = { [name: string]: Json }

export interface Configuration {
  terraform?: JsonObject
  provider?: Record<string, Json>
  variable?: Record<string, JsonObject>
  locals?: JsonObject
  data?: Record<string, Record<string, JsonObject>>
  resource?: Record<string, Record<string, JsonObject>>
  ephemeral?: Record<string, Record<string, JsonObject>>
  output?: Record<string, JsonObject>
  [other: string]: unknown
}

const META_ARGUMENTS = new Set([
  '//',
  'count',
  'for_each',
  'depends_on',
  'lifecycle',
  'provider',
  'provisioner',
  'connection',
  'dynamic',
])
const KINDS = ['resource', 'data', 'ephemeral'] as const
type Kind = (typeof KINDS)[number]

export function validate(configuration: Configuration, schema: ProviderSchema): Fault[] {
  return new Validation(configuration, schema).all()
}

/** A file of values against the variables: all that have no default are there, none is unknown, each has its type. */
export function validateTfvars(configuration: Configuration, text: string, file: string): Fault[] {
  let values: Record<string, Json>
  try {
    values = parseTfvars(text)
  } catch (error) {
    return [{ where: file, what: error instanceof Error ? error.message : String(error) }]
  }
  const variables = configuration.variable ?? {}
  const faults: Fault[] = []
  for (const [name, value] of Object.entries(values)) {
    const variable = variables[name]
    if (variable === undefined) {
      faults.push({
        where: `${file}: ${name}`,
        what: `no such variable is declared${meant(name, Object.keys(variables))}`,
      })
      continue
    }
    const type = typeOfVariable(variable)
    const fault =
      value === null && variable.nullable === false ? 'may not be null' : mismatch(value, type, () => undefined)
    if (fault !== undefined) faults.push({ where: `${file}: ${name}`, what: fault })
  }
  for (const [name, variable] of Object.entries(variables)) {
    if (!('default' in variable) && !(name in values))
      faults.push({ where: `${file}: ${name}`, what: 'has no default and is not set' })
  }
  return faults
}

interface Scope {
  /** What `dynamic` blocks around have bound. */
  bound: readonly string[]
  count: boolean
  forEach: boolean
}

const NO_SCOPE: Scope = { bound: [], count: false, forEach: false }

class Validation {
  readonly #configuration: Configuration
  readonly #schema: ProviderSchema
  readonly #faults: Fault[] = []
  readonly #used = new Set<string>()

  constructor(configuration: Configuration, schema: ProviderSchema) {
    this.#configuration = configuration
    this.#schema = schema
  }

  all(): Fault[] {
    const { provider = {}, variable = {}, locals = {}, output = {} } = this.#configuration
    for (const [name, written] of Object.entries(provider)) {
      for (const body of bodiesOf(written))
        if (name === 'aws') this.#body(body, this.#schema.provider(), `provider.${name}`, NO_SCOPE)
    }
    for (const kind of KINDS) {
      for (const [type, instances] of Object.entries(this.#configuration[kind] ?? {})) {
        for (const [name, body] of Object.entries(instances)) this.#instance(kind, type, name, body)
      }
    }
    for (const [name, declared] of Object.entries(variable)) this.#variable(name, declared)
    this.#references(locals, 'locals', NO_SCOPE)
    for (const [name, declared] of Object.entries(output)) this.#references(declared, `output.${name}`, NO_SCOPE)
    for (const name of Object.keys(variable))
      if (!this.#used.has(`var.${name}`)) this.#fault(`variable.${name}`, 'is declared and never used')
    for (const name of Object.keys(locals))
      if (!this.#used.has(`local.${name}`) && name !== '//') this.#fault(`locals.${name}`, 'is set and never used')
    return this.#faults
  }

  #fault(where: string, what: string): void {
    this.#faults.push({ where, what })
  }

  #variable(name: string, declared: JsonObject): void {
    const where = `variable.${name}`
    try {
      const fault =
        'default' in declared ? mismatch(declared.default, typeOfVariable(declared), () => undefined) : undefined
      if (fault !== undefined) this.#fault(`${where}.default`, fault)
    } catch (error) {
      this.#fault(`${where}.type`, error instanceof Error ? error.message : String(error))
    }
    // A condition on itself is no use of a variable.
    const before = this.#used.has(`var.${name}`)
    this.#references(declared.validation ?? null, `${where}.validation`, NO_SCOPE)
    if (!before) this.#used.delete(`var.${name}`)
  }

  #instance(kind: Kind, type: string, name: string, body: JsonObject): void {
    const where = `${kind}.${type}.${name}`
    if (type === 'terraform_data' && kind === 'resource') {
      this.#references(body, where, { bound: ['self'], count: 'count' in body, forEach: 'for_each' in body })
      return
    }
    const block = this.#schema[kind](type)
    if (block === undefined) {
      this.#fault(where, `the provider has no ${kind === 'data' ? 'data source' : kind} of type ${type}`)
      return
    }
    const scope: Scope = { bound: ['self'], count: 'count' in body, forEach: 'for_each' in body }
    if (scope.count && scope.forEach) this.#fault(where, 'has count and for_each, of which one is allowed')
    if (scope.count) this.#value(body.count, 'number', `${where}.count`, NO_SCOPE)
    this.#references(body.for_each ?? null, `${where}.for_each`, NO_SCOPE)
    for (const address of Array.isArray(body.depends_on) ? body.depends_on : [])
      this.#dependency(String(address), `${where}.depends_on`)
    for (const lifecycle of bodiesOf(body.lifecycle ?? null))
      this.#lifecycle(lifecycle, block, `${where}.lifecycle`, scope)
    this.#body(body, block, where, scope)
  }

  #lifecycle(lifecycle: JsonObject, block: Block, where: string, scope: Scope): void {
    const ignored = lifecycle.ignore_changes
    for (const name of Array.isArray(ignored) ? ignored.map(String) : []) {
      const [first = ''] = name.split(/[.[]/)
      if (!(first in block.attributes) && !(first in block.blocks))
        this.#fault(`${where}.ignore_changes`, noSuch(first, block))
    }
    for (const address of Array.isArray(lifecycle.replace_triggered_by) ? lifecycle.replace_triggered_by : [])
      this.#dependency(String(address), `${where}.replace_triggered_by`)
    this.#references(lifecycle.precondition ?? null, `${where}.precondition`, scope)
    this.#references(lifecycle.postcondition ?? null, `${where}.postcondition`, scope)
  }

  #dependency(address: string, where: string): void {
    const reference = parseReference(address.replace(/^\$\{(.*)\}$/, '$1'))
    if (reference === undefined) this.#fault(where, `"${address}" is no address`)
    else this.#declaration(reference, where)
  }

  #body(body: JsonObject, block: Block, where: string, scope: Scope): void {
    const dynamic = new Map<string, JsonObject[]>()
    for (const group of bodiesOf(body.dynamic ?? null))
      for (const [name, written] of Object.entries(group)) dynamic.set(name, bodiesOf(written))

    for (const [name, value] of Object.entries(body)) {
      if (META_ARGUMENTS.has(name) && !(name in block.attributes)) continue
      const attribute = block.attributes[name]
      const nested = block.blocks[name]
      if (attribute !== undefined) this.#attribute(attribute, value, `${where}.${name}`, scope)
      else if (nested !== undefined) this.#blocks(nested, bodiesOf(value), `${where}.${name}`, scope, dynamic.has(name))
      else this.#fault(`${where}.${name}`, noSuch(name, block))
    }
    for (const [name, bodies] of dynamic) {
      const nested = block.blocks[name]
      if (nested === undefined) this.#fault(`${where}.dynamic.${name}`, noSuch(name, block))
      else
        for (const { for_each = null, iterator, content = {} } of bodies) {
          this.#references(for_each, `${where}.${name}.for_each`, scope)
          const inside = { ...scope, bound: [...scope.bound, typeof iterator === 'string' ? iterator : name] }
          for (const one of bodiesOf(content)) this.#body(one, nested.block, `${where}.${name}`, inside)
        }
    }
    for (const [name, attribute] of Object.entries(block.attributes)) {
      if (attribute.required && (body[name] ?? null) === null) this.#fault(where, `"${name}" is required`)
    }
    for (const [name, nested] of Object.entries(block.blocks)) {
      const there = dynamic.has(name) || bodiesOf(body[name] ?? null).length > 0
      if (nested.minItems > 0 && !there) this.#fault(where, `a block "${name}" is required`)
    }
  }

  #attribute(attribute: Attribute, value: Json, where: string, scope: Scope): void {
    if (attribute.computed && !attribute.optional && value !== null)
      this.#fault(where, 'is decided by AWS and cannot be set')
    else this.#value(value, attribute.type, where, scope)
  }

  #blocks(nested: NestedBlock, bodies: JsonObject[], where: string, scope: Scope, also: boolean): void {
    const limit = nested.nesting === 'single' ? 1 : nested.maxItems
    if (limit > 0 && bodies.length + (also ? 1 : 0) > limit)
      this.#fault(where, `is there ${bodies.length + (also ? 1 : 0)} times, one is allowed`)
    for (const [index, body] of bodies.entries())
      this.#body(body, nested.block, bodies.length > 1 ? `${where}[${index}]` : where, scope)
  }

  #value(value: Json | undefined, type: ValueType, where: string, scope: Scope): void {
    this.#references(value ?? null, where, scope)
    const fault = mismatch(value, type, (text) => this.#typeOfTemplate(text))
    if (fault !== undefined) this.#fault(where, fault)
  }

  #references(value: Json, where: string, scope: Scope): void {
    if (typeof value === 'string') {
      const { references, fault } = parseTemplate(value)
      if (fault !== undefined) this.#fault(where, fault)
      for (const reference of references) this.#reference(reference, where, scope)
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.#references(item, `${where}[${index}]`, scope)
    } else if (value !== null && typeof value === 'object') {
      for (const [name, item] of Object.entries(value)) {
        if (name === '//') continue
        this.#references(name, where, scope)
        this.#references(item, `${where}.${name}`, scope)
      }
    }
  }

  #reference(reference: Reference, where: string, scope: Scope): void {
    if (scope.bound.includes(reference.root)) return
    switch (reference.root) {
      case 'var':
      case 'local': {
        const name = firstName(reference.steps)
        this.#used.add(`${reference.root}.${name}`)
        const declared = Object.keys(
          (reference.root === 'var' ? this.#configuration.variable : this.#configuration.locals) ?? {},
        )
        if (!declared.includes(name))
          this.#fault(
            where,
            `${reference.root}.${name} is not ${reference.root === 'var' ? 'declared' : 'set'}${meant(name, declared)}`,
          )
        return
      }
      case 'count':
        if (!scope.count) this.#fault(where, `${reference.text} is used where nothing is counted`)
        return
      case 'each':
        if (!scope.forEach) this.#fault(where, `${reference.text} is used without for_each`)
        return
      case 'path':
      case 'terraform':
        return
      default: {
        const declared = this.#declaration(reference, where)
        if (declared === undefined) return
        const found = walk(declared, reference.text)
        if (found.fault !== undefined) this.#fault(where, found.fault)
      }
    }
  }

  /** What a reference to a resource, a data source or an ephemeral one is about; a fault when there is no such. */
  #declaration(reference: Reference, where: string): Declaration | undefined {
    const kind: Kind = reference.root === 'data' || reference.root === 'ephemeral' ? reference.root : 'resource'
    const names = reference.steps.flatMap((step) => ('name' in step ? [step.name] : []))
    const [type, name] = kind === 'resource' ? [reference.root, names[0]] : [names[0], names[1]]
    if (type === undefined || name === undefined) {
      this.#fault(where, `"${reference.text}" is no address`)
      return undefined
    }
    const instances = this.#configuration[kind]?.[type] ?? {}
    const body = instances[name]
    const prefix = kind === 'resource' ? '' : `${kind}.`
    if (body === undefined) {
      this.#fault(where, `there is no ${prefix}${type}.${name}${meant(name, Object.keys(instances))}`)
      return undefined
    }
    const block = type === 'terraform_data' ? TERRAFORM_DATA : this.#schema[kind](type)
    const many = 'count' in body || 'for_each' in body
    const steps = reference.steps.slice(kind === 'resource' ? 1 : 2)
    return block === undefined ? undefined : { address: `${prefix}${type}.${name}`, block, many, steps }
  }

  #typeOfTemplate(text: string): ValueType | undefined {
    const { whole } = parseTemplate(text)
    if (whole === undefined) return /^\$\{.*\}$/s.test(text) && endsWithFirst(text) ? undefined : 'string'
    if (whole.root === 'count') return 'number'
    if (whole.root === 'var') {
      const variable = this.#configuration.variable?.[firstName(whole.steps)]
      if (variable === undefined) return undefined
      try {
        return stepInto(typeOfVariable(variable), whole.steps.slice(1)).type
      } catch {
        return undefined
      }
    }
    if (['local', 'each', 'path', 'terraform', 'self', 'module'].includes(whole.root)) return undefined
    const before = this.#faults.length
    const declared = this.#declaration(whole, '')
    // Whoever looks for a type is not the one who reports what is missing.
    this.#faults.length = before
    return declared === undefined ? undefined : walk(declared, whole.text).type
  }
}

interface Declaration {
  address: string
  block: Block
  /** Whether it is counted, so that an instance must be chosen. */
  many: boolean
  steps: Step[]
}

const TERRAFORM_DATA: Block = {
  attributes: Object.fromEntries(
    ['id', 'input', 'output', 'triggers_replace'].map((name) => [
      name,
      { type: 'dynamic', computed: true, optional: true, required: false },
    ]),
  ),
  blocks: {},
}

function walk({ address, block, many, steps }: Declaration, text: string): { type?: ValueType; fault?: string } {
  const [first, ...others] = steps
  if (first === undefined) return {}
  if ('name' in first) {
    if (many) return { fault: `${address} is counted: ${text} has to say which one` }
    return walkBlock(address, block, steps)
  }
  if (!many) return { fault: `${address} is one: ${text} may not say which` }
  const inner = others.length === 0 ? {} : walkBlock(address, block, others)
  return 'splat' in first && inner.type !== undefined ? { type: ['list', inner.type] } : inner
}

function walkBlock(address: string, block: Block, steps: Step[]): { type?: ValueType; fault?: string } {
  const [first, ...others] = steps
  if (first === undefined || !('name' in first)) return {}
  const attribute = block.attributes[first.name]
  if (attribute !== undefined) {
    const found = stepInto(attribute.type, others)
    return found.fault === undefined ? found : { fault: `${address}.${first.name}: ${found.fault}` }
  }
  const nested = block.blocks[first.name]
  if (nested === undefined) return { fault: `${address} has ${noSuch(first.name, block)}` }
  if (nested.nesting === 'single') return walkBlock(`${address}.${first.name}`, nested.block, others)
  const [choice, ...rest] = others
  if (choice === undefined) return {}
  if ('name' in choice)
    return { fault: `${address}.${first.name} is a list of blocks: one has to be chosen before .${choice.name}` }
  const inner = walkBlock(`${address}.${first.name}`, nested.block, rest)
  return 'splat' in choice && inner.type !== undefined ? { type: ['list', inner.type] } : inner
}

/** The type behind further steps. */
function stepInto(type: ValueType, steps: Step[]): { type?: ValueType; fault?: string } {
  const [first, ...others] = steps
  if (first === undefined) return { type }
  if (type === 'dynamic') return {}
  if (typeof type === 'string') return { fault: `${describeType(type)} has no parts` }
  if ('name' in first) {
    if (type[0] === 'object') {
      const member = type[1][first.name]
      return member === undefined
        ? { fault: `has no "${first.name}"${meant(first.name, Object.keys(type[1]))}` }
        : stepInto(member, others)
    }
    return type[0] === 'map' ? stepInto(type[1], others) : { fault: `${describeType(type)} has no "${first.name}"` }
  }
  if (type[0] === 'object' || type[0] === 'tuple') return {}
  if ('splat' in first) {
    const inner = stepInto(type[1], others)
    return inner.type === undefined ? inner : { type: ['list', inner.type] }
  }
  return stepInto(type[1], others)
}

/** A variable that says no type takes anything. */
function typeOfVariable(variable: JsonObject): ValueType {
  return typeof variable.type === 'string' ? parseType(variable.type) : 'dynamic'
}

/** "${a} and ${b}" begins and ends like one expression and is a text. */
function endsWithFirst(text: string): boolean {
  let depth = 0
  for (let place = 1; place < text.length; place++) {
    if (text[place] === '{') depth++
    if (text[place] === '}' && --depth === 0) return place === text.length - 1
  }
  return false
}

function bodiesOf(value: Json): JsonObject[] {
  const items = Array.isArray(value) ? value : [value]
  return items.filter((item): item is JsonObject => item !== null && typeof item === 'object' && !Array.isArray(item))
}

function firstName(steps: Step[]): string {
  const [first] = steps
  return first !== undefined && 'name' in first ? first.name : ''
}

function noSuch(name: string, block: Block): string {
  return `no attribute or block "${name}"${meant(name, [...Object.keys(block.attributes), ...Object.keys(block.blocks)])}`
}

/** The name that differs by a slip of the finger, if there is one. */
function meant(name: string, candidates: string[]): string {
  const near = candidates
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter(({ distance }) => distance > 0 && distance <= Math.max(1, Math.floor(name.length / 4)))
    .sort((left, right) => left.distance - right.distance)[0]
  return near === undefined ? '' : `; is "${near.candidate}" meant?`
}

/** Letters to be put in, left out, changed or swapped with the next one. */
function distance(left: string, right: string): number {
  const table = [Array.from({ length: right.length + 1 }, (_, index) => index)]
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const [above, before] = [table[i - 1]!, row[j - 1]!]
      row[j] = Math.min(above[j]! + 1, before + 1, above[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1))
      const swapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]
      if (swapped) row[j] = Math.min(row[j]!, table[i - 2]![j - 2]! + 1)
    }
    table.push(row)
  }
  return table[left.length]![right.length]!
}
