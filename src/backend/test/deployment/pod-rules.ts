// How pods of ours are set up, as rules: each gives a sentence for what is against it. What Kubernetes itself refuses in a restricted
// namespace stands in kubernetes-api/pod-security.ts; these are stricter.
import { type Container, called, containersOf, type Deployment, type Workload } from './manifests.ts'

/** preStop and the time that the engine gives itself to stop (server/run.ts). */
export const DRAIN_SECONDS = 5 + 25

/** Who may talk to the Kubernetes API. */
const WITH_TOKEN = new Set(['traffic-split-controller', 'cluster-autoscaler'])
/** Not of our making: its image runs as its own user. */
const FOREIGN_USERS: Readonly<Record<string, number>> = { 'cluster-autoscaler': 65_534 }

export function podFaults(workload: Workload): string[] {
  const { spec } = workload.spec.template
  const { name } = workload.metadata
  const { securityContext: security = {} } = spec
  const user = FOREIGN_USERS[name] ?? 1000
  const said = (fault: string | false) => (fault === false ? [] : [`${called(workload)}: ${fault}`])
  return [
    ...said(security.runAsNonRoot !== true && 'runAsNonRoot is not set for the pod'),
    ...said((security.runAsUser !== user || security.runAsGroup !== user) && `it does not run as ${user}:${user}`),
    ...said(security.fsGroup !== user && `its volumes are not group ${user}'s`),
    ...said(security.seccompProfile?.type !== 'RuntimeDefault' && 'seccompProfile is not RuntimeDefault'),
    ...said(
      (spec.automountServiceAccountToken ?? true) !== WITH_TOKEN.has(name) &&
        (WITH_TOKEN.has(name) ? 'it has no token for the API it needs' : 'it has a token for an API it does not need'),
    ),
    ...said(spec.serviceAccountName === undefined && 'it runs as the default service account'),
    ...said(spec.enableServiceLinks !== false && 'it is told of every Service in its environment'),
    ...containersOf(spec).flatMap((container) => containerFaults(container).flatMap(said)),
    ...(spec.volumes ?? []).flatMap(({ name: volume, emptyDir, secret, configMap }) => [
      ...said(emptyDir !== undefined && emptyDir.sizeLimit === undefined && `volume ${volume} has no limit`),
      ...said(secret !== undefined && secret.defaultMode !== 0o440 && `secret ${volume} is readable by others (0440)`),
      ...said(!emptyDir && !secret && !configMap && `volume ${volume} is neither a scratch folder nor configuration`),
    ]),
  ]
}

function containerFaults(container: Container): string[] {
  const { name, image, resources, securityContext: security = {}, volumeMounts = [], env = [] } = container
  const writable = volumeMounts.filter(({ readOnly, mountPath }) => readOnly !== true && mountPath !== '/tmp')
  const faults: (string | false)[] = [
    security.allowPrivilegeEscalation !== false && 'allowPrivilegeEscalation is not false',
    security.readOnlyRootFilesystem !== true && 'its root can be written to',
    security.runAsNonRoot !== true && 'runAsNonRoot is not set',
    security.privileged === true && 'it is privileged',
    (!security.capabilities?.drop?.includes('ALL') || (security.capabilities.add?.length ?? 0) > 0) &&
      'it keeps capabilities',
    ['cpu', 'memory'].some((kind) => !resources?.requests?.[kind] || !resources.limits?.[kind]) &&
      'requests and limits do not both say cpu and memory',
    imageFault(image),
    writable.length > 0 && `${writable.map(({ mountPath }) => mountPath).join(', ')} can be written to`,
    env.some(({ name: variable, value }) => value !== undefined && isSecretName(variable)) &&
      'a secret stands in its environment',
  ]
  return faults.filter((fault) => fault !== false).map((fault) => `container ${name}: ${fault}`)
}

function imageFault(image: string): string | false {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return false
  const [, tag] = /:([\w][\w.-]*)$/.exec(image) ?? []
  if (tag === undefined) return 'its image has no tag'
  return tag === 'latest' && 'its image is whatever is the latest'
}

/** Names of settings and variables whose value nobody but the process may read. */
export function isSecretName(name: string): boolean {
  return /(PASSWORD|SECRET|TOKEN|PRIVATE|_KEY)$/.test(name) || /^(DATABASE|REDIS).*_URL$/.test(name)
}

/** What holds for what runs all the time, and is replaced while it does. */
export function deploymentFaults(deployment: Deployment): string[] {
  const { spec } = deployment
  const { spec: pod, metadata } = spec.template
  const said = (fault: string | false) => (fault === false ? [] : [`${called(deployment)}: ${fault}`])
  const grace = pod.terminationGracePeriodSeconds ?? 30
  const spreads = (pod.topologySpreadConstraints ?? []).filter(({ labelSelector }) =>
    Object.entries(labelSelector.matchLabels).every(([key, value]) => metadata.labels[key] === value),
  )
  const isOurs = pod.containers.some(({ name }) => name === 'service' || name === 'pgbouncer')
  return [
    ...said(spec.strategy?.rollingUpdate?.maxUnavailable !== 0 && 'a rollout takes pods away before others are there'),
    ...said(spec.revisionHistoryLimit === undefined && 'how many revisions are kept is not said'),
    ...said(spec.progressDeadlineSeconds === undefined && 'a rollout that does not get on has no end'),
    ...said((spec.minReadySeconds ?? 0) < 1 && 'a pod that is ready for a moment counts'),
    ...said(pod.priorityClassName === undefined && 'it has no priority'),
    ...said(
      !spreads.some(({ topologyKey }) => topologyKey === 'topology.kubernetes.io/zone') &&
        'its pods are not spread over zones',
    ),
    ...said(
      isOurs &&
        !spreads.some(({ topologyKey }) => topologyKey === 'kubernetes.io/hostname') &&
        'its pods are not spread over nodes',
    ),
    ...said(isOurs && grace <= DRAIN_SECONDS && `${grace} s are too few to drain in, which takes ${DRAIN_SECONDS} s`),
    ...pod.containers.flatMap(({ name, livenessProbe, readinessProbe, lifecycle, imagePullPolicy }) => [
      ...said(!livenessProbe && `container ${name}: nobody looks whether it lives`),
      ...said(!readinessProbe && `container ${name}: nobody looks whether it is ready`),
      ...said(
        isOurs && lifecycle?.preStop?.sleep?.seconds !== 5 && `container ${name}: it leaves before others know (5 s)`,
      ),
      ...said(imagePullPolicy !== 'IfNotPresent' && `container ${name}: an image that never changes is fetched again`),
    ]),
  ]
}
