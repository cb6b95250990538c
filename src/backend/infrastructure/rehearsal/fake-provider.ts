// A provider that Terraform takes for AWS's: it serves the schema read back from the bindings, plans and applies without asking anybody, and forgets
// everything (the state remembers). It runs inside the rehearsal's process on a loopback port; Terraform is told of it by TF_REATTACH_PROVIDERS and
// then downloads nothing and writes no lock file entry.
import { join } from 'node:path'
import { loadPackageDefinition, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { Block, ProviderSchema } from '../schema/provider-schema.ts'
import { DATA_ANSWERS } from './data-answers.ts'
import type { Account } from './identifiers.ts'
import { applyChange, isWriteOnly, planChange, readComputed, type Settings } from './planned-values.ts'
import { type DynamicValue, fromWire, isObject, toWire, type Value } from './wire.ts'

export interface UsedTypes {
  resources: Iterable<string>
  data: Iterable<string>
  ephemeral: Iterable<string>
}

export interface FakeProvider {
  /** The value of TF_REATTACH_PROVIDERS. */
  reattach: string
  close(): Promise<void>
}

interface Request {
  type_name: string
  config?: DynamicValue
  prior_state?: DynamicValue
  proposed_new_state?: DynamicValue
  planned_state?: DynamicValue
  current_state?: DynamicValue
  raw_state?: { json: Uint8Array }
}

/** Arguments that the provider hides in its output. The bindings do not say which; these are the ones whose names give them away. */
const SENSITIVE = /^(password|master_password|auth_token|secret_string|secret_binary|token|passwords|value_wo)$/

export async function startFakeProvider(
  schema: ProviderSchema,
  used: UsedTypes,
  account: Account,
): Promise<FakeProvider> {
  let drawn = 0
  const settings: Settings = { account: { ...account }, defaultTags: null, draw: () => drawn++ }
  const resources = present(used.resources, schema.resource)
  const data = present(used.data, schema.data)
  const ephemeral = present(used.ephemeral, schema.ephemeral)
  const seen = new Map<string, number>()
  const nth = (digest: string): number => {
    const count = seen.get(digest) ?? 0
    seen.set(digest, count + 1)
    return count
  }

  const schemas = {
    provider: schemaMessage(withoutAlias(schema.provider())),
    resource_schemas: messages(resources),
    data_source_schemas: messages(data),
    ephemeral_resource_schemas: messages(ephemeral),
  }
  const calls: Record<string, (request: Request) => object> = {
    GetSchema: () => schemas,
    PrepareProviderConfig: ({ config }) => ({ prepared_config: config }),
    ValidateResourceTypeConfig: ({ type_name, config }) => ({
      diagnostics: misplaced(blockOf(resources, type_name), fromWire(config)),
    }),
    ValidateDataSourceConfig: ({ type_name, config }) => ({
      diagnostics: misplaced(blockOf(data, type_name), fromWire(config)),
    }),
    ValidateEphemeralResourceConfig: () => ({}),
    // The state's own JSON is a form that the protocol allows: nothing to be upgraded.
    UpgradeResourceState: ({ raw_state }) => ({ upgraded_state: { json: raw_state?.json } }),
    Configure: ({ config }) => {
      const written = fromWire(config)
      if (isObject(written)) {
        if (typeof written.region === 'string') settings.account.region = written.region
        const [tags] = Array.isArray(written.default_tags) ? written.default_tags : []
        settings.defaultTags = isObject(tags) ? (tags.tags ?? null) : null
      }
      return {}
    },
    ReadResource: ({ current_state }) => ({ new_state: current_state }),
    PlanResourceChange: ({ type_name, prior_state, proposed_new_state }) => {
      const change = planChange(
        type_name,
        blockOf(resources, type_name),
        fromWire(prior_state),
        fromWire(proposed_new_state),
        settings,
      )
      return {
        planned_state: toWire(change.planned),
        requires_replace: change.replacedBy.map((name) => ({ steps: [{ attribute_name: name }] })),
        legacy_type_system: true,
      }
    },
    ApplyResourceChange: ({ type_name, prior_state, planned_state }) => {
      const [prior, planned] = [fromWire(prior_state), fromWire(planned_state)]
      const protectedBy = planned === null ? protectionOf(prior) : undefined
      if (protectedBy !== undefined) {
        const detail = `AWS does not delete it while ${protectedBy} is true.`
        return {
          new_state: prior_state,
          diagnostics: [{ severity: 'ERROR', summary: `deleting ${type_name}: it is protected`, detail }],
        }
      }
      const applied = applyChange(type_name, blockOf(resources, type_name), planned, settings, nth)
      return { new_state: toWire(applied), legacy_type_system: true }
    },
    ReadDataSource: ({ type_name, config }) => ({
      state: toWire(answer(type_name, blockOf(data, type_name), fromWire(config))),
    }),
    OpenEphemeralResource: ({ type_name, config }) => ({
      result: toWire(answer(type_name, blockOf(ephemeral, type_name), fromWire(config))),
    }),
    CloseEphemeralResource: () => ({}),
    Stop: () => ({}),
  }

  function answer(type: string, block: Block, config: Value): Value {
    if (!isObject(config)) return null
    return { ...readComputed(type, block, config, settings), ...DATA_ANSWERS[type]?.(config, settings) }
  }

  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 })
  server.addService(
    providerService(),
    Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, unary(call)])),
  )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  const address = { Network: 'tcp', String: `127.0.0.1:${port}` }
  return {
    reattach: JSON.stringify({
      'hashicorp/aws': { Protocol: 'grpc', ProtocolVersion: 5, Pid: process.pid, Test: true, Addr: address },
    }),
    close: async () => server.forceShutdown(),
  }
}

