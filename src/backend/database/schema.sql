-- The structure that the migrations add up to. Made by scripts/dump_schema.ts; a test compares it with the database.
-- The roles at the end are the server's, not the database's: 0005_roles.sql makes them.

-- Functions come first, and their bodies name tables that come later.
set check_function_bodies = off;

CREATE OR REPLACE FUNCTION public.add_audit_months(first_month date, months integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.append_audit_event(audit_id uuid, record_type text, schema_version smallint, occurred_at timestamp with time zone, client_id text, ticker text, request_id text, actor_id text, record text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION public.detach_audit_month(month date)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '50ms'
AS $function$
declare
  suffix     text := to_char(month, 'YYYY_MM');
  records    text := 'audit_records_' || to_char(month, 'YYYY_MM');
  seals      text := 'audit_seals_' || to_char(month, 'YYYY_MM');
  earliest   text;
  last_place bigint;
  previous   bigint;
  found_one  boolean;
  checkpoint audit_checkpoints;
begin
  if month is null or extract(day from month) <> 1 then
    raise exception 'a month is named by its first day, not by %', month using errcode = 'invalid_parameter_value';
  end if;
  -- The shortest time that the engine can be told to keep records.
  if month + interval '1 month' + interval '1 year' > now() at time zone 'UTC' then
    raise exception '% is not detached: it is not a year old', records using errcode = 'restrict_violation';
  end if;
  select min(c.relname) into earliest from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_records'::regclass;
  if earliest is distinct from records then
    raise exception '% is not detached: the earliest month of the log is %', records, earliest using errcode = 'restrict_violation';
  end if;

  -- Nothing changes under the checks: no hold comes or goes, no record comes late into this month.
  lock table legal_holds, legal_hold_releases in share mode;
  execute format('lock table %I, %I in share mode', records, seals);

  execute format('select exists (select from %I r where not exists (select from %I s where s.audit_id = r.audit_id))', records, seals) into found_one;
  if found_one then
    raise exception '% is not detached: it holds records that are not sealed', records using errcode = 'restrict_violation';
  end if;
  execute format('select exists (select from %I s where not exists (select from %I r where r.audit_id = s.audit_id))', seals, records) into found_one;
  if found_one then
    raise exception '% is not detached: there are seals of records that it does not hold', records using errcode = 'restrict_violation';
  end if;

  execute format('select max(sequence) from %I', seals) into last_place;
  -- A month without records is only an empty table.
  if last_place is not null then
    select * into checkpoint from audit_checkpoints c order by c.sequence desc limit 1;
    if checkpoint.month is distinct from detach_audit_month.month or checkpoint.sequence < last_place then
      raise exception '% is not detached: there is no checkpoint of it', records using errcode = 'restrict_violation';
    end if;
    if not exists (select from audit_heads h where h.sequence = checkpoint.sequence and h.hash = checkpoint.hash) then
      raise exception '% is not detached: its checkpoint is at no head of the chain', records using errcode = 'restrict_violation';
    end if;
    select coalesce(max(c.sequence), 0) into previous from audit_checkpoints c where c.sequence < checkpoint.sequence;
    if not exists (
      select from audit_exports e
       where e.month = detach_audit_month.month and e.first_sequence = previous + 1 and e.last_sequence = checkpoint.sequence
         and e.records = checkpoint.sequence - previous
    ) then
      raise exception '% is not detached: there is no verified export of % to % in locked storage', records, previous + 1, checkpoint.sequence
        using errcode = 'restrict_violation';
    end if;
    execute format(
      'select exists (
         select from %I r join %I s on s.audit_id = r.audit_id
          where exists (select from legal_holds_on(r.client_id, r.ticker, r.occurred_at))
            and not exists (
              select from held_records h
               where h.audit_id = r.audit_id
                 and (h.record_type, h.schema_version, h.occurred_at, h.recorded_at, h.client_id, h.ticker, h.position_value::text, h.borrow_rate::text,
                   h.total_fee::text, h.request_id, h.actor_id, h.record, h.sequence, h.prev_hash, h.hash, h.sealed_at)
                 is not distinct from (r.record_type, r.schema_version, r.occurred_at, r.recorded_at, r.client_id, r.ticker, r.position_value::text,
                   r.borrow_rate::text, r.total_fee::text, r.request_id, r.actor_id, r.record, s.sequence, s.prev_hash, s.hash, s.sealed_at)))',
      records, seals) into found_one;
    if found_one then
      raise exception '% is not detached: it holds records under a legal hold that are not kept', records using errcode = 'restrict_violation';
    end if;
  end if;

  -- The log stands still from here to the commit, so nothing slow comes after this line. Whoever would make it wait longer than
  -- lock_timeout, a long read for one, is let through: this fails, and is tried again. In the order in which the sealer comes.
  execute format('alter table audit_records detach partition %I', records);
  execute format('alter table audit_seals detach partition %I', seals);
  execute format('alter table %I rename to %I', seals, 'detached_' || seals);
  execute format('alter table %I rename to %I', records, 'detached_' || records);
  -- The row triggers went with the parents.
  execute format('create trigger audit_seals_append_only before update or delete on %I for each row execute function refuse_audit_history_change()',
    'detached_' || seals);
  execute format('create trigger audit_records_append_only before update or delete on %I for each row execute function refuse_audit_record_change()',
    'detached_' || records);
end
$function$;

CREATE OR REPLACE FUNCTION public.keep_held_records(month date, OUT kept bigint, OUT released bigint)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '5s'
AS $function$
declare
  records text := 'audit_records_' || to_char(month, 'YYYY_MM');
  seals   text := 'audit_seals_' || to_char(month, 'YYYY_MM');
begin
  -- Until the end of the transaction nobody places or releases a hold, and nothing comes late into this month.
  lock table legal_holds, legal_hold_releases in share mode;
  if to_regclass(records) is null or to_regclass(seals) is null then
    raise exception 'there is no month % to keep held records of', month using errcode = 'undefined_table';
  end if;
  execute format('lock table %I, %I in share mode', records, seals);
  execute format(
    'insert into held_records (audit_id, record_type, schema_version, occurred_at, recorded_at, client_id, ticker, position_value, borrow_rate,
       total_fee, request_id, actor_id, record, sequence, prev_hash, hash, sealed_at)
     select r.audit_id, r.record_type, r.schema_version, r.occurred_at, r.recorded_at, r.client_id, r.ticker, r.position_value, r.borrow_rate,
       r.total_fee, r.request_id, r.actor_id, r.record, s.sequence, s.prev_hash, s.hash, s.sealed_at
       from %I r join %I s on s.audit_id = r.audit_id
      where exists (select from legal_holds_on(r.client_id, r.ticker, r.occurred_at))
     on conflict do nothing', records, seals);
  get diagnostics kept = row_count;
  delete from held_records h
   where h.sequence <= (select max(c.sequence) from audit_checkpoints c)
     and not exists (select from legal_holds_on(h.client_id, h.ticker, h.occurred_at));
  get diagnostics released = row_count;
end
$function$;

CREATE OR REPLACE FUNCTION public.legal_holds_on(client_id text, ticker text, occurred_at timestamp with time zone)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$
  select h.hold_id
    from legal_holds h
   where (h.client_id is null or h.client_id = legal_holds_on.client_id)
     and (h.ticker is null or h.ticker = legal_holds_on.ticker)
     and (h.from_time is null or h.from_time <= legal_holds_on.occurred_at)
     and (h.to_time is null or h.to_time > legal_holds_on.occurred_at)
     and not exists (select from legal_hold_releases r where r.hold_id = h.hold_id)
$function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_history_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'what stands in % was written once and is never changed: % is refused', tg_table_name, lower(tg_op)
    using errcode = 'restrict_violation';
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_audit_record_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'audit records are inserted once and never changed: % on % is refused', lower(tg_op), tg_table_name
    using errcode = 'restrict_violation', hint = 'To correct a record, add a new one that names it.';
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_held_record_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'DELETE'
    and not exists (select from legal_holds_on(old.client_id, old.ticker, old.occurred_at))
    and old.sequence <= (select max(sequence) from audit_checkpoints) then
    return old;
  end if;
  raise exception 'a held record is never changed, and stays while a legal hold covers it: % is refused', lower(tg_op)
    using errcode = 'restrict_violation';
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_pricing_model_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'pricing models are never changed or deleted, recorded prices name them'
    using errcode = 'restrict_violation', hint = 'Add a model under a new name and point the brokers at it.';
end
$function$;

CREATE OR REPLACE FUNCTION public.refuse_second_decision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'DELETE' or old.state <> 'pending' then
    raise exception 'a decision stands: % on approval % is refused', lower(tg_op), old.approval_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION public.store_audit_month_for_search(month text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  execute format('alter table %I set (toast_tuple_target = 128, autovacuum_vacuum_insert_scale_factor = 0.02)', month);
end
$function$;

CREATE OR REPLACE FUNCTION public.turn_idempotent_answer_days()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '500ms'
AS $function$
declare
  today   date := (now() at time zone 'UTC')::date;
  day     date;
  old     text;
  changed integer := 0;
begin
  -- One at a time; whoever comes second finds nothing to do.
  perform pg_advisory_xact_lock(hashtextextended('turn_idempotent_answer_days', 0));
  for step in 0 .. 7 loop
    day := today + step;
    if to_regclass('idempotent_answers_' || to_char(day, 'YYYY_MM_DD')) is null then
      execute format('create table %I partition of idempotent_answers for values from (%L) to (%L)',
        'idempotent_answers_' || to_char(day, 'YYYY_MM_DD'), day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
      changed := changed + 1;
    end if;
  end loop;
  for old in
    select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = 'idempotent_answers'::regclass and relname < 'idempotent_answers_' || to_char(today - 1, 'YYYY_MM_DD')
  loop
    execute format('drop table %I', old);
    changed := changed + 1;
  end loop;
  return changed;
end
$function$;

CREATE OR REPLACE FUNCTION public.uuid7_lower_bound(moment timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$function$;


create table api_keys (
  key_id text not null,
  secret_hash bytea not null,
  client_id text not null,
  role text not null,
  label text,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  replaced_by text,
  constraint api_keys_pkey PRIMARY KEY (key_id),
  constraint api_keys_expires_after_creation CHECK ((expires_at > created_at)),
  constraint api_keys_key_id_length CHECK (((length(key_id) >= 4) AND (length(key_id) <= 64))),
  constraint api_keys_label_length CHECK (((length(label) >= 1) AND (length(label) <= 200))),
  constraint api_keys_replaced_ends CHECK (((replaced_by IS NULL) OR (revoked_at IS NOT NULL))),
  constraint api_keys_role_known CHECK ((role = ANY (ARRAY['broker'::text, 'desk'::text, 'auditor'::text, 'admin'::text, 'system'::text]))),
  constraint api_keys_secret_hash_length CHECK ((octet_length(secret_hash) = 32))
);

create table approvals (
  approval_id uuid not null,
  kind text not null,
  subject text not null,
  proposed text not null,
  asked_by text not null,
  asked_at timestamp with time zone not null,
  state text not null default 'pending'::text,
  decided_by text,
  decided_at timestamp with time zone,
  reason text,
  constraint approvals_pkey PRIMARY KEY (approval_id),
  constraint approvals_approved_by_another CHECK (((state <> 'approved'::text) OR (decided_by <> asked_by))),
  constraint approvals_decided_by_somebody CHECK ((((state = 'pending'::text) = (decided_by IS NULL)) AND ((decided_by IS NULL) = (decided_at IS NULL)))),
  constraint approvals_kind_known CHECK ((kind = 'broker'::text)),
  constraint approvals_proposed_size CHECK (((octet_length(proposed) >= 2) AND (octet_length(proposed) <= 100000))),
  constraint approvals_reason_length CHECK (((length(reason) >= 1) AND (length(reason) <= 1000))),
  constraint approvals_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'approved'::text, 'refused'::text])))
);

