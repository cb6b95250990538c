// A PostgreSQL on this machine whose write-ahead log is archived into a folder: backups by pg_basebackup, recovery by PostgreSQL's own
// means, a standby that is promoted. What RDS does by itself, step by step; and the rehearsal of it without a cloud.
//
//     backups/base/<id>/        a base backup             backups/base/<id>.json   written last: the backup is whole
//     backups/wal/              the archive                restored/<name>/         a restored server, as the embedded one lies
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { serverAccount } from '../../database/postgres-binaries.ts'
import { type Backup, checkedName, type Recovery, RecoveryError, type RestorePoint, stampOf } from './recovery.ts'

export interface LocalOptions {
  /** Of the primary, as a user who may replicate. */
  readonly url: string
  /** Of the standby; null: there is none. */
  readonly standbyUrl: string | null
  readonly backupsFolder: string
  readonly restoredFolder: string
  /** With `postgres` and `pg_basebackup`, of the primary's version. */
  readonly binariesFolder: string
  readonly now: () => Date
  /** The primary may still answer: whoever asks has cut it off from its clients. */
  readonly isPrimaryFenced?: boolean
}

const PROGRAM_MS_MAX = 3_600_000
const RECOVERY_MS_MAX = 3_600_000
const CONNECT_MS = 3_000
const PROMOTE_SECONDS_MAX = 60
const POLL_MS = 50
const LOG_LINES = 6

/** What a restored server must not do: archive over the log it came from, wait for standbys that are not its own, follow anybody. */
const OF_ITS_OWN = {
  archive_mode: 'off',
  synchronous_standby_names: '',
  primary_conninfo: '',
  primary_slot_name: '',
  recovery_target_action: 'promote',
  recovery_target_inclusive: 'true',
}

