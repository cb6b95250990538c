-- Reference data: brokers with their terms, stocks, and the keys that brokers and staff call with.

-- Up Migration

create table brokers (
  client_id            text           not null,
  name                 text,
  markup_percentage    numeric(7, 4)  not null,
  markup_tiers         jsonb,
  transaction_fee_type text           not null,
  transaction_amount   numeric(14, 4) not null,
  day_count            text           not null,
  convention_pack      text           not null,
  billing              text           not null default 'term',
  pricing_model        text           not null,
  tier                 text           not null,
  requests_per_minute  integer,
  active               boolean        not null default true,
  version              integer        not null default 1,
  updated_at           timestamptz    not null default now(),
  constraint brokers_pkey primary key (client_id),
  constraint brokers_client_id_pattern check (client_id ~ '^[A-Za-z0-9_-]{3,50}$'),
  constraint brokers_name_length check (length(name) between 1 and 200),
  constraint brokers_markup_percentage_range check (markup_percentage between 0 and 100),
  constraint brokers_markup_tiers_list check (
    case jsonb_typeof(markup_tiers) when 'array' then jsonb_array_length(markup_tiers) between 1 and 20 else markup_tiers is null end
  ),
  constraint brokers_transaction_fee_type_known check (transaction_fee_type in ('FLAT', 'PERCENTAGE')),
  constraint brokers_transaction_amount_range check (
    case transaction_fee_type when 'FLAT' then transaction_amount between 0 and 1000000 else transaction_amount between 0 and 100 end
  ),
  constraint brokers_transaction_amount_cents check (
    transaction_fee_type <> 'FLAT' or transaction_amount = round(transaction_amount, 2)
  ),
  constraint brokers_day_count_known check (day_count in ('ACT/365', 'ACT/360')),
  constraint brokers_convention_pack_known check (
    convention_pack in ('notional', 'us-collateral-mark', 'us-market-value', 'ca-market-value')
  ),
  constraint brokers_convention_pack_day_count check (
    case convention_pack
      when 'us-collateral-mark' then day_count = 'ACT/360'
      when 'us-market-value' then day_count = 'ACT/360'
      when 'ca-market-value' then day_count = 'ACT/365'
      else true
    end
  ),
  constraint brokers_billing_known check (billing in ('term', 'daily')),
  constraint brokers_pricing_model_exists foreign key (pricing_model) references pricing_models (model),
  constraint brokers_tier_known check (tier in ('standard', 'premium', 'internal')),
  constraint brokers_requests_per_minute_range check (requests_per_minute between 1 and 1000000),
  constraint brokers_version_positive check (version > 0)
);

comment on table brokers is 'The firms that call the API, with the terms they are billed under.';
comment on column brokers.markup_percentage is 'Percent points of the borrow cost: 5 is 5 %.';
comment on column brokers.markup_tiers is 'Marginal tiers in place of the one markup: [{"up_to": USD or null, "markup_percentage": percent points}, ...], decimals as texts.';
comment on column brokers.transaction_amount is 'Per request: USD when the fee is FLAT, percent points of the charged value when PERCENTAGE.';
comment on column brokers.day_count is 'Days in the year that the annual rate is divided by. No default: the two differ by 1.39 %.';
comment on column brokers.convention_pack is 'How shares become the value that is charged.';
comment on column brokers.billing is 'term: one cost for the stay, rounded once. daily: the sum of rounded days.';
comment on column brokers.requests_per_minute is 'The broker''s own limit; null: the limit of its tier.';
comment on column brokers.version is 'Counts changes; a writer names the version it read.';

create table stocks (
  ticker        text           not null,
  name          text,
  borrow_status text,
  floor_rate    numeric(12, 8),
  lender_id     text,
  active        boolean        not null default true,
  version       integer        not null default 1,
  updated_at    timestamptz    not null default now(),
  constraint stocks_pkey primary key (ticker),
  constraint stocks_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint stocks_name_length check (length(name) between 1 and 200),
  constraint stocks_borrow_status_known check (borrow_status in ('EASY', 'MEDIUM', 'HARD')),
  constraint stocks_floor_rate_range check (floor_rate between 0 and 100),
  constraint stocks_version_positive check (version > 0)
);

comment on table stocks is 'Stocks the desk keeps something of its own about: a floor, a tier, a lender.';
comment on column stocks.borrow_status is 'The desk''s own tier, used when neither the lender''s status nor its rate says; null: none.';
comment on column stocks.floor_rate is 'Annual rate, a fraction: 0.03 is 3 %. No borrow rate of the stock lies below it; null: the default floor.';
comment on column stocks.lender_id is 'The lender''s own identifier of the stock.';
comment on column stocks.version is 'Counts changes; a writer names the version it read.';

create table api_keys (
  key_id       text        not null,
  secret_hash  bytea       not null,
  client_id    text        not null,
  role         text        not null,
  label        text,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  constraint api_keys_pkey primary key (key_id),
  constraint api_keys_key_id_length check (length(key_id) between 4 and 64),
  constraint api_keys_secret_hash_length check (octet_length(secret_hash) = 32),
  constraint api_keys_client_id_exists foreign key (client_id) references brokers (client_id),
  constraint api_keys_role_known check (role in ('broker', 'desk', 'auditor', 'admin', 'system')),
  constraint api_keys_label_length check (length(label) between 1 and 200),
  constraint api_keys_expires_after_creation check (expires_at > created_at)
);

create index api_keys_client_id on api_keys (client_id);

comment on table api_keys is 'Credentials. The secret itself is nowhere: only its SHA-256 is kept.';
comment on column api_keys.secret_hash is 'SHA-256 of the secret, 32 bytes. The secret is random and long, so a slow hash would add nothing.';

-- Down Migration

drop table api_keys;
drop table stocks;
drop table brokers;