create table audit_checkpoints (
  sequence bigint not null,
  hash bytea not null,
  month date not null,
  kept_digest bytea not null,
  signed_at timestamp with time zone not null,
  key_id text not null,
  signature bytea not null,
  constraint audit_checkpoints_pkey PRIMARY KEY (sequence),
  constraint audit_checkpoints_hash_size CHECK ((octet_length(hash) = 32)),
  constraint audit_checkpoints_kept_digest_size CHECK ((octet_length(kept_digest) = 32)),
  constraint audit_checkpoints_key_id_pattern CHECK ((key_id ~ '^[0-9a-f]{16}$'::text)),
  constraint audit_checkpoints_month_first_day CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
  constraint audit_checkpoints_sequence_positive CHECK ((sequence > 0)),
  constraint audit_checkpoints_signature_size CHECK ((octet_length(signature) = 64))
);

create table audit_exports (
  export_id uuid not null,
  month date,
  first_sequence bigint not null,
  last_sequence bigint not null,
  records bigint not null,
  storage text not null,
  name text not null,
  sha256 bytea not null,
  verified_at timestamp with time zone not null,
  constraint audit_exports_pkey PRIMARY KEY (export_id),
  constraint audit_exports_name_once UNIQUE (storage, name),
  constraint audit_exports_month_first_day CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
  constraint audit_exports_records_range CHECK (((records >= 0) AND (records <= ((last_sequence - first_sequence) + 1)))),
  constraint audit_exports_sequence_order CHECK (((first_sequence >= 1) AND (first_sequence <= last_sequence))),
  constraint audit_exports_sha256_size CHECK ((octet_length(sha256) = 32))
);

create table audit_heads (
  sequence bigint not null,
  first_sequence bigint not null,
  hash bytea not null,
  signed_at timestamp with time zone not null,
  key_id text not null,
  signature bytea not null,
  constraint audit_heads_pkey PRIMARY KEY (sequence),
  constraint audit_heads_first_sequence_once UNIQUE (first_sequence),
  constraint audit_heads_hash_size CHECK ((octet_length(hash) = 32)),
  constraint audit_heads_key_id_pattern CHECK ((key_id ~ '^[0-9a-f]{16}$'::text)),
  constraint audit_heads_sequence_order CHECK (((first_sequence >= 1) AND (first_sequence <= sequence))),
  constraint audit_heads_signature_size CHECK ((octet_length(signature) = 64))
);

