// How many records wait for their seal.
import type { Queryable } from '../database/connect.ts'
import { lowestIdOf } from './record-time.ts'

/** There are not counted more: it is time to look at the sealer then. */
export const UNSEALED_COUNTED_MAX = 10_000

/** @param since no record that is older waits */
export async function countUnsealed(database: Queryable, since: Date): Promise<number> {
  const { rows } = await database.query<{ waiting: number }>(
    `select count(*)::int as waiting
       from (select from audit_records as record
              where record.audit_id >= $1
                and not exists (select from audit_seals as seal where seal.audit_id = record.audit_id and seal.audit_id >= $1)
              limit ${UNSEALED_COUNTED_MAX}) as found`,
    [lowestIdOf(since)],
  )
  return rows[0]?.waiting ?? 0
}