export function localRecovery(options: LocalOptions): Recovery {
  const { url, standbyUrl, backupsFolder, restoredFolder, binariesFolder, now } = options
  const bases = join(backupsFolder, 'base')
  const archive = join(backupsFolder, 'wal')

  const backups = (): Backup[] => {
    if (!existsSync(bases)) return []
    return readdirSync(bases)
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const { takenAt } = JSON.parse(readFileSync(join(bases, file), 'utf8')) as { takenAt: string }
        return { id: file.slice(0, -'.json'.length), takenAt: new Date(takenAt) }
      })
      .sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime())
  }

  /** The newest that is older than what is asked for. */
  const backupFor = (point: RestorePoint): Backup => {
    const found = backups().find(({ id, takenAt }) => {
      if (point.kind === 'backup') return id === point.id
      return point.kind === 'newest' || takenAt <= point.moment
    })
    if (found !== undefined) return found
    const asked = {
      newest: '',
      moment: ` from before ${point.kind === 'moment' ? point.moment.toISOString() : ''}`,
      backup: ` ${point.kind === 'backup' ? point.id : ''}`,
    }
    throw new RecoveryError(`there is no backup${asked[point.kind]} in ${bases}`)
  }

  return {
    async takeBackup() {
      const startedAt = performance.now()
      mkdirSync(bases, { recursive: true })
      const id = `base-${stampOf(now())}`
      const place = join(bases, id)
      const address = new URL(url)
      const password = decodeURIComponent(address.password)
      address.password = ''
      // pg_basebackup makes a replication connection, which has no database.
      address.pathname = ''
      const words = ['-D', place, '-d', address.href, '--checkpoint=fast', '--wal-method=stream', '--no-password']
      try {
        await promisify(execFile)(join(binariesFolder, 'pg_basebackup'), words, {
          env: { ...process.env, PGPASSWORD: password },
          timeout: PROGRAM_MS_MAX,
        })
      } catch (error) {
        rmSync(place, { recursive: true, force: true })
        const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
        if (code === 'ENOENT') throw new RecoveryError(`there is no pg_basebackup in ${binariesFolder}`)
        throw new RecoveryError(`pg_basebackup failed: ${stderr.trim() || String(code)}`)
      }
      const takenAt = now()
      writeFileSync(join(bases, `${id}.json`), `${JSON.stringify({ takenAt: takenAt.toISOString() })}\n`)
      return { id, takenAt, tookMs: Math.round(performance.now() - startedAt) }
    },

    newestBackup: async () => backups()[0] ?? null,

    async restore(point, name) {
      const startedAt = performance.now()
      const backup = backupFor(point)
      const folder = join(restoredFolder, checkedName(name))
      if (existsSync(folder)) throw new RecoveryError(`${folder} is there already`)
      const data = join(folder, 'postgres')
      mkdirSync(folder, { recursive: true, mode: 0o755 })
      cpSync(join(bases, backup.id), data, { recursive: true })
      // A letter for the zone is none that the server knows when it reads its settings.
      const target =
        point.kind === 'moment'
          ? { recovery_target_time: point.moment.toISOString().replace('T', ' ').replace('Z', '+00') }
          : // The end of the backup, or of the log.
            point.kind === 'backup'
            ? { recovery_target: 'immediate' }
            : {}
      const settings = { ...OF_ITS_OWN, restore_command: `cp "${archive}/%f" "%p"`, ...target }
      const lines = Object.entries(settings).map(([setting, value]) => `${setting} = '${value}'`)
      appendFileSync(join(data, 'postgresql.auto.conf'), `${lines.join('\n')}\n`)
      writeFileSync(join(data, 'recovery.signal'), '')
      own(data)
      chmodSync(data, 0o700)
      writeFileSync(join(folder, 'password'), decodeURIComponent(new URL(url).password), { mode: 0o600 })
      try {
        const server = await startEmbeddedPostgres({
          dataDir: folder,
          durable: true,
          binariesFolder,
          log: { info: () => {}, warn: () => {} },
        })
        await recovered(server.url, folder)
        const { host } = new URL(server.url)
        return { name, url: server.url, host, backup: backup.id, tookMs: Math.round(performance.now() - startedAt) }
      } catch (error) {
        const why = lastWords(folder) || (error as Error).message
        await this.remove(name)
        throw new RecoveryError(`${backup.id} could not be restored: ${why}`)
      }
    },

    async remove(name) {
      const folder = join(restoredFolder, checkedName(name))
      if (!existsSync(folder)) return
      const running = await startEmbeddedPostgres({
        dataDir: folder,
        durable: true,
        binariesFolder,
        log: { info: () => {}, warn: () => {} },
      }).catch(() => null)
      await running?.stop()
      rmSync(folder, { recursive: true, force: true })
    },

    async failover() {
      if (standbyUrl === null) throw new RecoveryError('there is no standby: give its address')
      if (options.isPrimaryFenced !== true && (await answers(url))) {
        throw new RecoveryError('the primary still answers: two would take writes. Stop it, or cut it off and say so')
      }
      const startedAt = performance.now()
      await connected(standbyUrl, async (client) => {
        const { rows } = await client.query('select pg_is_in_recovery() as is_standby')
        if (rows[0].is_standby !== true) throw new RecoveryError('that is no standby: it takes writes already')
        const { rows: promoted } = await client.query('select pg_promote(true, $1) as done', [PROMOTE_SECONDS_MAX])
        if (promoted[0].done !== true)
          throw new RecoveryError(`the standby did not take over in ${PROMOTE_SECONDS_MAX} s`)
        // Its primary is gone: nobody is to be waited for.
        await client.query("alter system set synchronous_standby_names = ''")
        await client.query('select pg_reload_conf()')
      })
      return {
        what: `the standby at ${new URL(standbyUrl).host} takes writes`,
        tookMs: Math.round(performance.now() - startedAt),
      }
    },
  }
}

/** Until everything is replayed and the server takes writes. @throws RecoveryError when it gave up */
async function recovered(url: string, folder: string): Promise<void> {
  const endsAt = performance.now() + RECOVERY_MS_MAX
  for (;;) {
    const state = await connected(url, async (client) => {
      const { rows } = await client.query('select pg_is_in_recovery() as is_recovering')
      return rows[0].is_recovering as boolean
    }).catch(() => null)
    if (state === false) return
    if (/FATAL: {2}recovery ended before/.test(logOf(folder))) throw new RecoveryError('recovery ended early')
    if (performance.now() > endsAt) throw new RecoveryError(`recovery took longer than ${RECOVERY_MS_MAX} ms`)
    await sleep(POLL_MS)
  }
}

async function answers(url: string): Promise<boolean> {
  return connected(url, async (client) => void (await client.query('select 1'))).then(
    () => true,
    () => false,
  )
}

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Of the server's user, with everything in it. */
function own(path: string): void {
  const account = serverAccount()
  if (account === null) return
  chownSync(path, account.uid, account.gid)
  if (!lstatSync(path).isDirectory()) return
  for (const entry of readdirSync(path)) own(join(path, entry))
}

function logOf(folder: string): string {
  const file = join(folder, 'postgres.log')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function lastWords(folder: string): string {
  const lines = logOf(folder).trim().split('\n')
  return lines
    .filter((line) => /FATAL|PANIC|invalid value/.test(line))
    .slice(-LOG_LINES)
    .join(' ')
}
