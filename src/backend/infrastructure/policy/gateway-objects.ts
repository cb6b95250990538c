// The objects of an environment's manifests of which the cluster's controller makes the load balancer, in the form of planned resources.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { GATEWAY_KINDS } from './edge.ts'
import type { EnvironmentName } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

const OVERLAYS = fileURLToPath(new URL('../../../../infrastructure/kubernetes/overlays/', import.meta.url))
export const HOW_TO_GET_KUBECTL = 'install kubectl 1.28 or newer and put it on PATH'
const BUILT_BYTES_MAX = 16_000_000

export function kubectlFound(): boolean {
  try {
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Throws with kubectl's own words when the overlay cannot be built. */
export function gatewayObjects(environment: EnvironmentName): PlannedResource[] {
  const built = execFileSync('kubectl', ['kustomize', OVERLAYS + environment], {
    encoding: 'utf8',
    maxBuffer: BUILT_BYTES_MAX,
  })
  return objectsIn(built)
}

/** The objects that rules look at in what kustomize prints. */
export function objectsIn(yaml: string): PlannedResource[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as { kind?: string; metadata?: { name?: string; namespace?: string } } | null)
    .filter((object) => object !== null && GATEWAY_KINDS.includes(`kubernetes.${object.kind}`))
    .map((object) => {
      const { kind = '', metadata } = object ?? {}
      const name = metadata?.name ?? ''
      return {
        address: `${kind} ${metadata?.namespace ?? ''}/${name}`,
        type: `kubernetes.${kind}`,
        name,
        values: object as Record<string, unknown>,
        unknown: {},
        references: {},
      }
    })
}
