import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { auditRow } from '../test/audit-rows.ts'
import { testDatabase } from '../test/database.ts'
import { until } from '../test/until.ts'
import { auditLog } from './audit-log.ts'
import { sealWork } from './seal-work.ts'
import { createSigningKey, readTrustedKeys } from './signing-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'seal-work-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('metrics, log and health say how far the chain is, and that it is broken, and that it is whole again', async () => {
  const { pool, drop } = await testDatabase()
  const key = createSigningKey(join(folder, 'key.pem'))
  const lines: { level: string; message: string; reason?: string }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const metrics = createMetrics({ service: 'test', processMetrics: false })
  const { sealer, check } = sealWork({
    database: pool,
    key,
    trusted: readTrustedKeys([], [key]),
    intervalMs: 10,
    clock: () => new Date(),
    log: createLog({ service: 'test', level: 'info', destination }),
    metrics,
  })
  const metric = async (name: string) =>
    (await metrics.registry.metrics()).match(new RegExp(`^${name}{[^}]*} (\\S+)$`, 'm'))?.[1]

  const log = auditLog({ pool })
  await log.append(auditRow())
  await until('it is sealed', 5_000, () => sealer.stats().sealed === 1)
  expect(await check()).toMatchObject({ sequence: 1, lag_seconds: expect.any(Number) })
  expect(await metric('audit_sealed_records')).toBe('1')
  expect(await metric('audit_chain_broken')).toBe('0')
  expect(Number(await metric('audit_seal_lag_seconds'))).toBeLessThan(5)
  expect(lines).toEqual([])

  // What somebody does who owns the database.
  await pool.query(
    'insert into audit_heads select sequence + 1, sequence + 1, hash, signed_at, key_id, signature from audit_heads',
  )
  await log.append(auditRow())
  await until('it has noticed', 5_000, () => sealer.stats().broken !== null)
  await expect(check()).rejects.toThrow('the newest head, at 2, does not bear the signature')
  expect(await metric('audit_chain_broken')).toBe('1')
  const owner = await pool.connect()
  await owner.query("set session_replication_role = 'replica'")
  await owner.query('delete from audit_heads where sequence = 2')
  await owner.query('reset session_replication_role')
  owner.release()
  await until('it goes on', 5_000, () => sealer.stats().sealed === 2)
  expect(await check()).toMatchObject({ sequence: 2 })
  expect(lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'error: the chain of the record is broken, and nothing is sealed',
    'info: sealing goes on',
  ])
  await log.close()
  await sealer.close()
  await drop()
})
