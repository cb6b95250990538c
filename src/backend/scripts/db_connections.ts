#!/usr/bin/env node
// Whether the database can be reached, who is connected to it, and how full PgBouncer's pools are. Changes nothing.
// Exit status: 0 it was reached; 1 it was not, with the reason.
import { Command } from 'commander'
import {
  type ConnectionGroup,
  type DatabaseAddress,
  type Pool,
  poolsOf,
  reportOf,
  type ServerReport,
} from '../database/connection-report.ts'
import { chosenDatabase } from './chosen-database.ts'

const HIDDEN = '(hidden)'

const program = new Command('db_connections')
  .description(
    'Asks the server at DATABASE_DIRECT_URL, else DATABASE_URL (or the same with _FILE), else the embedded database of DATA_DIR; ' +
      'and for pools the PgBouncer at DATABASE_URL, when there is one and it lets this user see them.',
  )
  .option('--pools <url>', "PgBouncer, as one of its stats_users or admin_users, when DATABASE_URL's user is none")
  .action(async ({ pools }: { pools?: string }) => {
    const database = await chosenDatabase(process.env)
    try {
      const isReached = await showServer(database)
      const isPoolerReached = await showPools(
        pools === undefined ? await serviceDatabase() : { url: pools, passwordFile: null },
        { isNamed: pools !== undefined },
      )
      if (!isReached || !isPoolerReached) process.exitCode = 1
    } finally {
      await database.close()
    }
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(sentenceOf(error))
  process.exitCode = 1
}

/** What a service connects to, which may be a pooler; null: the embedded database, which has none. */
async function serviceDatabase(): Promise<DatabaseAddress | null> {
  if (!process.env.DATABASE_URL && !process.env.DATABASE_URL_FILE) return null
  return chosenDatabase({ ...process.env, DATABASE_DIRECT_URL: '', DATABASE_DIRECT_URL_FILE: '' })
}

async function showServer(address: DatabaseAddress): Promise<boolean> {
  try {
    console.log(serverText(placeOf(address.url), await reportOf(address)))
    return true
  } catch (error) {
    console.log(`${placeOf(address.url)}: not reached: ${sentenceOf(error)}`)
    return false
  }
}

/** @returns false when a pooler was named and is not to be had */
async function showPools(address: DatabaseAddress | null, { isNamed }: { isNamed: boolean }): Promise<boolean> {
  if (address === null) return true
  const { host } = new URL(address.url)
  try {
    const pools = await poolsOf(address)
    if (pools !== null) console.log(`\npools of PgBouncer at ${host}\n${poolsText(pools)}`)
    else if (isNamed) console.log(`\nthere is no PgBouncer at ${host}`)
    return pools !== null || !isNamed
  } catch (error) {
    console.log(`\nno pools are shown of ${host}: ${sentenceOf(error)}`)
    return !isNamed
  }
}

function serverText(place: string, report: ServerReport): string {
  const { connections, connectionsMax, reserved, longestTransaction: longest } = report
  return [
    `${place}: PostgreSQL ${report.version}, reached in ${report.answeredInMs.toFixed(0)} ms as ${report.askedAs}`,
    `connections: ${connections} of ${connectionsMax}, of which ${reserved} are kept for superusers`,
    '',
    columns(
      ['user', 'state', 'application', 'connections'],
      report.groups.map(({ user, state, application, connections: count }) => [
        user,
        state ?? HIDDEN,
        application || '-',
        String(count),
      ]),
    ),
    ...(report.groups.some(isHidden)
      ? [`${HIDDEN}: only a member of pg_monitor, or the migrations' user for its own, sees the state of others`]
      : []),
    '',
    longest === null
      ? 'longest transaction: none that is seen'
      : `longest transaction: ${longest.seconds.toFixed(1)} s, of ${longest.user}, ${longest.state ?? HIDDEN}`,
    replicationText(report),
  ].join('\n')
}

function replicationText({ replica, followers }: ServerReport): string {
  if (replica !== null) {
    const behind = replica.secondsBehind === null ? 'nothing replayed yet' : `${replica.secondsBehind.toFixed(1)} s`
    return `replication: this is a replica; its newest transaction is ${behind} old`
  }
  if (followers.length === 0) return 'replication: nobody follows this server'
  const each = followers.map(
    ({ application, state, bytesBehind }) =>
      `${application} ${state ?? HIDDEN}${bytesBehind === null ? '' : `, ${bytesBehind} bytes behind`}`,
  )
  return `replication: ${each.join('; ')}`
}

function poolsText(pools: readonly Pool[]): string {
  return columns(
    [
      'database',
      'user',
      'mode',
      'clients active',
      'clients waiting',
      'servers active',
      'servers idle',
      'longest wait (s)',
    ],
    pools.map((pool) => [
      pool.database,
      pool.user,
      pool.mode,
      String(pool.clientsActive),
      String(pool.clientsWaiting),
      String(pool.serversActive),
      String(pool.serversIdle),
      pool.waitSeconds.toFixed(3),
    ]),
  )
}

function isHidden({ state }: ConnectionGroup): boolean {
  return state === null
}

function columns(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((word, at) => Math.max(word.length, ...rows.map((row) => row[at]!.length)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((word, at) => word.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Without user and password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

function sentenceOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(sentenceOf).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}
