// The AWS provider's schema, read back from its typed bindings. The provider itself is a large program that must be downloaded; the bindings
// are made of its schema, and their JavaScript still says, for each attribute, whether it is computed, optional or required and which type it
// has, and for each block how it nests. What is lost: which values are sensitive, limits other than "one", conflicts, lists of permitted values,
// and which change replaces a resource. A type is read when it is asked for: some sixty of fifteen hundred are.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ValueType } from './value-type.ts'

export interface Attribute {
  type: ValueType
  computed: boolean
  optional: boolean
  required: boolean
}

export interface NestedBlock {
  nesting: 'single' | 'list' | 'set' | 'map'
  minItems: number
  /** 0 is any number. */
  maxItems: number
  block: Block
}

export interface Block {
  attributes: Record<string, Attribute>
  blocks: Record<string, NestedBlock>
}

export interface ProviderSchema {
  /** "6.66.0" */
  version: string
  /** undefined where the provider has no such type. */
  resource(type: string): Block | undefined
  data(type: string): Block | undefined
  ephemeral(type: string): Block | undefined
  provider(): Block
}

const BINDINGS = dirname(createRequire(import.meta.url).resolve('@cdktn/provider-aws/package.json'))

export function awsProviderSchema(bindings = BINDINGS): ProviderSchema {
  const read = new Map<string, Block | undefined>()
  const block = (folder: string): Block | undefined => {
    if (!read.has(folder)) {
      const path = join(bindings, 'lib', folder)
      read.set(folder, existsSync(path) ? readBinding(sourcesOf(path)) : undefined)
    }
    return read.get(folder)
  }
  const manifest = JSON.parse(readFileSync(join(bindings, 'package.json'), 'utf8'))
  const resource = (type: string): Block | undefined => {
    const found = block(folderOf(type))
    // The rule of a web ACL may hold statements in statements without end, which the bindings leave untyped. The newer resource for one rule has the
    // same statements, three deep.
    if (found !== undefined && (type === 'aws_wafv2_web_acl' || type === 'aws_wafv2_rule_group')) {
      const statement = block(folderOf('aws_wafv2_web_acl_rule'))?.blocks.statement
      const rule = found.blocks.rule?.block
      if (statement !== undefined && rule?.attributes.statement !== undefined) {
        delete rule.attributes.statement
        rule.blocks.statement = { ...statement, minItems: 1, maxItems: 1 }
      }
    }
    return found
  }
  return {
    version: manifest.cdktn?.provider?.version ?? '',
    resource,
    data: (type) => block(`data-aws-${folderOf(type)}`),
    ephemeral: (type) => block(`ephemeral-aws-${folderOf(type)}`),
    provider: () => block('provider') ?? { attributes: {}, blocks: {} },
  }
}

function folderOf(type: string): string {
  return type.replace(/^aws_/, '').replaceAll('_', '-')
}

/** Very large bindings are cut into several files. */
function sourcesOf(folder: string): string {
  const structs = join(folder, 'index-structs')
  const parts = existsSync(structs) ? readdirSync(structs).filter((name) => /^structs\d+\.js$/.test(name)) : []
  return [...parts.map((name) => join(structs, name)), join(folder, 'index.js')]
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
}

interface Shape {
  isBlock: boolean
  nesting: string
  storage: string
  /** The mapper's second argument: true for blocks, false for an attribute that holds objects. */
  manyBlocks: boolean | undefined
}

