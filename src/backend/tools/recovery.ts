#!/usr/bin/env node
// Backups and what they are for: docs/operations/backup-recovery.md. One program for a PostgreSQL on this machine and for Amazon RDS.
// Exit status: 0 done, or a drill that was good; 1 it was not done, with a sentence; 2 a drill that was not good.
import { writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { drillText, restoreDrill } from './recovery/drill.ts'
import { localRecovery } from './recovery/local.ts'
import { rdsRecovery } from './recovery/rds.ts'
import { type Recovery, RecoveryError, type RestorePoint, stampOf } from './recovery/recovery.ts'

interface Words {
  readonly driver: 'local' | 'rds'
  readonly instance?: string
  readonly backups?: string
  readonly restored?: string
  readonly binaries: string
  readonly standbyUrl?: string
  readonly primaryIsFenced?: true
  readonly report?: string
}

interface PointWords {
  readonly to?: Date
  readonly backup?: string
}

const program = new Command('recovery').description(
  'Works on DATABASE_DIRECT_URL. `local`: a PostgreSQL on this machine whose log is archived. `rds`: an instance, with the program aws.',
)

command('snapshot', 'takes a backup now, and waits until it can be restored from').action(async (words: Words) => {
  const { id, tookMs } = await recoveryOf(words).takeBackup()
  told(words, { id, tookMs }, `${id}, in ${seconds(tookMs)}`)
})
pointed(command('restore', 'restores into a new server, beside the one there is'))
  .requiredOption('--as <name>', 'of the new server')
  .action(async (words: Words & PointWords & { as: string }) => {
    const restored = await recoveryOf(words).restore(pointOf(words), words.as)
    told(
      words,
      { ...restored, url: undefined },
      `${restored.name} is at ${restored.host}, after ${seconds(restored.tookMs)}`,
    )
  })
command('remove', 'removes a server that was restored')
  .requiredOption('--as <name>', 'of that server')
  .action(async (words: Words & { as: string }) => {
    await recoveryOf(words).remove(words.as)
    console.log(`${words.as} is gone`)
  })
pointed(command('drill', 'restores, looks, compares, removes; prints RTO and RPO'))
  .option('--public-key <file...>', 'to verify the chain of the record with', [])
  .option('--keep', 'leave the restored server')
  .action(async (words: Words & PointWords & { publicKey: string[]; keep?: true }) => {
    const report = await restoreDrill({
      recovery: recoveryOf(words, true),
      sourceUrl: process.env.DATABASE_DIRECT_URL || null,
      trustedKeys: words.publicKey,
      point: pointOf(words),
      name: `drill-${stampOf(new Date())}`,
      isKept: words.keep === true,
    })
    told(words, { ...report, restored: { ...report.restored, url: undefined } }, drillText(report))
    if (!report.good) process.exitCode = 2
  })
command('failover', 'has the standby take over')
  .option('--standby-url <url>', 'local: of the standby')
  .option('--primary-is-fenced', 'local: no client reaches the primary any more, though it may answer here')
  .action(async (words: Words) => {
    const { what, tookMs } = await recoveryOf(words).failover()
    told(words, { what, tookMs }, `${what}, after ${seconds(tookMs)}`)
  })

try {
  await program.parseAsync()
} catch (error) {
  console.error(error instanceof Error ? error.message || error.name : String(error))
  process.exitCode = 1
}

function command(name: string, about: string): Command {
  return program
    .command(name)
    .description(about)
    .addOption(new Option('--driver <driver>', 'where the database is').choices(['local', 'rds']).makeOptionMandatory())
    .option('--instance <identifier>', 'rds: of the source')
    .option('--backups <folder>', 'local: with base/ and wal/')
    .option('--restored <folder>', 'local: for new servers')
    .option('--binaries <folder>', 'local: with postgres and pg_basebackup', '/usr/lib/postgresql/15/bin')
    .option('--report <file>', 'where the result is written as JSON')
}

function pointed(on: Command): Command {
  return on
    .option('--to <moment>', 'ISO 8601, UTC; unless given, as new as can be had', moment)
    .addOption(new Option('--backup <id>', 'that backup alone, without what came after it').conflicts('to'))
}

function pointOf({ to, backup }: PointWords): RestorePoint {
  if (backup !== undefined) return { kind: 'backup', id: backup }
  return to === undefined ? { kind: 'newest' } : { kind: 'moment', moment: to }
}

function recoveryOf(words: Words, isDrill = false): Recovery {
  const url = process.env.DATABASE_DIRECT_URL || null
  const now = () => new Date()
  if (words.driver === 'rds') {
    return rdsRecovery({ instance: needed(words.instance, '--instance'), url, isDrill, now })
  }
  return localRecovery({
    url: needed(url ?? undefined, 'DATABASE_DIRECT_URL'),
    standbyUrl: words.standbyUrl ?? null,
    backupsFolder: needed(words.backups, '--backups'),
    restoredFolder: needed(words.restored, '--restored'),
    binariesFolder: words.binaries,
    isPrimaryFenced: words.primaryIsFenced === true,
    now,
  })
}

function told(words: Words, result: object, text: string): void {
  if (words.report !== undefined) writeFileSync(words.report, `${JSON.stringify(result, null, 2)}\n`)
  console.log(text)
}

function needed(value: string | undefined, name: string): string {
  if (value) return value
  throw new RecoveryError(`${name} must be given`)
}

function moment(text: string): Date {
  const date = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}T.*Z$/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('It must be ISO 8601 in UTC: 2026-11-24T15:30:00Z.')
  }
  return date
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
