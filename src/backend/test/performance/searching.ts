// How fast records are found, and what that costs: a log of millions of quotes (filled-log.ts), asked for every condition alone and for
// every two together, on the first page, on the deepest page there is and from a cursor, each with its total. Beside that the bytes a
// record takes, table and indexes, and the appending of records with the indexes of the search and without them.
//
// The searches are of everything that was ever recorded unless the condition is a time: the widest there is. Warm figures come from the
// running server; for the cold one it is started anew, on files that the system's cache has let go of. The connection has searched
// before, as those of a running service have.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { auditLog } from '../../audit/audit-log.ts'
import { EXACT_TOTAL_MAX, type RecordSearch, type SearchRecords, searchRecords } from '../../audit/search.ts'
import { connectDatabase } from '../../database/connect.ts'
import { startEmbeddedPostgres } from '../../database/embedded.ts'
import { upgrade } from '../../database/migrate.ts'
import { uuidv7Maker } from '../../server/uuidv7.ts'
import { withTemporaryFolder } from './bench-database.ts'
import type { BenchOptions } from './effort.ts'
import { conditions, fillLog, pairs, searchFor } from './filled-log.ts'
import { quoteRecords } from './quote-records.ts'
import { type Figure, figure, printed } from './rounds.ts'

/** Unless said. */
const RECORDS = 5_000_000
const RECORDS_MIN = 10_000
/** What a search may take. */
const TARGET_MS = 200
const DAYS = 90
/** Empty months on both sides of those that hold the records. */
const EMPTY_MONTHS = 24
const PAGE_SIZE = 100
const RUNS = 5
const SLOWEST_SHOWN = 8
/** Smaller files stay in the cache: they are the catalog's, which every statement reads. */
const CACHED_BYTES_MAX = 1_000_000
const APPEND_ROUNDS = 5
const APPEND_ROUNDS_BEFORE = 7
const APPEND_RECORDS = 10_000
const APPEND_IN_FLIGHT = 512

/** @throws Error when `records` is no count, or too small for its rare clients and tickers */
export async function searching({ records: asked }: BenchOptions): Promise<object> {
  const records = asked ?? RECORDS
  if (!Number.isInteger(records) || records < RECORDS_MIN) throw new Error(`--records must be ${RECORDS_MIN} or more`)
  return withTemporaryFolder(async (folder) => {
    const server = await restartableServer(folder)
    try {
      await upgrade(server.url())
      const until = new Date()
      await server.withPool((pool) => fill(pool, records, until))
      const sizes = await server.withPool((pool) => bytesPerRecord(pool, records))
      reportSizes(sizes)
      const warm = await server.withPool((pool) => searchesOf(pool, until))
      const cold = await coldSearches(server, until)
      reportSearches(warm, cold)
      const appended = await server.withPool(appending)
      const load = loadavg()[1]
      console.log(`  the machine had ${load?.toFixed(1)} processes to run in the last five minutes, ours among them`)
      const settings = { records, days: DAYS, page_size: PAGE_SIZE, runs: RUNS, load_average: load }
      return { ...settings, bytes_per_record: sizes, warm, cold, appended }
    } finally {
      await server.stop()
    }
  })
}

// ---- the log ----

async function fill(pool: pg.Pool, records: number, until: Date): Promise<void> {
  const months = EMPTY_MONTHS + Math.ceil(DAYS / 28) + EMPTY_MONTHS
  await pool.query(`select add_audit_months(($1::timestamptz - make_interval(months => $2))::date, $3)`, [
    until,
    EMPTY_MONTHS + Math.ceil(DAYS / 31),
    months,
  ])
  const start = performance.now()
  const seconds = () => ((performance.now() - start) / 1_000).toFixed(0)
  let shown = 0
  await fillLog(pool, {
    records,
    until,
    days: DAYS,
    onProgress: (filled) => {
      const percent = Math.floor((filled * 100) / records)
      if (percent < shown + 5) return
      shown = percent
      console.log(`search: ${percent} % of ${records} records filled in, ${seconds()} s`)
    },
  })
  await pool.query('vacuum (analyze) audit_records, audit_seals')
  console.log(`search: ready after ${seconds()} s\n`)
}

/** Bytes a record, by what they are for. */
type Sizes = Readonly<Record<string, number>>

async function bytesPerRecord(pool: pg.Pool, records: number): Promise<Sizes> {
  const { rows } = await pool.query<{ part: string; bytes: string }>(
    `select parent.relname || case when parent.relkind = 'p' then ', columns' else '' end as part, sum(pg_relation_size(i.inhrelid)) as bytes
       from pg_inherits i join pg_class parent on parent.oid = i.inhparent
      where parent.relname like 'audit\\_%' group by parent.relname, parent.relkind
     union all
     select 'audit_records, texts out of line', sum(pg_total_relation_size(c.reltoastrelid))
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_records'::regclass
      order by part`,
  )
  return Object.fromEntries(rows.map(({ part, bytes }) => [part, Number(bytes) / records]))
}

