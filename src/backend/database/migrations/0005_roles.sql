-- Rights. One role owns everything, one may migrate, and each service has a role with what its statements need and nothing more.
-- All are group roles without LOGIN: a user logs in under a name of its own and is a member of one of them,
--
--     create role pricing_1 login password '…' in role calculation_service;
--     alter role pricing_1 set statement_timeout = '15s';
--
-- so that users come and go, two at a time while a password is changed, and no right is ever granted to a user. The timeout is a
-- setting of the user because a pooler in transaction mode passes no other. scripts/create_service_users.ts does both.
--
-- Roles belong to the server, not to the database: those that exist already (another database of the same server has been
-- migrated) are used as they are, and the down part leaves them. The first migration is run by the owner of the database, who
-- may create roles; no superuser is needed. Later ones may be run by any member of borrow_rate_migrator.
--
-- What comes after this file is made by borrow_rate_owner, and grants its rights itself.

-- Up Migration

do $$
declare
  wanted record;
begin
  if not has_schema_privilege('public', 'create with grant option') then
    raise exception '% may not grant rights on the schema public', current_user
      using errcode = 'insufficient_privilege', hint = 'Run the migrations as the owner of the database.';
  end if;
  for wanted in
    select * from (values
      ('borrow_rate_owner',    'Borrow rate engine: owns every table and function.'),
      ('borrow_rate_migrator', 'Borrow rate engine: may become the owner, to migrate.'),
      ('api_gateway',          'Borrow rate engine: rights of the API gateway.'),
      ('calculation_service',  'Borrow rate engine: rights of the calculation service.'),
      ('data_service',         'Borrow rate engine: rights of the data service.'),
      ('cache_service',        'Borrow rate engine: the cache service has no rights in the database.'),
      ('audit_service',        'Borrow rate engine: rights of the audit service.')
    ) as role (name, meaning)
  loop
    if exists (select from pg_roles where rolname = wanted.name) then
      if exists (select from pg_roles where rolname = wanted.name and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)) then
        raise exception 'the role % exists and may do more than a group of this engine should', wanted.name
          using errcode = 'duplicate_object', hint = 'Give the role that has this name another one, or take its attributes away.';
      end if;
      continue;
    end if;
    begin
      execute format('create role %I nologin', wanted.name);
      execute format('comment on role %I is %L', wanted.name, wanted.meaning);
    exception
      -- Another database of this server is being migrated at this moment, and was first.
      when duplicate_object or unique_violation then null;
      when insufficient_privilege then
        raise exception 'the role % does not exist, and % may not create roles', wanted.name, current_user
          using errcode = 'insufficient_privilege', hint = 'Run this migration once as a user with CREATEROLE.';
    end;
  end loop;
end
$$;

do $$
begin
  -- Whoever makes a role may be a member of it (PostgreSQL 16) or not (15), but does not yet have its rights.
  if not pg_has_role('borrow_rate_owner', 'usage') then
    execute format('grant borrow_rate_owner to %I', current_user);
  end if;
  begin
    if not pg_has_role('borrow_rate_migrator', 'borrow_rate_owner', 'usage') then
      grant borrow_rate_owner to borrow_rate_migrator;
    end if;
  exception when unique_violation then null; -- as above
  end;
exception when insufficient_privilege then
  raise exception '% is not a member of the role borrow_rate_owner, which exists already', current_user
    using errcode = 'insufficient_privilege', hint = format('As whoever made that role: GRANT borrow_rate_owner TO %I', current_user);
end
$$;

revoke create on schema public from public;
grant usage, create on schema public to borrow_rate_owner;
grant usage on schema public to api_gateway, calculation_service, data_service, audit_service;

do $$
declare
  thing text;
begin
  foreach thing in array array['pricing_models', 'brokers', 'stocks', 'api_keys', 'lender_rates', 'lender_rate_history', 'volatility_index',
    'stock_volatility', 'market_events', 'feed_states', 'last_closes', 'audit_records', 'schema_migrations', 'schema_checksums']
  loop
    execute format('alter table %I owner to borrow_rate_owner', thing);
  end loop;
  for thing in select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_records'::regclass loop
    execute format('alter table %s owner to borrow_rate_owner', thing);
  end loop;
end
$$;

alter function refuse_pricing_model_change() owner to borrow_rate_owner;
alter function refuse_audit_record_change() owner to borrow_rate_owner;
alter function uuid7_lower_bound(timestamptz) owner to borrow_rate_owner;
alter function add_audit_months(date, integer) owner to borrow_rate_owner;

-- From here on as the owner, in the migrations of the same run too.
set local role borrow_rate_owner;

-- A service that starts looks whether it fits the database.
grant select on schema_migrations, schema_checksums to api_gateway, calculation_service, data_service, audit_service;

-- The audit log: inserting is all that keeping a record needs. Nobody is granted UPDATE, DELETE or TRUNCATE.
-- A statement on audit_records asks for rights on audit_records alone, so the months need no grants; on a month itself nobody has any.
grant insert on audit_records to api_gateway, calculation_service, data_service;
grant select on audit_records to audit_service;

-- Months are added with the owner's rights, so that the audit service needs none of its own to make tables.
alter function add_audit_months(date, integer) security definer set search_path = public, pg_temp;
revoke all on function add_audit_months(date, integer) from public;
grant execute on function add_audit_months(date, integer) to audit_service;

-- The gateway checks keys, and looks up with them how far their broker may go; of the terms it sees nothing.
grant select, insert on api_keys to api_gateway;
grant update (label, revoked_at, last_used_at) on api_keys to api_gateway;
grant select (client_id, tier, requests_per_minute, active) on brokers to api_gateway;

-- The data service keeps reference data, of which nothing is deleted, and market data, which comes and goes.
grant select, insert on pricing_models to data_service;
grant select, insert, update on brokers, stocks to data_service;
grant select, insert, update, delete
  on lender_rates, lender_rate_history, volatility_index, stock_volatility, market_events, feed_states, last_closes to data_service;

-- Down Migration

revoke all on pricing_models, brokers, stocks, api_keys, lender_rates, lender_rate_history, volatility_index, stock_volatility,
  market_events, feed_states, last_closes, audit_records, schema_migrations, schema_checksums
  from api_gateway, calculation_service, data_service, audit_service;
alter function add_audit_months(date, integer) security invoker reset search_path;
revoke all on function add_audit_months(date, integer) from audit_service;
grant execute on function add_audit_months(date, integer) to public;

-- Everything goes back to whoever takes this back.
reset role;

do $$
declare
  thing text;
begin
  foreach thing in array array['pricing_models', 'brokers', 'stocks', 'api_keys', 'lender_rates', 'lender_rate_history', 'volatility_index',
    'stock_volatility', 'market_events', 'feed_states', 'last_closes', 'audit_records', 'schema_migrations', 'schema_checksums']
  loop
    execute format('alter table %I owner to %I', thing, current_user);
  end loop;
  for thing in select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_records'::regclass loop
    execute format('alter table %s owner to %I', thing, current_user);
  end loop;
end
$$;

alter function refuse_pricing_model_change() owner to current_user;
alter function refuse_audit_record_change() owner to current_user;
alter function uuid7_lower_bound(timestamptz) owner to current_user;
alter function add_audit_months(date, integer) owner to current_user;

revoke all on schema public from borrow_rate_owner, api_gateway, calculation_service, data_service, audit_service;
