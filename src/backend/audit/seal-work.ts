// The sealer as a process runs it: with the log, the metrics and the health check that say how it is.
import type pg from 'pg'
import type { ComponentCheck } from '../server/health.ts'
import type { Log } from '../server/log.ts'
import type { Metrics } from '../server/metrics.ts'
import type { Clock } from '../server/uuidv7.ts'
import { type Sealer, sealer } from './sealer.ts'
import type { SigningKey, TrustedKeys } from './signing-key.ts'

export interface SealWork {
  readonly sealer: Sealer
  /** `audit_chain` among the components: how far the chain is; down while it is broken. */
  readonly check: ComponentCheck
}

export function sealWork(options: {
  /** A pool of the audit service. The sealer uses one connection at a time. */
  readonly database: pg.Pool
  readonly key: SigningKey
  readonly trusted: TrustedKeys
  readonly intervalMs: number
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error' | 'debug'>
  readonly metrics: Pick<Metrics, 'gauge'>
}): SealWork {
  const { log, metrics, ...parts } = options
  const chain = sealer({
    ...parts,
    onSealed: (batch) => log.debug({ ...batch }, 'records sealed'),
    onBroken: (sentence) => log.error({ reason: sentence }, 'the chain of the record is broken, and nothing is sealed'),
    onFailure: (error) => log.warn({ err: error }, 'sealing failed, and is tried again'),
    onRecovered: () => log.info('sealing goes on'),
  })
  const { stats } = chain
  metrics.gauge('audit_sealed_records', 'Records sealed since the start', () => stats().sealed)
  metrics.gauge('audit_seal_failures', 'Looks for records to seal that failed, since the start', () => stats().failures)
  metrics.gauge(
    'audit_seal_lag_seconds',
    'Age of the oldest record that may have no seal; not a number before the first look',
    () => stats().lagSeconds ?? Number.NaN,
  )
  metrics.gauge('audit_chain_broken', '1 while the newest head is not one to go on from', () =>
    Number(stats().broken !== null),
  )
  metrics.gauge(
    'audit_seal_batch_milliseconds',
    'How long the last batch took, from its lock to its commit',
    () => stats().lastBatch?.tookMs ?? 0,
  )
  return {
    sealer: chain,
    check: async () => {
      const { broken, lagSeconds, sequence, everythingSeenAt } = stats()
      if (broken !== null) throw new Error(broken)
      return { sequence, lag_seconds: lagSeconds, everything_seen_at: everythingSeenAt?.toISOString() ?? null }
    },
  }
}
