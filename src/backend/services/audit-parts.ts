// The parts of the audit service, in a process of its own or in all-in-one: the sealer that chains records, the heads that go to locked
// storage, what lets go of old months, and everything that is asked about records.
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { exportRecords } from '../audit/export.ts'
import { exportedHead, headExport } from '../audit/head-export.ts'
import type { AuditFunctions } from '../audit/http.ts'
import { listHolds, placeHold, releaseHold } from '../audit/legal-holds.ts'
import { quotesCsv } from '../audit/quotes-csv.ts'
import { readAuditRecord, readKeptRecord, streamRecords } from '../audit/read-record.ts'
import { replayRecord } from '../audit/replay.ts'
import { replayRange } from '../audit/replay-range.ts'
import { sealer } from '../audit/sealer.ts'
import { searchRecords } from '../audit/search.ts'
import { chainKeys } from '../audit/signing-key.ts'
import { storageAt } from '../audit/storage-at.ts'
import { countUnsealed } from '../audit/unsealed.ts'
import { auditUpkeep } from '../audit/upkeep.ts'
import { verifyChain } from '../audit/verify.ts'
import { whatIf } from '../audit/what-if.ts'
import type { Queryable } from '../database/connect.ts'
import { ConfigurationError } from '../server/configuration.ts'
import type { ComponentCheck } from '../server/health.ts'
import type { Tools } from '../server/service-process.ts'
import { STORAGE_URL_FORM, type StorageAddress } from '../server/storage-url.ts'

/** By so much the clocks of those who keep records and of the sealer may differ. */
const CLOCKS_APART_MS = 60_000

/** Records of a page of the back office's table. */
const CSV_PAGE_RECORDS = 1_000

export interface AuditParts {
  readonly functions: AuditFunctions
  readonly components: Readonly<Record<string, ComponentCheck>>
  readonly stop: () => Promise<void>
}

/**
 * Starts what runs by itself and gives the functions that are asked.
 * @param sources.lists answers searches and walks through ranges, which may be a moment behind; null: the database does
 * @param sources.keyFolder where a signing key is made when the settings name none; null: they must name one
 * @param sources.exportsFolder where exports lie when the settings do not say; null: they must say
 */
export function auditing(
  tools: Tools,
  sources: {
    readonly database: pg.Pool
    readonly lists: Queryable | null
    readonly keyFolder: string | null
    readonly exportsFolder: string | null
  },
): AuditParts {
  const { configuration, log, metrics, clock, newId } = tools
  const { database, keyFolder, exportsFolder } = sources
  const lists = sources.lists ?? database
  const { key, trusted } = chainKeys({
    signingKeyFile: configuration.auditSigningKeyFile,
    trustedKeysFile: configuration.auditTrustedKeysFile,
    ownFolder: keyFolder,
  })
  const storage = storageAt(configuration.auditStorage ?? folderIn(exportsFolder))

  const noteBatch = metrics.durations('audit_seal_duration_seconds', 'Time in which a batch of records was sealed')
  const sealing = sealer({
    database,
    key,
    trusted,
    clock,
    intervalMs: configuration.auditSealIntervalMs,
    onSealed: (batch) => {
      noteBatch(batch.tookMs / 1000)
      log.debug({ ...batch }, 'records were sealed')
    },
    onBroken: (sentence) => log.error({ sentence }, 'the chain of the records is broken, and nothing is sealed'),
    onFailure: (error) => log.warn({ err: error }, 'records could not be sealed yet'),
    onRecovered: () => log.info('records are sealed again'),
  })
  metrics.counter('audit_sealed_records_total', 'Records sealed by this process', () => sealing.stats().sealed)
  metrics.gauge(
    'audit_seal_lag_seconds',
    'Age of the oldest record without a seal',
    () => sealing.stats().lagSeconds ?? 0,
  )
  metrics.gauge('audit_chain_broken', '1 while the sealer does not go on from the newest head', () =>
    Number(sealing.stats().broken !== null),
  )

  const heads = headExport({
    database,
    storage,
    trusted,
    clock,
    everyMs: configuration.auditHeadExportSeconds * 1000,
    retentionYears: configuration.auditRetentionYears,
    onExported: ({ sequence, hash, keyId }) =>
      log.info(
        { sequence, hash: Buffer.from(hash).toString('hex'), key_id: keyId },
        'a head of the chain was exported',
      ),
    onTrouble: (sentence) => log.error({ sentence }, 'the newest head of the chain could not be exported'),
  })
  metrics.gauge('audit_exported_head', 'Place of the newest head in locked storage', () => heads.stats().sequence ?? 0)

  const upkeep = auditUpkeep({
    database,
    storage,
    key,
    trusted,
    clock,
    newId,
    years: configuration.auditRetentionYears,
    log,
    metrics,
  })
  upkeep.start()

  return {
    functions: auditFunctions(tools, {
      database,
      lists,
      verify: { trusted, exportedHead: exportedHead(storage, trusted) },
    }),
    components: {
      sealer: async () => {
        const { broken, lagSeconds, sequence } = sealing.stats()
        if (broken !== null) throw new Error(broken)
        return { sequence, lag_seconds: lagSeconds }
      },
      unsealed_records: async () => {
        const { lagSeconds } = sealing.stats()
        const since = new Date(clock().getTime() - lagSeconds * 1000 - CLOCKS_APART_MS)
        return { records: await countUnsealed(database, since), lag_seconds: Math.floor(lagSeconds) }
      },
      exported_heads: async () => {
        const { trouble, sequence } = heads.stats()
        if (trouble !== null) throw new Error(trouble)
        return { sequence }
      },
    },
    stop: async () => {
      await Promise.all([sealing.close(), heads.close(), upkeep.stop()])
    },
  }
}

