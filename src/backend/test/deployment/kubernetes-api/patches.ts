// The ways to change a part of an object: JSON patch (RFC 6902), merge patch (RFC 7386), and the strategic merge patch, which knows
// how the entries of the cluster's own lists are told apart.
import { ApiFailure, isTree, same, type Tree } from './api-object.ts'
import type { Kind } from './kinds.ts'
import { entryKey, listKeys } from './list-keys.ts'

export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isTree(patch)) return patch
  const merged: Tree = isTree(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name]
    else merged[name] = mergePatch(merged[name], value)
  }
  return merged
}

// ---- JSON patch

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: string
  readonly from?: string
  readonly value?: unknown
}

export function jsonPatch(target: unknown, operations: readonly Operation[]): unknown {
  const root = { document: structuredClone(target) }
  for (const operation of operations) {
    const { op, path, from = '', value } = operation
    if (op === 'test') {
      if (!same(read(root, path), value)) throw refusal(operation)
    } else if (op === 'remove') take(root, operation, path)
    else if (op === 'move') put(root, operation, path, take(root, operation, from))
    else if (op === 'copy') put(root, operation, path, structuredClone(read(root, from)))
    else put(root, operation, path, value)
  }
  return root.document
}

function steps(pointer: string): string[] {
  return ['document', ...pointer.split('/').slice(1)].map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function read(root: Tree, pointer: string): unknown {
  return steps(pointer).reduce<unknown>((here, step) => (here as Tree | undefined)?.[step], root)
}

function parentOf(root: Tree, operation: Operation, pointer: string): { parent: Tree | unknown[]; last: string } {
  const path = steps(pointer)
  const last = path.pop() as string
  const parent = path.reduce<unknown>((here, step) => (here as Tree | undefined)?.[step], root)
  if (typeof parent !== 'object' || parent === null) throw refusal(operation)
  return { parent: parent as Tree | unknown[], last }
}

function take(root: Tree, operation: Operation, pointer: string): unknown {
  const { parent, last } = parentOf(root, operation, pointer)
  if (Array.isArray(parent)) return parent.splice(Number(last), 1)[0]
  if (!Object.hasOwn(parent, last)) throw refusal(operation)
  const taken = parent[last]
  delete parent[last]
  return taken
}

function put(root: Tree, operation: Operation, pointer: string, value: unknown): void {
  const { parent, last } = parentOf(root, operation, pointer)
  if (!Array.isArray(parent)) parent[last] = value
  else if (operation.op === 'replace') parent[Number(last)] = value
  else parent.splice(last === '-' ? parent.length : Number(last), 0, value)
}

function refusal({ op, path }: Operation): ApiFailure {
  return new ApiFailure('Invalid', `the server rejected our request due to an error in our request: ${op} ${path}`)
}

// ---- strategic merge patch

const ORDER = '$setElementOrder/'
const FROM_WORDS = '$deleteFromPrimitiveList/'

export function strategicPatch(kind: Kind, target: unknown, patch: Tree, path: readonly string[] = []): unknown {
  if (patch.$patch === 'delete') return undefined
  const { $patch, $retainKeys, ...fields } = patch
  const merged: Tree = $patch === 'replace' || !isTree(target) ? {} : { ...target }
  if (Array.isArray($retainKeys)) {
    for (const name of Object.keys(merged)) if (!$retainKeys.includes(name)) delete merged[name]
  }
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith(ORDER)) continue
    if (name.startsWith(FROM_WORDS)) {
      const list = name.slice(FROM_WORDS.length)
      merged[list] = ((merged[list] ?? []) as unknown[]).filter((word) => !(value as unknown[]).includes(word))
    } else if (value === null) delete merged[name]
    else if (Array.isArray(value)) merged[name] = patchedList(kind, merged[name], value, [...path, name])
    else if (isTree(value)) merged[name] = strategicPatch(kind, merged[name], value, [...path, name])
    else merged[name] = value
  }
  for (const [name, order] of Object.entries(fields)) {
    if (name.startsWith(ORDER)) reorder(kind, merged, name.slice(ORDER.length), order as unknown[], path)
  }
  return merged
}

function patchedList(kind: Kind, target: unknown, patch: readonly unknown[], path: readonly string[]): unknown[] {
  const keys = strategicKeys(kind, path)
  const whole = patch.filter((entry) => !(isTree(entry) && entry.$patch === 'replace'))
  if (keys === null || !Array.isArray(target) || whole.length < patch.length) {
    return whole.map((entry) => (isTree(entry) ? strategicPatch(kind, {}, entry, path) : entry)).filter(isThere)
  }
  if (keys === 'value') return [...new Set([...target, ...patch])]
  const entries = [...target]
  for (const change of patch) {
    const at = entries.findIndex((entry) => entryKey(entry, keys) === entryKey(change, keys))
    const entry = strategicPatch(kind, at === -1 ? {} : entries[at], change as Tree, path)
    if (entry === undefined) {
      if (at !== -1) entries.splice(at, 1)
    } else if (at === -1) entries.push(entry)
    else entries[at] = entry
  }
  return entries
}

function reorder(kind: Kind, merged: Tree, name: string, order: readonly unknown[], path: readonly string[]): void {
  const keys = strategicKeys(kind, [...path, name])
  const list = merged[name]
  if (keys === null || !Array.isArray(list)) return
  const wanted = order.map((entry) => entryKey(entry, keys))
  const rank = (entry: unknown) => {
    const at = wanted.indexOf(entryKey(entry, keys))
    return at === -1 ? wanted.length : at
  }
  merged[name] = [...list].sort((one, other) => rank(one) - rank(other))
}

function strategicKeys(kind: Kind, path: readonly string[]): readonly string[] | 'value' | null {
  const keys = listKeys(kind, path)
  return Array.isArray(keys) ? keys.slice(0, 1) : keys
}

function isThere(value: unknown): boolean {
  return value !== undefined
}