create table audit_records (
  audit_id uuid not null,
  record_type text not null,
  schema_version smallint not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null default statement_timestamp(),
  client_id text not null,
  ticker text,
  position_value numeric,
  borrow_rate numeric,
  total_fee numeric,
  request_id text,
  actor_id text,
  record text not null,
  constraint audit_records_pkey PRIMARY KEY (audit_id),
  constraint audit_records_record_size CHECK (((octet_length(record) >= 2) AND (octet_length(record) <= 1000000))),
  constraint audit_records_record_type_length CHECK (((length(record_type) >= 1) AND (length(record_type) <= 50))),
  constraint audit_records_schema_version_positive CHECK ((schema_version > 0))
) partition by RANGE (audit_id);

create table audit_seals (
  audit_id uuid not null,
  sequence bigint not null,
  prev_hash bytea not null,
  hash bytea not null,
  sealed_at timestamp with time zone not null,
  constraint audit_seals_pkey PRIMARY KEY (audit_id),
  constraint audit_seals_hash_size CHECK ((octet_length(hash) = 32)),
  constraint audit_seals_prev_hash_size CHECK ((octet_length(prev_hash) = 32)),
  constraint audit_seals_sequence_positive CHECK ((sequence > 0))
) partition by RANGE (audit_id);

create table brokers (
  client_id text not null,
  name text,
  markup_percentage numeric(7,4) not null,
  markup_tiers jsonb,
  transaction_fee_type text not null,
  transaction_amount numeric(14,4) not null,
  day_count text not null,
  convention_pack text not null,
  billing text not null default 'term'::text,
  pricing_model text not null,
  tier text not null,
  requests_per_minute integer,
  active boolean not null default true,
  version integer not null default 1,
  updated_at timestamp with time zone not null default now(),
  constraint brokers_pkey PRIMARY KEY (client_id),
  constraint brokers_billing_known CHECK ((billing = ANY (ARRAY['term'::text, 'daily'::text]))),
  constraint brokers_client_id_pattern CHECK ((client_id ~ '^[A-Za-z0-9_-]{3,50}$'::text)),
  constraint brokers_convention_pack_day_count CHECK (
CASE convention_pack
    WHEN 'us-collateral-mark'::text THEN (day_count = 'ACT/360'::text)
    WHEN 'us-market-value'::text THEN (day_count = 'ACT/360'::text)
    WHEN 'ca-market-value'::text THEN (day_count = 'ACT/365'::text)
    ELSE true
END),
  constraint brokers_convention_pack_known CHECK ((convention_pack = ANY (ARRAY['notional'::text, 'us-collateral-mark'::text, 'us-market-value'::text, 'ca-market-value'::text]))),
  constraint brokers_day_count_known CHECK ((day_count = ANY (ARRAY['ACT/365'::text, 'ACT/360'::text]))),
  constraint brokers_markup_percentage_range CHECK (((markup_percentage >= (0)::numeric) AND (markup_percentage <= (100)::numeric))),
  constraint brokers_markup_tiers_list CHECK (
CASE jsonb_typeof(markup_tiers)
    WHEN 'array'::text THEN ((jsonb_array_length(markup_tiers) >= 1) AND (jsonb_array_length(markup_tiers) <= 20))
    ELSE (markup_tiers IS NULL)
END),
  constraint brokers_name_length CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint brokers_requests_per_minute_range CHECK (((requests_per_minute >= 1) AND (requests_per_minute <= 1000000))),
  constraint brokers_tier_known CHECK ((tier = ANY (ARRAY['standard'::text, 'premium'::text, 'internal'::text]))),
  constraint brokers_transaction_amount_cents CHECK (((transaction_fee_type <> 'FLAT'::text) OR (transaction_amount = round(transaction_amount, 2)))),
  constraint brokers_transaction_amount_range CHECK (
CASE transaction_fee_type
    WHEN 'FLAT'::text THEN ((transaction_amount >= (0)::numeric) AND (transaction_amount <= (1000000)::numeric))
    ELSE ((transaction_amount >= (0)::numeric) AND (transaction_amount <= (100)::numeric))
END),
  constraint brokers_transaction_fee_type_known CHECK ((transaction_fee_type = ANY (ARRAY['FLAT'::text, 'PERCENTAGE'::text]))),
  constraint brokers_version_positive CHECK ((version > 0))
);

create table event_calendars (
  ticker text not null,
  provider text not null,
  as_of timestamp with time zone not null,
  received_at timestamp with time zone not null,
  known_since timestamp with time zone,
  constraint event_calendars_pkey PRIMARY KEY (ticker),
  constraint event_calendars_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table feed_states (
  feed text not null,
  provider text not null,
  last_success timestamp with time zone,
  as_of timestamp with time zone,
  rows integer not null default 0,
  skipped integer not null default 0,
  last_error text,
  last_error_at timestamp with time zone,
  demo boolean not null default false,
  known_since timestamp with time zone,
  constraint feed_states_pkey PRIMARY KEY (feed),
  constraint feed_states_feed_known CHECK ((feed = ANY (ARRAY['lender'::text, 'volatility'::text, 'events'::text, 'closes'::text]))),
  constraint feed_states_rows_range CHECK ((rows >= 0)),
  constraint feed_states_skipped_range CHECK ((skipped >= 0))
);

create table held_records (
  audit_id uuid not null,
  record_type text not null,
  schema_version smallint not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  client_id text not null,
  ticker text,
  position_value numeric,
  borrow_rate numeric,
  total_fee numeric,
  request_id text,
  actor_id text,
  record text not null,
  sequence bigint not null,
  prev_hash bytea not null,
  hash bytea not null,
  sealed_at timestamp with time zone not null,
  constraint held_records_pkey PRIMARY KEY (audit_id),
  constraint held_records_sequence_once UNIQUE (sequence),
  constraint held_records_hash_size CHECK ((octet_length(hash) = 32)),
  constraint held_records_prev_hash_size CHECK ((octet_length(prev_hash) = 32))
);

create table idempotent_answers (
  client_id text not null,
  idempotency_key text not null,
  kept_at timestamp with time zone not null default now(),
  request_hash bytea not null,
  audit_id uuid not null,
  answer bytea not null,
  constraint idempotent_answers_pkey PRIMARY KEY (client_id, idempotency_key, kept_at),
  constraint idempotent_answers_key_length CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 255))),
  constraint idempotent_answers_request_hash_length CHECK ((octet_length(request_hash) = 32))
) partition by RANGE (kept_at);

