// Creating, changing and removing objects.
import { admit, keepingStatus } from './admission.ts'
import { ApiFailure, type ApiObject, isTree, type Tree, treeAt } from './api-object.ts'
import { ownersAfterUpdate, serverSideApply } from './field-ownership.ts'
import { apiVersionOf, type Kind, qualifiedName } from './kinds.ts'
import { jsonPatch, mergePatch, strategicPatch } from './patches.ts'
import { type Answer, isDry, matching, named, scaleOf, type Target, validationOf } from './request.ts'
import type { Store } from './store.ts'

export interface Writer {
  readonly store: Store
  readonly kinds: () => readonly Kind[]
}

export interface WriteBody {
  readonly content: unknown
  /** Of the content, without parameters. */
  readonly type: string
  /** Who says that it writes. */
  readonly manager: string
}

const APPLY = 'application/apply-patch+yaml'

export function write(writer: Writer, target: Target, body: WriteBody): Answer {
  const { verb, kind, subresource } = target
  if (verb === 'delete' || verb === 'deletecollection') return remove(writer, target, body.content)
  if (verb === 'create') return create(writer, target, body)
  if (subresource === 'scale') return setScale(writer, target, body)
  if (body.type === APPLY) return apply(writer, target, body)
  const before = writer.store.get(kind, target.namespace, target.name)
  const sent = verb === 'update' ? (body.content as ApiObject) : (patched(kind, before, body) as ApiObject)
  return replace(writer, target, before, named(target, sent), body.manager)
}

function create({ store }: Writer, target: Target, { content, manager }: WriteBody): Answer {
  const { kind, subresource, query } = target
  if (subresource !== '') throw new ApiFailure('MethodNotAllowed', `${subresource} cannot be created`)
  const sent = named(target, content as ApiObject)
  if (sent.metadata.name === '' && sent.metadata.generateName !== undefined) {
    sent.metadata.name = `${sent.metadata.generateName}${Math.random().toString(36).slice(2, 7)}`
  }
  const { object, warnings } = admit(store, kind, keepingStatus(null, sent), validationOf(query))
  object.metadata.managedFields = ownersAfterUpdate(kind, null, object, manager)
  return { code: 201, body: isDry(query) ? unlessThere(store, kind, object) : store.create(kind, object), warnings }
}

function unlessThere(store: Store, kind: Kind, object: ApiObject): ApiObject {
  const { namespace = '', name } = object.metadata
  if (store.find(kind, namespace, name) === null) return object
  throw new ApiFailure('AlreadyExists', `${qualifiedName(kind)} "${name}" already exists`)
}

function replace(
  { store }: Writer,
  { kind, subresource, query }: Target,
  before: ApiObject,
  after: ApiObject,
  manager: string,
): Answer {
  const sent = subresource === 'status' ? { ...before, status: after.status } : keepingStatus(before, after)
  const { object, warnings } = admit(store, kind, sent, validationOf(query))
  object.metadata.managedFields = ownersAfterUpdate(kind, before, object, manager)
  return { code: 200, body: isDry(query) ? object : store.replace(kind, object), warnings }
}

function patched(kind: Kind, before: ApiObject, { content, type }: WriteBody): unknown {
  if (type === 'application/json-patch+json') return jsonPatch(before, content as Parameters<typeof jsonPatch>[1])
  if (type === 'application/merge-patch+json') return mergePatch(before, content)
  if (type === 'application/strategic-merge-patch+json' && kind.builtIn) {
    return strategicPatch(kind, before, content as Tree)
  }
  const what = 'the body of the request was in an unknown format'
  throw new ApiFailure('UnsupportedMediaType', `${what} - ${type} is not accepted for ${qualifiedName(kind)}`)
}

/** Server-side apply. With a resource version in it, it is refused when that is not the last. */
function apply({ store }: Writer, target: Target, { content, manager }: WriteBody): Answer {
  const { kind, namespace, name, query } = target
  const before = store.find(kind, namespace, name)
  const sent = named(target, content as ApiObject)
  const { resourceVersion, ...metadata } = sent.metadata
  if (resourceVersion !== undefined && resourceVersion !== before?.metadata.resourceVersion) {
    const what = `Operation cannot be fulfilled on ${qualifiedName(kind)} "${name}"`
    throw new ApiFailure('Conflict', `${what}: the object has been modified`)
  }
  const applied = serverSideApply(
    kind,
    before,
    { ...sent, metadata },
    { manager, force: query.get('force') === 'true' },
  )
  const { object, warnings } = admit(store, kind, applied, validationOf(query))
  if (isDry(query)) return { code: 200, body: object, warnings }
  return before === null
    ? { code: 201, body: store.create(kind, object), warnings }
    : { code: 200, body: store.replace(kind, object), warnings }
}

function setScale({ store }: Writer, target: Target, { content, type, manager }: WriteBody): Answer {
  const { kind, namespace, name, query } = target
  const before = store.get(kind, namespace, name)
  const scale = type.includes('patch') ? mergePatch(scaleOf(before), content) : content
  const replicas = Number(treeAt(scale, 'spec').replicas)
  const after = { ...before, spec: { ...treeAt(before, 'spec'), replicas } }
  after.metadata.managedFields = ownersAfterUpdate(kind, before, after, manager)
  return { code: 200, body: scaleOf(isDry(query) ? after : store.replace(kind, after)) }
}

function remove({ store, kinds }: Writer, target: Target, content: unknown): Answer {
  const { kind, namespace, name, query, verb } = target
  const options = isTree(content) ? content : {}
  const dry = isDry(query) || (Array.isArray(options.dryRun) && options.dryRun.length > 0)
  if (verb === 'deletecollection') {
    const items = store.list(kind).filter(matching(target))
    if (!dry) for (const { metadata } of items) store.remove(kind, metadata.namespace ?? '', metadata.name)
    return { code: 200, body: { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata: {}, items } }
  }
  const removed = dry ? store.get(kind, namespace, name) : store.remove(kind, namespace, name)
  if (!dry && kind.plural === 'namespaces') empty(store, kinds(), name)
  const details = { name, group: kind.group, kind: kind.plural, uid: removed.metadata.uid }
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } }
}

/** What is in a namespace goes with it. */
function empty(store: Store, kinds: readonly Kind[], namespace: string): void {
  for (const kind of kinds.filter(({ namespaced }) => namespaced)) {
    for (const { metadata } of store.list(kind, namespace)) {
      // An owner may have taken it along.
      if (store.find(kind, namespace, metadata.name) !== null) store.remove(kind, namespace, metadata.name)
    }
  }
}