function reportSizes(sizes: Sizes): void {
  console.log('search: bytes a record')
  for (const [part, bytes] of Object.entries(sizes)) console.log(`  ${part.padEnd(34)} ${bytes.toFixed(0).padStart(6)}`)
  const sum = Object.values(sizes).reduce((total, bytes) => total + bytes, 0)
  console.log(`  ${'together'.padEnd(34)} ${sum.toFixed(0).padStart(6)}\n`)
}

// ---- searches ----

/** What one search took, in milliseconds, wherever its page lies. */
interface Searched {
  readonly name: string
  readonly total: number
  readonly total_is_exact: boolean
  readonly first: Figure
  readonly deep: Figure
  /** null: there is nothing after its pages. */
  readonly cursor: Figure | null
}

interface Warm {
  readonly alone: readonly Searched[]
  readonly together: readonly Searched[]
}

/** Every condition alone and every two together. Exported for whoever tries other indexes on a log of their own. */
export async function searchesOf(pool: pg.Pool, until: Date): Promise<Warm> {
  const search = searchRecords(pool, () => until)
  const alone = conditions(until)
  return {
    alone: await timedAll(search, { everything: {}, ...alone }),
    together: await timedAll(search, pairs(alone)),
  }
}

async function timedAll(
  search: SearchRecords,
  asked: Readonly<Record<string, Partial<RecordSearch>>>,
): Promise<Searched[]> {
  const searched: Searched[] = []
  for (const [name, condition] of Object.entries(asked)) searched.push(await timed(search, name, condition))
  return searched
}

async function timed(search: SearchRecords, name: string, condition: Partial<RecordSearch>): Promise<Searched> {
  const asked = searchFor({ pageSize: PAGE_SIZE, ...condition })
  const deepest = { ...asked, page: EXACT_TOTAL_MAX / PAGE_SIZE }
  const first = await search(asked)
  const deep = await search(deepest)
  const cursor = deep.nextCursor ?? first.nextCursor
  const measure = async (of: RecordSearch) => {
    const times: number[] = []
    for (let run = 0; run < RUNS; run += 1) times.push(await milliseconds(() => search(of)))
    return figure(times)
  }
  return {
    name,
    total: first.total,
    total_is_exact: first.totalIsExact,
    first: await measure(asked),
    deep: await measure(deepest),
    cursor: cursor === null ? null : await measure({ ...asked, cursor }),
  }
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** What the first search of a server took that has just been started; null where the system's cache cannot be emptied of its files. */
type Cold = Readonly<Record<string, number>> | null

async function coldSearches(server: Restartable, until: Date): Promise<Cold> {
  const cold: Record<string, number> = {}
  for (const [name, condition] of Object.entries({ everything: {}, ...conditions(until) })) {
    if (!(await server.restartCold())) return null
    await server.withPool(async (pool) => {
      const search = searchRecords(pool, () => until)
      await search(searchFor({ clientId: 'nobody' }))
      cold[name] = await milliseconds(() => search(searchFor({ pageSize: PAGE_SIZE, ...condition })))
    })
  }
  return cold
}

function reportSearches({ alone, together }: Warm, cold: Cold): void {
  const all = [...alone, ...together].flatMap(({ first, deep, cursor }) => [first, deep, ...(cursor ? [cursor] : [])])
  const slow = all.filter(({ max }) => max >= TARGET_MS).length
  console.log(`search: ms a search with its total, median and highest of ${RUNS}, page size ${PAGE_SIZE}`)
  console.log(
    `  ${'one condition'.padEnd(38)} ${'found'.padStart(7)} ${head('first page')} ${head('deepest page')} ${head('by cursor')}    cold`,
  )
  for (const one of alone) console.log(`  ${line(one)} ${(cold?.[one.name]?.toFixed(0) ?? '').padStart(7)}`)
  const worst = (of: Searched) => Math.max(of.first.max, of.deep.max, of.cursor?.max ?? 0)
  console.log(`  the slowest of ${together.length} pairs of conditions`)
  for (const one of [...together].sort((a, b) => worst(b) - worst(a)).slice(0, SLOWEST_SHOWN)) {
    console.log(`  ${line(one)}`)
  }
  const medians = figure(all.map(({ median }) => median))
  console.log(`  all ${all.length}: median ${medians.median.toFixed(1)}, highest median ${medians.max.toFixed(0)}`)
  console.log(`  ${slow} of ${all.length} took ${TARGET_MS} ms or more in any of their runs`)
  if (cold === null) console.log('  not measured cold: this system does not let go of single files')
  console.log('')
}

const head = (text: string) => text.padStart(15)

function line({ name, total, total_is_exact, first, deep, cursor }: Searched): string {
  const times = [first, deep, cursor].map((of) =>
    (of === null ? '' : `${of.median.toFixed(1)} ${of.max.toFixed(0).padStart(4)}`).padStart(15),
  )
  return `${name.padEnd(38)} ${`${total}${total_is_exact ? '' : '+'}`.padStart(7)} ${times.join(' ')}`
}

// ---- appending ----

interface Appended {
  readonly records_per_second: Figure
  /** Bytes of write-ahead log a record. */
  readonly wal_bytes: Figure
}

/**
 * Records through the audit log into the filled log, as it is and with nothing but the key. Last, since the indexes are gone then.
 * The rounds before are not measured: after a checkpoint each page is logged whole when it is first written to.
 */
async function appending(pool: pg.Pool): Promise<Readonly<Record<string, Appended>>> {
  const measure = async (): Promise<Appended> => {
    const [rates, bytes]: [number[], number[]] = [[], []]
    for (let round = -APPEND_ROUNDS_BEFORE; round < APPEND_ROUNDS; round += 1) {
      const before = await walBytes(pool)
      const rate = await appendRecords(pool)
      if (round < 0) continue
      rates.push(rate)
      bytes.push(((await walBytes(pool)) - before) / APPEND_RECORDS)
    }
    return { records_per_second: figure(rates), wal_bytes: figure(bytes) }
  }
  const asItIs = await measure()
  const { rows } = await pool.query<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indrelid = 'audit_records'::regclass and not indisprimary`,
  )
  for (const { name } of rows) await pool.query(`drop index ${name}`)
  const keyAlone = await measure()
  console.log(
    `search: records/s appended and bytes logged for each, ${APPEND_ROUNDS} rounds of ${APPEND_RECORDS}, fsync on, 2 lanes`,
  )
  for (const [name, of] of [
    ['with the indexes of the search', asItIs] as const,
    ['with the key alone', keyAlone] as const,
  ]) {
    console.log(`  ${name.padEnd(34)} ${printed(of.records_per_second)}    ${printed(of.wal_bytes)}`)
  }
  return { with_search_indexes: asItIs, with_key_alone: keyAlone }
}

async function walBytes(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ bytes: string }>(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as bytes`)
  return Number(rows[0]?.bytes)
}