create table last_closes (
  ticker text not null,
  close numeric not null,
  price_date date not null,
  provider text not null,
  received_at timestamp with time zone not null,
  demo boolean not null default false,
  constraint last_closes_pkey PRIMARY KEY (ticker),
  constraint last_closes_close_range CHECK (((close > (0)::numeric) AND (close <= (1000000000)::numeric))),
  constraint last_closes_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table legal_hold_releases (
  hold_id uuid not null,
  reason text not null,
  released_by text not null,
  released_at timestamp with time zone not null default clock_timestamp(),
  constraint legal_hold_releases_pkey PRIMARY KEY (hold_id),
  constraint legal_hold_releases_reason_length CHECK (((length(reason) >= 1) AND (length(reason) <= 1000)))
);

create table legal_holds (
  hold_id uuid not null,
  client_id text,
  ticker text,
  from_time timestamp with time zone,
  to_time timestamp with time zone,
  reason text not null,
  placed_by text not null,
  placed_at timestamp with time zone not null default clock_timestamp(),
  constraint legal_holds_pkey PRIMARY KEY (hold_id),
  constraint legal_holds_not_of_everything CHECK (((client_id IS NOT NULL) OR (ticker IS NOT NULL) OR (from_time IS NOT NULL) OR (to_time IS NOT NULL))),
  constraint legal_holds_reason_length CHECK (((length(reason) >= 1) AND (length(reason) <= 1000))),
  constraint legal_holds_time_order CHECK ((from_time < to_time))
);

create table lender_rate_history (
  ticker text not null,
  as_of timestamp with time zone not null,
  rate numeric,
  borrow_status text,
  available bigint,
  available_at_least boolean not null default false,
  provider text not null,
  received_at timestamp with time zone not null,
  demo boolean not null default false,
  constraint lender_rate_history_pkey PRIMARY KEY (ticker, as_of, provider),
  constraint lender_rate_history_available_range CHECK ((available >= 0)),
  constraint lender_rate_history_borrow_status_known CHECK ((borrow_status = ANY (ARRAY['EASY'::text, 'MEDIUM'::text, 'HARD'::text]))),
  constraint lender_rate_history_rate_range CHECK (((rate >= (0)::numeric) AND (rate <= (100)::numeric))),
  constraint lender_rate_history_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table lender_rates (
  ticker text not null,
  rate numeric,
  borrow_status text,
  available bigint,
  available_at_least boolean not null default false,
  benchmark_rate numeric,
  provider text not null,
  as_of timestamp with time zone not null,
  received_at timestamp with time zone not null,
  listed boolean not null default true,
  demo boolean not null default false,
  constraint lender_rates_pkey PRIMARY KEY (ticker),
  constraint lender_rates_available_range CHECK ((available >= 0)),
  constraint lender_rates_benchmark_rate_range CHECK (((benchmark_rate >= ('-100'::integer)::numeric) AND (benchmark_rate <= (100)::numeric))),
  constraint lender_rates_borrow_status_known CHECK ((borrow_status = ANY (ARRAY['EASY'::text, 'MEDIUM'::text, 'HARD'::text]))),
  constraint lender_rates_rate_range CHECK (((rate >= (0)::numeric) AND (rate <= (100)::numeric))),
  constraint lender_rates_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table market_event_history (
  ticker text not null,
  event_type text not null,
  event_date date not null,
  provider text not null,
  risk_factor smallint,
  known_from timestamp with time zone not null,
  known_to timestamp with time zone,
  demo boolean not null default false,
  constraint market_event_history_pkey PRIMARY KEY (ticker, event_date, event_type, provider, known_from),
  constraint market_event_history_event_type_length CHECK (((length(event_type) >= 1) AND (length(event_type) <= 50))),
  constraint market_event_history_known_in_order CHECK ((known_to >= known_from)),
  constraint market_event_history_risk_factor_range CHECK (((risk_factor >= 0) AND (risk_factor <= 10))),
  constraint market_event_history_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table market_events (
  event_id bigint generated always as identity not null,
  ticker text not null,
  event_type text not null,
  event_date date not null,
  risk_factor smallint,
  provider text not null,
  received_at timestamp with time zone not null,
  demo boolean not null default false,
  constraint market_events_pkey PRIMARY KEY (event_id),
  constraint market_events_once UNIQUE (ticker, event_type, event_date, provider),
  constraint market_events_event_type_length CHECK (((length(event_type) >= 1) AND (length(event_type) <= 50))),
  constraint market_events_risk_factor_range CHECK (((risk_factor >= 0) AND (risk_factor <= 10))),
  constraint market_events_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text))
);

create table pricing_models (
  model text not null,
  volatility_weight numeric(12,8) not null,
  volatility_threshold numeric(12,4) not null,
  event_weight numeric(12,8) not null,
  max_multiplier numeric(12,8) not null,
  volatility_source text not null,
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  constraint pricing_models_pkey PRIMARY KEY (model),
  constraint pricing_models_event_weight_range CHECK (((event_weight >= (0)::numeric) AND (event_weight <= (10)::numeric))),
  constraint pricing_models_max_multiplier_range CHECK (((max_multiplier >= (1)::numeric) AND (max_multiplier <= (100)::numeric))),
  constraint pricing_models_model_pattern CHECK ((model ~ '^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$'::text)),
  constraint pricing_models_volatility_source_known CHECK ((volatility_source = ANY (ARRAY['stock-or-index'::text, 'index'::text]))),
  constraint pricing_models_volatility_threshold_range CHECK (((volatility_threshold >= (0)::numeric) AND (volatility_threshold <= (500)::numeric))),
  constraint pricing_models_volatility_weight_range CHECK (((volatility_weight >= (0)::numeric) AND (volatility_weight <= (10)::numeric)))
);

create table sessions (
  session_id text not null,
  key_id text not null,
  refresh_hash bytea not null,
  created_at timestamp with time zone not null,
  refreshed_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  constraint sessions_pkey PRIMARY KEY (session_id),
  constraint sessions_end_has_reason CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
  constraint sessions_end_reason_known CHECK ((end_reason = ANY (ARRAY['signed_out'::text, 'cookie_reused'::text, 'key_ended'::text, 'too_many'::text]))),
  constraint sessions_expires_after_refresh CHECK (((expires_at > refreshed_at) AND (refreshed_at >= created_at))),
  constraint sessions_refresh_hash_length CHECK ((octet_length(refresh_hash) = 32)),
  constraint sessions_session_id_length CHECK (((length(session_id) >= 16) AND (length(session_id) <= 64)))
);

create table stock_volatility (
  ticker text not null,
  value numeric not null,
  provider text not null,
  as_of timestamp with time zone not null,
  received_at timestamp with time zone not null,
  demo boolean not null default false,
  constraint stock_volatility_pkey PRIMARY KEY (ticker),
  constraint stock_volatility_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text)),
  constraint stock_volatility_value_range CHECK (((value >= (0)::numeric) AND (value <= (500)::numeric)))
);

create table stock_volatility_history (
  ticker text not null,
  as_of timestamp with time zone not null,
  value numeric not null,
  provider text not null,
  received_at timestamp with time zone not null,
  constraint stock_volatility_history_pkey PRIMARY KEY (ticker, as_of, provider),
  constraint stock_volatility_history_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text)),
  constraint stock_volatility_history_value_range CHECK (((value >= (0)::numeric) AND (value <= (500)::numeric)))
);

