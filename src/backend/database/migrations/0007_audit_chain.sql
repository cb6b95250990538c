-- The chain of the audit log: the place and hash of every record, the signed heads, and what legal holds and retention rest on.
-- A record is never written again to give it its place: seals are rows of their own, joined when a record is read. Their table has
-- the same months as the log, so that a month leaves with its seals. Everything here is inserted once and never changed.

-- Up Migration

create table audit_seals (
  audit_id  uuid        not null,
  sequence  bigint      not null,
  prev_hash bytea       not null,
  hash      bytea       not null,
  sealed_at timestamptz not null,
  constraint audit_seals_pkey primary key (audit_id),
  constraint audit_seals_sequence_positive check (sequence > 0),
  constraint audit_seals_prev_hash_size check (octet_length(prev_hash) = 32),
  constraint audit_seals_hash_size check (octet_length(hash) = 32)
) partition by range (audit_id);

create index audit_seals_sequence on audit_seals (sequence);

comment on table audit_seals is 'The place of each record in the chain. Partitioned like audit_records, by the month in audit_id.';
comment on column audit_seals.sequence is 'From 1, without gaps, in the order of sealing, which is not the order of audit_id where a record came late.';
comment on column audit_seals.prev_hash is 'Hash of the record one place before; 32 zero bytes before the first.';
comment on column audit_seals.hash is 'SHA-256 over prev_hash, sequence and the canonical text of the record.';
comment on column audit_seals.sealed_at is 'By the sealer''s clock; the same as signed_at of the head of its batch.';

create table audit_heads (
  sequence       bigint      not null,
  first_sequence bigint      not null,
  hash           bytea       not null,
  signed_at      timestamptz not null,
  key_id         text        not null,
  signature      bytea       not null,
  constraint audit_heads_pkey primary key (sequence),
  -- Of two batches that begin at one place only one can be there: two sealers cannot fork the chain.
  constraint audit_heads_first_sequence_once unique (first_sequence),
  constraint audit_heads_sequence_order check (first_sequence between 1 and sequence),
  constraint audit_heads_hash_size check (octet_length(hash) = 32),
  constraint audit_heads_key_id_pattern check (key_id ~ '^[0-9a-f]{16}$'),
  constraint audit_heads_signature_size check (octet_length(signature) = 64)
);

comment on table audit_heads is 'The end of the chain after each batch, signed. A batch and its head are there together or not at all.';
comment on column audit_heads.sequence is 'The last record of the batch.';
comment on column audit_heads.first_sequence is 'The first record of the batch: one more than the last of the batch before.';
comment on column audit_heads.hash is 'Hash of the last record of the batch.';
comment on column audit_heads.signed_at is 'By the sealer''s clock, to the millisecond.';
comment on column audit_heads.key_id is 'First 16 hex digits of the SHA-256 of the public key (SPKI, DER).';
comment on column audit_heads.signature is 'Ed25519.';

create table legal_holds (
  hold_id   uuid        not null,
  client_id text,
  ticker    text,
  from_time timestamptz,
  to_time   timestamptz,
  reason    text        not null,
  placed_by text        not null,
  placed_at timestamptz not null default clock_timestamp(),
  constraint legal_holds_pkey primary key (hold_id),
  constraint legal_holds_not_of_everything check (client_id is not null or ticker is not null or from_time is not null or to_time is not null),
  constraint legal_holds_time_order check (from_time < to_time),
  constraint legal_holds_reason_length check (length(reason) between 1 and 1000)
);

comment on table legal_holds is 'Records that are kept beyond their years: those that fit everything a hold names. In force until there is a row in legal_hold_releases.';
comment on column legal_holds.from_time is 'Of the record''s occurred_at, inclusive; null: from the first.';
comment on column legal_holds.to_time is 'Of the record''s occurred_at, exclusive; null: to the last, those to come included.';
comment on column legal_holds.placed_by is 'Key id.';