function auditFunctions(
  { clock, newId }: Tools,
  sources: {
    readonly database: pg.Pool
    readonly lists: Queryable
    readonly verify: Omit<Parameters<typeof verifyChain>[0], 'database'>
  },
): AuditFunctions {
  const { database, lists } = sources
  const stream = streamRecords(lists)
  const verify = verifyChain({ database, ...sources.verify })
  const chain = exportRecords({ database, clock })
  const again = replayRange(stream)
  const tryOut = whatIf(stream)
  return {
    records: {
      read: (auditId) => readKeptRecord(database, auditId),
      search: searchRecords(lists, clock),
      replay: async (auditId) => {
        const row = await readAuditRecord(database, auditId)
        return row === null ? null : replayRecord(row)
      },
    },
    holds: {
      list: (ask) => listHolds(database, ask),
      place: ({ request, actor }) => placeHold(database, request, { actor, at: clock(), newId }),
      release: ({ holdId, reason, actor }) => releaseHold(database, holdId, reason, { actor, at: clock(), newId }),
    },
    walks: {
      verify: (range, _context, signal) => verify(range, signal),
      replay: (ask, _context, signal) => again(ask, signal),
      exportChain: (range, _context, signal) => chain(range, signal),
      exportCsv: (range) => quotesCsv(stream({ ...range, recordType: 'quote' }, CSV_PAGE_RECORDS)),
      whatIf: (ask, _context, signal) => tryOut(ask, signal),
    },
  }
}

function folderIn(folder: string | null): StorageAddress {
  if (folder !== null) return { kind: 'folder', folder: join(folder, 'audit-exports') }
  throw new ConfigurationError([
    `AUDIT_STORAGE_URL must be set: it says where exports and heads of the chain are locked away, as ${STORAGE_URL_FORM}`,
  ])
}

/**
 * A folder in the data folder for the key and exports of one database: those of another one would not fit together with them.
 * Null when the settings name both themselves.
 */
export function folderOf({ configuration }: Tools, dataDir: string, databaseUrl: string): string | null {
  if (configuration.auditSigningKeyFile !== null && configuration.auditStorage !== null) return null
  const { host, pathname } = new URL(databaseUrl)
  const name = createHash('sha256').update(`${host}${pathname}`).digest('hex').slice(0, 12)
  const folder = join(dataDir, `audit-${name}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ConfigurationError([
      `DATA_DIR must be a folder that can be written to (${code}): the key that signs the record and its exports lie there, unless AUDIT_SIGNING_KEY_FILE and AUDIT_STORAGE_URL name other places`,
    ])
  }
  return folder
}
