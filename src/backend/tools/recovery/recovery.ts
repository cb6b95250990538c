// What a place that keeps a database can do to bring it back: here a PostgreSQL on this machine (local.ts), there Amazon RDS (rds.ts).
// The drill and the operators' commands know no more than this.

export interface Backup {
  readonly id: string
  readonly takenAt: Date
}

/** `newest`: the newest backup and everything that is in the log after it. A moment: the same, up to it. */
export type RestorePoint =
  | { readonly kind: 'newest' }
  | { readonly kind: 'moment'; readonly moment: Date }
  | { readonly kind: 'backup'; readonly id: string }

export interface Restored {
  readonly name: string
  /** Of the new server, with the password of the old one; null: only its host is known. */
  readonly url: string | null
  readonly host: string
  /** From which backup, where the place says. */
  readonly backup: string | null
  readonly tookMs: number
}

export interface Promoted {
  readonly what: string
  readonly tookMs: number
}

export interface Recovery {
  /** Takes one now, and waits until it can be restored from. @throws RecoveryError */
  takeBackup(): Promise<Backup & { readonly tookMs: number }>
  newestBackup(): Promise<Backup | null>
  /** Into a new server of that name, beside the one there is. @throws RecoveryError */
  restore(point: RestorePoint, name: string): Promise<Restored>
  /** Removes what `restore` made, never the source. @throws RecoveryError */
  remove(name: string): Promise<void>
  /** Has the standby take over. @throws RecoveryError */
  failover(): Promise<Promoted>
}

/** It was not done, and why, in a sentence. */
export class RecoveryError extends Error {}

const NAME = /^[a-z][a-z0-9-]{0,59}[a-z0-9]$/

/** @throws RecoveryError for what RDS would refuse, wherever it is */
export function checkedName(name: string): string {
  if (NAME.test(name) && !name.includes('--')) return name
  throw new RecoveryError(`${name} is no name for a server: small letters, digits and single hyphens, 2 to 61 of them`)
}

/** `20261129t184501z` */
export function stampOf(moment: Date): string {
  return moment.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase().concat('z')
}
