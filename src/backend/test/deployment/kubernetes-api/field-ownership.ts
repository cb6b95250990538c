// Who owns which field of an object, and what follows from it for server-side apply: a field of another owner is a conflict unless
// the writer insists, and what a writer no longer applies goes away when nobody else owns it.
import {
  ApiFailure,
  type ApiObject,
  type Fields,
  isTree,
  type ManagedFieldsEntry,
  same,
  type Tree,
} from './api-object.ts'
import { apiVersionOf, type Kind } from './kinds.ts'
import { entryKey, listKeys } from './list-keys.ts'

type Path = readonly string[]

/** Fields that are the server's. */
const NOT_OWNED = new Set(
  [
    'name',
    'namespace',
    'generateName',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'managedFields',
  ].map((name) => `f:metadata f:${name}`),
)

/** @returns the object after the apply, with its owners */
export function serverSideApply(
  kind: Kind,
  live: ApiObject | null,
  applied: ApiObject,
  { manager, force }: { readonly manager: string; readonly force: boolean },
): ApiObject {
  const wanted = ownablePaths(kind, applied)
  const entries = live?.metadata.managedFields ?? []
  const mine = entries.find((entry) => entry.manager === manager && entry.operation === 'Apply')
  const others = entries.filter((entry) => entry !== mine)
  const contested = (entry: ManagedFieldsEntry) =>
    pathsOf(entry.fieldsV1).filter(
      (path) => wanted.has(textOf(path)) && !same(valueAt(live, path), valueAt(applied, path)),
    )
  const conflicts = others.flatMap((entry) => contested(entry).map((path) => ({ entry, path })))
  if (conflicts.length > 0 && !force) {
    const told = conflicts.map(({ entry, path }) => `conflict with "${entry.manager}": ${fieldName(path)}`)
    throw new ApiFailure(
      'Conflict',
      `Apply failed with ${told.length} conflict${told.length === 1 ? '' : 's'}: ${told}`,
      {
        causes: conflicts.map(({ path }, at) => ({
          reason: 'FieldManagerConflict',
          message: told[at],
          field: fieldName(path),
        })),
      },
    )
  }
  const merged = (live === null ? structuredClone(applied) : merge(kind, live, applied, [])) as ApiObject
  const heldByOthers = new Set(others.flatMap((entry) => pathsOf(entry.fieldsV1).map(textOf)))
  for (const path of mine === undefined ? [] : pathsOf(mine.fieldsV1)) {
    if (!wanted.has(textOf(path)) && !heldByOthers.has(textOf(path))) removeAt(merged, path)
  }
  const lost = new Set(conflicts.map(({ path }) => textOf(path)))
  merged.metadata.managedFields = [
    ...others.flatMap((entry) => without(entry, lost)),
    entryOf(kind, manager, 'Apply', [...wanted.values()]),
  ]
  return merged
}

/** Who owns what after a plain write: what it changed is the writer's. */
export function ownersAfterUpdate(
  kind: Kind,
  before: ApiObject | null,
  after: ApiObject,
  manager: string,
): ManagedFieldsEntry[] {
  const [was, is] = [before === null ? new Map<string, Path>() : ownablePaths(kind, before), ownablePaths(kind, after)]
  const changed = [...is].filter(([key, path]) => !was.has(key) || !same(valueAt(before, path), valueAt(after, path)))
  const gone = [...was.keys()].filter((key) => !is.has(key))
  const entries = before?.metadata.managedFields ?? []
  if (changed.length === 0 && gone.length === 0) return entries
  const lost = new Set([...changed.map(([key]) => key), ...gone])
  const mine = entries.find((entry) => entry.manager === manager && entry.operation === 'Update')
  const kept = mine === undefined ? [] : without(mine, lost).flatMap((entry) => pathsOf(entry.fieldsV1))
  return [
    ...entries.filter((entry) => entry !== mine).flatMap((entry) => without(entry, lost)),
    entryOf(kind, manager, 'Update', [...kept, ...changed.map(([, path]) => path)]),
  ]
}

// ---- paths

function ownablePaths(kind: Kind, object: ApiObject): Map<string, Path> {
  const { apiVersion: _, kind: __, ...fields } = object
  const paths = leaves(kind, fields, [], [])
  return new Map(paths.map((path) => [textOf(path), path] as const).filter(([key]) => !isNotOwned(key)))
}

