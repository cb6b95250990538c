// Whether an object fits the schema of its CustomResourceDefinition: the part of OpenAPI that definitions use. What the schema does
// not know is a fault under strict field validation and dropped otherwise.
import { isTree, type Tree } from './api-object.ts'

export interface SchemaFaults {
  /** `spec.backends[0].weight: must be an integer` */
  readonly invalid: readonly string[]
  readonly unknown: readonly string[]
}

/** @param object is not changed */
export function schemaFaults(schema: Tree, object: Tree): SchemaFaults {
  const invalid: string[] = []
  const unknown: string[] = []
  const { apiVersion: _, kind: __, metadata: ___, ...fields } = object
  const { apiVersion: ____, kind: _____, metadata: ______, ...properties } = (schema.properties ?? {}) as Tree
  check({ ...schema, properties, required: without(schema.required, 'metadata') }, fields, '')
  return { invalid, unknown }

  function check(rule: Tree, value: unknown, path: string): void {
    const say = (why: string) => invalid.push(`${path === '' ? 'the object' : path}: ${why}`)
    if (value === null && rule.nullable === true) return
    if (rule['x-kubernetes-int-or-string'] === true) {
      if (!Number.isInteger(value) && typeof value !== 'string') say('must be an integer or a string')
      return
    }
    if (typeof rule.type === 'string' && !isOfType(rule.type, value)) {
      say(`must be of type ${rule.type}`)
      return
    }
    if (Array.isArray(rule.enum) && !rule.enum.includes(value)) say(`must be one of ${rule.enum.join(', ')}`)
    if (typeof value === 'number') checkNumber(rule, value, say)
    else if (typeof value === 'string') checkText(rule, value, say)
    else if (Array.isArray(value)) checkList(rule, value, path, say)
    else if (isTree(value)) checkTree(rule, value, path)
  }

  function checkList(rule: Tree, list: readonly unknown[], path: string, say: (why: string) => void): void {
    if (list.length < limit(rule.minItems, 0)) say(`must have at least ${rule.minItems} items`)
    if (list.length > limit(rule.maxItems, Number.POSITIVE_INFINITY)) say(`must have at most ${rule.maxItems} items`)
    for (const [at, item] of list.entries()) check((rule.items ?? {}) as Tree, item, `${path}[${at}]`)
  }

  function checkTree(rule: Tree, tree: Tree, path: string): void {
    const known = (rule.properties ?? {}) as Tree
    for (const name of (rule.required ?? []) as string[]) {
      if (tree[name] === undefined) invalid.push(`${join(path, name)}: Required value`)
    }
    for (const [name, value] of Object.entries(tree)) {
      const own = known[name] ?? (isTree(rule.additionalProperties) ? rule.additionalProperties : undefined)
      if (own !== undefined) check(own as Tree, value, join(path, name))
      else if (rule['x-kubernetes-preserve-unknown-fields'] !== true && rule.additionalProperties !== true) {
        unknown.push(join(path, name))
      }
    }
  }
}

function checkNumber(rule: Tree, value: number, say: (why: string) => void): void {
  if (value < limit(rule.minimum, Number.NEGATIVE_INFINITY)) say(`must be at least ${rule.minimum}`)
  if (value > limit(rule.maximum, Number.POSITIVE_INFINITY)) say(`must be at most ${rule.maximum}`)
}

function checkText(rule: Tree, value: string, say: (why: string) => void): void {
  if (value.length < limit(rule.minLength, 0)) say(`must have at least ${rule.minLength} characters`)
  if (value.length > limit(rule.maxLength, Number.POSITIVE_INFINITY))
    say(`must have at most ${rule.maxLength} characters`)
  if (typeof rule.pattern === 'string' && !new RegExp(rule.pattern).test(value)) say(`must match ${rule.pattern}`)
}

function limit(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'object') return isTree(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'number') return typeof value === 'number'
  return type === 'boolean' ? typeof value === 'boolean' : typeof value === 'string'
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function without(list: unknown, word: string): unknown[] {
  return Array.isArray(list) ? list.filter((entry) => entry !== word) : []
}
