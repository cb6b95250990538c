// The objects, and the numbered history of what became of them: every write has the next resource version, and a watch goes on from
// the one a client has seen.
import { randomUUID } from 'node:crypto'
import { ApiFailure, type ApiObject, same } from './api-object.ts'
import { type Kind, qualifiedName } from './kinds.ts'

export interface ObjectEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly kind: Kind
  readonly version: number
  readonly object: ApiObject
  /** What it was, for whoever looks at a part of the objects only. */
  readonly previous: ApiObject | null
}

export interface Store {
  /** Of the last write. */
  readonly version: number
  find(kind: Kind, namespace: string, name: string): ApiObject | null
  /** @throws ApiFailure NotFound */
  get(kind: Kind, namespace: string, name: string): ApiObject
  list(kind: Kind, namespace?: string): ApiObject[]
  /** @throws ApiFailure AlreadyExists */
  create(kind: Kind, object: ApiObject): ApiObject
  /** @throws ApiFailure Conflict when the object names a version that is not the last */
  replace(kind: Kind, object: ApiObject): ApiObject
  /** At once, whatever its finalizers say; what it owns goes with it. */
  remove(kind: Kind, namespace: string, name: string): ApiObject
  /** Everything that was written after a version. @throws ApiFailure Expired when that is no longer known */
  since(version: number): ObjectEvent[]
  /** Forgets the history: whoever watches from an older version has to list again. */
  compact(): void
  /** Told of each write as it is made. @returns a function that ends it */
  subscribe(listener: (event: ObjectEvent) => void): () => void
}

const RESERVED: ReadonlySet<string> = new Set(['metadata', 'status'])

export function createStore(): Store {
  const objects = new Map<string, { kind: Kind; object: ApiObject }>()
  const listeners = new Set<(event: ObjectEvent) => void>()
  const history: ObjectEvent[] = []
  let version = 1
  let oldest = 1

  const keyOf = (kind: Kind, namespace: string, name: string) =>
    `${kind.group}/${kind.plural}/${kind.namespaced ? namespace : ''}/${name}`
  const find = (kind: Kind, namespace: string, name: string) =>
    objects.get(keyOf(kind, namespace, name))?.object ?? null
  const get = (kind: Kind, namespace: string, name: string) => {
    const found = find(kind, namespace, name)
    if (found === null) {
      const details = { name, group: kind.group, kind: kind.plural }
      throw new ApiFailure('NotFound', `${qualifiedName(kind)} "${name}" not found`, details)
    }
    return found
  }
  const write = (type: ObjectEvent['type'], kind: Kind, object: ApiObject, previous: ApiObject | null) => {
    version += 1
    const written = structuredClone(object)
    written.metadata.resourceVersion = String(version)
    const key = keyOf(kind, written.metadata.namespace ?? '', written.metadata.name)
    if (type === 'DELETED') objects.delete(key)
    else objects.set(key, { kind, object: written })
    const event: ObjectEvent = { type, kind, version, object: written, previous }
    history.push(event)
    for (const listener of [...listeners]) listener(event)
    return structuredClone(written)
  }
  const remove = (kind: Kind, namespace: string, name: string): ApiObject => {
    const removed = get(kind, namespace, name)
    write('DELETED', kind, removed, removed)
    for (const { kind: ownedKind, object } of [...objects.values()]) {
      const owned = object.metadata.ownerReferences?.some(({ uid }) => uid === removed.metadata.uid)
      if (owned) remove(ownedKind, object.metadata.namespace ?? '', object.metadata.name)
    }
    return removed
  }

  return {
    get version() {
      return version
    },
    find: (kind, namespace, name) => structuredClone(find(kind, namespace, name)),
    get: (kind, namespace, name) => structuredClone(get(kind, namespace, name)),
    list: (kind, namespace) =>
      [...objects.values()]
        .filter((entry) => entry.kind.plural === kind.plural && entry.kind.group === kind.group)
        .map(({ object }) => object)
        .filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
        .sort((one, other) => nameOf(one).localeCompare(nameOf(other)))
        .map((object) => structuredClone(object)),
    create(kind, object) {
      const { namespace = '', name } = object.metadata
      if (find(kind, namespace, name) !== null) {
        throw new ApiFailure('AlreadyExists', `${qualifiedName(kind)} "${name}" already exists`, { name })
      }
      const metadata = {
        ...object.metadata,
        uid: randomUUID(),
        generation: 1,
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
      }
      return write('ADDED', kind, { ...object, metadata }, null)
    },
    replace(kind, object) {
      const { namespace = '', name, resourceVersion } = object.metadata
      const before = get(kind, namespace, name)
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        const what = `Operation cannot be fulfilled on ${qualifiedName(kind)} "${name}"`
        const why = 'the object has been modified; please apply your changes to the latest version and try again'
        throw new ApiFailure('Conflict', `${what}: ${why}`, { name })
      }
      const { uid, creationTimestamp, generation = 1 } = before.metadata
      const isAnother = Object.keys({ ...before, ...object }).some(
        (field) => !RESERVED.has(field) && !same(before[field], object[field]),
      )
      const metadata = {
        ...object.metadata,
        uid: uid as string,
        creationTimestamp: creationTimestamp as string,
        generation: isAnother ? generation + 1 : generation,
        resourceVersion: before.metadata.resourceVersion as string,
      }
      const after = { ...object, metadata }
      // A write that changes nothing is none.
      return same(withoutTimes(after), withoutTimes(before))
        ? structuredClone(before)
        : write('MODIFIED', kind, after, before)
    },
    remove: (kind, namespace, name) => structuredClone(remove(kind, namespace, name)),
    since(from) {
      if (from < oldest) throw new ApiFailure('Expired', `too old resource version: ${from} (${oldest})`)
      return history.filter((event) => event.version > from)
    },
    compact() {
      history.length = 0
      oldest = version + 1
      version += 1
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function nameOf({ metadata }: ApiObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`
}

/** When a writer wrote last is no difference of its own. */
function withoutTimes(object: ApiObject): unknown {
  const managedFields = (object.metadata.managedFields ?? []).map(({ time: _, ...entry }) => entry)
  return { ...object, metadata: { ...object.metadata, managedFields } }
}
