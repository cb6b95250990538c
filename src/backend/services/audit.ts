// The audit service: reads the records that the other services keep.
import { serveRecords } from '../audit/http.ts'
import { readAuditRecord } from '../audit/read-record.ts'
import { feedsHealthClient } from '../market-data/http.ts'
import { ownContext } from '../server/call-context.ts'
import { requireSettings } from '../server/configuration.ts'
import { internalClient } from '../server/internal-client.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers, openDatabase } from './parts.ts'

await runService('audit-service', async (tools) => {
  const { databaseUrl } = requireSettings(tools.configuration, { databaseUrl: 'DATABASE_URL' })
  const { dataUrl, tls } = tools.configuration
  // Only to show the feeds in its health checks, so it does without.
  const data = dataUrl === null ? null : internalClient({ url: dataUrl, service: 'data', tls, log: tools.log })
  const feedsHealth = data === null ? null : feedsHealthClient(data)
  const database = await openDatabase(tools, databaseUrl)
  return {
    operations: serveRecords((auditId) => readAuditRecord(database, auditId)),
    components: { database: databaseAnswers(database) },
    ...(feedsHealth !== null && { feeds: () => feedsHealth(ownContext(tools.newId())) }),
    stop: async () => {
      await data?.close()
      await database.end()
    },
  }
})
