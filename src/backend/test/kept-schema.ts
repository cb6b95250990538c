// What a migration must leave to the programs of the version before it, which run beside the next one and again when that is taken
// back: every table, column, function and right that they know, as they know it, and nothing new that refuses what they write. Read
// from the catalogs, so that it does not matter how a migration is written.
import type { Queryable } from '../database/connect.ts'
import { SERVICE_ROLES } from '../database/service-users.ts'

/** What a program relies on. */
export interface Structure {
  /** By a name that a person reads: `column brokers.tier` is `text not null`. */
  readonly things: ReadonlyMap<string, string>
  /** What refuses rows, by a name that says on which table, with the columns it looks at; none: it may look at anything. */
  readonly refusals: ReadonlyMap<string, { readonly table: string; readonly columns: readonly string[] }>
  /** Columns that a row must bring. */
  readonly required: ReadonlySet<string>
}

/** The structure of a database as it is now. */
export async function readStructure(database: Queryable): Promise<Structure> {
  const things = await database.query<{ thing: string; form: string }>(THINGS)
  const rights = await database.query<{ thing: string }>(RIGHTS, [SERVICE_ROLES])
  const refusals = await database.query<{ refusal: string; table: string; columns: string[] }>(REFUSALS)
  const required = await database.query<{ thing: string }>(REQUIRED)
  return {
    things: new Map([
      ...things.rows.map(({ thing, form }) => [thing, form] as const),
      ...rights.rows.map(({ thing }) => [thing, 'given'] as const),
    ]),
    refusals: new Map(refusals.rows.map(({ refusal, ...rest }) => [refusal, rest])),
    required: new Set(required.rows.map(({ thing }) => thing)),
  }
}

/**
 * What programs of before miss afterwards, or trip over: a sentence for each. A rule that looks at a new column is none of them,
 * since they do not write it.
 */
export function takenAway(before: Structure, after: Structure): string[] {
  const faults: string[] = []
  const isOld = (table: string) => before.things.has(`table ${table}`)
  for (const [thing, form] of before.things) {
    const now = after.things.get(thing)
    if (now === undefined) faults.push(`${thing} is gone`)
    else if (now !== form) faults.push(`${thing} was ${form} and is ${now}`)
  }
  for (const column of after.required) {
    if (isOld(tableOf(column)) && !before.required.has(column)) faults.push(`column ${column} must now be given`)
  }
  for (const [refusal, { table, columns }] of after.refusals) {
    const looksAtOld = columns.every((column) => before.things.has(`column ${table}.${column}`))
    if (isOld(table) && !before.refusals.has(refusal) && looksAtOld) {
      faults.push(`${refusal} is new, and may refuse what is written today`)
    }
  }
  return faults
}

const tableOf = (column: string): string => column.slice(0, column.indexOf('.'))

/** Ours: not a partition, not what remembers migrations. */
const OURS = `c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
  and c.relname not in ('schema_migrations', 'schema_checksums')`
const COLUMNS = `pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped`

const THINGS = `
  select 'table ' || c.relname as thing, 'there' as form from pg_class c where ${OURS}
  union all
  select 'column ' || c.relname || '.' || a.attname,
         format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then ' not null' else '' end
    from ${COLUMNS} where ${OURS}
  union all
  -- What \`on conflict\` goes by.
  select 'unique key of ' || c.relname || ' (' || (
           select string_agg(coalesce(a.attname, '?'), ', ' order by place)
             from unnest(i.indkey::smallint[]) with ordinality as key (number, place)
             left join pg_attribute a on a.attrelid = c.oid and a.attnum = key.number
            where place <= i.indnkeyatts) || ')', 'there'
    from pg_class c join pg_index i on i.indrelid = c.oid and i.indisunique where ${OURS}
  union all
  select 'function ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_function_result(p.oid)
    from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype`

const RIGHTS = `
  select format('the right of %s to %s %s.%s', role.rolname, lower(kind), c.relname, a.attname) as thing
    from pg_roles role, unnest(array['SELECT', 'INSERT', 'UPDATE']) as kind, ${COLUMNS}
   where role.rolname = any($1) and ${OURS} and has_column_privilege(role.oid, c.oid, a.attnum, kind)
  union all
  select format('the right of %s to delete from %s', role.rolname, c.relname)
    from pg_roles role, pg_class c
   where role.rolname = any($1) and ${OURS} and has_table_privilege(role.oid, c.oid, 'DELETE')
  union all
  select format('the right of %s to call %s(%s)', role.rolname, p.proname, pg_get_function_identity_arguments(p.oid))
    from pg_roles role, pg_proc p
   where role.rolname = any($1) and p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
     and has_function_privilege(role.oid, p.oid, 'EXECUTE')`

const REFUSALS = `
  select format('%s on %s', pg_get_constraintdef(k.oid), c.relname) as refusal, c.relname as table,
         array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum = any(k.conkey)) as columns
    from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x') where ${OURS}
  union all
  select format('unique index %s on %s', x.relname, c.relname), c.relname,
         array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum = any(i.indkey))
    from pg_class c join pg_index i on i.indrelid = c.oid and i.indisunique join pg_class x on x.oid = i.indexrelid
   where ${OURS} and not exists (select from pg_constraint k where k.conindid = x.oid)
  union all
  select format('trigger %s on %s', t.tgname, c.relname), c.relname, '{}'::text[]
    from pg_class c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal where ${OURS}`

const REQUIRED = `
  select c.relname || '.' || a.attname as thing from ${COLUMNS}
   where ${OURS} and a.attnotnull and not a.atthasdef and a.attidentity = ''`