create table stocks (
  ticker text not null,
  name text,
  borrow_status text,
  floor_rate numeric(12,8),
  lender_id text,
  active boolean not null default true,
  version integer not null default 1,
  updated_at timestamp with time zone not null default now(),
  constraint stocks_pkey PRIMARY KEY (ticker),
  constraint stocks_borrow_status_known CHECK ((borrow_status = ANY (ARRAY['EASY'::text, 'MEDIUM'::text, 'HARD'::text]))),
  constraint stocks_floor_rate_range CHECK (((floor_rate >= (0)::numeric) AND (floor_rate <= (100)::numeric))),
  constraint stocks_name_length CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint stocks_ticker_pattern CHECK ((ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'::text)),
  constraint stocks_version_positive CHECK ((version > 0))
);

create table volatility_index (
  index_date date not null,
  value numeric not null,
  provider text not null,
  as_of timestamp with time zone not null,
  received_at timestamp with time zone not null,
  demo boolean not null default false,
  constraint volatility_index_pkey PRIMARY KEY (index_date, provider),
  constraint volatility_index_value_range CHECK (((value >= (0)::numeric) AND (value <= (500)::numeric)))
);

create table volatility_index_history (
  as_of timestamp with time zone not null,
  value numeric not null,
  provider text not null,
  received_at timestamp with time zone not null,
  constraint volatility_index_history_pkey PRIMARY KEY (as_of, provider),
  constraint volatility_index_history_value_range CHECK (((value >= (0)::numeric) AND (value <= (500)::numeric)))
);

create table webhook_deliveries (
  delivery_id uuid not null,
  webhook_id uuid not null,
  event_id text not null,
  event_type text not null,
  body text not null,
  state text not null default 'pending'::text,
  attempts integer not null default 0,
  created_at timestamp with time zone not null,
  queued_at timestamp with time zone not null,
  next_attempt_at timestamp with time zone not null,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_error text,
  ended_at timestamp with time zone,
  constraint webhook_deliveries_pkey PRIMARY KEY (delivery_id),
  constraint webhook_deliveries_once UNIQUE (webhook_id, event_id),
  constraint webhook_deliveries_body_size CHECK (((octet_length(body) >= 2) AND (octet_length(body) <= 100000))),
  constraint webhook_deliveries_end_has_time CHECK (((state = 'pending'::text) = (ended_at IS NULL))),
  constraint webhook_deliveries_event_id_length CHECK (((length(event_id) >= 1) AND (length(event_id) <= 200))),
  constraint webhook_deliveries_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text])))
);

create table webhook_feeds (
  webhook_id uuid not null,
  feed text not null,
  state text not null,
  data text,
  previous_state text,
  previous_data text,
  told_at timestamp with time zone not null,
  constraint webhook_feeds_pkey PRIMARY KEY (webhook_id, feed)
);

create table webhook_rates (
  webhook_id uuid not null,
  ticker text not null,
  rate numeric not null,
  previous_rate numeric,
  told_at timestamp with time zone not null,
  constraint webhook_rates_pkey PRIMARY KEY (webhook_id, ticker)
);

create table webhook_watch (
  only_one boolean not null default true,
  holder uuid not null,
  held_until timestamp with time zone not null,
  constraint webhook_watch_pkey PRIMARY KEY (only_one),
  constraint webhook_watch_only_one CHECK (only_one)
);

create table webhooks (
  webhook_id uuid not null,
  client_id text not null,
  url text not null,
  events text[] not null,
  tickers text[],
  threshold_bp integer not null default 1,
  secret bytea not null,
  previous_secret bytea,
  previous_until timestamp with time zone,
  created_by text not null,
  created_at timestamp with time zone not null,
  failures integer not null default 0,
  paused_until timestamp with time zone,
  last_delivered_at timestamp with time zone,
  last_failed_at timestamp with time zone,
  last_error text,
  dropped bigint not null default 0,
  turn_until timestamp with time zone,
  turn_of uuid,
  removed_at timestamp with time zone,
  constraint webhooks_pkey PRIMARY KEY (webhook_id),
  constraint webhooks_events_known CHECK (((events <@ ARRAY['rate_changed'::text, 'feed_changed'::text, 'batch_done'::text]) AND ((cardinality(events) >= 1) AND (cardinality(events) <= 3)))),
  constraint webhooks_failures_positive CHECK ((failures >= 0)),
  constraint webhooks_previous_secret_ends CHECK (((previous_secret IS NULL) = (previous_until IS NULL))),
  constraint webhooks_threshold_bp_range CHECK (((threshold_bp >= 1) AND (threshold_bp <= 10000))),
  constraint webhooks_tickers_count CHECK (((cardinality(tickers) >= 1) AND (cardinality(tickers) <= 500))),
  constraint webhooks_url_length CHECK (((length(url) >= 8) AND (length(url) <= 2000)))
);


alter table api_keys add constraint api_keys_client_id_exists FOREIGN KEY (client_id) REFERENCES brokers(client_id);
alter table api_keys add constraint api_keys_replaced_by_exists FOREIGN KEY (replaced_by) REFERENCES api_keys(key_id);
alter table brokers add constraint brokers_pricing_model_exists FOREIGN KEY (pricing_model) REFERENCES pricing_models(model);
alter table legal_hold_releases add constraint legal_hold_releases_hold FOREIGN KEY (hold_id) REFERENCES legal_holds(hold_id);
alter table sessions add constraint sessions_key_id_exists FOREIGN KEY (key_id) REFERENCES api_keys(key_id);
alter table webhook_deliveries add constraint webhook_deliveries_webhook_id_exists FOREIGN KEY (webhook_id) REFERENCES webhooks(webhook_id);
alter table webhook_feeds add constraint webhook_feeds_webhook_id_exists FOREIGN KEY (webhook_id) REFERENCES webhooks(webhook_id);
alter table webhook_rates add constraint webhook_rates_webhook_id_exists FOREIGN KEY (webhook_id) REFERENCES webhooks(webhook_id);
alter table webhooks add constraint webhooks_client_id_exists FOREIGN KEY (client_id) REFERENCES brokers(client_id);

CREATE INDEX api_keys_client_id ON api_keys USING btree (client_id);
CREATE INDEX api_keys_created_at ON api_keys USING btree (created_at, key_id);
CREATE INDEX approvals_state ON approvals USING btree (state, approval_id);
CREATE INDEX audit_exports_month ON audit_exports USING btree (month, verified_at);
CREATE INDEX audit_records_borrow_rate ON audit_records USING btree (borrow_rate) INCLUDE (audit_id, position_value, client_id, ticker, record_type);
CREATE INDEX audit_records_client_id ON audit_records USING btree (client_id, audit_id) INCLUDE (ticker, position_value, borrow_rate, record_type);
CREATE INDEX audit_records_other_types ON audit_records USING btree (record_type, audit_id) WHERE (record_type <> 'quote'::text);
CREATE INDEX audit_records_position_value ON audit_records USING btree (position_value) INCLUDE (audit_id, borrow_rate, client_id, ticker, record_type);
CREATE INDEX audit_records_ticker ON audit_records USING btree (ticker, audit_id) INCLUDE (client_id, position_value, borrow_rate, record_type);
CREATE INDEX audit_seals_sequence ON audit_seals USING btree (sequence);
CREATE INDEX lender_rate_history_as_of ON lender_rate_history USING brin (as_of);
CREATE INDEX market_events_ticker_date ON market_events USING btree (ticker, event_date);
CREATE INDEX sessions_expires_at ON sessions USING btree (expires_at);
CREATE INDEX sessions_key_id ON sessions USING btree (key_id, refreshed_at);
CREATE INDEX stock_volatility_history_as_of ON stock_volatility_history USING brin (as_of);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries USING btree (webhook_id, next_attempt_at, delivery_id) WHERE (state = 'pending'::text);
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries USING btree (ended_at) WHERE (state <> 'pending'::text);
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries USING btree (webhook_id, delivery_id);
CREATE INDEX webhook_deliveries_queued ON webhook_deliveries USING btree (queued_at) WHERE (state = 'pending'::text);
CREATE INDEX webhooks_client_id ON webhooks USING btree (client_id, created_at) WHERE (removed_at IS NULL);

