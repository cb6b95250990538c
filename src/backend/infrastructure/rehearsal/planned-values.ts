// What a provider answers when Terraform asks "what will it be?" and "make it so": the configuration, with the values that AWS chooses unknown before
// and filled in after. Tags are the provider's default tags under the resource's own, as the real one computes them.
import type { Attribute, Block, NestedBlock } from '../schema/provider-schema.ts'
import { type Account, answerFor, digestOf, type Subject } from './identifiers.ts'
import { RENEWED_BY_ANY_CHANGE, REPLACED_BY_CHANGE_OF } from './replacement.ts'
import { equal, isObject, isUnknown, type ObjectValue, Unknown, type Value } from './wire.ts'

export interface Settings {
  account: Account
  defaultTags: Value
  /** Counts what is drawn anew each time that it is read: a password, not an identifier. */
  draw(): number
}

export interface Plan {
  planned: Value
  /** Names of the arguments whose change needs another resource. */
  replacedBy: string[]
}

export function planChange(type: string, block: Block, prior: Value, proposed: Value, settings: Settings): Plan {
  if (!isObject(proposed)) return { planned: null, replacedBy: [] }
  const wanted = withoutWriteOnly(block, withTags(block, { ...proposed }, settings))
  if (!isObject(prior)) return { planned: marked(block, wanted, settings), replacedBy: [] }
  if (equal(prior, wanted)) return { planned: prior, replacedBy: [] }
  const planned = marked(block, wanted, settings)
  for (const name of RENEWED_BY_ANY_CHANGE[type] ?? []) planned[name] = new Unknown()
  const replacedBy = (REPLACED_BY_CHANGE_OF[type] ?? []).filter(
    (name) => name in planned && !equal(prior[name], planned[name]) && !isEmptyBoth(prior[name], planned[name]),
  )
  return { planned, replacedBy }
}

/** The state after apply. `nth` tells resources apart of which nothing is known that differs. */
export function applyChange(
  type: string,
  block: Block,
  planned: Value,
  settings: Settings,
  nth: (digest: string) => number,
): Value {
  if (!isObject(planned)) return null
  const digest = digestOf(type, planned, nth(digestOf(type, planned, 0)))
  const subject: Subject = { type, values: planned, digest, account: settings.account }
  return filled(block, planned, subject)
}

/** What a data source reads when no table answers for it. */
export function readComputed(type: string, block: Block, config: ObjectValue, settings: Settings): ObjectValue {
  const subject: Subject = { type, values: config, digest: digestOf(type, config, 0), account: settings.account }
  return filled(block, marked(block, config, settings), subject)
}

function withTags(block: Block, values: ObjectValue, settings: Settings): ObjectValue {
  if (block.attributes.tags_all?.computed !== true) return values
  const own = values.tags ?? null
  const shared = settings.defaultTags
  values.tags_all =
    isUnknown(own) || isUnknown(shared)
      ? new Unknown()
      : { ...(isObject(shared) ? shared : {}), ...(isObject(own) ? own : {}) }
  return values
}

/** A write-only argument reaches AWS and is never kept, in no plan and no state. */
function withoutWriteOnly(block: Block, values: ObjectValue): ObjectValue {
  for (const [name, attribute] of Object.entries(block.attributes))
    if (isWriteOnly(name, attribute)) values[name] = null
  return values
}

export function isWriteOnly(name: string, attribute: Attribute): boolean {
  return name.endsWith('_wo') && !attribute.computed
}

function marked(block: Block, values: ObjectValue, settings: Settings): ObjectValue {
  const result: ObjectValue = { ...values }
  for (const [name, attribute] of Object.entries(block.attributes)) {
    if (!attribute.computed || (result[name] ?? null) !== null) continue
    result[name] = name === 'region' && attribute.optional ? settings.account.region : new Unknown()
  }
  eachNested(block, result, (nested, value) => marked(nested.block, value, settings))
  return result
}

function filled(block: Block, values: ObjectValue, subject: Subject): ObjectValue {
  const result: ObjectValue = { ...values }
  for (const [name, attribute] of Object.entries(block.attributes)) {
    const value = result[name]
    if (isUnknown(value))
      result[name] = attribute.computed ? answerFor(name, attribute.type, subject, attribute.optional) : null
    else if (value !== undefined) result[name] = withoutUnknown(value)
  }
  eachNested(block, result, (nested, value) => filled(nested.block, value, subject))
  return result
}

/** Unknowns inside maps and objects that the author wrote are resolved by Terraform before apply; a stray one is nothing. */
function withoutUnknown(value: Value): Value {
  if (isUnknown(value)) return null
  if (Array.isArray(value)) return value.map(withoutUnknown)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutUnknown(member)]))
}

function eachNested(
  block: Block,
  values: ObjectValue,
  change: (nested: NestedBlock, value: ObjectValue) => Value,
): void {
  for (const [name, nested] of Object.entries(block.blocks)) {
    const value = values[name]
    if (Array.isArray(value)) values[name] = value.map((item) => (isObject(item) ? change(nested, item) : item))
    else if (isObject(value) && nested.nesting === 'single') values[name] = change(nested, value)
    else if (isObject(value))
      values[name] = Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, isObject(item) ? change(nested, item) : item]),
      )
  }
}

function isEmptyBoth(left: Value | undefined, right: Value | undefined): boolean {
  const empty = (value: Value | undefined) =>
    value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
  return empty(left) && empty(right)
}
