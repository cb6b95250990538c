// What infrastructure/kubernetes would give a cluster, built by kubectl's own Kustomize or read as it stands. Nothing is contacted.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
  readonly spec?: unknown
  readonly data?: Readonly<Record<string, string>>
}

const MANIFESTS = fileURLToPath(new URL('../../../../infrastructure/kubernetes/', import.meta.url))

export function hasKubectl(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return true
  } catch {
    console.warn('The manifests are not validated: there is no kubectl. https://kubernetes.io/docs/tasks/tools/')
    return false
  }
}

const builds = new Map<string, readonly KubernetesObject[]>()

/** @param folder below infrastructure/kubernetes */
export function built(folder: string): readonly KubernetesObject[] {
  const objects =
    builds.get(folder) ?? objectsIn(execFileSync('kubectl', ['kustomize', MANIFESTS + folder], { encoding: 'utf8' }))
  builds.set(folder, objects)
  return objects
}

/** The objects of the files in a folder, each of which is applied by itself. */
export function filesIn(folder: string): readonly KubernetesObject[] {
  const files = readdirSync(MANIFESTS + folder).filter(
    (name) => name.endsWith('.yaml') && name !== 'kustomization.yaml',
  )
  return files.flatMap((name) => objectsIn(readFileSync(`${MANIFESTS}${folder}/${name}`, 'utf8')))
}

/** As kubectl reads: YAML 1.1. */
export function objectsIn(text: string): readonly KubernetesObject[] {
  return parseAllDocuments(text, { version: '1.1' })
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0]
      return document.toJS() as KubernetesObject | null
    })
    .filter((object) => object !== null)
}

/** Everything there is, by where it comes from. Objects that are the same in several places are there several times. */
export function everything(): Readonly<Record<string, readonly KubernetesObject[]>> {
  return {
    ...Object.fromEntries(
      ENVIRONMENTS.flatMap((name) => [
        [`overlays/${name}`, built(`overlays/${name}`)],
        [`cluster/${name}`, built(`cluster/${name}`)],
      ]),
    ),
    canary: built('canary'),
    namespaces: filesIn('base').filter(({ kind }) => kind === 'Namespace'),
    jobs: filesIn('jobs'),
    crds: filesIn('crds'),
    keda: filesIn('components/keda'),
    'feeds-by-ftp': filesIn('components/feeds-by-ftp'),
  }
}
