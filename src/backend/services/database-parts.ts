// The database that services stand on, its replica, and how it is.
import type pg from 'pg'
import { connectDatabase } from '../database/connect.ts'
import { type ReplicaReads, replicaReads } from '../database/replica.ts'
import { MigrationError, requireCurrentSchema } from '../database/schema-state.ts'
import type { ComponentCheck } from '../server/health.ts'
import { StartError } from '../server/run.ts'
import type { Tools } from '../server/service-process.ts'

/** The health check of a database: it answers. */
export function databaseAnswers(database: pg.Pool): ComponentCheck {
  return async () => {
    await database.query('select 1')
  }
}

/**
 * A pool on a database whose structure fits this program. A database that does not fit is a reason not to start; one that is away
 * is not, since everything here carries on without it for a while.
 */
export async function openDatabase(
  { configuration, service, log, metrics, onIdleError }: Tools,
  url: string,
): Promise<pg.Pool> {
  const database = connectDatabase(url, {
    applicationName: service,
    connectionsMax: configuration.databaseConnectionsMax,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  metrics.pool('service', database)
  await requireFittingSchema(log, database)
  return database
}

/** The same for a service whose pools are its parts' own: looks once, and keeps no connection. */
export async function requireFittingDatabase(
  { configuration, service, log, onIdleError }: Tools,
  url: string,
): Promise<void> {
  const database = connectDatabase(url, {
    applicationName: service,
    connectionsMax: 1,
    passwordFile: configuration.databasePasswordFile,
    onIdleError,
  })
  try {
    await requireFittingSchema(log, database)
  } finally {
    await database.end()
  }
}

async function requireFittingSchema(log: Tools['log'], database: pg.Pool): Promise<void> {
  try {
    const newer = await requireCurrentSchema(database)
    if (newer.length > 0) log.warn({ migrations: newer }, 'the database is of a newer version; this one runs on it too')
  } catch (error) {
    if (error instanceof MigrationError) throw new StartError(error.message, { cause: error })
    log.warn({ err: error }, 'the database does not answer yet')
  }
}

/** The replica of the settings, for reads that may be a moment behind; null when there is none. */
export function openReplica(
  { configuration, service, log, metrics, onIdleError }: Tools,
  primary: pg.Pool,
): ReplicaReads | null {
  const { databaseReplicaUrl: replicaUrl } = configuration
  if (replicaUrl === null) return null
  const replica = replicaReads({
    primary,
    replicaUrl,
    lagMaxSeconds: configuration.databaseReplicaLagMaxSeconds,
    connect: {
      applicationName: service,
      connectionsMax: configuration.databaseConnectionsMax,
      passwordFile: configuration.databasePasswordFile,
      onIdleError,
    },
    onChange: (state) => log.warn({ ...state }, 'lists are read elsewhere from now on'),
  })
  metrics.gauge('database_replica_in_use', '1 while lists are read from the replica', () =>
    Number(replica.state().reads === 'replica'),
  )
  return replica
}
