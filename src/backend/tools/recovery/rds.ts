// The same on Amazon RDS, through its command line. A restored instance gets the network, the security groups and the parameters of its
// source: without them RDS takes the defaults, where nobody reaches it and encryption is not forced.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { checkedName, type Recovery, RecoveryError, type RestorePoint, stampOf } from './recovery.ts'

export interface RdsOptions {
  /** `borrow-rate-engine-prod` */
  readonly instance: string
  /** The source's address, for that of a restored one; null: only hosts are known. */
  readonly url: string | null
  /** A restored instance is only looked at and removed: one machine is enough. */
  readonly isDrill: boolean
  readonly now: () => Date
  readonly environment?: NodeJS.ProcessEnv
}

interface Instance {
  readonly DBInstanceClass: string
  readonly MultiAZ: boolean
  readonly DBSubnetGroup: { readonly DBSubnetGroupName: string }
  readonly VpcSecurityGroups: readonly { readonly VpcSecurityGroupId: string }[]
  readonly DBParameterGroups: readonly { readonly DBParameterGroupName: string }[]
  readonly Endpoint?: { readonly Address: string; readonly Port: number }
}

/** `aws rds wait` gives up after half an hour; a large volume takes longer. */
const WAITS_MAX = 8
const PROGRAM_MS_MAX = 2_400_000

export function rdsRecovery({ instance, url, isDrill, now, environment = process.env }: RdsOptions): Recovery {
  const aws = async (...words: string[]): Promise<string> => {
    try {
      const { stdout } = await promisify(execFile)('aws', ['rds', ...words, '--output', 'json'], {
        env: environment,
        timeout: PROGRAM_MS_MAX,
      })
      return stdout
    } catch (error) {
      const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
      if (code === 'ENOENT') throw new RecoveryError('there is no program aws on this machine (in PATH)')
      throw new RecoveryError(`aws rds ${words[0]} failed: ${stderr.trim().split('\n').at(-1) || String(code)}`)
    }
  }
  /** @param what `db-instance-available`, …; @param words which */
  const wait = async (what: string, ...words: string[]) => {
    for (let waits = 1; ; waits += 1) {
      try {
        await aws('wait', what, ...words)
        return
      } catch (error) {
        if (waits >= WAITS_MAX || !/Max attempts exceeded/.test((error as Error).message)) throw error
      }
    }
  }
  const describe = async (name: string): Promise<Instance> => {
    const { DBInstances } = JSON.parse(await aws('describe-db-instances', '--db-instance-identifier', name)) as {
      DBInstances: Instance[]
    }
    const [found] = DBInstances
    if (found === undefined) throw new RecoveryError(`there is no instance ${name}`)
    return found
  }
  const newestBackup = async () => {
    const words = ['describe-db-snapshots', '--db-instance-identifier', instance]
    const { DBSnapshots } = JSON.parse(await aws(...words)) as {
      DBSnapshots: { DBSnapshotIdentifier: string; SnapshotCreateTime?: string; Status: string }[]
    }
    const [newest] = DBSnapshots.filter(({ Status }) => Status === 'available')
      .map(({ DBSnapshotIdentifier: id, SnapshotCreateTime }) => ({ id, takenAt: new Date(SnapshotCreateTime ?? 0) }))
      .sort((a, b) => b.takenAt.getTime() - a.takenAt.getTime())
    return newest ?? null
  }

  return {
    async takeBackup() {
      const startedAt = performance.now()
      const id = `${instance}-by-hand-${stampOf(now())}`
      await aws('create-db-snapshot', '--db-instance-identifier', instance, '--db-snapshot-identifier', id)
      await wait('db-snapshot-available', '--db-snapshot-identifier', id)
      return { id, takenAt: now(), tookMs: Math.round(performance.now() - startedAt) }
    },

    newestBackup,

    async restore(point, name) {
      const startedAt = performance.now()
      if (checkedName(name) === instance) throw new RecoveryError(`${name} is the source itself`)
      const source = await describe(instance)
      const like = [
        ...['--db-subnet-group-name', source.DBSubnetGroup.DBSubnetGroupName],
        ...['--vpc-security-group-ids', ...source.VpcSecurityGroups.map(({ VpcSecurityGroupId: id }) => id)],
        ...source.DBParameterGroups.slice(0, 1).flatMap(({ DBParameterGroupName: group }) => [
          '--db-parameter-group-name',
          group,
        ]),
        ...['--db-instance-class', source.DBInstanceClass],
        source.MultiAZ && !isDrill ? '--multi-az' : '--no-multi-az',
        '--no-publicly-accessible',
        isDrill ? '--no-deletion-protection' : '--deletion-protection',
      ]
      const backup = await restoreAs(point, name, like)
      await wait('db-instance-available', '--db-instance-identifier', name)
      const { Endpoint } = await describe(name)
      if (Endpoint === undefined) throw new RecoveryError(`${name} is there and has no address`)
      const host = `${Endpoint.Address}:${Endpoint.Port}`
      return {
        name,
        url: urlAt(Endpoint.Address, Endpoint.Port),
        host,
        backup,
        tookMs: Math.round(performance.now() - startedAt),
      }
    },

    async remove(name) {
      if (checkedName(name) === instance)
        throw new RecoveryError(`${name} is the source itself: it is not removed here`)
      const which = ['--db-instance-identifier', name]
      await aws('delete-db-instance', ...which, '--skip-final-snapshot', '--delete-automated-backups')
      await wait('db-instance-deleted', ...which)
    },

    async failover() {
      const startedAt = performance.now()
      const { MultiAZ } = await describe(instance)
      if (!MultiAZ) throw new RecoveryError(`${instance} has no standby: it is on one machine`)
      await aws('reboot-db-instance', '--db-instance-identifier', instance, '--force-failover')
      await wait('db-instance-available', '--db-instance-identifier', instance)
      return { what: `${instance} runs in its other zone`, tookMs: Math.round(performance.now() - startedAt) }
    },
  }

  async function restoreAs(point: RestorePoint, name: string, like: readonly string[]): Promise<string | null> {
    if (point.kind !== 'backup') {
      const when =
        point.kind === 'newest'
          ? ['--use-latest-restorable-time']
          : ['--restore-time', point.moment.toISOString().replace(/\.\d+Z$/, 'Z')]
      const which = ['--source-db-instance-identifier', instance, '--target-db-instance-identifier', name]
      await aws('restore-db-instance-to-point-in-time', ...which, ...when, ...like)
      return null
    }
    const which = ['--db-instance-identifier', name, '--db-snapshot-identifier', point.id]
    await aws('restore-db-instance-from-db-snapshot', ...which, ...like)
    return point.id
  }

  function urlAt(host: string, port: number): string | null {
    if (url === null) return null
    const address = new URL(url)
    address.hostname = host
    address.port = String(port)
    return address.href
  }
}