create table legal_hold_releases (
  hold_id     uuid        not null,
  reason      text        not null,
  released_by text        not null,
  released_at timestamptz not null default clock_timestamp(),
  constraint legal_hold_releases_pkey primary key (hold_id),
  constraint legal_hold_releases_hold foreign key (hold_id) references legal_holds (hold_id),
  constraint legal_hold_releases_reason_length check (length(reason) between 1 and 1000)
);

comment on table legal_hold_releases is 'The ends of legal holds.';
comment on column legal_hold_releases.released_by is 'Key id.';

create table audit_exports (
  export_id      uuid        not null,
  month          date,
  first_sequence bigint      not null,
  last_sequence  bigint      not null,
  records        bigint      not null,
  storage        text        not null,
  name           text        not null,
  sha256         bytea       not null,
  verified_at    timestamptz not null,
  constraint audit_exports_pkey primary key (export_id),
  -- What lies in locked storage under a name is never replaced there.
  constraint audit_exports_name_once unique (storage, name),
  constraint audit_exports_month_first_day check (extract(day from month) = 1),
  constraint audit_exports_sequence_order check (first_sequence between 1 and last_sequence),
  constraint audit_exports_records_range check (records between 0 and last_sequence - first_sequence + 1),
  constraint audit_exports_sha256_size check (octet_length(sha256) = 32)
);

create index audit_exports_month on audit_exports (month, verified_at);

comment on table audit_exports is 'Exports that lie in locked storage, were read back from there and were verified.';
comment on column audit_exports.month is 'Its first day: the month that the export holds whole; null for any other range. The newest counts.';
comment on column audit_exports.storage is 'Where it lies, as the storage describes itself.';
comment on column audit_exports.sha256 is 'Of the whole file.';

create table audit_checkpoints (
  sequence    bigint      not null,
  hash        bytea       not null,
  month       date        not null,
  kept_digest bytea       not null,
  signed_at   timestamptz not null,
  key_id      text        not null,
  signature   bytea       not null,
  constraint audit_checkpoints_pkey primary key (sequence),
  constraint audit_checkpoints_sequence_positive check (sequence > 0),
  constraint audit_checkpoints_hash_size check (octet_length(hash) = 32),
  constraint audit_checkpoints_month_first_day check (extract(day from month) = 1),
  constraint audit_checkpoints_kept_digest_size check (octet_length(kept_digest) = 32),
  constraint audit_checkpoints_key_id_pattern check (key_id ~ '^[0-9a-f]{16}$'),
  constraint audit_checkpoints_signature_size check (octet_length(signature) = 64)
);

comment on table audit_checkpoints is 'Where the chain resumes after a month was detached. Everything at or below sequence lies in locked storage.';
comment on column audit_checkpoints.hash is 'Hash of the record at sequence: the prev_hash of the first that is left.';
comment on column audit_checkpoints.month is 'First day of the month that was detached.';
comment on column audit_checkpoints.kept_digest is 'SHA-256 over sequence and hash, in order, of the records at or below sequence that are still in the database.';

create table held_records (
  audit_id       uuid        not null,
  record_type    text        not null,
  schema_version smallint    not null,
  occurred_at    timestamptz not null,
  recorded_at    timestamptz not null,
  client_id      text        not null,
  ticker         text,
  position_value numeric,
  borrow_rate    numeric,
  total_fee      numeric,
  request_id     text,
  actor_id       text,
  record         text        not null,
  sequence       bigint      not null,
  prev_hash      bytea       not null,
  hash           bytea       not null,
  sealed_at      timestamptz not null,
  constraint held_records_pkey primary key (audit_id),
  constraint held_records_sequence_once unique (sequence),
  constraint held_records_prev_hash_size check (octet_length(prev_hash) = 32),
  constraint held_records_hash_size check (octet_length(hash) = 32)
);

comment on table held_records is 'Records under a legal hold whose month was detached, with their seals. The columns are those of audit_records and audit_seals.';

