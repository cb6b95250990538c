// The manifests of infrastructure/kubernetes as the cluster would be given them: built by kubectl's own Kustomize, once for each test
// file that asks. Nothing is contacted.
//
//     const gateway = deployments(overlay('prod')).find(({ metadata }) => metadata.name === 'api-gateway')
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { onPath } from '../debian-package.ts'
import { PROJECT_ROOT } from '../tidy/tree.ts'

export const MANIFESTS = join(PROJECT_ROOT, 'infrastructure/kubernetes')
export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

/** What to type where there is none. */
export const HOW_TO_GET_KUBECTL =
  'the manifests are not looked at: there is no kubectl. To get one: https://kubernetes.io/docs/tasks/tools/, or Debian 13: apt-get install -y kubernetes-client'

export interface ManifestObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

/** An object whose spec is known to have a form. */
export type Specified<Spec> = Omit<ManifestObject, 'spec'> & { readonly spec: Spec }

export type Labels = Readonly<Record<string, string>>

export interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly imagePullPolicy?: string
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env?: readonly EnvironmentVariable[]
  readonly envFrom?: readonly {
    readonly configMapRef?: { readonly name: string }
    readonly secretRef?: { readonly name: string }
  }[]
  readonly resources?: { readonly requests?: Quantities; readonly limits?: Quantities }
  readonly livenessProbe?: unknown
  readonly readinessProbe?: unknown
  readonly lifecycle?: { readonly preStop?: { readonly sleep?: { readonly seconds: number } } }
  readonly securityContext?: {
    readonly allowPrivilegeEscalation?: boolean
    readonly readOnlyRootFilesystem?: boolean
    readonly runAsNonRoot?: boolean
    readonly privileged?: boolean
    readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] }
  }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
}

export interface EnvironmentVariable {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: {
    readonly secretKeyRef?: KeyReference
    readonly configMapKeyRef?: KeyReference
  }
}

export interface KeyReference {
  readonly name: string
  readonly key: string
  readonly optional?: boolean
}

type Quantities = Readonly<Record<string, string>>

export interface Volume {
  readonly name: string
  readonly emptyDir?: { readonly sizeLimit?: string }
  readonly configMap?: { readonly name: string; readonly items?: readonly Item[] }
  readonly secret?: {
    readonly secretName: string
    readonly defaultMode?: number
    readonly optional?: boolean
    readonly items?: readonly Item[]
  }
}

interface Item {
  readonly key: string
  readonly path: string
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly Volume[]
  readonly serviceAccountName?: string
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly priorityClassName?: string
  readonly terminationGracePeriodSeconds?: number
  readonly topologySpreadConstraints?: readonly {
    readonly maxSkew: number
    readonly topologyKey: string
    readonly whenUnsatisfiable: string
    readonly labelSelector: { readonly matchLabels: Labels }
  }[]
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean
    readonly runAsUser?: number
    readonly runAsGroup?: number
    readonly fsGroup?: number
    readonly seccompProfile?: { readonly type: string }
  }
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Labels; readonly annotations?: Labels }
  readonly spec: PodSpec
}

export type Deployment = Specified<{
  readonly replicas?: number
  readonly revisionHistoryLimit?: number
  readonly minReadySeconds?: number
  readonly progressDeadlineSeconds?: number
  readonly strategy?: {
    readonly type: string
    readonly rollingUpdate?: { readonly maxUnavailable: number | string; readonly maxSurge: number | string }
  }
  readonly selector: { readonly matchLabels: Labels }
  readonly template: PodTemplate
}>

/** Pods, and the object that makes them. */
export interface Workload {
  readonly kind: string
  readonly metadata: ManifestObject['metadata']
  readonly spec: { readonly template: PodTemplate }
}

/** kubectl, or null where there is none. */
export function kubectlFound(): string | null {
  return onPath('kubectl')
}

/** For `describe.skipIf`: true where nothing can be built, and says once what is missing. */
export function withoutKubectl(): boolean {
  if (kubectlFound() !== null) return false
  if (!said) console.warn(`\n${HOW_TO_GET_KUBECTL}\n`)
  said = true
  return true
}
let said = false

const builds = new Map<string, readonly ManifestObject[]>()
const kustomize = (folder: string) => ['kustomize', folder.startsWith('/') ? folder : join(MANIFESTS, folder)]

/** What `kubectl apply -k` would apply. @param folder below infrastructure/kubernetes, or absolute */
export function built(folder: string): readonly ManifestObject[] {
  const objects =
    builds.get(folder) ?? objectsIn(execFileSync('kubectl', kustomize(folder), { encoding: 'utf8', stdio: 'pipe' }))
  builds.set(folder, objects)
  return objects
}

/** Builds all there is, at once. For `beforeAll`: a busy machine takes seconds, which no single test has. */
export async function buildEverything(): Promise<void> {
  const folders = [...ENVIRONMENTS.flatMap((name) => [`overlays/${name}`, `cluster/${name}`]), 'canary']
  const missing = folders.filter((folder) => !builds.has(folder))
  const texts = await Promise.all(
    missing.map((folder) => promisify(execFile)('kubectl', kustomize(folder), { maxBuffer: 16 * 2 ** 20 })),
  )
  for (const [at, folder] of missing.entries()) builds.set(folder, objectsIn(texts[at]!.stdout))
}
export const BUILD_TIMEOUT_MS = 120_000

export const overlay = (environment: Environment): readonly ManifestObject[] => built(`overlays/${environment}`)
export const cluster = (environment: Environment): readonly ManifestObject[] => built(`cluster/${environment}`)
export const canary = (): readonly ManifestObject[] => built('canary')

/** What is started by hand beside the database: every file of jobs/. */
export function jobs(): readonly ManifestObject[] {
  const files = readdirSync(join(MANIFESTS, 'jobs')).filter((name) => name.endsWith('.yaml'))
  return files.flatMap((name) => fileObjects(`jobs/${name}`))
}

/** The objects of a file that is applied by itself. @param path below infrastructure/kubernetes */
export function fileObjects(path: string): readonly ManifestObject[] {
  return objectsIn(readFileSync(join(MANIFESTS, path), 'utf8'))
}

/** Read as kubectl reads: YAML 1.1, in which 0440 is octal. */
export function objectsIn(text: string): readonly ManifestObject[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS() as ManifestObject | null
    })
    .filter((object) => object !== null)
}

export function ofKind<Spec>(objects: readonly ManifestObject[], kind: string): readonly Specified<Spec>[] {
  return objects.filter((object) => object.kind === kind) as Specified<Spec>[]
}

export function deployments(objects: readonly ManifestObject[]): readonly Deployment[] {
  return objects.filter(({ kind }) => kind === 'Deployment') as Deployment[]
}

/** Everything that makes pods, and pods by themselves. */
export function workloads(objects: readonly ManifestObject[]): readonly Workload[] {
  return objects.flatMap((object) => {
    if (['Deployment', 'StatefulSet', 'DaemonSet', 'Job'].includes(object.kind)) return [object as Workload]
    const { kind, metadata, spec } = object
    if (kind !== 'Pod') return []
    return [{ kind, metadata, spec: { template: { metadata: { labels: {}, ...metadata }, spec: spec as PodSpec } } }]
  })
}

/** The one of that kind and name. @throws Error when there is none */
export function one(objects: readonly ManifestObject[], kind: string, name: string): ManifestObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}

export function containersOf({ containers, initContainers = [] }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers]
}

/** Whether pods with these labels are meant. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

/** `Deployment api-gateway`, for the beginning of a sentence. */
export function called({ kind, metadata }: Pick<ManifestObject, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.name}`
}
