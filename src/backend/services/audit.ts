// The audit service: chains the records that the other services keep, proves and replays them, and lets them go after their years.
import { serveAudit } from '../audit/http.ts'
import { feedsHealthClient } from '../market-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { internalClient } from '../server/internal-client.ts'
import { runService } from '../server/service-process.ts'
import { auditing } from './audit-parts.ts'
import { databaseAnswers, openDatabase, openReplica } from './database-parts.ts'
import { followLogLevel } from './operations-parts.ts'
import { sharedStore } from './store-parts.ts'

await runService('audit-service', async (tools) => {
  const { databaseUrl } = requireSettings(tools.configuration, { databaseUrl: 'DATABASE_URL' })
  const { dataUrl, tls } = tools.configuration
  // Only to show the feeds in its health checks, so it does without.
  const data =
    dataUrl === null
      ? null
      : internalClient({ url: dataUrl, service: 'data', tls, log: tools.log, tracer: tools.tracer })
  const feedsHealth = data === null ? null : feedsHealthClient(data)
  const database = await openDatabase(tools, databaseUrl)
  const replica = openReplica(tools, database)
  // For the log level alone: records are nobody's copies.
  const store = await sharedStore(tools)
  const stopFollowing = await followLogLevel(tools, store)
  // The key is named: replicas that each made their own would not go on from each other's heads.
  const exportsFolder = tools.configuration.dataDir
  const records = auditing(tools, { database, lists: replica, keyFolder: null, exportsFolder })
  return {
    operations: serveAudit(records.functions),
    components: {
      database: databaseAnswers(database),
      ...(replica !== null && { replica: async () => replica.state() }),
      ...records.components,
    },
    ...(feedsHealth !== null && { feeds: () => feedsHealth(ownContext(tools.newId())) }),
    stop: async () => {
      await Promise.all([records.stop(), stopFollowing()])
      await Promise.all([data?.close(), replica?.close(), store.close()])
      await database.end()
    },
  }
})
