-- Keeping and letting go: which records a legal hold covers, and how a month that is past its years leaves the log.
--
-- A month is let go in one transaction of the audit service: keep_held_records(month), then a signed checkpoint, then
-- detach_audit_month(month), which itself looks again at everything that must be so. The month is not dropped: it stays beside the
-- log as detached_audit_records_YYYY_MM and detached_audit_seals_YYYY_MM until an operator drops them.

-- Up Migration

-- The one place that says what a hold covers. Of a form that the planner puts in place, so that it costs no call per record.
create function legal_holds_on(client_id text, ticker text, occurred_at timestamptz) returns setof uuid language sql stable parallel safe as $$
  select h.hold_id
    from legal_holds h
   where (h.client_id is null or h.client_id = legal_holds_on.client_id)
     and (h.ticker is null or h.ticker = legal_holds_on.ticker)
     and (h.from_time is null or h.from_time <= legal_holds_on.occurred_at)
     and (h.to_time is null or h.to_time > legal_holds_on.occurred_at)
     and not exists (select from legal_hold_releases r where r.hold_id = h.hold_id)
$$;

comment on function legal_holds_on(text, text, timestamptz) is
  'The legal holds in force that cover a record of this client, ticker and occurred_at: those that it fits in everything they name.';

-- A held record goes when nothing holds it any more and it lies in locked storage. Everything else is refused, towards owners too.
create function refuse_held_record_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE'
    and not exists (select from legal_holds_on(old.client_id, old.ticker, old.occurred_at))
    and old.sequence <= (select max(sequence) from audit_checkpoints) then
    return old;
  end if;
  raise exception 'a held record is never changed, and stays while a legal hold covers it: % is refused', lower(tg_op)
    using errcode = 'restrict_violation';
end
$$;

comment on function refuse_held_record_change() is 'Keeps held_records as they are for as long as a legal hold covers them.';

drop trigger held_records_append_only on held_records;
create trigger held_records_append_only before update or delete on held_records
  for each row execute function refuse_held_record_change();

-- What is held is copied by the function below and by nobody else.
revoke insert on held_records from audit_service;

create function keep_held_records(month date, out kept bigint, out released bigint)
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '5s' as $$
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
$$;

comment on function keep_held_records(date) is
  'Copies the records of a month that a legal hold covers to held_records, and removes from there those of earlier months that none covers any more. For the transaction that detaches the month.';

create function detach_audit_month(month date) returns void
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '50ms' as $$
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
$$;

comment on function detach_audit_month(date) is
  'Takes the earliest month out of the log, once all of it is sealed, lies verified in locked storage, what is held is kept and a checkpoint stands for it; refuses otherwise, and says why. The month stays as detached_audit_records_YYYY_MM and detached_audit_seals_YYYY_MM.';

comment on column audit_exports.month is
  'Its first day: the month that left the log over this export, which together with those before it holds all of it; null for any other range.';

revoke all on function keep_held_records(date), detach_audit_month(date) from public;
grant execute on function keep_held_records(date), detach_audit_month(date) to audit_service;

-- Down Migration

do $$
begin
  if exists (select from audit_checkpoints) or exists (select from held_records) then
    raise exception 'months have been detached from the audit log: what tells of them is not dropped'
      using errcode = 'restrict_violation';
  end if;
end
$$;

comment on column audit_exports.month is 'Its first day: the month that the export holds whole; null for any other range. The newest counts.';
drop function detach_audit_month(date);
drop function keep_held_records(date);
grant insert on held_records to audit_service;
drop trigger held_records_append_only on held_records;
create trigger held_records_append_only before update or delete on held_records
  for each row execute function refuse_audit_history_change();
drop function refuse_held_record_change();
drop function legal_holds_on(text, text, timestamptz);
