// By which field the entries of a list are told apart. A list that has no such field is taken whole.
import { isTree, type Tree, treeAt } from './api-object.ts'
import type { Kind } from './kinds.ts'

/** Names of the fields, or `value` where entries are plain words of which each stands once; null: the list is one value. */
export type ListKeys = readonly string[] | 'value' | null

const OF_THE_CLUSTER: Readonly<Record<string, readonly string[] | 'value'>> = {
  containers: ['name'],
  initContainers: ['name'],
  ephemeralContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  volumeMounts: ['mountPath'],
  volumeDevices: ['devicePath'],
  imagePullSecrets: ['name'],
  secrets: ['name'],
  hostAliases: ['ip'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  conditions: ['type'],
}

/** @param path the names from the object's root to the list */
export function listKeys(kind: Kind, path: readonly string[]): ListKeys {
  const name = path.at(-1) ?? ''
  if (path[0] === 'metadata') {
    if (name === 'ownerReferences') return ['uid']
    return name === 'finalizers' ? 'value' : null
  }
  if (kind.schema !== undefined) return keysOfSchema(schemaAt(kind.schema, path))
  if (!kind.builtIn) return null
  if (name === 'ports')
    return kind.plural === 'services' ? ['port'] : path.includes('containers') ? ['containerPort'] : null
  return OF_THE_CLUSTER[name] ?? null
}

function keysOfSchema(schema: Tree): ListKeys {
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return 'value'
  return type === 'map' ? (schema['x-kubernetes-list-map-keys'] as string[]) : null
}

function schemaAt(schema: Tree, path: readonly string[]): Tree {
  return path.reduce((here, name) => {
    const inList = isTree(here.items) ? here.items : here
    return treeAt(inList, 'properties', name)
  }, schema)
}

/** What stands for an entry among its neighbours. Strategic patches know the first key alone. */
export function entryKey(entry: unknown, keys: readonly string[] | 'value'): string {
  if (keys === 'value' || !isTree(entry)) return JSON.stringify(entry)
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key, entry[key] ?? null])))
}