function isNotOwned(key: string): boolean {
  return [...NOT_OWNED].some((prefix) => key === prefix || key.startsWith(`${prefix} `))
}

/** Down to plain values, whole lists, and the entries of lists that are told apart. */
function leaves(kind: Kind, value: unknown, path: Path, names: readonly string[]): Path[] {
  if (isTree(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([name, child]) =>
      leaves(kind, child, [...path, `f:${name}`], [...names, name]),
    )
  }
  const keys = Array.isArray(value) ? listKeys(kind, names) : null
  if (!Array.isArray(value) || keys === null) return [path]
  if (keys === 'value') return value.map((word) => [...path, `v:${JSON.stringify(word)}`])
  return value.flatMap((entry) => {
    const step = [...path, `k:${entryKey(entry, keys)}`]
    return [[...step, '.'], ...leaves(kind, entry, step, names)]
  })
}

function textOf(path: Path): string {
  return path.join(' ')
}

function fieldName(path: Path): string {
  return path
    .map((step) => (step.startsWith('f:') ? `.${step.slice(2)}` : step.startsWith('k:') ? `[${step.slice(2)}]` : ''))
    .join('')
}

function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((here, step) => childAt(here, step), tree)
}

function childAt(here: unknown, step: string): unknown {
  if (step === '.') return true
  if (step.startsWith('f:')) return isTree(here) ? here[step.slice(2)] : undefined
  if (!Array.isArray(here)) return undefined
  return here.find((entry) => isEntry(entry, step))
}

function isEntry(entry: unknown, step: string): boolean {
  if (step.startsWith('v:')) return JSON.stringify(entry) === step.slice(2)
  const key = JSON.parse(step.slice(2)) as Tree
  return isTree(entry) && Object.entries(key).every(([name, value]) => same(entry[name] ?? null, value))
}

function removeAt(tree: unknown, path: Path): void {
  const last = path.at(-1) as string
  if (last === '.') {
    removeAt(tree, path.slice(0, -1))
    return
  }
  const parent = valueAt(tree, path.slice(0, -1))
  if (Array.isArray(parent)) {
    const at = parent.findIndex((entry) => isEntry(entry, last))
    if (at !== -1) parent.splice(at, 1)
  } else if (isTree(parent)) delete parent[last.slice(2)]
}

function merge(kind: Kind, live: unknown, applied: unknown, names: readonly string[]): unknown {
  if (isTree(applied) && isTree(live)) {
    const merged: Tree = structuredClone(live)
    for (const [name, value] of Object.entries(applied)) merged[name] = merge(kind, live[name], value, [...names, name])
    return merged
  }
  const keys = Array.isArray(applied) ? listKeys(kind, names) : null
  if (!Array.isArray(applied) || !Array.isArray(live) || keys === null) return structuredClone(applied)
  const merged = structuredClone(live) as unknown[]
  for (const entry of applied) {
    const at = merged.findIndex((candidate) => entryKey(candidate, keys) === entryKey(entry, keys))
    if (at === -1) merged.push(structuredClone(entry))
    else if (keys !== 'value') merged[at] = merge(kind, merged[at], entry, names)
  }
  return merged
}

// ---- entries

function entryOf(
  kind: Kind,
  manager: string,
  operation: ManagedFieldsEntry['operation'],
  paths: readonly Path[],
): ManagedFieldsEntry {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  return { manager, operation, apiVersion: apiVersionOf(kind), time, fieldsType: 'FieldsV1', fieldsV1: fieldsOf(paths) }
}

function fieldsOf(paths: readonly Path[]): Fields {
  const fields: Fields = {}
  for (const path of paths) {
    let here = fields
    for (const step of path) {
      here[step] ??= {}
      here = here[step] as Fields
    }
  }
  return fields
}

function pathsOf(fields: Fields, path: Path = []): Path[] {
  const children = Object.entries(fields)
  return children.length === 0 ? [path] : children.flatMap(([step, child]) => pathsOf(child, [...path, step]))
}

/** The entry without these paths, or nothing when none is left. */
function without(entry: ManagedFieldsEntry, lost: ReadonlySet<string>): ManagedFieldsEntry[] {
  const kept = pathsOf(entry.fieldsV1).filter((path) => !lost.has(textOf(path)))
  return kept.length === 0 ? [] : [{ ...entry, fieldsV1: fieldsOf(kept) }]
}
