// Whether the objects of an environment fit together: every name that one of them says is there. A sentence for each that is not.
import {
  type Container,
  called,
  containersOf,
  type Labels,
  type ManifestObject,
  ofKind,
  type Specified,
  selects,
  type Workload,
  workloads,
} from './manifests.ts'

/** Names by kind: what is there to be named. Of ConfigMaps and Secrets the keys as well. */
export interface Known {
  readonly names: ReadonlyMap<string, ReadonlySet<string>>
  readonly configMaps: ReadonlyMap<string, ReadonlySet<string>>
  readonly secrets: ReadonlyMap<string, ReadonlySet<string>>
}

type ExternalSecret = Specified<{
  readonly target: { readonly name: string; readonly template?: { readonly data?: Readonly<Record<string, string>> } }
  readonly secretStoreRef: { readonly name: string }
}>

type Certificate = Specified<{ readonly secretName: string; readonly issuerRef: { readonly name: string } }>

/** What cert-manager writes into the Secret of a certificate. */
const CERTIFICATE_KEYS = ['tls.crt', 'tls.key', 'ca.crt']

/** The Secrets that will be there, and their keys: what the External Secrets Operator and cert-manager make of their objects. */
export function secretsMade(objects: readonly ManifestObject[]): Map<string, ReadonlySet<string>> {
  const secrets = new Map<string, ReadonlySet<string>>()
  for (const { spec } of ofKind(objects, 'ExternalSecret') as readonly ExternalSecret[]) {
    secrets.set(spec.target.name, new Set(Object.keys(spec.target.template?.data ?? {})))
  }
  for (const { spec } of ofKind(objects, 'Certificate') as readonly Certificate[]) {
    secrets.set(spec.secretName, new Set(CERTIFICATE_KEYS))
  }
  return secrets
}

export function knownOf(objects: readonly ManifestObject[]): Known {
  const names = new Map<string, Set<string>>()
  for (const { kind, metadata } of objects) {
    const ofThisKind = names.get(kind) ?? new Set()
    names.set(kind, ofThisKind.add(metadata.name))
  }
  const configMaps = objects
    .filter(({ kind }) => kind === 'ConfigMap')
    .map(({ metadata, data = {} }) => [metadata.name, new Set(Object.keys(data))] as const)
  return { names, configMaps: new Map(configMaps), secrets: secretsMade(objects) }
}

/** A key that a Secret made by hand has, and none that is made of AWS's: every mount of it has to be optional. */
const BY_HAND: Readonly<Record<string, readonly string[]>> = { 'database-credentials': ['url'] }

export function workloadFaults(workload: Workload, known: Known): string[] {
  const { spec } = workload.spec.template
  const faults: string[] = []
  const has = (kind: string, name: string | undefined) => {
    if (name !== undefined && !known.names.get(kind)?.has(name)) faults.push(`there is no ${kind} ${name}`)
  }
  const hasKeys = (where: 'configMaps' | 'secrets', name: string, keys: readonly string[], optional: boolean) => {
    const there = known[where].get(name)
    if (there === undefined) faults.push(`there is no ${where === 'secrets' ? 'Secret' : 'ConfigMap'} ${name}`)
    const missing = keys.filter((key) => !there?.has(key) && !(optional && BY_HAND[name]?.includes(key)))
    for (const key of there === undefined ? [] : missing) faults.push(`${name} has no key ${key}`)
  }
  has('ServiceAccount', spec.serviceAccountName)
  if (!spec.priorityClassName?.startsWith('system-')) has('PriorityClass', spec.priorityClassName)
  for (const { name, configMap, secret } of spec.volumes ?? []) {
    const keys = (items: readonly { key: string }[] = []) => items.map(({ key }) => key)
    if (configMap) hasKeys('configMaps', configMap.name, keys(configMap.items), false)
    if (secret) hasKeys('secrets', secret.secretName, keys(secret.items), secret.optional === true)
    if (!containersOf(spec).some(({ volumeMounts = [] }) => volumeMounts.some((mount) => mount.name === name))) {
      faults.push(`volume ${name} is mounted nowhere`)
    }
  }
  for (const container of containersOf(spec)) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      if (configMapRef) hasKeys('configMaps', configMapRef.name, [], false)
      if (secretRef) hasKeys('secrets', secretRef.name, [], false)
    }
    for (const { valueFrom } of container.env ?? []) {
      const { secretKeyRef, configMapKeyRef } = valueFrom ?? {}
      if (secretKeyRef) hasKeys('secrets', secretKeyRef.name, [secretKeyRef.key], secretKeyRef.optional === true)
      if (configMapKeyRef) hasKeys('configMaps', configMapKeyRef.name, [configMapKeyRef.key], false)
    }
    for (const { name } of container.volumeMounts ?? []) {
      if (!spec.volumes?.some((volume) => volume.name === name)) faults.push(`there is no volume ${name}`)
    }
    faults.push(...pathFaults(container, workload))
  }
  return faults.map((fault) => `${called(workload)}: ${fault}`)
}

/** Files that a variable names lie in a mounted folder, under a name that is put there. */
function pathFaults({ env = [], volumeMounts = [] }: Container, workload: Workload): string[] {
  const { volumes = [] } = workload.spec.template.spec
  return env
    .flatMap(({ name, value = '' }) =>
      value
        .split(' ')
        .filter((path) => path.startsWith('/etc/'))
        .map((path) => ({ name, path })),
    )
    .filter(({ path }) => {
      const mount = volumeMounts.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
      if (mount === undefined) return true
      const { secret, configMap } = volumes.find((volume) => volume.name === mount.name) ?? { name: '' }
      const items = secret?.items ?? configMap?.items
      return items !== undefined && !items.some((item) => `${mount.mountPath}/${item.path}` === path)
    })
    .map(({ name, path }) => `${name} names ${path}, where nothing is mounted`)
}

