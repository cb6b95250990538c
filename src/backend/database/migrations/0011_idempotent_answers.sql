-- Answers to requests that came with an Idempotency-Key. Whoever asks again with the same key gets the same answer for 24 hours. An
-- answer is inserted in the transaction of its record, so there is never one without the other, and is not changed; days that are
-- over are dropped whole.

-- Up Migration

create table idempotent_answers (
  client_id       text        not null,
  idempotency_key text        not null,
  kept_at         timestamptz not null default now(),
  request_hash    bytea       not null,
  audit_id        uuid        not null,
  answer          bytea       not null,
  constraint idempotent_answers_pkey primary key (client_id, idempotency_key, kept_at),
  constraint idempotent_answers_key_length check (length(idempotency_key) between 1 and 255),
  constraint idempotent_answers_request_hash_length check (octet_length(request_hash) = 32)
) partition by range (kept_at);

comment on table idempotent_answers is 'Answers by Idempotency-Key, good for 24 hours. Partitioned by day; turn_idempotent_answer_days drops days that are over.';
comment on column idempotent_answers.client_id is 'The broker of the credential.';
comment on column idempotent_answers.request_hash is 'SHA-256 of the request: another request under the key is refused.';
comment on column idempotent_answers.audit_id is 'Of the quote, or the id of the batch.';
comment on column idempotent_answers.answer is 'The answer''s text, compressed with gzip.';

create function turn_idempotent_answer_days() returns integer language plpgsql as $$
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
$$;

comment on function turn_idempotent_answer_days() is 'Adds the days of a week ahead and drops those before yesterday. Returns how many days were added and dropped.';

select turn_idempotent_answer_days();

grant select, insert on idempotent_answers to calculation_service;
-- Days come and go with the owner's rights. A lock that is not had at once is tried for again an hour later.
alter function turn_idempotent_answer_days() security definer set search_path = public, pg_temp set lock_timeout = '500ms';
revoke all on function turn_idempotent_answer_days() from public;
grant execute on function turn_idempotent_answer_days() to calculation_service;

-- Down Migration

drop table idempotent_answers;
drop function turn_idempotent_answer_days();
