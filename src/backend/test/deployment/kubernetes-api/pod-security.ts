// The Pod Security Standard `restricted` (and with it `baseline`) as the admission plug-in applies it to pods, in its own words.
import { listAt, type Tree, treeAt } from './api-object.ts'

type Level = 'privileged' | 'baseline' | 'restricted'

const VOLUMES_ALLOWED = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
const BASELINE_CAPABILITIES = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

/** What a namespace demands of its pods. */
export function enforcedLevel(labels: Readonly<Record<string, string>> = {}): Level {
  const level = labels['pod-security.kubernetes.io/enforce']
  return level === 'restricted' || level === 'baseline' ? level : 'privileged'
}

/** Reasons against a pod, none when it may run. */
export function podSecurityFaults(level: Level, spec: Tree): string[] {
  if (level === 'privileged') return []
  const baseline = baselineFaults(spec)
  return level === 'baseline' ? baseline : [...baseline, ...restrictedFaults(spec)]
}

function baselineFaults(spec: Tree): string[] {
  const containers = containersOf(spec)
  const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true)
  const named = (holds: (container: Tree) => boolean) => containers.filter(holds).map(({ name }) => `"${name}"`)
  const privileged = named((container) => securityOf(container).privileged === true)
  const ports = named((container) => listAt(container, 'ports').some(({ hostPort }) => Number(hostPort ?? 0) !== 0))
  const capabilities = named((container) => added(container).some((word) => !BASELINE_CAPABILITIES.has(word)))
  const paths = listAt(spec, 'volumes').filter((volume) => volume.hostPath !== undefined)
  return [
    ...(shared.length > 0 ? [`host namespaces (${shared.map((field) => `${field}=true`).join(', ')})`] : []),
    ...(privileged.length > 0
      ? [`privileged (${containerWords(privileged)} must not set securityContext.privileged=true)`]
      : []),
    ...(ports.length > 0 ? [`hostPort (${containerWords(ports)} uses hostPort)`] : []),
    ...(capabilities.length > 0 ? [`non-default capabilities (${containerWords(capabilities)})`] : []),
    ...(paths.length > 0 ? [`hostPath volumes (${paths.map(({ name }) => `"${name}"`).join(', ')})`] : []),
  ]
}

function restrictedFaults(spec: Tree): string[] {
  const containers = containersOf(spec)
  const pod = securityOf(spec)
  const named = (holds: (container: Tree) => boolean) => containers.filter(holds).map(({ name }) => `"${name}"`)
  const escalating = named((container) => securityOf(container).allowPrivilegeEscalation !== false)
  const capable = named((container) => {
    const dropped = treeAt(container, 'securityContext', 'capabilities').drop
    return (
      !Array.isArray(dropped) ||
      !dropped.includes('ALL') ||
      added(container).some((word) => word !== 'NET_BIND_SERVICE')
    )
  })
  const asRoot = named((container) => (securityOf(container).runAsNonRoot ?? pod.runAsNonRoot) !== true)
  const rootUser = named((container) => (securityOf(container).runAsUser ?? pod.runAsUser) === 0)
  const unconfined = named((container) => {
    const type = treeAt(container, 'securityContext', 'seccompProfile').type ?? treeAt(pod, 'seccompProfile').type
    return type !== 'RuntimeDefault' && type !== 'Localhost'
  })
  const volumes = listAt(spec, 'volumes')
    .filter((volume) => !VOLUMES_ALLOWED.some((type) => volume[type] !== undefined))
    .map(({ name }) => `"${name}"`)
  const words = containerWords
  return [
    ...(escalating.length > 0
      ? [
          `allowPrivilegeEscalation != false (${words(escalating)} must set securityContext.allowPrivilegeEscalation=false)`,
        ]
      : []),
    ...(capable.length > 0
      ? [`unrestricted capabilities (${words(capable)} must set securityContext.capabilities.drop=["ALL"])`]
      : []),
    ...(volumes.length > 0 ? [`restricted volume types (${volumes.join(', ')})`] : []),
    ...(asRoot.length > 0
      ? [`runAsNonRoot != true (pod or ${words(asRoot)} must set securityContext.runAsNonRoot=true)`]
      : []),
    ...(rootUser.length > 0 ? [`runAsUser=0 (pod or ${words(rootUser)} must not set runAsUser=0)`] : []),
    ...(unconfined.length > 0
      ? [
          `seccompProfile (pod or ${words(unconfined)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
        ]
      : []),
  ]
}

function containersOf(spec: Tree): Tree[] {
  return [...listAt(spec, 'initContainers'), ...listAt(spec, 'containers'), ...listAt(spec, 'ephemeralContainers')]
}

function securityOf(podOrContainer: Tree): Tree {
  return treeAt(podOrContainer, 'securityContext')
}

function added(container: Tree): string[] {
  return (treeAt(container, 'securityContext', 'capabilities').add ?? []) as string[]
}

function containerWords(names: readonly string[]): string {
  return `container${names.length === 1 ? '' : 's'} ${names.join(', ')}`
}
