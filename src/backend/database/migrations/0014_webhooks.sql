-- Webhooks: addresses of brokers that are told of events, and the queue of what they are still to be told. Several gateways share the
-- work: a webhook's turn is taken by one of them at a time, for as long as a lease, and none holds a transaction while it calls.

-- Up Migration

create table webhooks (
  webhook_id        uuid        not null,
  client_id         text        not null,
  url               text        not null,
  events            text[]      not null,
  tickers           text[],
  threshold_bp      integer     not null default 1,
  secret            bytea       not null,
  previous_secret   bytea,
  previous_until    timestamptz,
  created_by        text        not null,
  created_at        timestamptz not null,
  failures          integer     not null default 0,
  paused_until      timestamptz,
  last_delivered_at timestamptz,
  last_failed_at    timestamptz,
  last_error        text,
  dropped           bigint      not null default 0,
  turn_until        timestamptz,
  turn_of           uuid,
  removed_at        timestamptz,
  constraint webhooks_pkey primary key (webhook_id),
  constraint webhooks_client_id_exists foreign key (client_id) references brokers (client_id),
  constraint webhooks_url_length check (length(url) between 8 and 2000),
  constraint webhooks_events_known check (events <@ array['rate_changed', 'feed_changed', 'batch_done'] and cardinality(events) between 1 and 3),
  constraint webhooks_tickers_count check (cardinality(tickers) between 1 and 500),
  constraint webhooks_threshold_bp_range check (threshold_bp between 1 and 10000),
  constraint webhooks_previous_secret_ends check ((previous_secret is null) = (previous_until is null)),
  constraint webhooks_failures_positive check (failures >= 0)
);
create index webhooks_client_id on webhooks (client_id, created_at) where removed_at is null;

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

create table webhook_deliveries (
  delivery_id     uuid        not null,
  webhook_id      uuid        not null,
  event_id        text        not null,
  event_type      text        not null,
  body            text        not null,
  state           text        not null default 'pending',
  attempts        integer     not null default 0,
  created_at      timestamptz not null,
  queued_at       timestamptz not null,
  next_attempt_at timestamptz not null,
  last_attempt_at timestamptz,
  last_status     integer,
  last_error      text,
  ended_at        timestamptz,
  constraint webhook_deliveries_pkey primary key (delivery_id),
  constraint webhook_deliveries_once unique (webhook_id, event_id),
  constraint webhook_deliveries_webhook_id_exists foreign key (webhook_id) references webhooks (webhook_id),
  constraint webhook_deliveries_state_known check (state in ('pending', 'delivered', 'dead')),
  constraint webhook_deliveries_end_has_time check ((state = 'pending') = (ended_at is null)),
  constraint webhook_deliveries_event_id_length check (length(event_id) between 1 and 200),
  constraint webhook_deliveries_body_size check (octet_length(body) between 2 and 100000)
);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_attempt_at, delivery_id) where state = 'pending';
create index webhook_deliveries_queued on webhook_deliveries (queued_at) where state = 'pending';
create index webhook_deliveries_listed on webhook_deliveries (webhook_id, delivery_id);
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where state <> 'pending';

comment on table webhook_deliveries is 'An event for a webhook: to be delivered, delivered, or given up. Ended ones are removed after a while.';
comment on column webhook_deliveries.delivery_id is 'UUIDv7: deliveries sort as they came.';
comment on column webhook_deliveries.event_id is 'The same at every try, and in every process that learns of the event: it is queued once.';
comment on column webhook_deliveries.state is 'pending; delivered; dead: given up after its tries, until somebody replays it.';
comment on column webhook_deliveries.attempts is 'Since it was queued, one that is under way included.';
comment on column webhook_deliveries.queued_at is 'When it came, or was replayed last.';

create table webhook_rates (
  webhook_id    uuid        not null,
  ticker        text        not null,
  rate          numeric     not null,
  previous_rate numeric,
  told_at       timestamptz not null,
  constraint webhook_rates_pkey primary key (webhook_id, ticker),
  constraint webhook_rates_webhook_id_exists foreign key (webhook_id) references webhooks (webhook_id)
);

comment on table webhook_rates is 'The borrow rate of a stock that a webhook was told last: the next change counts from there.';
comment on column webhook_rates.rate is 'Annual rate, a fraction, under the pricing model of the broker. Before the first event of the stock: what it was before its first change.';
comment on column webhook_rates.told_at is 'The moment of that rate: an older one that comes late changes nothing.';

create table webhook_feeds (
  webhook_id     uuid        not null,
  feed           text        not null,
  state          text        not null,
  data           text,
  previous_state text,
  previous_data  text,
  told_at        timestamptz not null,
  constraint webhook_feeds_pkey primary key (webhook_id, feed),
  constraint webhook_feeds_webhook_id_exists foreign key (webhook_id) references webhooks (webhook_id)
);

comment on table webhook_feeds is 'The state of a feed that a webhook was told last: what is another is told.';

create table webhook_watch (
  only_one   boolean     not null default true,
  holder     uuid        not null,
  held_until timestamptz not null,
  constraint webhook_watch_pkey primary key (only_one),
  constraint webhook_watch_only_one check (only_one)
);

comment on table webhook_watch is 'Which gateway watches rates and feeds for webhooks, and until when: one is enough. One row at the most.';

grant select, insert, delete on webhooks, webhook_deliveries, webhook_rates, webhook_feeds, webhook_watch to api_gateway;
grant update (secret, previous_secret, previous_until, failures, paused_until, last_delivered_at, last_failed_at, last_error, dropped,
  turn_until, turn_of, removed_at) on webhooks to api_gateway;
grant update (state, attempts, queued_at, next_attempt_at, last_attempt_at, last_status, last_error, ended_at) on webhook_deliveries to api_gateway;
grant update (rate, previous_rate, told_at) on webhook_rates to api_gateway;
grant update (state, data, previous_state, previous_data, told_at) on webhook_feeds to api_gateway;
grant update (holder, held_until) on webhook_watch to api_gateway;

-- Down Migration

drop table webhook_watch;
drop table webhook_feeds;
drop table webhook_rates;
drop table webhook_deliveries;
drop table webhooks;
