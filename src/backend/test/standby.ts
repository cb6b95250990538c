// A hot standby of a test's own PostgreSQL, streaming from it. Made with the server's own backup statements and a copy of its files:
// the embedded package has no pg_basebackup, and Debian's refuses a server newer than itself.
import {
  chmodSync,
  chownSync,
  copyFileSync,
  type Dirent,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { asOwner, type RealPostgres, serverIn, temporaryFolder } from './postgres.ts'

export interface Standby extends Omit<RealPostgres, 'userOf' | 'passwordOf' | 'changePassword'> {
  /** Stops and resumes applying what arrives: the standby falls behind, and catches up. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Resolves when everything that the primary has flushed by now can be read here. */
  caughtUp(): Promise<void>
}

const SLOT = 'test_standby'
/** What belongs to one server and not to its data, or is made anew. */
const NOT_COPIED = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_stat_tmp', 'pgsql_tmp'])

/** Makes a standby and starts it. One at a time for a primary. The caller ends it before the primary. */
export async function startStandby(primary: RealPostgres): Promise<Standby> {
  const folder = temporaryFolder('standby')
  const from = join(primary.folder, 'postgres')
  const to = join(folder, 'postgres')
  const owner = lstatSync(from)
  const own = (path: string) => chownSync(path, owner.uid, owner.gid)
  await asOwner(primary.url, async (client) => {
    await client.query('select pg_create_physical_replication_slot($1, true)', [SLOT]) // keeps the log until we have it
    await client.query("select pg_backup_start('standby', true)")
    copyFolder(from, to, own)
    for (const name of ['pg_wal', 'pg_replslot', 'pg_stat_tmp']) {
      mkdirSync(join(to, name), { mode: 0o700 })
      own(join(to, name))
    }
    const { rows } = await client.query('select labelfile from pg_backup_stop(false)')
    const { port, username, password } = new URL(primary.url)
    const settings = `
      primary_conninfo = 'host=127.0.0.1 port=${port} user=${username} password=${password}'
      primary_slot_name = '${SLOT}'\n`
    writeFileSync(join(to, 'backup_label'), rows[0].labelfile)
    writeFileSync(
      join(to, 'postgresql.auto.conf'),
      readFileSync(join(to, 'postgresql.auto.conf'), 'utf8') + settings.replaceAll(/^ +/gm, ''),
    )
    writeFileSync(join(to, 'standby.signal'), '')
    for (const name of ['backup_label', 'postgresql.auto.conf', 'standby.signal']) own(join(to, name))
  })
  chmodSync(to, 0o700)
  writeFileSync(join(folder, 'password'), readFileSync(join(primary.folder, 'password')), { mode: 0o600 })
  const server = await serverIn(folder, {
    durable: primary.durable,
    ...(primary.binariesFolder === undefined ? {} : { binariesFolder: primary.binariesFolder }),
  })
  const ask = (statement: string, parameters: unknown[] = []) =>
    asOwner(server.url, async (client) => (await client.query(statement, parameters)).rows)
  return {
    ...server,
    urlFor: (role) => {
      const url = new URL(primary.urlFor(role))
      url.port = String(server.port)
      return url.href
    },
    pause: async () => void (await ask('select pg_wal_replay_pause()')),
    resume: async () => void (await ask('select pg_wal_replay_resume()')),
    caughtUp: async () => {
      const [{ flushed }] = await asOwner(
        primary.url,
        async (client) =>
          (await client.query('select pg_current_wal_flush_lsn() as flushed')).rows as [{ flushed: string }],
      )
      for (;;) {
        const rows = await ask('select pg_last_wal_replay_lsn() >= $1::pg_lsn as there', [flushed])
        if (rows[0].there === true) return
      }
    },
    end: async () => {
      await server.end()
      rmSync(folder, { recursive: true, force: true })
      await asOwner(primary.url, (client) =>
        client.query(
          'select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active',
          [SLOT],
        ),
      )
    },
  }
}

/** Of a folder whose files come and go meanwhile: what is gone before it is copied is not needed. */
function copyFolder(from: string, to: string, own: (path: string) => void): void {
  mkdirSync(to, { mode: 0o700 })
  own(to)
  for (const entry of readdirSync(from, { withFileTypes: true }) as Dirent[]) {
    if (NOT_COPIED.has(entry.name)) continue
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target, own)
    else if (entry.isFile()) {
      try {
        copyFileSync(source, target)
        own(target)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }
}
