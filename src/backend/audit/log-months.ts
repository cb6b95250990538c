// The months of the audit log: its partitions, each named by the first day of its month, `2026-11-01`, in UTC.
import type { Queryable } from '../database/connect.ts'

const PARTITION = /^audit_records_(\d{4})_(\d{2})$/

/** The months that the log has, the earliest first. */
export async function logMonths(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'audit_records'::regclass order by c.relname`,
  )
  return rows.flatMap(({ name }) => {
    const match = PARTITION.exec(name)
    return match === null ? [] : [`${match[1]}-${match[2]}-01`]
  })
}

/** The month of a moment. */
export function monthOf(moment: Date): string {
  return `${moment.toISOString().slice(0, 7)}-01`
}

/** The month so many months later. */
export function monthLater(month: string, months: number): string {
  const first = new Date(`${month}T00:00:00.000Z`)
  return monthOf(new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + months, 1)))
}

/** The moment when a month that is kept for so many years is past them: its last record is that old then. */
export function endOfYears(month: string, years: number): Date {
  return new Date(`${monthLater(month, 12 * years + 1)}T00:00:00.000Z`)
}