CREATE TRIGGER approvals_decided_once BEFORE DELETE OR UPDATE ON approvals FOR EACH ROW EXECUTE FUNCTION refuse_second_decision();
CREATE TRIGGER audit_checkpoints_append_only BEFORE DELETE OR UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_checkpoints_no_truncate BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_exports_append_only BEFORE DELETE OR UPDATE ON audit_exports FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_exports_no_truncate BEFORE TRUNCATE ON audit_exports FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_heads_append_only BEFORE DELETE OR UPDATE ON audit_heads FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_heads_no_truncate BEFORE TRUNCATE ON audit_heads FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_records_append_only BEFORE DELETE OR UPDATE ON audit_records FOR EACH ROW EXECUTE FUNCTION refuse_audit_record_change();
CREATE TRIGGER audit_records_no_truncate BEFORE TRUNCATE ON audit_records FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_record_change();
CREATE TRIGGER audit_seals_append_only BEFORE DELETE OR UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER audit_seals_no_truncate BEFORE TRUNCATE ON audit_seals FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER held_records_append_only BEFORE DELETE OR UPDATE ON held_records FOR EACH ROW EXECUTE FUNCTION refuse_held_record_change();
CREATE TRIGGER held_records_no_truncate BEFORE TRUNCATE ON held_records FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER legal_hold_releases_append_only BEFORE DELETE OR UPDATE ON legal_hold_releases FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER legal_hold_releases_no_truncate BEFORE TRUNCATE ON legal_hold_releases FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER legal_holds_append_only BEFORE DELETE OR UPDATE ON legal_holds FOR EACH ROW EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER legal_holds_no_truncate BEFORE TRUNCATE ON legal_holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_history_change();
CREATE TRIGGER pricing_models_immutable BEFORE DELETE OR UPDATE OR TRUNCATE ON pricing_models FOR EACH STATEMENT EXECUTE FUNCTION refuse_pricing_model_change();

