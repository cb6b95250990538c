-- Changes that wait for a second person. What was proposed is never changed; who decided, when and why is filled in once.

-- Up Migration

create table approvals (
  approval_id uuid        not null,
  kind        text        not null,
  subject     text        not null,
  proposed    text        not null,
  asked_by    text        not null,
  asked_at    timestamptz not null,
  state       text        not null default 'pending',
  decided_by  text,
  decided_at  timestamptz,
  reason      text,
  constraint approvals_pkey primary key (approval_id),
  constraint approvals_kind_known check (kind in ('broker')),
  constraint approvals_state_known check (state in ('pending', 'approved', 'refused')),
  constraint approvals_proposed_size check (octet_length(proposed) between 2 and 100000),
  constraint approvals_reason_length check (length(reason) between 1 and 1000),
  constraint approvals_decided_by_somebody check ((state = 'pending') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
  constraint approvals_approved_by_another check (state <> 'approved' or decided_by <> asked_by)
);

create index approvals_state on approvals (state, approval_id);

comment on table approvals is 'Changes that a second person approves or refuses before they are made.';
comment on column approvals.approval_id is 'UUIDv7.';
comment on column approvals.subject is 'What would be changed: the client_id.';
comment on column approvals.proposed is 'As it would be, as JSON text, with the version it would have.';
comment on column approvals.asked_by is 'Key id.';
comment on column approvals.decided_by is 'Key id; null while it is pending.';

create function refuse_second_decision() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or old.state <> 'pending' then
    raise exception 'a decision stands: % on approval % is refused', lower(tg_op), old.approval_id using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;

comment on function refuse_second_decision() is 'Keeps decisions as they were made.';

create trigger approvals_decided_once before update or delete on approvals
  for each row execute function refuse_second_decision();

grant select, insert on approvals to data_service;
grant update (state, decided_by, decided_at, reason) on approvals to data_service;

-- Down Migration

drop table approvals;
drop function refuse_second_decision();
