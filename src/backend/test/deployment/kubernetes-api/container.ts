// What a container is given: its environment and its files, from the pod's specification and from the ConfigMaps and Secrets that
// it names. On this machine files lie below a folder of the pod, so paths of mounts in the environment are written anew.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ApiObject, listAt, type Tree, treeAt } from './api-object.ts'
import { fixedKind } from './kinds.ts'
import type { Store } from './store.ts'

/** Why a container cannot start yet. The node tries again when ConfigMaps or Secrets change. */
export class NotYet extends Error {
  readonly reason: 'CreateContainerConfigError' | 'ContainerCreating' | 'ErrImagePull'

  constructor(reason: NotYet['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

const CONFIG_MAPS = fixedKind('configmaps')
const SECRETS = fixedKind('secrets')

/** @throws NotYet when a ConfigMap, a Secret or a key of one is missing that is not optional */
export function containerEnvironment(store: Store, pod: ApiObject, container: Tree): Record<string, string> {
  const namespace = pod.metadata.namespace ?? ''
  const environment: Record<string, string> = {}
  for (const source of listAt(container, 'envFrom')) {
    for (const [kind, field] of [
      [CONFIG_MAPS, 'configMapRef'],
      [SECRETS, 'secretRef'],
    ] as const) {
      const { name, optional } = treeAt(source, field)
      if (name === undefined) continue
      const data = dataOf(store.find(kind, namespace, String(name)))
      if (data === null && optional !== true) throw missing(kind.kind, String(name))
      for (const [key, value] of Object.entries(data ?? {})) {
        environment[`${source.prefix ?? ''}${key}`] = value.toString()
      }
    }
  }
  for (const { name, value, valueFrom } of listAt(container, 'env')) {
    const text =
      valueFrom === undefined
        ? expand(String(value ?? ''), environment)
        : referred(store, pod, container, valueFrom as Tree)
    if (text !== null) environment[String(name)] = text
  }
  return environment
}

/** Writes the files of the container's mounts below a folder. @returns for each mount path with files where they lie */
export function containerFiles(store: Store, pod: ApiObject, container: Tree, folder: string): Map<string, string> {
  const volumes = new Map(listAt(pod, 'spec', 'volumes').map((volume) => [volume.name, volume]))
  const mounts = new Map<string, string>()
  for (const { name, mountPath, subPath } of listAt(container, 'volumeMounts')) {
    const volume = volumes.get(name)
    if (volume === undefined) throw new NotYet('ContainerCreating', `the pod has no volume ${name}`)
    // What is empty at first, such as /tmp, is where it is on this machine.
    if (volume.emptyDir !== undefined) continue
    const at = join(folder, 'volumes', String(name))
    mkdirSync(at, { recursive: true })
    for (const [path, content] of volumeFiles(store, pod, volume)) {
      // A file that is the same stays: programs look at its time to see that it changed.
      if (existsSync(join(at, path)) && readFileSync(join(at, path)).equals(content)) continue
      mkdirSync(dirname(join(at, path)), { recursive: true })
      writeFileSync(join(at, path), content)
    }
    mounts.set(String(mountPath), subPath === undefined ? at : join(at, String(subPath)))
  }
  return mounts
}

/** The same text with the paths of mounts as they are on this machine. */
export function onThisMachine(text: string, mounts: ReadonlyMap<string, string>): string {
  return [...mounts]
    .sort(([one], [other]) => other.length - one.length)
    .reduce((now, [path, at]) => now.replaceAll(path, at), text)
}

// ---- environment

function referred(store: Store, pod: ApiObject, container: Tree, source: Tree): string | null {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source
  if (fieldRef !== undefined) return fieldOf(pod, String((fieldRef as Tree).fieldPath))
  if (resourceFieldRef !== undefined) return resourceOf(container, String((resourceFieldRef as Tree).resource))
  const kind = secretKeyRef === undefined ? CONFIG_MAPS : SECRETS
  const { name, key, optional } = (secretKeyRef ?? configMapKeyRef ?? {}) as Tree
  const data = dataOf(store.find(kind, pod.metadata.namespace ?? '', String(name)))
  const found = data?.[String(key)]
  if (found !== undefined) return found.toString()
  if (optional === true) return null
  if (data === null) throw missing(kind.kind, String(name))
  throw new NotYet(
    'CreateContainerConfigError',
    `couldn't find key ${key} in ${kind.kind} ${pod.metadata.namespace}/${name}`,
  )
}

function missing(kind: string, name: string): NotYet {
  return new NotYet('CreateContainerConfigError', `${kind.toLowerCase()} "${name}" not found`)
}

/** `$(NAME)` of what was set before. */
function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$\(([\w.-]+)\)/g, (whole, name: string) => environment[name] ?? whole)
}

function fieldOf(pod: ApiObject, path: string): string {
  const part = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path)
  if (part !== null) return pod.metadata[part[1] as 'labels' | 'annotations']?.[part[2] as string] ?? ''
  const known: Record<string, unknown> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'spec.nodeName': 'node-1',
    'spec.serviceAccountName': treeAt(pod, 'spec').serviceAccountName,
    'status.podIP': '127.0.0.1',
    'status.hostIP': '127.0.0.1',
  }
  if (known[path] === undefined) throw new NotYet('CreateContainerConfigError', `unsupported fieldPath: ${path}`)
  return String(known[path])
}

function resourceOf(container: Tree, resource: string): string {
  const [section = '', name = ''] = resource.split('.')
  return String(treeAt(container, 'resources', section)[name] ?? '')
}

// ---- files

function volumeFiles(store: Store, pod: ApiObject, volume: Tree): [string, Buffer][] {
  if (volume.projected !== undefined) {
    return listAt(volume, 'projected', 'sources').flatMap((source) => volumeFiles(store, pod, source))
  }
  const [kind, { name, secretName, items, optional }] =
    volume.secret !== undefined
      ? [SECRETS, volume.secret as Tree]
      : volume.configMap !== undefined
        ? [CONFIG_MAPS, volume.configMap as Tree]
        : [null, {} as Tree]
  if (kind === null) return []
  const from = String(secretName ?? name)
  const data = dataOf(store.find(kind, pod.metadata.namespace ?? '', from))
  if (data === null) {
    if (optional === true) return []
    throw new NotYet('ContainerCreating', `MountVolume.SetUp failed: ${kind.kind.toLowerCase()} "${from}" not found`)
  }
  if (!Array.isArray(items)) return Object.entries(data)
  return (items as Tree[]).flatMap(({ key, path }): [string, Buffer][] => {
    const content = data[String(key)]
    if (content !== undefined) return [[String(path), content]]
    if (optional === true) return []
    throw new NotYet('ContainerCreating', `references non-existent ${kind.kind.toLowerCase()} key: ${key}`)
  })
}

function dataOf(object: ApiObject | null): Record<string, Buffer> | null {
  if (object === null) return null
  const isSecret = object.kind === 'Secret'
  const plain = Object.entries(treeAt(object, 'data')).map(([key, value]): [string, Buffer] => [
    key,
    Buffer.from(String(value), isSecret ? 'base64' : 'utf8'),
  ])
  const binary = Object.entries(treeAt(object, 'binaryData')).map(([key, value]): [string, Buffer] => [
    key,
    Buffer.from(String(value), 'base64'),
  ])
  return Object.fromEntries([...plain, ...binary])
}
