// What a request is about, read from its address; and what is answered.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parse } from 'yaml'
import type { FieldValidation } from './admission.ts'
import { ApiFailure, type ApiObject, type Tree } from './api-object.ts'
import type { Ask } from './authorization.ts'
import { apiVersionOf, findKind, type Kind, NAMESPACE } from './kinds.ts'
import { readProtobuf } from './protobuf.ts'
import { fieldSelector, labelSelector, type Match } from './selectors.ts'

export interface Target extends Ask {
  readonly query: URLSearchParams
}

export interface Answer {
  readonly code: number
  readonly body: unknown
  readonly type?: string
  /** Said to whoever wrote, beside the answer. */
  readonly warnings?: readonly string[]
}

const BODY_BYTES_MAX = 3_145_728

/** @throws ApiFailure when there is nothing at that address */
export function targetOf(kinds: readonly Kind[], path: string, method: string, query: URLSearchParams): Target {
  const steps = path.split('/').slice(1).map(decodeURIComponent)
  const root = steps.shift()
  const group = root === 'apis' ? (steps.shift() ?? '') : ''
  const version = steps.shift() ?? ''
  const isInside = steps[0] === 'namespaces' && steps.length > 2 && !NAMESPACE.subresources.includes(steps[2] ?? '')
  const namespace = isInside ? (steps[1] as string) : ''
  const [plural = '', name = '', subresource = ''] = isInside ? steps.slice(2) : steps
  const kind = findKind(kinds, group, version, plural)
  if (subresource !== '' && !kind.subresources.includes(subresource)) {
    throw new ApiFailure('NotFound', 'the server could not find the requested resource')
  }
  return { kind, namespace, name, subresource, verb: verbOf(method, name, query), query }
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  if (method === 'GET' && ['true', '1'].includes(query.get('watch') ?? '')) return 'watch'
  if (method === 'GET') return name === '' ? 'list' : 'get'
  if (method === 'DELETE') return name === '' ? 'deletecollection' : 'delete'
  const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch' }
  const verb = verbs[method]
  if (verb === undefined) throw new ApiFailure('MethodNotAllowed', `${method} is not allowed`)
  return verb
}

/** Whether an object is among those that a list or a watch asks for. */
export function matching({ query, namespace, name }: Target): Match {
  const terms = [labelSelector(query.get('labelSelector') ?? ''), fieldSelector(query.get('fieldSelector') ?? '')]
  return (object) =>
    (namespace === '' || object.metadata.namespace === namespace) &&
    (name === '' || object.metadata.name === name) &&
    terms.every((holds) => holds(object))
}

/** The body under the name and in the namespace of its address. @throws ApiFailure when it says another */
export function named({ kind, namespace, name }: Target, body: ApiObject): ApiObject {
  const apiVersion = apiVersionOf(kind)
  if (body?.kind !== kind.kind || body.apiVersion !== apiVersion) {
    throw new ApiFailure('BadRequest', `${body?.apiVersion} ${body?.kind} was sent where ${apiVersion} ${kind.kind} is`)
  }
  const sent = { ...body.metadata, name: body.metadata?.name ?? name }
  if (name !== '' && sent.name !== name) {
    throw new ApiFailure(
      'BadRequest',
      `the name of the object (${sent.name}) does not match the name on the URL (${name})`,
    )
  }
  if (kind.namespaced && sent.namespace !== undefined && sent.namespace !== namespace) {
    const what = 'the namespace of the provided object does not match the namespace sent on the request'
    throw new ApiFailure('BadRequest', what)
  }
  return { ...body, metadata: { ...sent, ...(kind.namespaced && { namespace }) } }
}

export function validationOf(query: URLSearchParams): FieldValidation {
  const asked = query.get('fieldValidation')
  return asked === 'Strict' || asked === 'Ignore' ? asked : 'Warn'
}

/** Tried only: nothing is kept. */
export function isDry(query: URLSearchParams): boolean {
  return query.getAll('dryRun').includes('All')
}

export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new ApiFailure('BadRequest', 'the body is too large')
  }
  const body = Buffer.concat(chunks)
  if (body.length === 0) return null
  const type = String(request.headers['content-type'])
  if (type.includes('protobuf')) return readProtobuf(body)
  const text = body.toString()
  try {
    return type.includes('yaml') ? parse(text) : JSON.parse(text)
  } catch (error) {
    throw new ApiFailure('BadRequest', (error as Error).message)
  }
}

export function send(response: ServerResponse, { code, body, type = 'application/json', warnings = [] }: Answer): void {
  for (const warning of warnings) response.appendHeader('Warning', `299 - "${warning.replaceAll('"', '\\"')}"`)
  response.writeHead(code, { 'Content-Type': type })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Number of replicas and selector, as `kubectl scale` and autoscalers read them. */
export function scaleOf(object: ApiObject): ApiObject {
  const { name, namespace, uid, resourceVersion } = object.metadata
  const spec = object.spec as Tree
  const labels = Object.entries(((spec.selector as Tree | undefined)?.matchLabels ?? {}) as Tree)
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    metadata: { name, namespace, uid, resourceVersion } as ApiObject['metadata'],
    spec: { replicas: spec.replicas ?? 0 },
    status: {
      replicas: (object.status as Tree | undefined)?.replicas ?? 0,
      selector: labels.map(([key, value]) => `${key}=${value}`).join(),
    },
  }
}
