import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { auditLog } from '../audit/audit-log.ts'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { asOwner, type RealPostgres, startPostgres } from '../test/postgres.ts'
import { connectDatabase } from './connect.ts'
import { downgrade, status, upgrade } from './migrate.ts'
import { requireCurrentSchema } from './schema-state.ts'
import { SERVICE_ROLES, type ServiceRole, setServiceUser } from './service-users.ts'

const HOLD = '019b2f00-0000-7000-8000-000000000001'

describe('each service may do what it needs, and nothing else', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await testDatabase()
    await database.pool.query(
      `insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack, pricing_model, tier)
       values ('house', 0, 'FLAT', 0, 'ACT/360', 'notional', 'standard-v1', 'internal')`,
    )
    await database.pool.query(
      `insert into legal_holds (hold_id, client_id, reason, placed_by) values ('${HOLD}', 'house', 'dispute', 'key')`,
    )
  })
  afterAll(async () => {
    await database.drop()
    // Users belong to the server that all test files share.
    for (const user of await Promise.all(members.values())) {
      await asOwner(inject('postgres').url, (client) => client.query(`drop role ${user}`))
    }
  })

  const month = `audit_records_${new Date().toISOString().slice(0, 7).replace('-', '_')}`
  const seals = month.replace('records', 'seals')
  const hash = "decode(repeat('00', 32), 'hex')"
  const record = `'${auditId(new Date())}', 'quote', 1, now(), 'house', '{}'`
  const append = `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record) values (${record})`

  // The services that may, by their first letters: g(ateway), c(alculation), d(ata), a(udit). The cache service never may.
  const RIGHTS = `
    gcd   ${append}
    gcd   ${append} on conflict do nothing
    -     ${append} returning audit_id
    -     ${append} on conflict (audit_id) do nothing
    -     ${append} on conflict (audit_id) do update set client_id = 'other'
    -     insert into ${month} (audit_id, record_type, schema_version, occurred_at, client_id, record) values (${record})
    a     select record from audit_records
    -     select record from ${month}
    -     update audit_records set client_id = 'other'
    -     update ${month} set client_id = 'other'
    -     delete from audit_records
    -     delete from ${month}
    -     truncate audit_records
    -     truncate ${month}
    -     drop table ${month}
    -     alter table audit_records detach partition ${month}
    -     alter table audit_records disable trigger audit_records_append_only
    a     select add_audit_months('2060-01-01', 1)
    a     select append_audit_event('${auditId(new Date())}', 'legal_hold_placed', 1::smallint, now(), 'house', null, null, 'key', '{}')
    a     select * from audit_seals
    a     insert into audit_seals (audit_id, sequence, prev_hash, hash, sealed_at) values ('${auditId(new Date())}', 1, ${hash}, ${hash}, now())
    -     select * from ${seals}
    -     insert into ${seals} (audit_id, sequence, prev_hash, hash, sealed_at) values ('${auditId(new Date())}', 1, ${hash}, ${hash}, now())
    -     update audit_seals set sequence = 2
    -     delete from audit_seals
    -     delete from ${seals}
    -     truncate audit_seals
    -     truncate ${seals}
    a     select * from audit_heads
    a     insert into audit_heads (sequence, first_sequence, hash, signed_at, key_id, signature) values (1, 1, ${hash}, now(), '0123456789abcdef', ${hash} || ${hash})
    -     update audit_heads set signature = ''
    -     delete from audit_heads
    -     truncate audit_heads
    a     select * from legal_holds
    a     insert into legal_holds (hold_id, client_id, reason, placed_by) values ('${auditId(new Date())}', 'house', 'dispute', 'key')
    -     update legal_holds set to_time = now()
    -     delete from legal_holds
    a     select * from legal_hold_releases
    a     insert into legal_hold_releases (hold_id, reason, released_by) values ('${HOLD}', 'settled', 'key')
    -     update legal_hold_releases set reason = ''
    -     delete from legal_hold_releases
    a     select * from audit_exports
    a     insert into audit_exports (export_id, first_sequence, last_sequence, records, storage, name, sha256, verified_at) values ('${auditId(new Date())}', 1, 1, 1, 'folder', 'one', ${hash}, now())
    -     delete from audit_exports
    a     select * from audit_checkpoints
    a     insert into audit_checkpoints (sequence, hash, month, kept_digest, signed_at, key_id, signature) values (1, ${hash}, '2020-01-01', ${hash}, now(), '0123456789abcdef', ${hash} || ${hash})
    -     delete from audit_checkpoints
    a     select * from held_records
    -     insert into held_records (audit_id, record_type, schema_version, occurred_at, recorded_at, client_id, record, sequence, prev_hash, hash, sealed_at) values ('${auditId(new Date())}', 'quote', 1, now(), now(), 'house', '{}', 1, ${hash}, ${hash}, now())
    -     update held_records set record = ''
    -     delete from held_records
    a     select legal_holds_on('house', null, now())
    a     select keep_held_records('2026-01-01')
    a     select add_audit_months('2020-01-01', 1), detach_audit_month('2020-01-01')
    -     create table public.mine (one integer)
    -     create function public.mine() returns integer language sql return 1
    -     set role borrow_rate_owner
    -     set role borrow_rate_migrator
    d     select * from approvals
    d     insert into approvals (approval_id, kind, subject, proposed, asked_by, asked_at) values ('${auditId(new Date())}', 'broker', 'house', '{}', 'k', now())
    d     update approvals set state = 'refused', decided_by = 'k', decided_at = now(), reason = 'no' where subject = 'nobody'
    -     update approvals set proposed = '{}'
    -     delete from approvals
    c     select answer from idempotent_answers
    c     insert into idempotent_answers (client_id, idempotency_key, request_hash, audit_id, answer) values ('house', 'k', ${hash}, '${auditId(new Date())}', '')
    -     update idempotent_answers set answer = ''
    -     delete from idempotent_answers
    c     select turn_idempotent_answer_days()
    g     select k.secret_hash, k.client_id, k.role, k.expires_at, k.revoked_at, b.tier, b.requests_per_minute, b.active from api_keys k join brokers b on b.client_id = k.client_id where k.key_id = '1'
    g     insert into api_keys (key_id, secret_hash, client_id, role, expires_at) values ('0001', decode(repeat('00', 32), 'hex'), 'house', 'admin', now() + interval '1 day')
    g     update api_keys set last_used_at = now() where key_id = '1' and last_used_at is null
    g     update api_keys set revoked_at = now() where key_id = '1'
    g     update api_keys set revoked_at = now(), replaced_by = '0001' where key_id = '1'
    g     select key_id, replaced_by from api_keys where key_id = '1' for update
    -     update api_keys set role = 'admin'
    -     update api_keys set secret_hash = ''
    -     update api_keys set expires_at = now() + interval '10 years'
    -     delete from api_keys
    g     select key_id, least(expires_at, ended_at) as ends_at from sessions where session_id = '1'
    g     insert into sessions (session_id, key_id, refresh_hash, created_at, refreshed_at, expires_at) select '0123456789012345678901', key_id, secret_hash, now(), now(), now() + interval '1 day' from api_keys
    g     update sessions set refresh_hash = decode(repeat('00', 32), 'hex'), refreshed_at = now(), expires_at = now() + interval '1 day', ended_at = null, end_reason = null
    -     update sessions set key_id = '1'
    g     delete from sessions where expires_at < now()
    g     insert into webhooks (webhook_id, client_id, url, events, secret, created_by, created_at) values ('${HOLD}', 'house', 'https://a.example/', '{batch_done}', ${hash}, 'key', now())
    g     select w.webhook_id, b.active from webhooks w join brokers b on b.client_id = w.client_id for update of w skip locked
    g     update webhooks set failures = 0, paused_until = null, turn_until = now(), turn_of = null, dropped = 1, removed_at = now()
    g     update webhooks set secret = ${hash}, previous_secret = secret, previous_until = now()
    -     update webhooks set url = 'https://b.example/'
    -     update webhooks set client_id = 'other'
    -     update webhooks set events = '{rate_changed}'
    g     delete from webhooks where removed_at is not null
    g     insert into webhook_deliveries (delivery_id, webhook_id, event_id, event_type, body, created_at, queued_at, next_attempt_at) select '${HOLD}', webhook_id, 'e', 'batch_done', '{}', now(), now(), now() from webhooks on conflict do nothing
    g     update webhook_deliveries set state = 'dead', ended_at = now(), attempts = 1, next_attempt_at = now(), last_status = 500, last_error = 'x'
    -     update webhook_deliveries set body = '{"other":1}'
    g     delete from webhook_deliveries where delivery_id in (select delivery_id from webhook_deliveries limit 1 for update skip locked)
    g     insert into webhook_rates (webhook_id, ticker, rate, told_at) select webhook_id, 'GME', 0.1, now() from webhooks on conflict do nothing
    g     update webhook_rates set previous_rate = rate, rate = 0.2, told_at = now()
    g     delete from webhook_rates
    g     insert into webhook_feeds (webhook_id, feed, state, told_at) select webhook_id, 'lender', 'up', now() from webhooks on conflict do nothing
    g     update webhook_feeds set previous_state = state, previous_data = data, state = 'down', data = null, told_at = now()
    g     delete from webhook_feeds
    g     insert into webhook_watch (holder, held_until) values ('${HOLD}', now()) on conflict (only_one) do update set holder = excluded.holder, held_until = excluded.held_until where webhook_watch.held_until <= now()
    g     delete from webhook_watch where holder = '${HOLD}'
    gd    select client_id, tier, requests_per_minute, active from brokers
    d     select * from brokers
    d     select markup_percentage from brokers
    d     insert into brokers (client_id, markup_percentage, transaction_fee_type, transaction_amount, day_count, convention_pack, pricing_model, tier) values ('acme', 0, 'FLAT', 0, 'ACT/360', 'notional', 'standard-v1', 'standard')
    d     update brokers set active = false, version = version + 1 where client_id = 'house' and version = 1
    -     delete from brokers
    d     select * from stocks
    d     insert into stocks (ticker) values ('AAPL') on conflict (ticker) do update set name = excluded.name
    -     delete from stocks
    d     select * from pricing_models
    d     insert into pricing_models select 'desk-v2', 0, 0, 0, 1, 'index', now(), 'key'
    -     update pricing_models set event_weight = 1
    -     delete from pricing_models
    d     select * from lender_rates
    d     insert into lender_rates (ticker, provider, as_of, received_at) values ('AAPL', 'p', now(), now()) on conflict (ticker) do update set rate = excluded.rate
    d     delete from lender_rates where demo
    d     select * from lender_rate_history
    d     insert into lender_rate_history (ticker, as_of, provider, received_at) values ('AAPL', now(), 'p', now())
    d     delete from lender_rate_history where demo
    d     select * from volatility_index
    d     insert into volatility_index (index_date, value, provider, as_of, received_at) values ('2026-01-02', 20, 'p', now(), now()) on conflict do nothing
    d     delete from volatility_index where demo
    d     select * from stock_volatility
    d     insert into stock_volatility (ticker, value, provider, as_of, received_at) values ('AAPL', 20, 'p', now(), now())
    d     select * from volatility_index_history
    d     insert into volatility_index_history (as_of, value, provider, received_at) values (now(), 20, 'p', now()) on conflict (as_of, provider) do update set value = excluded.value
    d     delete from volatility_index_history where as_of < '2026-01-01'
    d     select * from stock_volatility_history
    d     insert into stock_volatility_history (ticker, as_of, value, provider, received_at) values ('AAPL', now(), 20, 'p', now())
    d     delete from stock_volatility_history where as_of < '2026-01-01'
    d     select * from market_event_history
    d     insert into market_event_history (ticker, event_type, event_date, provider, known_from) values ('AAPL', 'earnings', '2026-01-02', 'p', now())
    d     update market_event_history set known_to = now() where known_to is null
    d     delete from market_event_history where demo
    d     select * from market_events
    d     insert into market_events (ticker, event_type, event_date, provider, received_at) values ('AAPL', 'earnings', '2026-01-02', 'p', now())
    d     delete from market_events where event_date > '2026-01-01'
    d     select * from last_closes
    d     insert into last_closes (ticker, close, price_date, provider, received_at) values ('AAPL', 1, '2026-01-02', 'p', now()) on conflict (ticker) do update set close = excluded.close
    d     delete from last_closes where demo
    d     select * from event_calendars
    d     insert into event_calendars (ticker, provider, as_of, received_at) values ('AAPL', 'p', now(), now())
    d     select * from feed_states
    d     insert into feed_states (feed, provider) values ('lender', 'p') on conflict (feed) do update set rows = excluded.rows
    gcda  select name from schema_migrations left join schema_checksums using (name)
    -     insert into schema_migrations (name, run_on) values ('9999', now())
    -     delete from schema_checksums
  `
  const rows = RIGHTS.trim()
    .split('\n')
    .map((line) => /^\s*(\S+)\s+(.+)$/.exec(line)!.slice(1) as [string, string])
  const letters: Record<ServiceRole, string> = {
    api_gateway: 'g',
    calculation_service: 'c',
    data_service: 'd',
    cache_service: 'none',
    audit_service: 'a',
  }
  const cases = SERVICE_ROLES.flatMap((role) =>
    rows.map(([who, statement]): [ServiceRole, 'may' | 'may not', string] => [
      role,
      who.includes(letters[role]) ? 'may' : 'may not',
      statement,
    ]),
  )

  test.each(cases)('%s %s: %s', async (role, may, statement) => {
    const client = await database.pool.connect()
    try {
      await client.query('begin')
      // As a session of a user who is a member of the role, and of no other.
      await client.query(`set local session authorization ${await memberOf(role)}`)
      const outcome = client.query(statement).then(
        () => 'done',
        (error) => error.code,
      )
      expect(await outcome).toBe(may === 'may' ? 'done' : '42501')
    } finally {
      await client.query('rollback')
      client.release()
    }
  })

  const members = new Map<string, Promise<string>>()
  function memberOf(role: ServiceRole): Promise<string> {
    const made = members.get(role) ?? make()
    members.set(role, made)
    return made
    async function make(): Promise<string> {
      const user = `test_${process.pid}_${role}`
      await setServiceUser(database.pool, { user, role, password: 'not used to log in' })
      return user
    }
  }
  test('the table above has a line for every table there is', async () => {
    const { rows: tables } = await database.pool.query(
      "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition",
    )
    expect(tables.map(({ relname }) => relname).filter((name) => !new RegExp(`\\b${name}\\b`).test(RIGHTS))).toEqual([])
  })

  test('no role of the engine may change records, log in, or do more than a group', async () => {
    const { rows: changing } = await database.pool.query(
      `select c.relname, a.grantee::regrole::text, a.privilege_type
         from pg_class c, aclexplode(c.relacl) a
        where c.relname ~ '^(audit_|held_records|legal_hold)'
          and a.grantee <> c.relowner and a.privilege_type not in ('SELECT', 'INSERT')`,
    )
    expect(changing).toEqual([])
    const { rows: roles } = await database.pool.query(
      `select rolname from pg_roles where rolname = any($1) and not (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)`,
      [[...SERVICE_ROLES, 'borrow_rate_owner', 'borrow_rate_migrator']],
    )
    expect(roles).toHaveLength(7)
  })

  test('the owner owns every table, function and month, those that are added later too', async () => {
    await database.pool.query("select add_audit_months('2070-01-01', 1)")
    const { rows: others } = await database.pool.query(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relowner <> 'borrow_rate_owner'::regrole
       union all
       select proname from pg_proc where pronamespace = 'public'::regnamespace and proowner <> 'borrow_rate_owner'::regrole`,
    )
    expect(others).toEqual([])
  })
})

describe('on a server where nobody is a superuser', () => {
  let server: RealPostgres
  let chief: string
  const asChief = <T>(work: Parameters<typeof asOwner<T>>[1]) => asOwner<T>(chief, work)
  const database = (url: string, name: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href

  beforeAll(async () => {
    server = await startPostgres({
      durable: false,
      migrated: false,
      binariesFolder: inject('postgres').binariesFolder,
    })
    await asOwner(server.url, async (client) => {
      await client.query("create role chief login createdb createrole password 'chief-password'")
      await client.query("create role other login createdb createrole password 'other-password'")
    })
    const url = new URL(server.url)
    Object.assign(url, { username: 'chief', password: 'chief-password' })
    await asOwner(database(url.href, 'postgres'), async (client) => {
      await client.query('create database first')
      await client.query('create database second')
    })
    chief = database(url.href, 'first')
  })
  afterAll(() => server.end())

  test('the owner of a database migrates it, down and up again, and a second one on the same server', async () => {
    const applied = await upgrade(chief)
    expect(applied).toContain('0005_roles')
    expect(await downgrade(chief, applied.length)).toEqual(applied.toReversed())
    expect(await upgrade(chief)).toEqual(applied)
    expect(await upgrade(database(chief, 'second'))).toEqual(applied)
    const { rows } = await asChief((client) =>
      client.query('select rolsuper from pg_roles where rolname = current_user'),
    )
    expect(rows).toEqual([{ rolsuper: false }])
  })

  test('it makes users for the services, who log in with their passwords and have their rights', async () => {
    const isNew = await asChief((client) =>
      setServiceUser(client, { user: 'pricing_1', role: 'calculation_service', password: 'first-password' }),
    )
    expect(isNew).toBe(true)
    const url = new URL(chief)
    Object.assign(url, { username: 'pricing_1', password: 'first-password' })
    const pool = connectDatabase(url.href, { applicationName: 'pricing', connectionsMax: 1, statementTimeoutMs: 0 })
    const log = auditLog({ pool })
    await log.append(auditRow())
    await requireCurrentSchema(pool)
    await expect(pool.query('select from audit_records')).rejects.toMatchObject({ code: '42501' })
    const { rows } = await pool.query(
      "select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle",
    )
    expect(rows).toEqual([{ statement: '15s', idle: '1min' }])
    await pool.end()
  })

  test('a user that is given another role loses the one it had', async () => {
    const url = new URL(chief)
    Object.assign(url, { username: 'pricing_1', password: 'second-password' })
    const isNew = await asChief((client) =>
      setServiceUser(client, { user: 'pricing_1', role: 'audit_service', password: 'second-password' }),
    )
    expect(isNew).toBe(false)
    await asOwner(url.href, async (client) => {
      expect((await client.query('select from audit_records')).rowCount).toBe(1)
      await expect(client.query('insert into audit_records default values')).rejects.toMatchObject({ code: '42501' })
    })
  })

  test("a member of borrow_rate_migrator migrates, and what it makes is the owner's; anybody else is refused with a sentence", async () => {
    await asChief((client) =>
      setServiceUser(client, { user: 'deploy', role: 'borrow_rate_migrator', password: 'deploy-password' }),
    )
    const deploy = new URL(chief)
    Object.assign(deploy, { username: 'deploy', password: 'deploy-password' })
    expect((await status(deploy.href)).every(({ state }) => state === 'applied')).toBe(true)
    expect(await upgrade(deploy.href)).toEqual([])
    const url = new URL(chief)
    Object.assign(url, { username: 'pricing_1', password: 'second-password' })
    await expect(upgrade(url.href)).rejects.toThrow(
      'the user pricing_1 may not migrate this database: make it a member of borrow_rate_migrator',
    )
  })

  test('a database of somebody who has no part in the roles is refused, with what to type', async () => {
    const other = new URL(chief)
    Object.assign(other, { username: 'other', password: 'other-password' })
    await asOwner(database(other.href, 'postgres'), (client) => client.query('create database third'))
    const refused = upgrade(database(other.href, 'third'))
    if (
      Number((await asChief((client) => client.query('show server_version_num'))).rows[0].server_version_num) < 160000
    ) {
      // Whoever may make roles may join any of them there.
      expect(await refused).toContain('0005_roles')
    } else {
      await expect(refused).rejects.toMatchObject({
        message: 'other is not a member of the role borrow_rate_owner, which exists already',
        hint: 'As whoever made that role: GRANT borrow_rate_owner TO other',
      })
    }
  })

  test.each([
    ['name', { user: 'calculation_service', password: 'long enough for one' }],
    ['name', { user: 'a"; drop role chief', password: 'long enough for one' }],
    ['password', { user: 'pricing_2', password: 'short' }],
    ['password', { user: 'pricing_2', password: 'not ASCII: \u00e9\u00e9\u00e9' }],
  ])('a %s that cannot be used is refused and not repeated: %o', async (_, { user, password }) => {
    const refused = asChief((client) => setServiceUser(client, { user, role: 'data_service', password }))
    await expect(refused).rejects.toThrow(RangeError)
    await expect(refused).rejects.not.toThrow(password)
  })
})
