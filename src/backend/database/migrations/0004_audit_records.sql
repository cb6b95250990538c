-- The audit log. A record is inserted once and never changed. The table is partitioned by month on the time inside its
-- UUIDv7 key, so that months are added ahead, and old ones detached whole once they lie in locked storage.

-- Up Migration

create table audit_records (
  audit_id       uuid        not null,
  record_type    text        not null,
  schema_version smallint    not null,
  occurred_at    timestamptz not null,
  recorded_at    timestamptz not null default clock_timestamp(),
  client_id      text        not null,
  ticker         text,
  position_value numeric,
  borrow_rate    numeric,
  total_fee      numeric,
  request_id     text,
  actor_id       text,
  record         text        not null,
  constraint audit_records_pkey primary key (audit_id),
  constraint audit_records_record_type_length check (length(record_type) between 1 and 50),
  constraint audit_records_schema_version_positive check (schema_version > 0),
  constraint audit_records_record_size check (octet_length(record) between 2 and 1000000)
) partition by range (audit_id);

create index audit_records_client_id on audit_records (client_id, audit_id);
create index audit_records_ticker on audit_records (ticker, audit_id);

comment on table audit_records is 'Every priced request and every change of terms, inserted once, never changed. Partitioned by the month in audit_id.';
comment on column audit_records.audit_id is 'UUIDv7, made by the service before the insert: a repeated insert after a lost commit changes nothing.';
comment on column audit_records.schema_version is 'Version of the form of record, counted per record_type.';
comment on column audit_records.occurred_at is 'When the price was made, by the service''s clock.';
comment on column audit_records.recorded_at is 'When the row was written, by the database''s clock.';
comment on column audit_records.position_value is 'USD; a copy from record, to search by.';
comment on column audit_records.borrow_rate is 'Annual rate, a fraction; a copy from record, to search by.';
comment on column audit_records.total_fee is 'USD; a copy from record, to search by.';
comment on column audit_records.actor_id is 'Key id of the caller.';
comment on column audit_records.record is 'The whole record as canonical JSON text. Text, not jsonb: the bytes are what is sealed and replayed.';

create function refuse_audit_record_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit records are inserted once and never changed: % on % is refused', lower(tg_op), tg_table_name
    using errcode = 'restrict_violation', hint = 'To correct a record, add a new one that names it.';
end
$$;

comment on function refuse_audit_record_change() is 'Keeps audit_records append-only.';

-- A row trigger on the parent is inherited by every partition, however the partition was made.
create trigger audit_records_append_only before update or delete on audit_records
  for each row execute function refuse_audit_record_change();

-- A truncate trigger is not inherited: add_audit_months gives each partition its own.
create trigger audit_records_no_truncate before truncate on audit_records
  for each statement execute function refuse_audit_record_change();

create function uuid7_lower_bound(moment timestamptz) returns uuid language sql immutable strict parallel safe as $$
  select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

comment on function uuid7_lower_bound(timestamptz) is 'The smallest UUID whose first 48 bits are the moment in milliseconds: every UUIDv7 made at or after it is greater.';

create function add_audit_months(first_month date, months integer) returns integer language plpgsql as $$
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
      added := added + 1;
    end if;
    month := next_month;
  end loop;
  return added;
end
$$;

comment on function add_audit_months(date, integer) is 'Adds the partitions of so many months, beginning with the month of the date; those that exist are left alone. Returns how many were added.';

-- This month, and 24 ahead.
select add_audit_months((now() at time zone 'UTC')::date, 25);

-- Down Migration

do $$
begin
  if exists (select from audit_records) then
    raise exception 'audit_records holds records and is not dropped'
      using errcode = 'restrict_violation', hint = 'Export the log, then detach its partitions.';
  end if;
end
$$;

drop table audit_records;
drop function add_audit_months(date, integer);
drop function uuid7_lower_bound(timestamptz);
drop function refuse_audit_record_change();