function unary(call: (request: Request) => object): UntypedHandleCall {
  return ((request: { request: Request }, reply: (error: Error | null, response?: object) => void) => {
    try {
      reply(null, call(request.request))
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
      reply(null, {
        diagnostics: [{ severity: 'ERROR', summary: 'The provider of the rehearsal is at fault', detail }],
      })
    }
  }) as UntypedHandleCall
}

function providerService() {
  const definition = loadSync(join(import.meta.dirname, 'plugin-protocol.proto'), {
    keepCase: true,
    enums: String,
    longs: Number,
    defaults: false,
  })
  const loaded = loadPackageDefinition(definition) as unknown as {
    tfplugin5: { Provider: { service: Parameters<Server['addService']>[0] } }
  }
  return loaded.tfplugin5.Provider.service
}

/** What the configuration names and the provider does not have is left out: Terraform then says so in its own words. */
function present(types: Iterable<string>, find: (type: string) => Block | undefined): Map<string, Block> {
  const blocks = new Map<string, Block>()
  for (const type of types) {
    const block = find(type)
    if (block !== undefined) blocks.set(type, block)
  }
  return blocks
}

function blockOf(blocks: Map<string, Block>, type: string): Block {
  const block = blocks.get(type)
  if (block === undefined) throw new Error(`No schema was served for ${type}`)
  return block
}

/** Terraform leaves it to the provider to refuse a value for what only AWS decides. */
function misplaced(
  block: Block,
  config: Value,
  path: { attribute_name?: string; element_key_int?: number }[] = [],
): object[] {
  if (!isObject(config)) return []
  const faults: object[] = []
  for (const [name, attribute] of Object.entries(block.attributes)) {
    if (!attribute.computed || attribute.optional || (config[name] ?? null) === null) continue
    faults.push({
      severity: 'ERROR',
      summary: 'Value for a read-only attribute',
      detail: `"${name}" is decided by AWS and cannot be set.`,
      attribute: { steps: [...path, { attribute_name: name }] },
    })
  }
  for (const [name, nested] of Object.entries(block.blocks)) {
    const value = config[name]
    const items = Array.isArray(value) ? value : isObject(value) ? [value] : []
    for (const [index, item] of items.entries()) {
      const at =
        nested.nesting === 'list' ? [{ attribute_name: name }, { element_key_int: index }] : [{ attribute_name: name }]
      faults.push(...misplaced(nested.block, item, [...path, ...at]))
    }
  }
  return faults
}

/** The argument that keeps a resource from being deleted, when it is set. */
function protectionOf(prior: Value): string | undefined {
  if (!isObject(prior)) return undefined
  return ['deletion_protection', 'enable_deletion_protection'].find((name) => prior[name] === true)
}

function withoutAlias(block: Block): Block {
  const { alias: _, ...attributes } = block.attributes
  return { attributes, blocks: block.blocks }
}

function messages(blocks: Map<string, Block>): Record<string, object> {
  return Object.fromEntries([...blocks].map(([type, block]) => [type, schemaMessage(block)]))
}

function schemaMessage(block: Block): object {
  return { version: 0, block: blockMessage(block) }
}

function blockMessage(block: Block): object {
  return {
    version: 0,
    attributes: Object.entries(block.attributes).map(([name, attribute]) => ({
      name,
      type: Buffer.from(JSON.stringify(attribute.type)),
      required: attribute.required,
      optional: attribute.optional,
      computed: attribute.computed,
      sensitive: SENSITIVE.test(name),
      write_only: isWriteOnly(name, attribute),
    })),
    block_types: Object.entries(block.blocks).map(([name, nested]) => ({
      type_name: name,
      nesting: nested.nesting.toUpperCase(),
      min_items: nested.nesting === 'single' ? 0 : nested.minItems,
      max_items: nested.nesting === 'single' ? 0 : nested.maxItems,
      block: blockMessage(nested.block),
    })),
  }
}
