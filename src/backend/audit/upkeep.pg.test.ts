import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMetrics } from '../server/metrics.ts'
import { uuidv7Maker } from '../server/uuidv7.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { oldMonths } from '../test/old-months.ts'
import { until } from '../test/until.ts'
import { folderStorage } from './folder-storage.ts'
import { logMonths } from './log-months.ts'
import { createSigningKey, readTrustedKeys } from './signing-key.ts'
import { type AuditUpkeep, auditUpkeep } from './upkeep.ts'

let folder: string
let database: TestDatabase
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-upkeep-'))
  database = await testDatabase()
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

test('months are added at the start, what is past its years leaves, and both are told and measured', async () => {
  const key = createSigningKey(join(folder, 'key.pem'))
  const metrics = createMetrics({ service: 'audit', processMetrics: false })
  const lines: { level: string; line: object; text: string }[] = []
  const note = (level: string) => (line: object, text: string) => lines.push({ level, line, text })
  const storage = join(folder, 'storage')
  // Longer after the last month there is than 24 months.
  const clock = () => new Date('2035-01-15T00:00:00Z')
  const upkeep: AuditUpkeep = auditUpkeep({
    database: database.pool,
    storage: folderStorage(storage),
    key,
    trusted: readTrustedKeys([], [key]),
    clock,
    newId: uuidv7Maker(() => new Date()),
    years: 14,
    log: { info: note('info'), warn: note('warn') } as never,
    metrics,
  })
  upkeep.start()
  await until('months are added', 10_000, () => lines.length > 0)
  expect(lines.splice(0)).toEqual([{ level: 'info', line: { added: 25 }, text: 'the audit log has more months' }])
  expect(await metrics.registry.metrics()).toMatch(/audit_months_ahead\{[^}]*\} 24\n/)

  const months = await oldMonths(database.pool, key, { first: '2020-10-01', count: 2 })
  await months.keep('2020-10-05')
  await upkeep.letGo()
  expect(lines.splice(0)).toMatchObject([
    {
      level: 'warn',
      line: { month: '2020-10-01', check: 'sealed', sentence: '1 record of 2020-10 is not sealed' },
      text: 'a month that is past its years could not leave the audit log',
    },
  ])
  expect(await metrics.registry.metrics()).toMatch(/audit_months_overdue\{[^}]*\} 2\n/)

  await months.seal()
  await Promise.all([upkeep.letGo(), upkeep.letGo()])
  expect(lines.splice(0)).toMatchObject([
    { level: 'info', line: { month: '2020-10-01', records: 1 }, text: 'a month has left the audit log' },
    { level: 'info', line: { month: '2020-11-01', records: 0 }, text: 'a month has left the audit log' },
  ])
  expect(await metrics.registry.metrics()).toMatch(/audit_months_overdue\{[^}]*\} 0\n/)
  expect((await logMonths(database.pool))[0]).toBe('2026-01-01')
  await months.close()
  await upkeep.stop()
  expect(lines).toEqual([])
})
