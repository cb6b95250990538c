-- Market data: the latest observation of each input, the histories that charts are computed from, and the state of each feed.
-- Rates and prices are NUMERIC without a scale: what a provider sent is kept exactly, rounding belongs to pricing.

-- Up Migration

create table lender_rates (
  ticker             text        not null,
  rate               numeric,
  borrow_status      text,
  available          bigint,
  available_at_least boolean     not null default false,
  benchmark_rate     numeric,
  provider           text        not null,
  as_of              timestamptz not null,
  received_at        timestamptz not null,
  listed             boolean     not null default true,
  demo               boolean     not null default false,
  constraint lender_rates_pkey primary key (ticker),
  constraint lender_rates_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint lender_rates_rate_range check (rate between 0 and 100),
  constraint lender_rates_borrow_status_known check (borrow_status in ('EASY', 'MEDIUM', 'HARD')),
  constraint lender_rates_available_range check (available >= 0),
  constraint lender_rates_benchmark_rate_range check (benchmark_rate between -100 and 100)
);

comment on table lender_rates is 'What the lender last said about each name; one row a name.';
comment on column lender_rates.rate is 'Annual fee rate, a fraction: 0.19 is 19 %. Null: the lender named the stock without a rate. Above 100 is garbage.';
comment on column lender_rates.available is 'Shares to lend; null: unknown.';
comment on column lender_rates.available_at_least is 'True when available is a cap: "at least so many".';
comment on column lender_rates.benchmark_rate is 'Annual rate, a fraction, that rebates are counted from; null: unknown.';
comment on column lender_rates.as_of is 'When the lender''s figure was true, by the lender''s own clock.';
comment on column lender_rates.received_at is 'When it arrived here.';
comment on column lender_rates.listed is 'False: the lender listed the name and then dropped it, so there is nothing to lend.';
comment on column lender_rates.demo is 'True: replayed from the demonstration excerpt.';

create table lender_rate_history (
  ticker             text        not null,
  as_of              timestamptz not null,
  rate               numeric,
  borrow_status      text,
  available          bigint,
  available_at_least boolean     not null default false,
  provider           text        not null,
  received_at        timestamptz not null,
  demo               boolean     not null default false,
  constraint lender_rate_history_pkey primary key (ticker, as_of, provider),
  constraint lender_rate_history_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint lender_rate_history_rate_range check (rate between 0 and 100),
  constraint lender_rate_history_borrow_status_known check (borrow_status in ('EASY', 'MEDIUM', 'HARD')),
  constraint lender_rate_history_available_range check (available >= 0)
);

comment on table lender_rate_history is 'A row for each change of a name''s lender rate, status or availability.';
comment on column lender_rate_history.rate is 'Annual fee rate, a fraction: 0.19 is 19 %.';
comment on column lender_rate_history.available is 'Shares to lend; null: unknown.';

create table volatility_index (
  index_date  date        not null,
  value       numeric     not null,
  provider    text        not null,
  as_of       timestamptz not null,
  received_at timestamptz not null,
  demo        boolean     not null default false,
  constraint volatility_index_pkey primary key (index_date, provider),
  constraint volatility_index_value_range check (value between 0 and 500)
);

comment on table volatility_index is 'The market''s volatility index by day, past and latest.';
comment on column volatility_index.index_date is 'Calendar date in New York. The index has values on days the exchange is closed.';
comment on column volatility_index.value is 'Index points (VIX scale): 20 is a calm market.';

create table stock_volatility (
  ticker      text        not null,
  value       numeric     not null,
  provider    text        not null,
  as_of       timestamptz not null,
  received_at timestamptz not null,
  demo        boolean     not null default false,
  constraint stock_volatility_pkey primary key (ticker),
  constraint stock_volatility_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint stock_volatility_value_range check (value between 0 and 500)
);

comment on table stock_volatility is 'The volatility of single names, where a feed has it.';
comment on column stock_volatility.value is 'Index points (VIX scale).';

create table market_events (
  event_id    bigint      not null generated always as identity,
  ticker      text        not null,
  event_type  text        not null,
  event_date  date        not null,
  risk_factor smallint,
  provider    text        not null,
  received_at timestamptz not null,
  demo        boolean     not null default false,
  constraint market_events_pkey primary key (event_id),
  constraint market_events_once unique (ticker, event_type, event_date, provider),
  constraint market_events_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint market_events_event_type_length check (length(event_type) between 1 and 50),
  constraint market_events_risk_factor_range check (risk_factor between 0 and 10)
);

create index market_events_ticker_date on market_events (ticker, event_date);

comment on table market_events is 'Corporate events that make a borrow riskier.';
comment on column market_events.event_date is 'Calendar date in New York.';
comment on column market_events.risk_factor is '0 to 10; null: the feed gave none, the event type''s own factor is used.';

create table feed_states (
  feed          text        not null,
  provider      text        not null,
  last_success  timestamptz,
  as_of         timestamptz,
  rows          integer     not null default 0,
  skipped       integer     not null default 0,
  last_error    text,
  last_error_at timestamptz,
  demo          boolean     not null default false,
  constraint feed_states_pkey primary key (feed),
  constraint feed_states_feed_known check (feed in ('lender', 'volatility', 'events', 'closes')),
  constraint feed_states_rows_range check (rows >= 0),
  constraint feed_states_skipped_range check (skipped >= 0)
);

comment on table feed_states is 'How each feed''s last import went. A failed import leaves the last good data where it is.';
comment on column feed_states.rows is 'Rows of the last successful import.';
comment on column feed_states.skipped is 'Rows of the last successful import that were left out, for instance not in USD.';

create table last_closes (
  ticker      text        not null,
  close       numeric     not null,
  price_date  date        not null,
  provider    text        not null,
  received_at timestamptz not null,
  demo        boolean     not null default false,
  constraint last_closes_pkey primary key (ticker),
  constraint last_closes_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint last_closes_close_range check (close > 0 and close <= 1000000000)
);

comment on table last_closes is 'Closing prices, for quotes that give a quantity without a price.';
comment on column last_closes.close is 'USD a share.';
comment on column last_closes.price_date is 'Trade date in New York.';

-- Down Migration

drop table last_closes;
drop table feed_states;
drop table market_events;
drop table stock_volatility;
drop table volatility_index;
drop table lender_rate_history;
drop table lender_rates;
