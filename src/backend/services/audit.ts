// The audit service: reads the records that the other services keep.
import { serveRecords } from '../audit/http.ts'
import { readAuditRecord } from '../audit/read-record.ts'
import { requireSettings } from '../server/configuration.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers, openDatabase } from './parts.ts'

await runService('audit-service', async (tools) => {
  const { databaseUrl } = requireSettings(tools.configuration, { databaseUrl: 'DATABASE_URL' })
  const database = await openDatabase(tools, databaseUrl)
  return {
    operations: serveRecords((auditId) => readAuditRecord(database, auditId)),
    components: { database: databaseAnswers(database) },
    stop: () => database.end(),
  }
})