comment on table api_keys is 'Credentials. The secret itself is nowhere: only its SHA-256 is kept.';
comment on column api_keys.secret_hash is 'SHA-256 of the secret, 32 bytes. The secret is random and long, so a slow hash would add nothing.';
comment on column api_keys.revoked_at is 'From then on the key is not good. It lies in the future while a key that was replaced goes on.';
comment on column api_keys.replaced_by is 'The key that takes its place; null: none does.';
comment on table approvals is 'Changes that a second person approves or refuses before they are made.';
comment on column approvals.approval_id is 'UUIDv7.';
comment on column approvals.subject is 'What would be changed: the client_id.';
comment on column approvals.proposed is 'As it would be, as JSON text, with the version it would have.';
comment on column approvals.asked_by is 'Key id.';
comment on column approvals.decided_by is 'Key id; null while it is pending.';
comment on table audit_checkpoints is 'Where the chain resumes after a month was detached. Everything at or below sequence lies in locked storage.';
comment on column audit_checkpoints.hash is 'Hash of the record at sequence: the prev_hash of the first that is left.';
comment on column audit_checkpoints.month is 'First day of the month that was detached.';
comment on column audit_checkpoints.kept_digest is 'SHA-256 over sequence and hash, in order, of the records at or below sequence that are still in the database.';
comment on table audit_exports is 'Exports that lie in locked storage, were read back from there and were verified.';
comment on column audit_exports.month is 'Its first day: the month that left the log over this export, which together with those before it holds all of it; null for any other range.';
comment on column audit_exports.storage is 'Where it lies, as the storage describes itself.';
comment on column audit_exports.sha256 is 'Of the whole file.';
comment on table audit_heads is 'The end of the chain after each batch, signed. A batch and its head are there together or not at all.';
comment on column audit_heads.sequence is 'The last record of the batch.';
comment on column audit_heads.first_sequence is 'The first record of the batch: one more than the last of the batch before.';
comment on column audit_heads.hash is 'Hash of the last record of the batch.';
comment on column audit_heads.signed_at is 'By the sealer''s clock, to the millisecond.';
comment on column audit_heads.key_id is 'First 16 hex digits of the SHA-256 of the public key (SPKI, DER).';
comment on column audit_heads.signature is 'Ed25519.';
comment on table audit_records is 'Every priced request and every change of terms, inserted once, never changed. Partitioned by the month in audit_id.';
comment on column audit_records.audit_id is 'UUIDv7, made by the service before the insert: a repeated insert after a lost commit changes nothing.';
comment on column audit_records.schema_version is 'Version of the form of record, counted per record_type.';
comment on column audit_records.occurred_at is 'When the price was made, by the service''s clock.';
comment on column audit_records.recorded_at is 'When the statement that wrote the row began, by the database''s clock.';
comment on column audit_records.position_value is 'USD; a copy from record, to search by.';
comment on column audit_records.borrow_rate is 'Annual rate, a fraction; a copy from record, to search by.';
comment on column audit_records.total_fee is 'USD; a copy from record, to search by.';
comment on column audit_records.actor_id is 'Key id of the caller.';
comment on column audit_records.record is 'The whole record as canonical JSON text. Text, not jsonb: the bytes are what is sealed and replayed.';
comment on table audit_seals is 'The place of each record in the chain. Partitioned like audit_records, by the month in audit_id.';
comment on column audit_seals.sequence is 'From 1, without gaps, in the order of sealing, which is not the order of audit_id where a record came late.';
comment on column audit_seals.prev_hash is 'Hash of the record one place before; 32 zero bytes before the first.';
comment on column audit_seals.hash is 'SHA-256 over prev_hash, sequence and the canonical text of the record.';
comment on column audit_seals.sealed_at is 'By the sealer''s clock; the same as signed_at of the head of its batch.';
comment on table brokers is 'The firms that call the API, with the terms they are billed under.';
comment on column brokers.markup_percentage is 'Percent points of the borrow cost: 5 is 5 %.';
comment on column brokers.markup_tiers is 'Marginal tiers in place of the one markup: [{"up_to": USD or null, "markup_percentage": percent points}, ...], decimals as texts.';
comment on column brokers.transaction_amount is 'Per request: USD when the fee is FLAT, percent points of the charged value when PERCENTAGE.';
comment on column brokers.day_count is 'Days in the year that the annual rate is divided by. No default: the two differ by 1.39 %.';
comment on column brokers.convention_pack is 'How shares become the value that is charged.';
comment on column brokers.billing is 'term: one cost for the stay, rounded once. daily: the sum of rounded days.';
comment on column brokers.requests_per_minute is 'The broker''s own limit; null: the limit of its tier.';
comment on column brokers.version is 'Counts changes; a writer names the version it read.';
comment on table event_calendars is 'When a service last answered which events lie ahead of a name; one row a name. The events themselves are in market_events.';
comment on column event_calendars.as_of is 'When the answer was true.';
comment on column event_calendars.received_at is 'When it arrived here.';
comment on column event_calendars.known_since is 'Since when a service answers about the name at all; null: since as_of.';
comment on table feed_states is 'How each feed''s last import went. A failed import leaves the last good data where it is.';
comment on column feed_states.rows is 'Rows of the last successful import.';
comment on column feed_states.skipped is 'Rows of the last successful import that were left out, for instance not in USD.';
comment on column feed_states.known_since is 'As of the first file there was; null: since as_of.';
comment on table held_records is 'Records under a legal hold whose month was detached, with their seals. The columns are those of audit_records and audit_seals.';
comment on table idempotent_answers is 'Answers by Idempotency-Key, good for 24 hours. Partitioned by day; turn_idempotent_answer_days drops days that are over.';
comment on column idempotent_answers.client_id is 'The broker of the credential.';
comment on column idempotent_answers.request_hash is 'SHA-256 of the request: another request under the key is refused.';
comment on column idempotent_answers.audit_id is 'Of the quote, or the id of the batch.';
comment on column idempotent_answers.answer is 'The answer''s text, compressed with gzip.';
comment on table last_closes is 'Closing prices, for quotes that give a quantity without a price.';
comment on column last_closes.close is 'USD a share.';
comment on column last_closes.price_date is 'Trade date in New York.';
comment on table legal_hold_releases is 'The ends of legal holds.';
comment on column legal_hold_releases.released_by is 'Key id.';
comment on table legal_holds is 'Records that are kept beyond their years: those that fit everything a hold names. In force until there is a row in legal_hold_releases.';
comment on column legal_holds.from_time is 'Of the record''s occurred_at, inclusive; null: from the first.';
comment on column legal_holds.to_time is 'Of the record''s occurred_at, exclusive; null: to the last, those to come included.';
comment on column legal_holds.placed_by is 'Key id.';
comment on table lender_rate_history is 'A row for each change of a name''s lender rate, status or availability.';
comment on column lender_rate_history.rate is 'Annual fee rate, a fraction: 0.19 is 19 %.';
comment on column lender_rate_history.available is 'Shares to lend; null: unknown.';
comment on table lender_rates is 'What the lender last said about each name; one row a name.';
comment on column lender_rates.rate is 'Annual fee rate, a fraction: 0.19 is 19 %. Null: the lender named the stock without a rate. Above 100 is garbage.';
comment on column lender_rates.available is 'Shares to lend; null: unknown.';
comment on column lender_rates.available_at_least is 'True when available is a cap: "at least so many".';
comment on column lender_rates.benchmark_rate is 'Annual rate, a fraction, that rebates are counted from; null: unknown.';
comment on column lender_rates.as_of is 'When the lender''s figure was true, by the lender''s own clock.';
comment on column lender_rates.received_at is 'When it arrived here.';
comment on column lender_rates.listed is 'False: the lender listed the name and then dropped it, so there is nothing to lend.';
comment on column lender_rates.demo is 'True: replayed from the demonstration excerpt.';
comment on table market_event_history is 'Which events were known when: an event that moved was known at one date, and then at another.';
comment on column market_event_history.event_date is 'Calendar date in New York.';
comment on column market_event_history.risk_factor is '0 to 10; null: the feed gave none, the event type''s own factor is used.';
comment on column market_event_history.known_to is 'When the feed no longer had it so; null: it is known now.';
comment on table market_events is 'Corporate events that make a borrow riskier.';
comment on column market_events.event_date is 'Calendar date in New York.';
comment on column market_events.risk_factor is '0 to 10; null: the feed gave none, the event type''s own factor is used.';
comment on table pricing_models is 'Parameters of the borrow rate formula, one row a version. Rows are never changed or deleted.';
comment on column pricing_models.volatility_weight is 'What one index point above the threshold adds to the multiplier: 0.01 adds 1 % of the lender rate.';
comment on column pricing_models.volatility_threshold is 'Index points (VIX scale) up to which volatility adds nothing.';
comment on column pricing_models.event_weight is 'What an event risk factor of 10 adds to the multiplier.';
comment on column pricing_models.max_multiplier is 'Upper bound of the multiplier; at least 1, so that no cap pulls a rate below the lender''s own.';
comment on column pricing_models.volatility_source is 'stock-or-index: the stock''s own volatility where known, else the index. index: always the index.';
comment on column pricing_models.created_by is 'Key id of the person who added the model; "migration" for those that come with the program.';
comment on table sessions is 'Who is signed in at the console. Rows are removed a while after their end.';
comment on column sessions.session_id is 'Random. Stands in the cookie and in the tokens of the session.';
comment on column sessions.key_id is 'The API key that was shown. When it is revoked or has expired, so has the session.';
comment on column sessions.refresh_hash is 'SHA-256 of the secret in the one cookie that is good now. Any other cookie of the session is an old one.';
comment on column sessions.end_reason is 'signed_out; cookie_reused: an old cookie came back, so two hold it; key_ended; too_many: the key opened more than it may.';
comment on table stock_volatility is 'The volatility of single names, where a feed has it.';
comment on column stock_volatility.value is 'Index points (VIX scale).';
comment on table stock_volatility_history is 'A row for each change of a name''s own volatility, and one a day while it does not change.';
comment on column stock_volatility_history.value is 'Index points (VIX scale).';
comment on table stocks is 'Stocks the desk keeps something of its own about: a floor, a tier, a lender.';
comment on column stocks.borrow_status is 'The desk''s own tier, used when neither the lender''s status nor its rate says; null: none.';
comment on column stocks.floor_rate is 'Annual rate, a fraction: 0.03 is 3 %. No borrow rate of the stock lies below it; null: the default floor.';
comment on column stocks.lender_id is 'The lender''s own identifier of the stock.';
comment on column stocks.version is 'Counts changes; a writer names the version it read.';
comment on table volatility_index is 'The market''s volatility index by day, past and latest.';
comment on column volatility_index.index_date is 'Calendar date in New York. The index has values on days the exchange is closed.';
comment on column volatility_index.value is 'Index points (VIX scale): 20 is a calm market.';
comment on table volatility_index_history is 'A row for each change of the volatility index within a day. The last one of a day is in volatility_index.';
comment on column volatility_index_history.value is 'Index points (VIX scale).';
comment on table webhook_deliveries is 'An event for a webhook: to be delivered, delivered, or given up. Ended ones are removed after a while.';
comment on column webhook_deliveries.delivery_id is 'UUIDv7: deliveries sort as they came.';
comment on column webhook_deliveries.event_id is 'The same at every try, and in every process that learns of the event: it is queued once.';
comment on column webhook_deliveries.state is 'pending; delivered; dead: given up after its tries, until somebody replays it.';
comment on column webhook_deliveries.attempts is 'Since it was queued, one that is under way included.';
comment on column webhook_deliveries.queued_at is 'When it came, or was replayed last.';
comment on table webhook_feeds is 'The state of a feed that a webhook was told last: what is another is told.';
comment on table webhook_rates is 'The borrow rate of a stock that a webhook was told last: the next change counts from there.';
comment on column webhook_rates.rate is 'Annual rate, a fraction, under the pricing model of the broker. Before the first event of the stock: what it was before its first change.';
comment on column webhook_rates.told_at is 'The moment of that rate: an older one that comes late changes nothing.';
comment on table webhook_watch is 'Which gateway watches rates and feeds for webhooks, and until when: one is enough. One row at the most.';
comment on table webhooks is 'Addresses that are told of events. Removed ones go with the last of their deliveries.';
comment on column webhooks.client_id is 'The broker whose events these are.';
comment on column webhooks.tickers is 'rate_changed of these stocks alone; null: of all.';
comment on column webhooks.threshold_bp is 'rate_changed from so many basis points on, counted from the rate that was told last.';
comment on column webhooks.secret is 'What deliveries are signed with, encrypted under a key that is not in the database.';
comment on column webhooks.previous_secret is 'Signs as well until previous_until, after a rotation.';
comment on column webhooks.created_by is 'Key id.';
comment on column webhooks.failures is 'Deliveries in a row that failed.';
comment on column webhooks.paused_until is 'After too many of them nobody calls before this time; then one delivery tries.';
comment on column webhooks.dropped is 'Events that were not queued, for the queue was full.';
comment on column webhooks.turn_until is 'Until then the process of turn_of delivers, and no other does.';
comment on function add_audit_months(first_month date, months integer) is 'Adds so many months to the log and to its seals, beginning with the month of the date; those that exist are left alone. Returns how many were added.';
comment on function append_audit_event(audit_id uuid, record_type text, schema_version smallint, occurred_at timestamp with time zone, client_id text, ticker text, request_id text, actor_id text, record text) is 'Puts on the record that a legal hold was placed or released, or a month detached, with the owner''s right to insert, and nothing else.';
comment on function detach_audit_month(month date) is 'Takes the earliest month out of the log, once all of it is sealed, lies verified in locked storage, what is held is kept and a checkpoint stands for it; refuses otherwise, and says why. The month stays as detached_audit_records_YYYY_MM and detached_audit_seals_YYYY_MM.';
comment on function keep_held_records(month date, OUT kept bigint, OUT released bigint) is 'Copies the records of a month that a legal hold covers to held_records, and removes from there those of earlier months that none covers any more. For the transaction that detaches the month.';
comment on function legal_holds_on(client_id text, ticker text, occurred_at timestamp with time zone) is 'The legal holds in force that cover a record of this client, ticker and occurred_at: those that it fits in everything they name.';
comment on function refuse_audit_history_change() is 'Keeps the chain, its holds and its exports append-only.';
comment on function refuse_audit_record_change() is 'Keeps audit_records append-only.';
comment on function refuse_held_record_change() is 'Keeps held_records as they are for as long as a legal hold covers them.';
comment on function refuse_pricing_model_change() is 'Keeps pricing_models immutable.';
comment on function refuse_second_decision() is 'Keeps decisions as they were made.';
comment on function store_audit_month_for_search(month text) is 'How a month of the log is stored: the texts out of line, its pages ready for searching soon. Records that are there already stay as they are.';
comment on function turn_idempotent_answer_days() is 'Adds the days of a week ahead and drops those before yesterday. Returns how many days were added and dropped.';
comment on function uuid7_lower_bound(moment timestamp with time zone) is 'The smallest UUID whose first 48 bits are the moment in milliseconds: every UUIDv7 made at or after it is greater.';

