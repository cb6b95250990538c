-- Sessions of the console: somebody who has shown an API key has a cookie with which short-lived tokens are renewed. A session lasts as
-- long as its key at most, and ends when somebody signs out or an old cookie comes back.

-- Up Migration

create table sessions (
  session_id   text        not null,
  key_id       text        not null,
  refresh_hash bytea       not null,
  created_at   timestamptz not null,
  refreshed_at timestamptz not null,
  expires_at   timestamptz not null,
  ended_at     timestamptz,
  end_reason   text,
  constraint sessions_pkey primary key (session_id),
  constraint sessions_session_id_length check (length(session_id) between 16 and 64),
  constraint sessions_refresh_hash_length check (octet_length(refresh_hash) = 32),
  constraint sessions_key_id_exists foreign key (key_id) references api_keys (key_id),
  constraint sessions_expires_after_refresh check (expires_at > refreshed_at and refreshed_at >= created_at),
  constraint sessions_end_has_reason check ((ended_at is null) = (end_reason is null)),
  constraint sessions_end_reason_known check (end_reason in ('signed_out', 'cookie_reused', 'key_ended', 'too_many'))
);
create index sessions_key_id on sessions (key_id, refreshed_at);
create index sessions_expires_at on sessions (expires_at);

comment on table sessions is 'Who is signed in at the console. Rows are removed a while after their end.';
comment on column sessions.session_id is 'Random. Stands in the cookie and in the tokens of the session.';
comment on column sessions.key_id is 'The API key that was shown. When it is revoked or has expired, so has the session.';
comment on column sessions.refresh_hash is 'SHA-256 of the secret in the one cookie that is good now. Any other cookie of the session is an old one.';
comment on column sessions.end_reason is 'signed_out; cookie_reused: an old cookie came back, so two hold it; key_ended; too_many: the key opened more than it may.';

grant select, insert, delete on sessions to api_gateway;
grant update (refresh_hash, refreshed_at, expires_at, ended_at, end_reason) on sessions to api_gateway;

-- Down Migration

drop table sessions;