type Service = Specified<{
  readonly selector: Labels
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: number | string }[]
}>
type Autoscaler = Specified<{ readonly scaleTargetRef: { readonly kind: string; readonly name: string } }>
type DisruptionBudget = Specified<{ readonly selector: { readonly matchLabels: Labels } }>
type Route = Specified<{
  readonly parentRefs: readonly { readonly name: string; readonly sectionName: string }[]
  readonly rules: readonly {
    readonly backendRefs?: readonly { readonly name: string; readonly port: number; readonly weight?: number }[]
  }[]
}>
type Gateway = Specified<{
  readonly gatewayClassName: string
  readonly infrastructure: { readonly parametersRef: { readonly kind: string; readonly name: string } }
  readonly listeners: readonly { readonly name: string }[]
}>
type TargetGroup = Specified<{ readonly targetReference: { readonly name: string } }>

/** @param mayBeAway names of Services whose pods come and go: those of a canary */
export function objectFaults(
  objects: readonly ManifestObject[],
  known: Known,
  mayBeAway: readonly string[] = [],
): string[] {
  const faults: string[] = []
  const missing = (object: ManifestObject, kind: string, name: string) => {
    if (!known.names.get(kind)?.has(name)) faults.push(`${called(object)}: there is no ${kind} ${name}`)
  }
  const pods = workloads(objects)
  const services = ofKind(objects, 'Service') as readonly Service[]
  for (const service of services) {
    const behind = pods.filter(({ spec }) => selects(service.spec.selector, spec.template.metadata.labels))
    if (behind.length === 0 && !mayBeAway.includes(service.metadata.name)) {
      faults.push(`${called(service)}: no pod has its labels`)
    }
    if (behind.length > 1)
      faults.push(`${called(service)}: pods of ${behind.map(called).join(' and ')} have its labels`)
    const ports = behind.flatMap(({ spec }) => containersOf(spec.template.spec).flatMap((one) => one.ports ?? []))
    for (const { targetPort } of behind.length === 0 ? [] : service.spec.ports) {
      if (!ports.some(({ name, containerPort }) => targetPort === name || targetPort === containerPort)) {
        faults.push(`${called(service)}: its pods have no port ${targetPort}`)
      }
    }
  }
  for (const { kind, metadata, spec } of pods.filter((workload) => workload.kind === 'Deployment')) {
    const { selector } = spec as unknown as { selector: { matchLabels: Labels } }
    if (!selects(selector.matchLabels, spec.template.metadata.labels)) {
      faults.push(`${called({ kind, metadata })}: its own pods do not have the labels it looks for`)
    }
    const others = pods.filter((other) => other.metadata.name !== metadata.name)
    for (const other of others.filter((one) => selects(selector.matchLabels, one.spec.template.metadata.labels))) {
      faults.push(`${called({ kind, metadata })}: takes pods of ${called(other)} for its own`)
    }
  }
  for (const autoscaler of ofKind(objects, 'HorizontalPodAutoscaler') as readonly Autoscaler[]) {
    missing(autoscaler, autoscaler.spec.scaleTargetRef.kind, autoscaler.spec.scaleTargetRef.name)
  }
  for (const budget of ofKind(objects, 'PodDisruptionBudget') as readonly DisruptionBudget[]) {
    const { matchLabels } = budget.spec.selector
    if (!pods.some(({ spec }) => selects(matchLabels, spec.template.metadata.labels))) {
      faults.push(`${called(budget)}: no pod has its labels`)
    }
  }
  for (const route of ofKind(objects, 'HTTPRoute') as readonly Route[]) {
    for (const { name, sectionName } of route.spec.parentRefs) {
      const gateways = (ofKind(objects, 'Gateway') as readonly Gateway[]).filter(
        ({ metadata }) => metadata.name === name,
      )
      if (!gateways.some(({ spec }) => spec.listeners.some((listener) => listener.name === sectionName))) {
        faults.push(`${called(route)}: no Gateway ${name} has a listener ${sectionName}`)
      }
    }
    for (const { name, port } of route.spec.rules.flatMap(({ backendRefs = [] }) => backendRefs)) {
      const service = services.find(({ metadata }) => metadata.name === name)
      if (!service?.spec.ports.some((one) => one.port === port)) {
        faults.push(`${called(route)}: no Service ${name} has a port ${port}`)
      }
    }
  }
  for (const gateway of ofKind(objects, 'Gateway') as readonly Gateway[]) {
    missing(gateway, 'GatewayClass', gateway.spec.gatewayClassName)
    missing(gateway, gateway.spec.infrastructure.parametersRef.kind, gateway.spec.infrastructure.parametersRef.name)
  }
  for (const group of ofKind(objects, 'TargetGroupConfiguration') as readonly TargetGroup[]) {
    missing(group, 'Service', group.spec.targetReference.name)
  }
  for (const secret of ofKind(objects, 'ExternalSecret') as readonly ExternalSecret[]) {
    missing(secret, 'SecretStore', secret.spec.secretStoreRef.name)
  }
  for (const certificate of ofKind(objects, 'Certificate') as readonly Certificate[]) {
    missing(certificate, 'Issuer', certificate.spec.issuerRef.name)
  }
  return faults
}
