// The audit service: reads the records that the other services keep.
import { serveRecords } from '../audit/http.ts'
import { readAuditRecord } from '../audit/read-record.ts'
import { connectDatabase } from '../database/connect.ts'
import { requireSettings } from '../server/configuration.ts'
import { runService } from '../server/service-process.ts'
import { databaseAnswers } from './parts.ts'

await runService('audit-service', async ({ configuration, onIdleError }) => {
  const { databaseUrl } = requireSettings(configuration, { databaseUrl: 'DATABASE_URL' })
  const database = connectDatabase(databaseUrl, {
    applicationName: 'audit-service',
    connectionsMax: configuration.databaseConnectionsMax,
    onIdleError,
  })
  return {
    operations: serveRecords((auditId) => readAuditRecord(database, auditId)),
    components: { database: databaseAnswers(database) },
    stop: () => database.end(),
  }
})
