-- A key that is rotated ends a while after the key that takes its place is there, and names it. Its end is a revocation in the future:
-- how long a key was good when it was made is never changed.

-- Up Migration

alter table api_keys add column replaced_by text;
alter table api_keys add constraint api_keys_replaced_by_exists foreign key (replaced_by) references api_keys (key_id);
alter table api_keys add constraint api_keys_replaced_ends check (replaced_by is null or revoked_at is not null);

comment on column api_keys.revoked_at is 'From then on the key is not good. It lies in the future while a key that was replaced goes on.';
comment on column api_keys.replaced_by is 'The key that takes its place; null: none does.';

create index api_keys_created_at on api_keys (created_at, key_id);

grant update (replaced_by) on api_keys to api_gateway;

-- Down Migration

drop index api_keys_created_at;
alter table api_keys drop column replaced_by;
comment on column api_keys.revoked_at is null;
