// A backup before a migration, by the programs that make it: Debian's pg_dump on Debian's PostgreSQL, and `aws` as a script that
// notes what it is asked.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { downgrade, status } from '../database/migrate.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { howToInstall } from '../test/debian-package.ts'
import { asOwner, type RealPostgres, startPostgres } from '../test/postgres.ts'

const SCRIPT = fileURLToPath(new URL('./run_migrations.ts', import.meta.url))
const DEBIAN_BINARIES = '/usr/lib/postgresql/15/bin'
const hasDump = ['pg_dump', 'pg_restore', 'initdb'].every((name) => existsSync(join(DEBIAN_BINARIES, name)))
if (!hasDump) {
  console.warn(`\nThe tests of pg_dump are skipped. To have them: ${howToInstall('postgresql-15')}\n`)
}

const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-backup-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function upgradeWith(url: string, words: readonly string[], path: string) {
  return spawnSync(process.execPath, ['--import', 'tsx', SCRIPT, '--command', 'upgrade', ...words], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path, DATABASE_URL: url, DATABASE_DIRECT_URL: '' },
  })
}

const pendingIn = async (url: string) => (await status(url)).filter(({ state }) => state === 'pending').length

describe.runIf(hasDump)('--backup', () => {
  const backups = join(folder, 'dumps')
  let server: RealPostgres

  beforeAll(async () => {
    server = await startPostgres({ durable: false, binariesFolder: DEBIAN_BINARIES })
    await downgrade(server.url, 2)
  })
  afterAll(() => server.end())

  test('writes what was there before anything is applied, as the user who migrates, and the file restores', async () => {
    const {
      status: exit,
      stdout,
      stderr,
    } = upgradeWith(server.urlFor('borrow_rate_migrator'), ['--backup', backups], `${DEBIAN_BINARIES}:/usr/bin:/bin`)
    expect(stderr).toBe('')
    expect(exit).toBe(0)
    const [name, ...others] = readdirSync(backups)
    expect(others).toEqual([])
    const file = join(backups, name!)
    expect(stdout).toContain(`backed up to ${file}, `)
    expect(stdout.indexOf('backed up')).toBeLessThan(stdout.indexOf('applied '))
    expect(stdout).toMatch(/verified: every migration is applied as its file says, and all \d\d tables can be read/)
    expect(stdout + stderr).not.toContain(server.passwordOf('borrow_rate_migrator'))

    await asOwner(server.url, (client) => client.query('create database restored'))
    const restored = new URL(server.url)
    restored.pathname = '/restored'
    const restore = spawnSync(
      join(DEBIAN_BINARIES, 'pg_restore'),
      ['--exit-on-error', `--dbname=${restored.href}`, file],
      {
        encoding: 'utf8',
      },
    )
    expect(restore.stderr).toBe('')
    expect(await pendingIn(restored.href)).toBe(2)
    expect(await pendingIn(server.url)).toBe(0)
  })

  test('with nothing to apply no backup is made', () => {
    const none = join(folder, 'none')
    const { status: exit, stdout } = upgradeWith(server.url, ['--backup', none], `${DEBIAN_BINARIES}:/usr/bin:/bin`)
    expect(exit).toBe(0)
    expect(stdout).toContain('nothing to apply')
    expect(existsSync(none)).toBe(false)
  })
})

describe('without a backup nothing is applied', () => {
  let database: TestDatabase
  const programs = join(folder, 'programs')

  beforeAll(async () => {
    database = await testDatabase()
    await downgrade(database.url, 1)
    mkdirSync(programs)
  })
  afterAll(() => database.drop())

  function program(name: string, lines: string): void {
    writeFileSync(join(programs, name), `#!/bin/sh\n${lines}\n`)
    chmodSync(join(programs, name), 0o755)
  }

  test.each([
    ['there is no pg_dump', () => {}, ['--backup', join(folder, 'failed')], /there is no program pg_dump/],
    [
      'pg_dump fails',
      () => program('pg_dump', 'echo "pg_dump: error: permission denied" >&2; exit 1'),
      ['--backup', join(folder, 'failed')],
      /pg_dump failed: pg_dump: error: permission denied/,
    ],
    [
      'what it wrote cannot be read',
      () => {
        program('pg_dump', 'for word; do case $word in --file=*) echo half >"$' + '{word#--file=}";; esac; done')
        program('pg_restore', 'echo "pg_restore: error: input file does not appear to be a valid archive" >&2; exit 1')
      },
      ['--backup', join(folder, 'failed')],
      /pg_restore failed: .*not appear to be a valid archive/,
    ],
    ['there is no aws', () => {}, ['--snapshot', 'borrow-rate-engine-prod'], /there is no program aws/],
    [
      'the snapshot is refused',
      () => program('aws', 'echo "An error occurred (DBInstanceNotFound)" >&2; exit 254'),
      ['--snapshot', 'borrow-rate-engine-prod'],
      /aws rds create-db-snapshot failed: An error occurred \(DBInstanceNotFound\)/,
    ],
    [
      'the snapshot is not there in the end',
      () => program('aws', 'case $2 in describe-db-snapshots) echo failed;; esac'),
      ['--snapshot', 'borrow-rate-engine-prod'],
      /the snapshot borrow-rate-engine-prod-before-migration-\w+ is failed, not available/,
    ],
  ] as const)('%s', async (_, prepare, words, sentence) => {
    prepare()
    const { status: exit, stdout, stderr } = upgradeWith(database.url, words, programs)
    expect(stderr).toMatch(/^nothing was migrated, since there is no backup: /)
    expect(stderr).toMatch(sentence)
    expect(stdout).not.toContain('applied ')
    expect(exit).toBe(1)
    expect(await pendingIn(database.url)).toBe(1)
    if (existsSync(join(folder, 'failed'))) expect(readdirSync(join(folder, 'failed'))).toEqual([])
  })

  test('a snapshot is begun and waited for, and then it migrates', async () => {
    const asked = join(folder, 'asked')
    program('aws', `echo "$@" >>${asked}; case $2 in describe-db-snapshots) echo available;; esac`)
    const { status: exit, stdout } = upgradeWith(database.url, ['--snapshot', 'borrow-rate-engine-prod'], programs)
    expect(exit).toBe(0)
    const name = /backed up as the snapshot (borrow-rate-engine-prod-before-migration-\d{8}t\d{6}z)/.exec(stdout)?.[1]
    expect(readFileSync(asked, 'utf8').trim().split('\n')).toEqual([
      `rds create-db-snapshot --db-instance-identifier borrow-rate-engine-prod --db-snapshot-identifier ${name}`,
      `rds wait db-snapshot-available --db-snapshot-identifier ${name}`,
      `rds describe-db-snapshots --db-snapshot-identifier ${name} --query DBSnapshots[0].Status --output text`,
    ])
    expect(await pendingIn(database.url)).toBe(0)
  })

  test('a backup goes with an upgrade alone, and is of one kind', () => {
    const run = (...words: string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', SCRIPT, ...words], {
        encoding: 'utf8',
        env: { ...process.env, DATABASE_URL: database.url },
      })
    const alone = run('--command', 'downgrade', '--snapshot', 'x')
    expect(alone.stderr).toMatch(/go with --command upgrade/)
    expect(alone.status).toBe(1)
    const both = run('--command', 'upgrade', '--snapshot', 'x', '--backup', 'y')
    expect(both.stderr).toMatch(/cannot be used with option/)
    expect(both.status).toBe(1)
  })
})
