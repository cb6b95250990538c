// Fetches what one record's proof needs of the chain, and computes it here.
import { useQuery } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { AuditRecordAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { timeOfId } from './ask.ts'
import { type Stretch, stretchAround } from './chain-file.ts'
import { canCompute, type Proof, type PublicKey, prove, readPublicKeys } from './proof.ts'

export interface Proved {
  /** Null: the record is in no stretch of the chain that the database still has. */
  readonly proof: Proof | null
}

/** How far behind a record its successor is looked for, step by step: the chain is sealed in seconds, and nights are quiet. */
const BEHIND_MS = [60_000, 86_400_000, null] as const

export function useProof(auditId: string, answer: AuditRecordAnswer) {
  const keys = useTrustedKeys()
  return useQuery({
    queryKey: ['record', 'proof', auditId, answer.hash, keys],
    enabled: answer.sequence !== null && canCompute(),
    queryFn: async ({ signal }): Promise<Proved> => {
      const stretch = await stretchOf(auditId, signal)
      if (stretch === null) return { proof: null }
      return { proof: await prove(auditId, answer, stretch, await keysOf(keys)) }
    },
  })
}

async function stretchOf(auditId: string, signal: AbortSignal): Promise<Stretch | null> {
  const time = timeOfId(auditId)
  let found: Stretch | null = null
  for (const behind of BEHIND_MS) {
    const to = behind === null ? undefined : new Date(Math.min(time + behind, Date.now() + 1)).toISOString()
    const range = { from: new Date(time).toISOString(), ...(to !== undefined && { to }) }
    found = await stretchAround(auditId, api.records.export(range, 'ndjson', { signal }))
    if (found === null || found.after !== null || time + (behind ?? 0) > Date.now()) return found
  }
  return found
}

// ---- the public keys that this person trusts, kept in this browser

const KEYS = 'borrow-desk-audit-keys'
const listeners = new Set<() => void>()

export const trustedKeys = {
  get: (): string => localStorage.getItem(KEYS) ?? '',
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  /** @throws Error in a sentence when there is no such key in it */
  async add(pem: string): Promise<readonly PublicKey[]> {
    const added = await readPublicKeys(pem)
    localStorage.setItem(KEYS, `${trustedKeys.get()}${pem.trim()}\n`)
    for (const listener of listeners) listener()
    return added
  },
  forget(): void {
    localStorage.removeItem(KEYS)
    for (const listener of listeners) listener()
  },
}

export function useTrustedKeys(): string {
  return useSyncExternalStore(trustedKeys.subscribe, trustedKeys.get)
}

/** A browser that cannot read them any more has none. */
async function keysOf(pem: string): Promise<readonly PublicKey[]> {
  return pem === '' ? [] : readPublicKeys(pem).catch(() => [])
}
