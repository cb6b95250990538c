// Where the model of a kind is: Kubernetes' own kinds and those of the projects that publish theirs.
import type { KubernetesObject } from './built-objects.ts'

/** Packages of models by API group; what is not here is Kubernetes' own. */
const PACKAGES: Readonly<Record<string, string>> = {
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'external-secrets.io': '@kubernetes-models/external-secrets',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'keda.sh': '@kubernetes-models/keda',
}

/** Groups that nobody publishes models of: their schemas are in own-schemas.ts. */
export const OWN_GROUPS = new Set(['gateway.k8s.aws', 'split.smi-spec.io'])

/** `kubernetes-models/apps/v1/Deployment`, or null where there is only a schema. */
export function modelPath({ apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>): string | null {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
  return OWN_GROUPS.has(group) ? null : `${PACKAGES[group] ?? 'kubernetes-models'}/${apiVersion}/${kind}`
}

/** @throws Error that says what is wrong with the object, or that there is no such kind in that version */
export async function validateByModel(object: KubernetesObject, path: string): Promise<void> {
  const module = (await import(path)) as Record<string, new (data: KubernetesObject) => { validate(): void }>
  new module[object.kind]!(object).validate()
}
