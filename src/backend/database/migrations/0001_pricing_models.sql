-- Pricing models: named, versioned parameters of the borrow rate. A model is never edited, a changed model is a new name,
-- so that a recorded price can always be computed again from the model it names.

-- Up Migration

create table pricing_models (
  model                text           not null,
  volatility_weight    numeric(12, 8) not null,
  volatility_threshold numeric(12, 4) not null,
  event_weight         numeric(12, 8) not null,
  max_multiplier       numeric(12, 8) not null,
  volatility_source    text           not null,
  created_at           timestamptz    not null default now(),
  created_by           text           not null,
  constraint pricing_models_pkey primary key (model),
  constraint pricing_models_model_pattern check (model ~ '^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$'),
  constraint pricing_models_volatility_weight_range check (volatility_weight between 0 and 10),
  constraint pricing_models_volatility_threshold_range check (volatility_threshold between 0 and 500),
  constraint pricing_models_event_weight_range check (event_weight between 0 and 10),
  constraint pricing_models_max_multiplier_range check (max_multiplier between 1 and 100),
  constraint pricing_models_volatility_source_known check (volatility_source in ('stock-or-index', 'index'))
);

comment on table pricing_models is 'Parameters of the borrow rate formula, one row a version. Rows are never changed or deleted.';
comment on column pricing_models.volatility_weight is 'What one index point above the threshold adds to the multiplier: 0.01 adds 1 % of the lender rate.';
comment on column pricing_models.volatility_threshold is 'Index points (VIX scale) up to which volatility adds nothing.';
comment on column pricing_models.event_weight is 'What an event risk factor of 10 adds to the multiplier.';
comment on column pricing_models.max_multiplier is 'Upper bound of the multiplier; at least 1, so that no cap pulls a rate below the lender''s own.';
comment on column pricing_models.volatility_source is 'stock-or-index: the stock''s own volatility where known, else the index. index: always the index.';
comment on column pricing_models.created_by is 'Key id of the person who added the model; "migration" for those that come with the program.';

create function refuse_pricing_model_change() returns trigger language plpgsql as $$
begin
  raise exception 'pricing models are never changed or deleted, recorded prices name them'
    using errcode = 'restrict_violation', hint = 'Add a model under a new name and point the brokers at it.';
end
$$;

comment on function refuse_pricing_model_change() is 'Keeps pricing_models immutable.';

create trigger pricing_models_immutable before update or delete or truncate on pricing_models
  for each statement execute function refuse_pricing_model_change();

insert into pricing_models
  (model, volatility_weight, volatility_threshold, event_weight, max_multiplier, volatility_source, created_by)
values
  ('standard-v1', 0.01, 0, 0.05, 5, 'stock-or-index', 'migration'),
  ('desk-v1', 0.01, 20, 1, 5, 'index', 'migration');

-- Down Migration

drop table pricing_models;
drop function refuse_pricing_model_change();
