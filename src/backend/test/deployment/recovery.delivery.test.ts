// Backups of a real PostgreSQL with an archived log, and what can be made of them: the newest state, the state of a moment, a drill with
// its two figures. What is lost is counted, not asserted away.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedReferenceData } from '../../database/seed.ts'
import { checkDatabase } from '../../scripts/database-check.ts'
import type { DrillReport } from '../../tools/recovery/drill.ts'
import { localRecovery } from '../../tools/recovery/local.ts'
import type { Recovery } from '../../tools/recovery/recovery.ts'
import { debianPostgres, HOW_TO_GET_DEBIAN_POSTGRES, startArchivedPostgres } from '../archived-postgres.ts'
import { auditRow, insertRows } from '../audit-rows.ts'
import { asOwner, type RealPostgres, temporaryFolder } from '../postgres.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import { until } from '../until.ts'

const binariesFolder = debianPostgres()
if (binariesFolder === null) console.warn(`\nNothing is restored: ${HOW_TO_GET_DEBIAN_POSTGRES}\n`)
const SOON_MS = 20_000

describe.skipIf(binariesFolder === null)('what a backup is for', () => {
  let folder: string
  let primary: RealPostgres
  let recovery: Recovery

  beforeAll(async () => {
    folder = temporaryFolder('recovery')
    const backups = join(folder, 'backups')
    primary = await startArchivedPostgres(binariesFolder as string, join(backups, 'wal'))
    await asOwner(primary.url, seedReferenceData)
    recovery = localRecovery({
      url: primary.url,
      standbyUrl: null,
      backupsFolder: backups,
      restoredFolder: join(folder, 'restored'),
      binariesFolder: binariesFolder as string,
      now: () => new Date(),
    })
  })

  afterAll(async () => {
    await primary?.end()
    rmSync(folder, { recursive: true, force: true })
  })

  /** A record in the log, as a quote leaves one. */
  const note = (id: string) => asOwner(primary.url, (client) => insertRows(client, [auditRow({ request_id: id })]))
  const noted = (url: string | null) =>
    asOwner(url as string, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'select request_id as id from audit_records order by audit_id',
      )
      return rows.map(({ id }) => id)
    })
  const brokers = (url: string | null) =>
    asOwner(url as string, async (client) => (await client.query('select from brokers')).rowCount)
  const archived = () =>
    asOwner(primary.url, async (client) => {
      await client.query('select pg_switch_wal()')
      const { rows } = await client.query('select pg_walfile_name(pg_current_wal_lsn() - 1) as file')
      await until('the log is archived', SOON_MS, () => existsSync(join(folder, 'backups/wal', rows[0].file)))
    })

  test('before there is one, there is nothing to restore', async () => {
    expect(await recovery.newestBackup()).toBeNull()
    await expect(recovery.restore({ kind: 'newest' }, 'none')).rejects.toThrow('there is no backup in ')
  })

  test('what somebody destroyed is there again as of the moment before; what came after is lost, and counted', async () => {
    const { id, tookMs } = await recovery.takeBackup()
    await note('n-1')
    await note('n-2')
    await sleep(20)
    const { now: before } = await asOwner(
      primary.url,
      async (client) => (await client.query('select clock_timestamp() as now')).rows[0],
    )
    await sleep(20)
    await asOwner(primary.url, (client) => client.query('delete from brokers'))
    await note('n-3')
    await archived()
    const restored = await recovery.restore({ kind: 'moment', moment: before as Date }, 'as-of')
    expect(restored.backup).toBe(id)
    expect(await noted(restored.url)).toEqual(['n-1', 'n-2'])
    expect(await brokers(restored.url)).toBe(1)
    expect(await brokers(primary.url)).toBe(0)
    const lost = (await noted(primary.url)).filter((each) => !['n-1', 'n-2'].includes(each))
    console.log(
      `  a backup in ${(tookMs / 1000).toFixed(1)} s; restored to a moment in ${(restored.tookMs / 1000).toFixed(1)} s: the broker is back, ${lost.length} record of after it is lost`,
    )
    expect(lost).toEqual(['n-3'])
    // It is a server of its own: it takes writes, and its log goes nowhere near the archive of its source.
    await asOwner(restored.url as string, async (client) => {
      await insertRows(client, [auditRow({ request_id: 'elsewhere' })])
      const { rows } = await client.query(
        "select current_setting('archive_mode') as archive, pg_is_in_recovery() as recovers",
      )
      expect(rows).toEqual([{ archive: 'off', recovers: false }])
    })
    await recovery.remove('as-of')
    expect(await noted(primary.url)).toEqual(['n-1', 'n-2', 'n-3'])
  })

  test('a moment that the log does not reach, or that is before every backup, is refused in a sentence', async () => {
    await expect(
      recovery.restore({ kind: 'moment', moment: new Date('2020-01-01T00:00:00Z') }, 'early'),
    ).rejects.toThrow('there is no backup from before 2020-01-01T00:00:00.000Z')
    const late = recovery.restore({ kind: 'moment', moment: new Date(Date.now() + 3_600_000) }, 'late')
    await expect(late).rejects.toThrow(
      /could not be restored: .*recovery ended before configured recovery target was reached/,
    )
    expect(existsSync(join(folder, 'restored/late'))).toBe(false)
  })

  test('a drill says how long it took and what was missing, and leaves nothing', async () => {
    await note('n-4')
    await archived()
    // In the log that is not archived yet: what a lost machine takes with it.
    await note('n-5')
    const file = join(folder, 'drill.json')
    const places = ['--backups', join(folder, 'backups'), '--restored', join(folder, 'restored')]
    const program = ['--import', 'tsx', 'tools/recovery.ts', 'drill', '--driver', 'local', ...places, '--report', file]
    const { stdout } = await promisify(execFile)(process.execPath, program, {
      cwd: join(PROJECT_ROOT, BACKEND),
      env: { PATH: process.env.PATH, DATABASE_DIRECT_URL: primary.url },
    })
    console.log(stdout.trim().replace(/^/gm, '  '))
    const report = JSON.parse(readFileSync(file, 'utf8')) as DrillReport
    expect(report).toMatchObject({ good: true, missingRows: { audit_records: 1 } })
    expect(report.check.migrations.newest).toMatch(/^\d{4}_/)
    expect(report.restored.url).toBeUndefined()
    expect(readdirSync(join(folder, 'restored'))).toEqual([])
  })

  test('a database that lost a trigger, a table or a migration is not whole, and that is said', async () => {
    const { url } = await recovery.restore({ kind: 'newest' }, 'damaged')
    const faultsAfter = async (statement: string) => {
      await asOwner(url as string, (client) => client.query(statement))
      const { good, faults } = await checkDatabase({ url: url as string, trustedKeys: [] })
      return `${good}: ${faults.join('; ')}`
    }
    try {
      expect(await faultsAfter('drop trigger audit_records_append_only on audit_records')).toMatch(
        /^false: the structure lacks 1 of what the migrations made, first: CREATE TRIGGER audit_records_append_only/,
      )
      expect(await faultsAfter('drop table webhook_watch')).toMatch(/^false: .* first: create table webhook_watch/)
      expect(await faultsAfter("delete from schema_checksums where name like '0015%'")).toMatch(
        /^false: 0015_key_rotation is /,
      )
    } finally {
      await recovery.remove('damaged')
    }
  })

  test('without a standby there is no failover', async () => {
    await expect(recovery.failover()).rejects.toThrow('there is no standby')
  })
})
