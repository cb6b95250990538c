// What two operators of a cluster do: the External Secrets Operator makes a Secret of each ExternalSecret, cert-manager one of each
// Certificate. Their values come from the test; which Secrets and keys there are, from the manifests.
import { readFileSync } from 'node:fs'
import type { Authority } from '../../certificates.ts'
import { type ApiObject, treeAt } from './api-object.ts'
import type { KubernetesApi } from './kubernetes-api.ts'

export interface SecretMakersOptions {
  readonly api: KubernetesApi
  readonly authority: Authority
  /** The value of a key in a Secret of a namespace. */
  readonly secretValue: (secret: string, key: string, namespace: string) => string
}

/** Makes what a namespace asks for and has not. */
export function makeSecrets({ api, authority, secretValue }: SecretMakersOptions, namespace: string): void {
  for (const { spec } of api.list('externalsecrets', namespace)) {
    const name = String(treeAt({ spec }, 'spec', 'target').name)
    const keys = Object.keys(treeAt({ spec }, 'spec', 'target', 'template', 'data'))
    put(api, namespace, name, Object.fromEntries(keys.map((key) => [key, secretValue(name, key, namespace)])))
  }
  for (const { spec } of api.list('certificates', namespace)) {
    const name = String(treeAt({ spec }, 'spec').secretName)
    if (api.find('secrets', namespace, name) !== null) continue
    const { certFile, keyFile, caFile } = authority.sign(name)
    const read = (file: string) => readFileSync(file, 'utf8')
    put(api, namespace, name, { 'tls.crt': read(certFile), 'tls.key': read(keyFile), 'ca.crt': read(caFile) })
  }
}

function put(api: KubernetesApi, namespace: string, name: string, values: Readonly<Record<string, string>>): void {
  const before = api.find('secrets', namespace, name)
  const added = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  const data = { ...treeAt(before, 'data'), ...Object.fromEntries(added) }
  api.put({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data } as ApiObject)
}
