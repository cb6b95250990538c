// What a cluster's controllers make of Deployments and Jobs: ReplicaSets with a numbered history, pods, and a status that is true.
//
// Unlike in a cluster: old pods go when all new ones are ready, not one by one; a Deployment is not scaled by its autoscaler.
import { createHash, randomBytes } from 'node:crypto'
import {
  ApiFailure,
  type ApiObject,
  isTree,
  listAt,
  type ObjectMetadata,
  same,
  type Tree,
  treeAt,
} from './api-object.ts'
import { apiVersionOf, fixedKind, type Kind } from './kinds.ts'
import type { Store } from './store.ts'

const DEPLOYMENTS = fixedKind('deployments')
const REPLICA_SETS = fixedKind('replicasets')
const PODS = fixedKind('pods')
const JOBS = fixedKind('jobs')
const EVENTS = fixedKind('events')

const REVISION = 'deployment.kubernetes.io/revision'
const HASH_LABEL = 'pod-template-hash'
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const HISTORY_DEFAULT = 10
const BACKOFF_DEFAULT = 6

export interface WorkloadsOptions {
  readonly store: Store
  /** Creates a pod as the API does, admission and all. @throws ApiFailure when it may not be */
  readonly createPod: (pod: ApiObject) => void
}

/** @returns a function that ends it */
export function runWorkloads({ store, createPod }: WorkloadsOptions): () => void {
  const queue = new Map<string, () => void>()
  let isScheduled = false
  let isEnded = false
  const later = (key: string, reconcile: () => void) => {
    queue.set(key, reconcile)
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      const now = [...queue.values()]
      queue.clear()
      if (!isEnded) for (const work of now) work()
    })
  }
  const deploymentLater = (namespace: string, name: string) =>
    later(`deployment ${namespace}/${name}`, () => reconcileDeployment(namespace, name))
  const unsubscribe = store.subscribe(({ kind, object }) => {
    const { namespace = '', name } = object.metadata
    if (kind.plural === 'deployments') deploymentLater(namespace, name)
    else if (kind.plural === 'jobs') later(`job ${namespace}/${name}`, () => reconcileJob(namespace, name))
    else if (kind.plural === 'pods' || kind.plural === 'replicasets') {
      for (const owner of object.metadata.ownerReferences ?? []) {
        if (owner.kind === 'Job') later(`job ${namespace}/${owner.name}`, () => reconcileJob(namespace, owner.name))
        if (owner.kind === 'Deployment') deploymentLater(namespace, owner.name)
        const set = owner.kind === 'ReplicaSet' ? store.find(REPLICA_SETS, namespace, owner.name) : null
        for (const { name: deployment } of set?.metadata.ownerReferences ?? []) deploymentLater(namespace, deployment)
      }
    }
  })
  return () => {
    isEnded = true
    unsubscribe()
  }

  function reconcileDeployment(namespace: string, name: string): void {
    const deployment = store.find(DEPLOYMENTS, namespace, name)
    if (deployment === null) return
    const spec = treeAt(deployment, 'spec')
    const sets = store.list(REPLICA_SETS, namespace).filter((set) => isOwned(set, deployment))
    const current = currentSet(deployment, sets)
    const replicas = Number(spec.replicas ?? 1)
    const failure = scale(current, replicas)
    const pods = store.list(PODS, namespace)
    const own = pods.filter((pod) => isOwned(pod, current))
    const ready = own.filter(isReady).length
    const others = sets.filter((set) => set.metadata.uid !== current.metadata.uid)
    const hasTurned = ready >= replicas || treeAt(spec, 'strategy').type === 'Recreate'
    if (hasTurned) {
      for (const set of others) scale(set, 0)
      forgetOldest(others, Number(spec.revisionHistoryLimit ?? HISTORY_DEFAULT))
    }
    const old = pods.filter((pod) => others.some((set) => isOwned(pod, set)))
    const oldLeft = hasTurned ? [] : old
    const available = ready + oldLeft.filter(isReady).length
    setStatus(DEPLOYMENTS, deployment, {
      observedGeneration: deployment.metadata.generation,
      replicas: own.length + oldLeft.length,
      updatedReplicas: own.length,
      readyReplicas: available,
      availableReplicas: available,
      unavailableReplicas: Math.max(0, replicas - available),
      conditions: [
        condition(
          'Available',
          available >= replicas,
          'MinimumReplicasAvailable',
          'Deployment has minimum availability.',
        ),
        condition('Progressing', true, ready >= replicas ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated', ''),
        ...(failure === null ? [] : [condition('ReplicaFailure', true, 'FailedCreate', failure)]),
      ],
    })
  }

  /** The ReplicaSet of the template as it is, made when there is none. An older one that fits is the newest revision again. */
  function currentSet(deployment: ApiObject, sets: readonly ApiObject[]): ApiObject {
    const { namespace = '', name } = deployment.metadata
    const template = treeAt(deployment, 'spec', 'template')
    const last = Math.max(0, ...sets.map(revisionOf))
    const fitting = sets.find((set) => same(essence(treeAt(set, 'spec', 'template')), essence(template)))
    const revision = fitting === undefined || revisionOf(fitting) < last ? last + 1 : last
    const annotations: Record<string, string> = { ...deployment.metadata.annotations, [REVISION]: String(revision) }
    delete annotations[LAST_APPLIED]
    if (deployment.metadata.annotations?.[REVISION] !== String(revision)) {
      const now = store.get(DEPLOYMENTS, namespace, name)
      const metadata = { ...now.metadata, annotations: { ...now.metadata.annotations, [REVISION]: String(revision) } }
      store.replace(DEPLOYMENTS, { ...now, metadata })
    }
    if (fitting !== undefined) {
      return store.replace(REPLICA_SETS, { ...fitting, metadata: { ...fitting.metadata, annotations } })
    }
    const hash = createHash('sha256')
      .update(JSON.stringify(essence(template)))
      .digest('hex')
      .slice(0, 10)
    const templateLabels = { ...(treeAt(template, 'metadata').labels as Record<string, string>), [HASH_LABEL]: hash }
    const selector = treeAt(deployment, 'spec', 'selector')
    return store.create(REPLICA_SETS, {
      apiVersion: apiVersionOf(REPLICA_SETS),
      kind: REPLICA_SETS.kind,
      metadata: { name: `${name}-${hash}`, namespace, labels: templateLabels, annotations, ...ownedBy(deployment) },
      spec: {
        replicas: 0,
        selector: { ...selector, matchLabels: { ...treeAt(selector, 'matchLabels'), [HASH_LABEL]: hash } },
        template: { ...template, metadata: { ...treeAt(template, 'metadata'), labels: templateLabels } },
      },
    })
  }

  /** As many pods as there should be. @returns why there are not */
  function scale(set: ApiObject, replicas: number): string | null {
    const { namespace = '', name } = set.metadata
    const pods = store.list(PODS, namespace).filter((pod) => isOwned(pod, set))
    for (const pod of pods.slice(replicas)) store.remove(PODS, namespace, pod.metadata.name)
    let failure: string | null = null
    for (let count = pods.length; count < replicas && failure === null; count += 1) {
      failure = createOwnedPod(set, `${name}-${word()}`, treeAt(set, 'spec', 'template'))
    }
    const now = store.find(REPLICA_SETS, namespace, name)
    if (now === null) return failure
    const own = store.list(PODS, namespace).filter((pod) => isOwned(pod, set))
    const ready = own.filter(isReady).length
    const status = { replicas: own.length, readyReplicas: ready, availableReplicas: ready }
    store.replace(REPLICA_SETS, { ...now, spec: { ...treeAt(now, 'spec'), replicas }, status })
    return failure
  }

  function forgetOldest(sets: readonly ApiObject[], limit: number): void {
    const byAge = [...sets].sort((one, other) => revisionOf(other) - revisionOf(one))
    for (const { metadata } of byAge.slice(limit)) store.remove(REPLICA_SETS, metadata.namespace ?? '', metadata.name)
  }

  function reconcileJob(namespace: string, name: string): void {
    const job = store.find(JOBS, namespace, name)
    if (job === null || listAt(job, 'status', 'conditions').length > 0) return
    const pods = store.list(PODS, namespace).filter((pod) => isOwned(pod, job))
    const inPhase = (phase: string) => pods.filter((pod) => treeAt(pod, 'status').phase === phase).length
    const [succeeded, failed] = [inPhase('Succeeded'), inPhase('Failed')]
    const limit = Number(treeAt(job, 'spec').backoffLimit ?? BACKOFF_DEFAULT)
    const conditions =
      succeeded > 0
        ? [condition('Complete', true, 'CompletionsReached', '')]
        : failed > limit
          ? [condition('Failed', true, 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')]
          : []
    const active = pods.length - succeeded - failed
    setStatus(JOBS, job, { active, succeeded, failed, startTime: job.metadata.creationTimestamp, conditions })
    if (conditions.length > 0 || active > 0) return
    const template = treeAt(job, 'spec', 'template')
    const selector = { 'batch.kubernetes.io/controller-uid': job.metadata.uid as string }
    const labels = { ...selector, 'job-name': name, 'batch.kubernetes.io/job-name': name }
    const now = store.get(JOBS, namespace, name)
    store.replace(JOBS, { ...now, spec: { ...treeAt(now, 'spec'), selector: { matchLabels: selector } } })
    createOwnedPod(job, `${name}-${word()}`, {
      ...template,
      metadata: { ...treeAt(template, 'metadata'), labels: { ...treeAt(template, 'metadata', 'labels'), ...labels } },
    })
  }

  function createOwnedPod(owner: ApiObject, name: string, template: Tree): string | null {
    const { labels, annotations } = treeAt(template, 'metadata') as Partial<ObjectMetadata>
    const namespace = owner.metadata.namespace ?? ''
    const metadata = {
      name,
      namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...ownedBy(owner),
    }
    try {
      createPod({ apiVersion: 'v1', kind: 'Pod', metadata, spec: structuredClone(template.spec) })
      return null
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      noteFailure(owner, error.message)
      return error.message
    }
  }

  function noteFailure(owner: ApiObject, message: string): void {
    const { namespace = '', name, uid } = owner.metadata
    const eventName = `${name}.failedcreate`
    if (store.find(EVENTS, namespace, eventName) !== null) return
    const now = new Date().toISOString()
    store.create(EVENTS, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: { apiVersion: owner.apiVersion, kind: owner.kind, name, namespace, uid },
      type: 'Warning',
      reason: 'FailedCreate',
      message: `Error creating: ${message}`,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      source: { component: 'replicaset-controller' },
    })
  }

  function setStatus(kind: Kind, object: ApiObject, status: Tree): void {
    const now = store.find(kind, object.metadata.namespace ?? '', object.metadata.name)
    if (now === null) return
    const { conditions, ...rest } = status
    const { conditions: conditionsNow, ...restNow } = treeAt(now, 'status')
    const bare = (list: unknown) => (Array.isArray(list) ? list.map(({ lastTransitionTime: _, ...each }) => each) : [])
    if (same(rest, restNow) && same(bare(conditions), bare(conditionsNow))) return
    store.replace(kind, { ...now, status })
  }
}

function ownedBy({ apiVersion, kind, metadata: { name, uid } }: ApiObject) {
  return {
    ownerReferences: [{ apiVersion, kind, name, uid: uid as string, controller: true, blockOwnerDeletion: true }],
  }
}

function isOwned(object: ApiObject, owner: ApiObject): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false
}

export function isReady(pod: ApiObject): boolean {
  return listAt(pod, 'status', 'conditions').some(({ type, status }) => type === 'Ready' && status === 'True')
}

function revisionOf(set: ApiObject): number {
  return Number(set.metadata.annotations?.[REVISION] ?? 0)
}

/** What makes a template another one: not the label of its set, and not what a client writes as empty or leaves out. */
function essence(template: Tree): unknown {
  const { [HASH_LABEL]: _, ...labels } = treeAt(template, 'metadata', 'labels')
  return withoutEmpty({ ...template, metadata: { ...treeAt(template, 'metadata'), labels } })
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (!isTree(value)) return value
  const kept = Object.entries(value)
    .map(([name, child]) => [name, withoutEmpty(child)] as const)
    .filter(([, child]) => child !== null && !(typeof child === 'object' && Object.keys(child as object).length === 0))
  return Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)))
}

function condition(type: string, holds: boolean, reason: string, message: string): Tree {
  return { type, status: holds ? 'True' : 'False', reason, message, lastTransitionTime: new Date().toISOString() }
}

function word(): string {
  return randomBytes(4).toString('hex').slice(0, 5)
}