-- Kept append-only, towards owners too.
create function refuse_audit_history_change() returns trigger language plpgsql as $$
begin
  raise exception 'what stands in % was written once and is never changed: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation';
end
$$;

comment on function refuse_audit_history_change() is 'Keeps the chain, its holds and its exports append-only.';

do $$
declare
  thing text;
begin
  foreach thing in array array['audit_seals', 'audit_heads', 'legal_holds', 'legal_hold_releases', 'audit_exports', 'audit_checkpoints', 'held_records']
  loop
    execute format('create trigger %I before update or delete on %I for each row execute function refuse_audit_history_change()',
      thing || '_append_only', thing);
    execute format('create trigger %I before truncate on %I for each statement execute function refuse_audit_history_change()',
      thing || '_no_truncate', thing);
  end loop;
end
$$;

-- A month of the log and the month of its seals come together.
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

comment on function add_audit_months(date, integer) is 'Adds so many months to the log and to its seals, beginning with the month of the date; those that exist are left alone. Returns how many were added.';

-- The months that the log has already.
do $$
declare
  partition record;
  seals     text;
begin
  for partition in
    select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'audit_records'::regclass
     order by c.relname
  loop
    seals := replace(partition.relname, 'audit_records', 'audit_seals');
    execute format('create table %I partition of audit_seals %s', seals, partition.bound);
    execute format('create trigger audit_seals_no_truncate before truncate on %I for each statement execute function refuse_audit_history_change()', seals);
  end loop;
end
$$;

-- The audit service keeps the chain, but may write nothing into the log itself, except what it does to it.
create function append_audit_event(
  audit_id uuid, record_type text, schema_version smallint, occurred_at timestamptz, client_id text, ticker text, request_id text, actor_id text,
  record text
) returns void language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if append_audit_event.record_type is null
    or append_audit_event.record_type not in ('legal_hold_placed', 'legal_hold_released', 'audit_month_detached') then
    raise exception 'append_audit_event keeps no records of the type %', append_audit_event.record_type
      using errcode = 'invalid_parameter_value';
  end if;
  insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, ticker, request_id, actor_id, record)
  values (append_audit_event.audit_id, append_audit_event.record_type, append_audit_event.schema_version, append_audit_event.occurred_at,
    append_audit_event.client_id, append_audit_event.ticker, append_audit_event.request_id, append_audit_event.actor_id, append_audit_event.record);
end
$$;

comment on function append_audit_event(uuid, text, smallint, timestamptz, text, text, text, text, text) is
  'Puts on the record that a legal hold was placed or released, or a month detached, with the owner''s right to insert, and nothing else.';

revoke all on function append_audit_event(uuid, text, smallint, timestamptz, text, text, text, text, text) from public;
grant execute on function append_audit_event(uuid, text, smallint, timestamptz, text, text, text, text, text) to audit_service;

grant select, insert on audit_seals, audit_heads, legal_holds, legal_hold_releases, audit_exports, audit_checkpoints, held_records to audit_service;

-- Down Migration

do $$
begin
  if exists (select from audit_seals) or exists (select from legal_holds) or exists (select from held_records) then
    raise exception 'the chain of the audit log is not dropped while there are seals, legal holds or held records'
      using errcode = 'restrict_violation', hint = 'Export the log, then detach its partitions.';
  end if;
end
$$;

drop function append_audit_event(uuid, text, smallint, timestamptz, text, text, text, text, text);

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
      added := added + 1;
    end if;
    month := next_month;
  end loop;
  return added;
end
$$;

comment on function add_audit_months(date, integer) is 'Adds the partitions of so many months, beginning with the month of the date; those that exist are left alone. Returns how many were added.';

drop table held_records;
drop table audit_checkpoints;
drop table audit_exports;
drop table legal_hold_releases;
drop table legal_holds;
drop table audit_heads;
drop table audit_seals;
drop function refuse_audit_history_change();
