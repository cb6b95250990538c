// The words that Amazon's command line is given, by a program in its place that writes them down and answers from a table. What the command
// line makes of them is tried against an emulated AWS elsewhere.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rdsRecovery } from './rds.ts'

const SOURCE = {
  DBInstanceClass: 'db.r5.xlarge',
  MultiAZ: true,
  DBSubnetGroup: { DBSubnetGroupName: 'data' },
  VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }],
  DBParameterGroups: [{ DBParameterGroupName: 'postgres15' }],
  Endpoint: { Address: 'restored.example.com', Port: 5432 },
}
const LIKE_THE_SOURCE =
  '--db-subnet-group-name data --vpc-security-group-ids sg-1 --db-parameter-group-name postgres15 --db-instance-class db.r5.xlarge'

/** Its words go into a file, without the first and the last two, which are always the same. */
const PROGRAM = `#!/bin/sh
cd "$(dirname "$0")"
shift
all="$*"
echo "\${all% --output json}" >> typed
if [ -f "error.$1" ] && [ "$(cat times)" != 0 ]; then
  echo $(($(cat times) - 1)) > times
  cat "error.$1" >&2
  exit 255
fi
if [ -f "answer.$1" ]; then cat "answer.$1"; else echo '{}'; fi
`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rds-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('on RDS', () => {
  test('a snapshot is taken and waited for', async () => {
    const { id } = await recovery().takeBackup()
    expect(id).toBe('borrow-rate-engine-prod-by-hand-20261129t184501z')
    expect(typed()).toEqual([
      `create-db-snapshot --db-instance-identifier borrow-rate-engine-prod --db-snapshot-identifier ${id}`,
      `wait db-snapshot-available --db-snapshot-identifier ${id}`,
    ])
  })

  test('a wait that ran out of attempts is a longer wait', async () => {
    answers({ wait: 'Waiter DBSnapshotCompleted failed: Max attempts exceeded' }, 2)
    await recovery().takeBackup()
    expect(typed().filter((line) => line.startsWith('wait'))).toHaveLength(3)
  })

  test('the newest snapshot that is available', async () => {
    const snapshot = (DBSnapshotIdentifier: string, SnapshotCreateTime: string, Status = 'available') => ({
      DBSnapshotIdentifier,
      SnapshotCreateTime,
      Status,
    })
    const all = [
      snapshot('old', '2026-11-01T00:00:00Z'),
      snapshot('new', '2026-11-29T00:00:00Z'),
      snapshot('unfinished', '2026-11-30T00:00:00Z', 'creating'),
    ]
    answers({ 'describe-db-snapshots': { DBSnapshots: all } })
    expect((await recovery().newestBackup())?.id).toBe('new')
    answers({ 'describe-db-snapshots': { DBSnapshots: [] } })
    expect(await recovery().newestBackup()).toBeNull()
  })

  test('a restore to a moment has the network, groups and parameters of its source, and its standby', async () => {
    const moment = new Date('2026-11-24T15:30:00.250Z')
    const restored = await recovery().restore({ kind: 'moment', moment }, 'as-of')
    expect(typed()[1]).toBe(
      `restore-db-instance-to-point-in-time --source-db-instance-identifier borrow-rate-engine-prod --target-db-instance-identifier as-of ` +
        `--restore-time 2026-11-24T15:30:00Z ${LIKE_THE_SOURCE} --multi-az --no-publicly-accessible --deletion-protection`,
    )
    expect(restored.url).toBe('postgres://migrator:secret@restored.example.com:5432/borrow_rate_engine')
  })

  test('for a drill one machine is enough, which can be removed again', async () => {
    await recovery({ isDrill: true }).restore({ kind: 'newest' }, 'drill-1')
    expect(typed()[1]).toMatch(
      /--use-latest-restorable-time .* --no-multi-az --no-publicly-accessible --no-deletion-protection$/,
    )
    await recovery({ isDrill: true }).restore({ kind: 'backup', id: 'snapshot-1' }, 'drill-2')
    expect(typed().at(-3)).toMatch(
      /^restore-db-instance-from-db-snapshot --db-instance-identifier drill-2 --db-snapshot-identifier snapshot-1 /,
    )
    await recovery().remove('drill-1')
    expect(typed().slice(-2)).toEqual([
      'delete-db-instance --db-instance-identifier drill-1 --skip-final-snapshot --delete-automated-backups',
      'wait db-instance-deleted --db-instance-identifier drill-1',
    ])
  })

  test('the source is never removed, and never restored over', async () => {
    await expect(recovery().remove('borrow-rate-engine-prod')).rejects.toThrow('is the source itself')
    await expect(recovery().restore({ kind: 'newest' }, 'borrow-rate-engine-prod')).rejects.toThrow(
      'is the source itself',
    )
    await expect(recovery().remove('../x')).rejects.toThrow('is no name for a server')
    expect(typed()).toEqual([])
  })

  test('a failover is asked for where there is a standby', async () => {
    await recovery().failover()
    expect(typed()[1]).toBe('reboot-db-instance --db-instance-identifier borrow-rate-engine-prod --force-failover')
    answers({ 'describe-db-instances': { DBInstances: [{ ...SOURCE, MultiAZ: false }] } })
    await expect(recovery().failover()).rejects.toThrow('has no standby')
  })

  test('what AWS says against it is said, without a password', async () => {
    answers({ 'create-db-snapshot': 'An error occurred (DBInstanceNotFound): DBInstance not found' })
    await expect(recovery().takeBackup()).rejects.toThrow(
      'aws rds create-db-snapshot failed: An error occurred (DBInstanceNotFound): DBInstance not found',
    )
    const nowhere = rdsRecovery({ instance: 'x', url: null, isDrill: true, now, environment: { PATH: '/nonexistent' } })
    await expect(nowhere.takeBackup()).rejects.toThrow('there is no program aws on this machine')
  })
})

const now = () => new Date('2026-11-29T18:45:01Z')

function recovery({ isDrill = false } = {}) {
  answers({}, 1_000_000, false)
  const PATH = [folder, process.env.PATH].join(delimiter)
  const url = 'postgres://migrator:secret@source.example.com:5432/borrow_rate_engine'
  return rdsRecovery({ instance: 'borrow-rate-engine-prod', url, isDrill, now, environment: { PATH } })
}

/** Text is an error. @param times that it is said, then the command succeeds; @param over what was said before */
function answers(table: Readonly<Record<string, object | string>>, times = 1_000_000, over = true): void {
  if (!over && existsSync(join(folder, 'aws'))) return
  const all = { 'describe-db-instances': { DBInstances: [SOURCE] }, ...table }
  for (const [word, answer] of Object.entries(all)) {
    const kind = typeof answer === 'string' ? 'error' : 'answer'
    writeFileSync(join(folder, `${kind}.${word}`), typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
  writeFileSync(join(folder, 'times'), String(times))
  writeFileSync(join(folder, 'aws'), PROGRAM, { mode: 0o755 })
}

function typed(): string[] {
  try {
    return readFileSync(join(folder, 'typed'), 'utf8').trim().split('\n')
  } catch {
    return []
  }
}
