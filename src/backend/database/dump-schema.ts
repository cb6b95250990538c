// The whole structure of the database as one readable SQL text, made from the catalogs, so that it is the same on every supported
// version and needs no pg_dump. `schema.sql` beside this file is kept equal to it by a test: what the migrations add up
// to can be read in one place, and a review sees a change of structure as a change of that file.
//
// Left out: the audit log's month partitions, which depend on the day, the two tables that remember migrations, and who owns what
// (borrow_rate_owner owns everything).
import type { Queryable } from './connect.ts'

const OPENING = `-- The structure that the migrations add up to. Made by scripts/dump_schema.ts; a test compares it with the database.
-- The roles at the end are the server's, not the database's: 0005_roles.sql makes them.

-- Functions come first, and their bodies name tables that come later.
set check_function_bodies = off;
`

const LEFT_OUT = ['schema_migrations', 'schema_checksums']

/** SQL that makes the same structure in an empty database. Ends with a line end. */
export async function dumpSchema(database: Queryable): Promise<string> {
  const texts = async (statement: string): Promise<string[]> => {
    const { rows } = await database.query<{ sql: string }>(statement, statement.includes('$1') ? [LEFT_OUT] : [])
    return rows.map(({ sql }) => sql)
  }
  const tables = await texts(TABLES)
  const parts = [
    await texts(FUNCTIONS),
    tables,
    await texts(FOREIGN_KEYS),
    await texts(INDEXES),
    await texts(TRIGGERS),
    await texts(COMMENTS),
    await texts(GRANTS),
  ]
  return [OPENING, ...parts.filter((part) => part.length > 0).map((part) => `${part.join('\n')}\n`)].join('\n')
}

/** The tables of ours: not a partition, not a migrations table. */
const OURS = `c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all($1)`

const FUNCTIONS = `
select rtrim(pg_get_functiondef(p.oid), E'\\n') || E';\\n' as sql
  from pg_proc p where p.pronamespace = 'public'::regnamespace
 order by p.proname collate "C", pg_get_function_identity_arguments(p.oid) collate "C"`

const TABLES = `
with line as (
  select c.oid, a.attnum::integer as place, a.attname as name,
         '  ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
         || case when a.attidentity = 'a' then ' generated always as identity' else '' end
         || case when a.attnotnull then ' not null' else '' end
         || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as text
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where ${OURS}
  union all
  select c.oid, case k.contype when 'p' then 10000 when 'u' then 10001 else 10002 end, k.conname,
         '  constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
    from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype in ('p', 'u', 'c')
   where ${OURS}
)
select 'create table ' || quote_ident(c.relname) || E' (\\n'
       || (select string_agg(line.text, E',\\n' order by place, line.name collate "C") from line where line.oid = c.oid)
       || E'\\n)' || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '') || E';\\n' as sql
  from pg_class c where ${OURS}
 order by c.relname collate "C"`

const FOREIGN_KEYS = `
select format('alter table %I add constraint %I %s;', c.relname, k.conname, pg_get_constraintdef(k.oid)) as sql
  from pg_class c join pg_constraint k on k.conrelid = c.oid and k.contype = 'f'
 where ${OURS}
 order by c.relname collate "C", k.conname collate "C"`

const INDEXES = `
select replace(replace(pg_get_indexdef(i.indexrelid), ' ON ONLY public.', ' ON public.'), ' ON public.', ' ON ') || ';' as sql
  from pg_class c join pg_index i on i.indrelid = c.oid
 where ${OURS} and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
 order by i.indexrelid::regclass::text collate "C"`

const TRIGGERS = `
select replace(pg_get_triggerdef(t.oid), ' ON public.', ' ON ') || ';' as sql
  from pg_class c join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
 where ${OURS}
 order by c.relname collate "C", t.tgname collate "C"`

const COMMENTS = `
select format('comment on %s is %L;', thing, description) as sql
  from (
    select 1 as kind, c.relname as owner, d.objsubid as place, d.description,
           case when a.attname is null then format('table %I', c.relname) else format('column %I.%I', c.relname, a.attname) end as thing
      from pg_class c
      join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid
      left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
     where ${OURS}
    union all
    select 2, p.proname, 0, d.description,
           format('function %I(%s)', p.proname, pg_get_function_identity_arguments(p.oid))
      from pg_proc p join pg_description d on d.classoid = 'pg_proc'::regclass and d.objoid = p.oid
     where p.pronamespace = 'public'::regnamespace
  ) commented
 order by kind, owner collate "C", place`

// Rights that somebody else than the owner has. A function may be run by everybody unless that is taken away.
const GRANTS = `
with granted as (
  select 1 as kind, 'schema ' || quote_ident(nspname) as thing, '' as columns, a.grantee, a.privilege_type
    from pg_namespace n, aclexplode(n.nspacl) a
   where nspname = 'public' and a.grantee not in (0, n.nspowner)
  union all
  select 2, quote_ident(c.relname), '', a.grantee, a.privilege_type
    from pg_class c, aclexplode(c.relacl) a
   where ${OURS} and a.grantee <> c.relowner
  union all
  select 2, quote_ident(c.relname), ' (' || string_agg(quote_ident(t.attname), ', ' order by t.attnum) || ')', a.grantee, a.privilege_type
    from pg_class c join pg_attribute t on t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped, aclexplode(t.attacl) a
   where ${OURS} and a.grantee <> c.relowner
   group by c.relname, a.grantee, a.privilege_type
  union all
  select 4, format('function %I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)), '', a.grantee, a.privilege_type
    from pg_proc p, aclexplode(p.proacl) a
   where p.pronamespace = 'public'::regnamespace and a.grantee not in (0, p.proowner)
)
select sql from (
  select kind, thing, grantee::regrole::text as role, min(columns) as columns,
         format('grant %s on %s to %s;', string_agg(lower(privilege_type) || columns, ', ' order by privilege_type, columns), thing, grantee::regrole) as sql
    from granted group by kind, thing, grantee
  union all
  select 3, p.proname, '', '', format('revoke all on function %I(%s) from public;', p.proname, pg_get_function_identity_arguments(p.oid))
    from pg_proc p
   where p.pronamespace = 'public'::regnamespace and p.proacl is not null
     and not exists (select from aclexplode(p.proacl) a where a.grantee = 0)
) line
 order by kind, thing collate "C", role collate "C", columns collate "C"`
