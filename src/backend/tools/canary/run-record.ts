// What a run has changed, kept in the cluster beside what it changes: whoever comes after a machine that died, and whoever rolls back an
// hour later from another one, knows what was there before. It is the lock too: one run at a time.

import type { ServiceName } from '../../gateway/operations.ts'
import type { Released } from './cluster.ts'
import { type Kubectl, KubectlRefused } from './kubectl.ts'

export const CHANGES = ['canary', 'split', 'release'] as const
export type Change = (typeof CHANGES)[number]

export type Phase = 'open' | 'promoted' | 'withdrawn' | 'stuck' | 'undone'

export interface RunRecord {
  readonly id: string
  /** Who works on it now: whoever takes it over writes another name. */
  readonly holder: string
  readonly phase: Phase
  readonly version: string
  readonly image: string
  readonly previousVersion: string
  readonly previousImage: string
  readonly before: Readonly<Record<ServiceName, Released>>
  /** Per cent that the canary had last. */
  readonly stage: number
  /** Noted before it is done: what stands here may have been changed. */
  readonly changed: readonly Change[]
  readonly reason: string
  readonly startedAt: string
  readonly endedAt: string | null
}

export interface RecordKeeper {
  read(): Promise<RunRecord | null>
  /** Writes it over the one that was read or written last. @throws TakenOver when somebody wrote meanwhile */
  write(record: RunRecord): Promise<void>
}

/** Somebody else works on it. */
export class TakenOver extends Error {}

const NAME = 'api-gateway-canary-run'
const KEY = 'record.json'

interface ConfigMap {
  readonly metadata: { readonly resourceVersion: string }
  readonly data?: Readonly<Record<string, string>>
}

export function recordKeeper(kubectl: Kubectl, namespace: string): RecordKeeper {
  let resourceVersion: string | null = null
  return {
    async read() {
      const text = await kubectl.read(['get', 'configmap', NAME, '--ignore-not-found', '-o', 'json'])
      if (text === '') {
        resourceVersion = null
        return null
      }
      const { metadata, data } = JSON.parse(text) as ConfigMap
      resourceVersion = metadata.resourceVersion
      return JSON.parse(data?.[KEY] ?? 'null') as RunRecord | null
    },
    async write(record) {
      const object = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: {
          name: NAME,
          namespace,
          labels: { 'app.kubernetes.io/part-of': 'borrow-rate-engine' },
          ...(resourceVersion !== null && { resourceVersion }),
        },
        data: { [KEY]: JSON.stringify(record, null, 2) },
      }
      const words = [resourceVersion === null ? 'create' : 'replace', '-f', '-', '-o', 'json']
      try {
        const written = await kubectl.write(words, JSON.stringify(object))
        if (written !== '') resourceVersion = (JSON.parse(written) as ConfigMap).metadata.resourceVersion
      } catch (error) {
        if (
          error instanceof KubectlRefused &&
          /AlreadyExists|Conflict|the object has been modified/.test(error.message)
        ) {
          throw new TakenOver(`another run has written ${NAME} meanwhile`)
        }
        throw error
      }
    },
  }
}
