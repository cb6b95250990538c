-- What a rate is made of, over time: rates of the past are computed when they are read. The lender's word is kept since
-- 0003_market_data; here are the volatility within a day, the volatility of single names, and which events were known when. All of
-- it is kept when it changes, and not for each answer of a feed.

-- Up Migration

create table volatility_index_history (
  as_of       timestamptz not null,
  value       numeric     not null,
  provider    text        not null,
  received_at timestamptz not null,
  constraint volatility_index_history_pkey primary key (as_of, provider),
  constraint volatility_index_history_value_range check (value between 0 and 500)
);

comment on table volatility_index_history is 'A row for each change of the volatility index within a day. The last one of a day is in volatility_index.';
comment on column volatility_index_history.value is 'Index points (VIX scale).';

create table stock_volatility_history (
  ticker      text        not null,
  as_of       timestamptz not null,
  value       numeric     not null,
  provider    text        not null,
  received_at timestamptz not null,
  constraint stock_volatility_history_pkey primary key (ticker, as_of, provider),
  constraint stock_volatility_history_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint stock_volatility_history_value_range check (value between 0 and 500)
);

comment on table stock_volatility_history is 'A row for each change of a name''s own volatility, and one a day while it does not change.';
comment on column stock_volatility_history.value is 'Index points (VIX scale).';

create table market_event_history (
  ticker      text        not null,
  event_type  text        not null,
  event_date  date        not null,
  provider    text        not null,
  risk_factor smallint,
  known_from  timestamptz not null,
  known_to    timestamptz,
  demo        boolean     not null default false,
  constraint market_event_history_pkey primary key (ticker, event_date, event_type, provider, known_from),
  constraint market_event_history_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$'),
  constraint market_event_history_event_type_length check (length(event_type) between 1 and 50),
  constraint market_event_history_risk_factor_range check (risk_factor between 0 and 10),
  constraint market_event_history_known_in_order check (known_to >= known_from)
);

comment on table market_event_history is 'Which events were known when: an event that moved was known at one date, and then at another.';
comment on column market_event_history.event_date is 'Calendar date in New York.';
comment on column market_event_history.risk_factor is '0 to 10; null: the feed gave none, the event type''s own factor is used.';
comment on column market_event_history.known_to is 'When the feed no longer had it so; null: it is known now.';

alter table event_calendars add column known_since timestamptz;
comment on column event_calendars.known_since is 'Since when a service answers about the name at all; null: since as_of.';
alter table feed_states add column known_since timestamptz;
comment on column feed_states.known_since is 'As of the first file there was; null: since as_of.';

-- What is known now was not recorded before: it counts from when it came.
insert into stock_volatility_history (ticker, as_of, value, provider, received_at)
select ticker, as_of, value, provider, received_at from stock_volatility where not demo;
insert into market_event_history (ticker, event_type, event_date, provider, risk_factor, known_from, demo)
select ticker, event_type, event_date, provider, risk_factor, received_at, demo from market_events;
update event_calendars set known_since = as_of;
update feed_states set known_since = as_of;

-- Rows come in the order of their time, so that a few pages of an index find what is past its days.
create index lender_rate_history_as_of on lender_rate_history using brin (as_of);
create index stock_volatility_history_as_of on stock_volatility_history using brin (as_of);

grant select, insert, update, delete on volatility_index_history, stock_volatility_history, market_event_history to data_service;

-- Down Migration

drop index stock_volatility_history_as_of;
drop index lender_rate_history_as_of;
alter table feed_states drop column known_since;
alter table event_calendars drop column known_since;
drop table market_event_history;
drop table stock_volatility_history;
drop table volatility_index_history;
