-- What finds a record among millions: how a month is stored, and the indexes by which it is searched (audit/search.ts).

-- Up Migration

-- A search looks at the columns of a record and not at its text, which is ten times as long. With the text out of line thirty records
-- lie on a page instead of four, at the price of a tenth more room. And pages are marked as visible to all soon after they
-- were filled, not when the month has grown by a fifth: until then an index does not answer alone.
create function store_audit_month_for_search(month text) returns void language plpgsql as $$
begin
  execute format('alter table %I set (toast_tuple_target = 128, autovacuum_vacuum_insert_scale_factor = 0.02)', month);
end
$$;

comment on function store_audit_month_for_search(text) is 'How a month of the log is stored: the texts out of line, its pages ready for searching soon. Records that are there already stay as they are.';

revoke all on function store_audit_month_for_search(text) from public;

create or replace function add_audit_months(first_month date, months integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  month      date := date_trunc('month', first_month::timestamp)::date;
  next_month date;
  partition  text;
  added      integer := 0;
begin
  if months not between 1 and 600 then
    raise exception 'add_audit_months adds 1 to 600 months, not %', months using errcode = 'invalid_parameter_value';
  end if;
  for step in 1 .. months loop
    next_month := (month + interval '1 month')::date;
    partition := 'audit_records_' || to_char(month, 'YYYY_MM');
    if to_regclass(partition) is null then
      execute format(
        'create table %I partition of audit_records for values from (%L) to (%L)',
        partition,
        uuid7_lower_bound(month::timestamp at time zone 'UTC'),
        uuid7_lower_bound(next_month::timestamp at time zone 'UTC')
      );
      perform store_audit_month_for_search(partition);
      execute format(
        'create trigger audit_records_no_truncate before truncate on %I for each statement execute function refuse_audit_record_change()',
        partition
      );
      partition := 'audit_seals_' || to_char(month, 'YYYY_MM');
      execute format(
        'create table %I partition of audit_seals for values from (%L) to (%L)',
        partition,
        uuid7_lower_bound(month::timestamp at time zone 'UTC'),
        uuid7_lower_bound(next_month::timestamp at time zone 'UTC')
      );
      execute format(
        'create trigger audit_seals_no_truncate before truncate on %I for each statement execute function refuse_audit_history_change()',
        partition
      );
      added := added + 1;
    end if;
    month := next_month;
  end loop;
  return added;
end
$$;

do $$
declare
  month text;
begin
  for month in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_records'::regclass loop
    perform store_audit_month_for_search(month);
  end loop;
end
$$;

-- Beside its own column each index holds all that a search may ask for besides, so that it answers alone: what does not fit is passed
-- over within the index, and two conditions that each fit many records cost no visit to a page for each of them.
drop index audit_records_client_id;
drop index audit_records_ticker;
create index audit_records_client_id on audit_records (client_id, audit_id) include (ticker, position_value, borrow_rate, record_type);
create index audit_records_ticker on audit_records (ticker, audit_id) include (client_id, position_value, borrow_rate, record_type);
-- Amounts are asked for by ranges, behind which an order by audit_id is of no use. As a part of the key it would make the planner
-- (of PostgreSQL 18, which can skip) count a descent for every different amount, and take a walk through all time for cheaper.
create index audit_records_position_value on audit_records (position_value) include (audit_id, borrow_rate, client_id, ticker, record_type);
create index audit_records_borrow_rate on audit_records (borrow_rate) include (audit_id, position_value, client_id, ticker, record_type);
-- Nearly every record is a quote: those are found by walking through time.
create index audit_records_other_types on audit_records (record_type, audit_id) where record_type <> 'quote';

-- Down Migration

drop index audit_records_other_types;
drop index audit_records_borrow_rate;
drop index audit_records_position_value;
drop index audit_records_ticker;
drop index audit_records_client_id;
create index audit_records_client_id on audit_records (client_id, audit_id);
create index audit_records_ticker on audit_records (ticker, audit_id);

do $$
declare
  month text;
begin
  for month in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_records'::regclass loop
    execute format('alter table %I reset (toast_tuple_target, autovacuum_vacuum_insert_scale_factor)', month);
  end loop;
end
$$;

create or replace function add_audit_months(first_month date, months integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  month      date := date_trunc('month', first_month::timestamp)::date;
  next_month date;
  partition  text;
  added      integer := 0;
begin
  if months not between 1 and 600 then
    raise exception 'add_audit_months adds 1 to 600 months, not %', months using errcode = 'invalid_parameter_value';
  end if;
  for step in 1 .. months loop
    next_month := (month + interval '1 month')::date;
    partition := 'audit_records_' || to_char(month, 'YYYY_MM');
    if to_regclass(partition) is null then
      execute format(
        'create table %I partition of audit_records for values from (%L) to (%L)',
        partition,
        uuid7_lower_bound(month::timestamp at time zone 'UTC'),
        uuid7_lower_bound(next_month::timestamp at time zone 'UTC')
      );
      execute format(
        'create trigger audit_records_no_truncate before truncate on %I for each statement execute function refuse_audit_record_change()',
        partition
      );
      partition := 'audit_seals_' || to_char(month, 'YYYY_MM');
      execute format(
        'create table %I partition of audit_seals for values from (%L) to (%L)',
        partition,
        uuid7_lower_bound(month::timestamp at time zone 'UTC'),
        uuid7_lower_bound(next_month::timestamp at time zone 'UTC')
      );
      execute format(
        'create trigger audit_seals_no_truncate before truncate on %I for each statement execute function refuse_audit_history_change()',
        partition
      );
      added := added + 1;
    end if;
    month := next_month;
  end loop;
  return added;
end
$$;


drop function store_audit_month_for_search(text);