grant usage on schema public to api_gateway;
grant usage on schema public to audit_service;
grant create, usage on schema public to borrow_rate_owner;
grant usage on schema public to calculation_service;
grant usage on schema public to data_service;
grant insert, select, update (label, revoked_at, last_used_at, replaced_by) on api_keys to api_gateway;
grant insert, select, update (state, decided_by, decided_at, reason) on approvals to data_service;
grant insert, select on audit_checkpoints to audit_service;
grant insert, select on audit_exports to audit_service;
grant insert, select on audit_heads to audit_service;
grant insert on audit_records to api_gateway;
grant select on audit_records to audit_service;
grant insert on audit_records to calculation_service;
grant insert on audit_records to data_service;
grant insert, select on audit_seals to audit_service;
grant select (client_id, tier, requests_per_minute, active) on brokers to api_gateway;
grant insert, select, update on brokers to data_service;
grant delete, insert, select, update on event_calendars to data_service;
grant delete, insert, select, update on feed_states to data_service;
grant select on held_records to audit_service;
grant insert, select on idempotent_answers to calculation_service;
grant delete, insert, select, update on last_closes to data_service;
grant insert, select on legal_hold_releases to audit_service;
grant insert, select on legal_holds to audit_service;
grant delete, insert, select, update on lender_rate_history to data_service;
grant delete, insert, select, update on lender_rates to data_service;
grant delete, insert, select, update on market_event_history to data_service;
grant delete, insert, select, update on market_events to data_service;
grant insert, select on pricing_models to data_service;
grant delete, insert, select, update (refresh_hash, refreshed_at, expires_at, ended_at, end_reason) on sessions to api_gateway;
grant delete, insert, select, update on stock_volatility to data_service;
grant delete, insert, select, update on stock_volatility_history to data_service;
grant insert, select, update on stocks to data_service;
grant delete, insert, select, update on volatility_index to data_service;
grant delete, insert, select, update on volatility_index_history to data_service;
grant delete, insert, select, update (state, attempts, queued_at, next_attempt_at, last_attempt_at, last_status, last_error, ended_at) on webhook_deliveries to api_gateway;
grant delete, insert, select, update (state, data, previous_state, previous_data, told_at) on webhook_feeds to api_gateway;
grant delete, insert, select, update (rate, previous_rate, told_at) on webhook_rates to api_gateway;
grant delete, insert, select, update (holder, held_until) on webhook_watch to api_gateway;
grant delete, insert, select, update (secret, previous_secret, previous_until, failures, paused_until, last_delivered_at, last_failed_at, last_error, dropped, turn_until, turn_of, removed_at) on webhooks to api_gateway;
revoke all on function add_audit_months(first_month date, months integer) from public;
revoke all on function append_audit_event(audit_id uuid, record_type text, schema_version smallint, occurred_at timestamp with time zone, client_id text, ticker text, request_id text, actor_id text, record text) from public;
revoke all on function detach_audit_month(month date) from public;
revoke all on function keep_held_records(month date, OUT kept bigint, OUT released bigint) from public;
revoke all on function store_audit_month_for_search(month text) from public;
revoke all on function turn_idempotent_answer_days() from public;
grant execute on function add_audit_months(first_month date, months integer) to audit_service;
grant execute on function append_audit_event(audit_id uuid, record_type text, schema_version smallint, occurred_at timestamp with time zone, client_id text, ticker text, request_id text, actor_id text, record text) to audit_service;
grant execute on function detach_audit_month(month date) to audit_service;
grant execute on function keep_held_records(month date, OUT kept bigint, OUT released bigint) to audit_service;
grant execute on function turn_idempotent_answer_days() to calculation_service;