const CLASS = /^class (\w+) extends cdktn\.(\w+) \{$/gm
const FLAGS = /^ {4}\/\/ (\w+) - computed: (true|false), optional: (true|false), required: (true|false)$/gm
const SHAPE =
  /^ +(\w+): \{\n +value: (.*),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)",\n +\},$/gm

/** The schema of the one resource, data source or provider that a binding's source describes. */
export function readBinding(source: string): Block {
  const classes = new Map<string, string>()
  let root: string | undefined
  const starts = [...source.matchAll(CLASS)]
  for (const [index, start] of starts.entries()) {
    const name = start[1]!
    const text = source.slice(start.index, starts[index + 1]?.index ?? source.length)
    const end = text.indexOf(`\nexports.${name} = `)
    classes.set(name, end < 0 ? text : text.slice(0, end))
    if (/^Terraform(Resource|DataSource|EphemeralResource|Provider)$/.test(start[2]!)) root = name
  }
  if (root === undefined) throw new Error('This is no binding of a resource, a data source or a provider')

  const functions = new Map<string, string>()
  for (const found of source.matchAll(/^function (\w+)ToHclTerraform\(struct\) \{\n([\s\S]*?)^\}/gm))
    functions.set(found[1]!, found[2]!)

  /** Statements of a firewall rule hold each other; a block on the way to itself ends the description there. */
  const blockOf = (name: string, shapesText: string, above: readonly string[]): Block => {
    const shapes = readShapes(shapesText)
    const text = classes.get(name)
    if (text === undefined) throw new Error(`The binding speaks of ${name} and does not have it`)
    const block: Block = { attributes: {}, blocks: {} }
    const flags = [...text.matchAll(FLAGS)]
    for (const [index, found] of flags.entries()) {
      const attribute = found[1]!
      const [computed, optional, required] = [found[2] === 'true', found[3] === 'true', found[4] === 'true']
      const body = text.slice(found.index, flags[index + 1]?.index ?? text.length)
      const nested = /= new (?:\w+\.)?(\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)/.exec(body)
      const shape = shapes.get(attribute)
      if (shape?.isBlock === true && nested === null) {
        block.blocks[attribute] = argumentsOnly(
          functions.get(lowerFirst(shape.storage.replace(/List$/, ''))) ?? '',
          required,
        )
        continue
      }
      if (nested === null || /^(String|Number|Boolean|Any)$/.test(nested[1]!)) {
        block.attributes[attribute] = { type: typeOf(body, shape), computed, optional, required }
        continue
      }
      const [, prefix, kind, wrapsSet] = nested as unknown as [string, string, string, string | undefined]
      const child = `${prefix}OutputReference`
      if (above.includes(child)) continue
      const inner = blockOf(child, functions.get(lowerFirst(prefix)) ?? '', [...above, child])
      const many = kind !== 'OutputReference'
      const isSet = wrapsSet === 'true' || shape?.nesting === 'set'
      if ((computed && !optional) || (many && shape?.manyBlocks === false)) {
        const object: ValueType = ['object', Object.fromEntries([...objectMembers(inner)])]
        const type: ValueType = many ? [kind === 'Map' ? 'map' : isSet ? 'set' : 'list', object] : object
        block.attributes[attribute] = { type, computed, optional, required }
        continue
      }
      block.blocks[attribute] = {
        nesting: shape?.nesting === 'struct' ? 'single' : kind === 'Map' ? 'map' : isSet ? 'set' : 'list',
        minItems: required ? 1 : 0,
        maxItems: many ? 0 : 1,
        block: inner,
      }
    }
    return block
  }
  return blockOf(root, classes.get(root)!, [])
}

/** A block of the provider's own configuration: nobody reads it back, so that its members' shapes are all there is. */
function argumentsOnly(shapesText: string, required: boolean): NestedBlock {
  const block: Block = { attributes: {}, blocks: {} }
  for (const [name, shape] of readShapes(shapesText)) {
    block.attributes[name] = {
      type: storageType(shape, shape.nesting === 'set'),
      computed: false,
      optional: true,
      required: false,
    }
  }
  return { nesting: 'list', minItems: required ? 1 : 0, maxItems: 0, block }
}

function readShapes(text: string): Map<string, Shape> {
  const shapes = new Map<string, Shape>()
  for (const [, name, value, isBlock, nesting, storage] of text.matchAll(SHAPE)) {
    const mapper = /listMapperHcl\([^)]*, (true|false)\)/.exec(value!)
    shapes.set(name!, {
      isBlock: isBlock === 'true',
      nesting: nesting!,
      storage: storage!,
      manyBlocks: mapper === null ? undefined : mapper[1] === 'true',
    })
  }
  return shapes
}

function* objectMembers(block: Block): Generator<[string, ValueType]> {
  for (const [name, attribute] of Object.entries(block.attributes)) yield [name, attribute.type]
  for (const [name, nested] of Object.entries(block.blocks)) {
    const object: ValueType = ['object', Object.fromEntries([...objectMembers(nested.block)])]
    yield [name, nested.nesting === 'single' ? object : [nested.nesting, object]]
  }
}

const SIMPLE: Record<string, ValueType> = { string: 'string', number: 'number', boolean: 'bool', any: 'dynamic' }

function typeOf(body: string, shape: Shape | undefined): ValueType {
  const isSet = shape?.nesting === 'set' || body.includes('Fn.tolist(')
  const map = /= new cdktn\.(String|Number|Boolean|Any)Map\(/.exec(body)
  if (map !== null) return ['map', SIMPLE[lowerFirst(map[1]!)] ?? 'dynamic']
  const list = /= new cdktn\.(String|Number|Boolean|Any)MapList\(this, "\w+", (true|false)\)/.exec(body)
  if (list !== null) return [list[2] === 'true' ? 'set' : 'list', ['map', SIMPLE[lowerFirst(list[1]!)] ?? 'dynamic']]
  const getter = /this\.get(String|Number|Boolean|Any)?(List|Map)?Attribute\(/.exec(body)
  if (getter === null) return storageType(shape, isSet)
  const member = SIMPLE[lowerFirst(getter[1] ?? 'string')] ?? 'dynamic'
  if (getter[2] === 'List') return [isSet ? 'set' : 'list', member]
  return getter[2] === 'Map' ? ['map', member] : member
}

/** The provider's own arguments, and lists of maps, have no getter: the storage class says the type ("stringList", "boolean"). */
function storageType(shape: Shape | undefined, isSet: boolean): ValueType {
  const found = /^(string|number|boolean|any)(List|Map|MapList)?$/.exec(shape?.storage ?? 'any')
  const member = SIMPLE[found?.[1] ?? 'any'] ?? 'dynamic'
  if (found?.[2] === 'List') return [isSet ? 'set' : 'list', member]
  if (found?.[2] === 'MapList') return [isSet ? 'set' : 'list', ['map', member]]
  return found?.[2] === 'Map' ? ['map', member] : member
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
