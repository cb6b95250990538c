-- When an event service was last asked about a name: that there are no events ahead is an answer too, and is as old as this.
-- A calendar that comes as a file is about all names at once; its time stands in feed_states.

-- Up Migration

create table event_calendars (
  ticker      text        not null,
  provider    text        not null,
  as_of       timestamptz not null,
  received_at timestamptz not null,
  constraint event_calendars_pkey primary key (ticker),
  constraint event_calendars_ticker_pattern check (ticker ~ '^[A-Z]{1,5}([.][A-Z]{1,2})?$')
);

comment on table event_calendars is 'When a service last answered which events lie ahead of a name; one row a name. The events themselves are in market_events.';
comment on column event_calendars.as_of is 'When the answer was true.';
comment on column event_calendars.received_at is 'When it arrived here.';

grant select, insert, update, delete on event_calendars to data_service;

-- Down Migration

drop table event_calendars;
