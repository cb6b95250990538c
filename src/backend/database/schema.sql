-- The structure that the migrations add up to. Made by scripts/dump_schema.ts; a test compares it with the database.
-- The roles at the end are the server's, not the database's: 0005_roles.sql makes them.

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

CREATE OR REPLACE FUNCTION public.refuse_pricing_model_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'pricing models are never changed or deleted, recorded prices name them'
    using errcode = 'restrict_violation', hint = 'Add a model under a new name and point the brokers at it.';
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
  constraint api_keys_pkey PRIMARY KEY (key_id),
  constraint api_keys_expires_after_creation CHECK ((expires_at > created_at)),
  constraint api_keys_key_id_length CHECK (((length(key_id) >= 4) AND (length(key_id) <= 64))),
  constraint api_keys_label_length CHECK (((length(label) >= 1) AND (length(label) <= 200))),
  constraint api_keys_role_known CHECK ((role = ANY (ARRAY['broker'::text, 'desk'::text, 'auditor'::text, 'admin'::text, 'system'::text]))),
  constraint api_keys_secret_hash_length CHECK ((octet_length(secret_hash) = 32))
);

create table audit_records (
  audit_id uuid not null,
  record_type text not null,
  schema_version smallint not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null default clock_timestamp(),
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
  constraint feed_states_pkey PRIMARY KEY (feed),
  constraint feed_states_feed_known CHECK ((feed = ANY (ARRAY['lender'::text, 'volatility'::text, 'events'::text, 'closes'::text]))),
  constraint feed_states_rows_range CHECK ((rows >= 0)),
  constraint feed_states_skipped_range CHECK ((skipped >= 0))
);

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


alter table api_keys add constraint api_keys_client_id_exists FOREIGN KEY (client_id) REFERENCES brokers(client_id);
alter table brokers add constraint brokers_pricing_model_exists FOREIGN KEY (pricing_model) REFERENCES pricing_models(model);

CREATE INDEX api_keys_client_id ON api_keys USING btree (client_id);
CREATE INDEX audit_records_client_id ON audit_records USING btree (client_id, audit_id);
CREATE INDEX audit_records_ticker ON audit_records USING btree (ticker, audit_id);
CREATE INDEX market_events_ticker_date ON market_events USING btree (ticker, event_date);

CREATE TRIGGER audit_records_append_only BEFORE DELETE OR UPDATE ON audit_records FOR EACH ROW EXECUTE FUNCTION refuse_audit_record_change();
CREATE TRIGGER audit_records_no_truncate BEFORE TRUNCATE ON audit_records FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_record_change();
CREATE TRIGGER pricing_models_immutable BEFORE DELETE OR UPDATE OR TRUNCATE ON pricing_models FOR EACH STATEMENT EXECUTE FUNCTION refuse_pricing_model_change();

comment on table api_keys is 'Credentials. The secret itself is nowhere: only its SHA-256 is kept.';
comment on column api_keys.secret_hash is 'SHA-256 of the secret, 32 bytes. The secret is random and long, so a slow hash would add nothing.';
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
comment on table feed_states is 'How each feed''s last import went. A failed import leaves the last good data where it is.';
comment on column feed_states.rows is 'Rows of the last successful import.';
comment on column feed_states.skipped is 'Rows of the last successful import that were left out, for instance not in USD.';
comment on table last_closes is 'Closing prices, for quotes that give a quantity without a price.';
comment on column last_closes.close is 'USD a share.';
comment on column last_closes.price_date is 'Trade date in New York.';
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
comment on table stock_volatility is 'The volatility of single names, where a feed has it.';
comment on column stock_volatility.value is 'Index points (VIX scale).';
comment on table stocks is 'Stocks the desk keeps something of its own about: a floor, a tier, a lender.';
comment on column stocks.borrow_status is 'The desk''s own tier, used when neither the lender''s status nor its rate says; null: none.';
comment on column stocks.floor_rate is 'Annual rate, a fraction: 0.03 is 3 %. No borrow rate of the stock lies below it; null: the default floor.';
comment on column stocks.lender_id is 'The lender''s own identifier of the stock.';
comment on column stocks.version is 'Counts changes; a writer names the version it read.';
comment on table volatility_index is 'The market''s volatility index by day, past and latest.';
comment on column volatility_index.index_date is 'Calendar date in New York. The index has values on days the exchange is closed.';
comment on column volatility_index.value is 'Index points (VIX scale): 20 is a calm market.';
comment on function add_audit_months(first_month date, months integer) is 'Adds the partitions of so many months, beginning with the month of the date; those that exist are left alone. Returns how many were added.';
comment on function refuse_audit_record_change() is 'Keeps audit_records append-only.';
comment on function refuse_pricing_model_change() is 'Keeps pricing_models immutable.';
comment on function uuid7_lower_bound(moment timestamp with time zone) is 'The smallest UUID whose first 48 bits are the moment in milliseconds: every UUIDv7 made at or after it is greater.';

grant usage on schema public to api_gateway;
grant usage on schema public to audit_service;
grant create, usage on schema public to borrow_rate_owner;
grant usage on schema public to calculation_service;
grant usage on schema public to data_service;
grant insert, select, update (label, revoked_at, last_used_at) on api_keys to api_gateway;
grant insert on audit_records to api_gateway;
grant select on audit_records to audit_service;
grant insert on audit_records to calculation_service;
grant insert on audit_records to data_service;
grant select (client_id, tier, requests_per_minute, active) on brokers to api_gateway;
grant insert, select, update on brokers to data_service;
grant delete, insert, select, update on event_calendars to data_service;
grant delete, insert, select, update on feed_states to data_service;
grant delete, insert, select, update on last_closes to data_service;
grant delete, insert, select, update on lender_rate_history to data_service;
grant delete, insert, select, update on lender_rates to data_service;
grant delete, insert, select, update on market_events to data_service;
grant insert, select on pricing_models to data_service;
grant delete, insert, select, update on stock_volatility to data_service;
grant insert, select, update on stocks to data_service;
grant delete, insert, select, update on volatility_index to data_service;
revoke all on function add_audit_months(first_month date, months integer) from public;
grant execute on function add_audit_months(first_month date, months integer) to audit_service;
