// What a write goes through before it is kept: defaults that others read, the namespace it needs, Pod Security, and the schema of a
// CustomResourceDefinition.
import { ApiFailure, type ApiObject, type Tree, treeAt } from './api-object.ts'
import { type Kind, NAMESPACE } from './kinds.ts'
import { enforcedLevel, podSecurityFaults } from './pod-security.ts'
import { schemaFaults } from './schema-check.ts'
import type { Store } from './store.ts'

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore'

export interface Admitted {
  readonly object: ApiObject
  /** Said to the client beside the answer. */
  readonly warnings: readonly string[]
}

/** @throws ApiFailure when the object may not be */
export function admit(store: Store, kind: Kind, sent: ApiObject, validation: FieldValidation): Admitted {
  const { namespace = '', name } = sent.metadata
  const space = kind.namespaced ? store.find(NAMESPACE, '', namespace) : null
  if (kind.namespaced && space === null) {
    throw new ApiFailure('NotFound', `namespaces "${namespace}" not found`, { name: namespace, kind: 'namespaces' })
  }
  const object = withDefaults(store, kind, sent)
  const warnings: string[] = []
  if (kind.plural === 'pods') {
    const labels = space?.metadata.labels ?? {}
    const level = enforcedLevel(labels)
    const faults = podSecurityFaults(level, treeAt(object, 'spec'))
    if (faults.length > 0) {
      const version = labels['pod-security.kubernetes.io/enforce-version'] ?? 'latest'
      throw new ApiFailure(
        'Forbidden',
        `pods "${name}" is forbidden: violates PodSecurity "${level}:${version}": ${faults.join(', ')}`,
      )
    }
  }
  if (kind.plural === 'deployments') refuseForeignSelector(object)
  if (kind.schema !== undefined) warnings.push(...checkSchema(kind, kind.schema, object, validation))
  return { object, warnings }
}

function checkSchema(kind: Kind, schema: Tree, object: ApiObject, validation: FieldValidation): readonly string[] {
  const { invalid, unknown } = schemaFaults(schema, object)
  const unknownWords = unknown.map((path) => `unknown field "${path}"`)
  if (validation === 'Strict' && unknown.length > 0) {
    throw new ApiFailure(
      'BadRequest',
      `${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: strict decoding error: ${unknownWords.join(', ')}`,
    )
  }
  if (invalid.length > 0) {
    const what = `${kind.kind}.${kind.group} "${object.metadata.name}" is invalid`
    throw new ApiFailure('Invalid', `${what}: ${invalid.join(', ')}`, { name: object.metadata.name, kind: kind.kind })
  }
  return validation === 'Warn' ? unknownWords : []
}

function refuseForeignSelector(deployment: ApiObject): void {
  const wanted = treeAt(deployment, 'spec', 'selector', 'matchLabels')
  const labels = treeAt(deployment, 'spec', 'template', 'metadata', 'labels')
  if (Object.entries(wanted).some(([key, value]) => labels[key] !== value)) {
    const what = `Deployment.apps "${deployment.metadata.name}" is invalid`
    throw new ApiFailure(
      'Invalid',
      `${what}: spec.template.metadata.labels: \`selector\` does not match template \`labels\``,
    )
  }
}

// ---- defaults

const DEFAULTS: Readonly<Record<string, (object: ApiObject, store: Store) => ApiObject>> = {
  deployments: (object) =>
    withSpec(object, { replicas: 1, revisionHistoryLimit: 10, strategy: { type: 'RollingUpdate' } }),
  pods: (object) => withSpec(object, { restartPolicy: 'Always', serviceAccountName: 'default' }, { phase: 'Pending' }),
  services: (object, store) => withSpec(object, { type: 'ClusterIP', clusterIP: clusterIp(object, store) }),
  horizontalpodautoscalers: (object) => withSpec(object, { minReplicas: 1 }),
  namespaces: withItsName,
  secrets: secretWithData,
  customresourcedefinitions: (object) => ({
    ...object,
    status: {
      acceptedNames: treeAt(object, 'spec').names,
      conditions: ['NamesAccepted', 'Established'].map((type) => ({ type, status: 'True' })),
    },
  }),
}

function withDefaults(store: Store, kind: Kind, object: ApiObject): ApiObject {
  return (DEFAULTS[kind.plural] ?? ((as) => as))(object, store)
}

function withSpec(object: ApiObject, spec: Tree, status?: Tree): ApiObject {
  return {
    ...object,
    spec: { ...spec, ...treeAt(object, 'spec') },
    ...(status !== undefined && object.status === undefined && { status }),
  }
}

function clusterIp(service: ApiObject, store: Store): string {
  const before = treeAt(service, 'spec').clusterIP
  return before === undefined ? `10.96.${(store.version >> 8) & 255}.${store.version & 255}` : String(before)
}

function secretWithData(secret: ApiObject): ApiObject {
  const { stringData, ...rest } = secret
  const encoded = Object.entries(treeAt({ stringData }, 'stringData')).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ])
  const data = { ...treeAt(rest, 'data'), ...Object.fromEntries(encoded) }
  return { ...rest, type: secret.type ?? 'Opaque', data } as ApiObject
}

/** Conditions and addresses of a Service or a claim are the cluster's: a plain write leaves them as they are. */
export function keepingStatus(before: ApiObject | null, object: ApiObject): ApiObject {
  const { status: _, ...rest } = object
  return (before?.status === undefined ? rest : { ...rest, status: before.status }) as ApiObject
}

/** Selectors name a namespace by this label. */
function withItsName(namespace: ApiObject): ApiObject {
  const { labels, name } = namespace.metadata
  const metadata = { ...namespace.metadata, labels: { ...labels, 'kubernetes.io/metadata.name': name } }
  return { ...namespace, metadata, status: { phase: 'Active' } }
}