async function appendRecords(pool: pg.Pool): Promise<number> {
  const texts = await quoteRecords()
  const newId = uuidv7Maker(() => new Date())
  const log = auditLog({ pool, prepared: true })
  const start = performance.now()
  let appended = 0
  await Promise.all(
    Array.from({ length: APPEND_IN_FLIGHT }, async () => {
      while (appended < APPEND_RECORDS) {
        appended += 1
        const text = texts[appended % texts.length]!
        const value = (Math.random() * 1_000_000).toFixed(2)
        const client = `broker-${String(Math.floor(Math.random() * 3_000)).padStart(4, '0')}`
        await log.append({
          ...text,
          audit_id: newId(),
          client_id: client,
          position_value: value,
          borrow_rate: `0.${appended}`,
        })
      }
    }),
  )
  const rate = (log.stats().committed * 1_000) / (performance.now() - start)
  await log.close()
  return rate
}

// ---- the server ----

interface Restartable {
  url(): string
  withPool<T>(work: (pool: pg.Pool) => Promise<T>): Promise<T>
  /** Starts it anew on files that are in no cache. @returns false where that cannot be. */
  restartCold(): Promise<boolean>
  stop(): Promise<void>
}

async function restartableServer(folder: string): Promise<Restartable> {
  const dataDir = join(folder, 'data')
  const start = () =>
    startEmbeddedPostgres({
      dataDir,
      durable: true,
      log: { info: () => {}, warn: (message: string) => console.warn(message) },
    })
  let server = await start()
  return {
    url: () => server.url,
    async withPool(work) {
      const pool = connectDatabase(server.url, {
        applicationName: 'benchmark',
        connectionsMax: 4,
        statementTimeoutMs: 0,
      })
      try {
        return await work(pool)
      } finally {
        await pool.end()
      }
    },
    async restartCold() {
      await server.stop()
      const forgotten = forgetFiles(join(dataDir, 'postgres', 'base'))
      server = await start()
      return forgotten
    },
    stop: () => server.stop(),
  }
}

/** Asks the system to drop the large files of a folder from its cache: GNU dd does, by posix_fadvise. */
function forgetFiles(folder: string): boolean {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
  return files
    .filter((file) => statSync(file).size > CACHED_BYTES_MAX)
    .every((file) => spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']).status === 0)
}
