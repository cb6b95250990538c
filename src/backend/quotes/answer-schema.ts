// What answers look like, for the OpenAPI document and the tests that hold every answer against it. Amounts and rates are JSON
// numbers that carry the exact decimal text; the descriptions say the unit.
import { type TSchema, Type } from 'typebox'

// No multipleOf: validators count in binary floats, and would refuse 999999999.99 as no multiple of 0.01.
const usd = (description: string) =>
  Type.Number({ description: `${description} USD, exactly two decimals.`, examples: [25.0] })
const rate = (description: string) =>
  Type.Number({
    description: `${description} A fraction a year (0.19 is 19 %), at most 8 decimals.`,
    examples: [0.063],
  })
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])
const moment = (description: string) =>
  Type.String({ format: 'date-time', description: `${description} UTC, ISO 8601.` })
const named = (values: readonly string[], description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: values, description })

const OBSERVATION_SOURCES = ['live', 'cached', 'stale', 'fallback']

const observationSchema = (value: TSchema, title: string) =>
  Type.Object(
    {
      value,
      source: named(OBSERVATION_SOURCES, 'live, freshly cached, stale within its limit, or a stand-in (fallback).'),
      provider: Type.String({ description: 'Who said so.' }),
      as_of: orNull(moment('When it was true.')),
      age_seconds: orNull(Type.Integer({ minimum: 0, description: 'Seconds since as_of.' })),
      fallback_reason: Type.Optional(
        Type.String({ description: 'Only with a stand-in: why there was nothing better.' }),
      ),
    },
    { title, description: 'A value with its source and age.' },
  )

const eventRiskSchema = Type.Object(
  {
    ...observationSchema(Type.Integer({ minimum: 0, maximum: 10 }), 'ObservedEventRisk').properties,
    events: Type.Array(
      Type.Object({
        type: Type.String(),
        date: Type.String({ format: 'date' }),
        risk_factor: Type.Integer({ minimum: 0, maximum: 10 }),
        assumed: Type.Optional(Type.Boolean({ description: 'Nobody rated this type of event; 5 stands in.' })),
      }),
      { description: 'The events in the window; the highest factor counts.' },
    ),
  },
  { title: 'EventRisk', description: 'The event risk factor with its source, age and events.' },
)

/** Where a rate's inputs came from; those of a quote have a price as well, when the last close stood in for one. */
const rateSources = {
  base_rate: observationSchema(rate("The lender's rate."), 'ObservedRate'),
  volatility: observationSchema(Type.Number({ description: 'Index points.' }), 'ObservedVolatility'),
  event_risk: eventRiskSchema,
}
const quoteSources = {
  ...rateSources,
  price: Type.Optional(
    observationSchema(Type.Number({ description: 'The last close that stood in for a price, USD.' }), 'ObservedPrice'),
  ),
}

const degradedSchema = Type.Array(Type.String(), {
  description:
    'Inputs that were not live or freshly cached: lender_rate_stale, lender_rate_fallback, volatility_stale, volatility_fallback, event_risk_stale, event_risk_fallback, event_risk_assumed, last_close_stale; and demo_data.',
  examples: [['volatility_fallback']],
})

const availabilitySchema = Type.Object(
  {
    shares: orNull(Type.Integer({ minimum: 0, description: 'Shares to lend; null is unknown.' })),
    at_least: Type.Boolean({ description: 'The number is a cap: there may be more.' }),
  },
  { title: 'Availability', description: 'What the lender has.' },
)

const stepSchema = Type.Object(
  {
    step: named(
      [
        'charged_value',
        'lender_rate',
        'volatility',
        'events',
        'cap',
        'floor',
        'borrow_cost',
        'markup',
        'transaction_fee',
        'total',
      ],
      'Which step.',
    ),
    description: Type.String({ description: 'The arithmetic in words and numbers.' }),
    unit: named(['fraction', 'USD'], 'What before, after and delta count.'),
    before: Type.Number(),
    after: Type.Number(),
    delta: Type.Number({ description: 'after - before.' }),
    delta_bp: Type.Optional(Type.Number({ description: 'delta in basis points, on rate steps.' })),
  },
  { title: 'WaterfallStep', description: 'A step; within a unit each starts where the one before it ended.' },
)

const waterfallSchema = Type.Array(stepSchema, { description: "Every step from the lender's rate to the total." })

export const QUOTE_ANSWER_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    total_fee: usd('The sum of the three lines of the breakdown.'),
    breakdown: Type.Object({
      borrow_cost: usd('Borrow cost of the stay.'),
      markup: usd("The broker's markup on the borrow cost."),
      transaction_fees: usd('The transaction fee.'),
    }),
    borrow_rate_used: rate('The borrow rate after all adjustments.'),
    quote_id: Type.String({ format: 'uuid' }),
    audit_id: Type.String({ format: 'uuid', description: 'Names the record of this price.' }),
    ticker: Type.String(),
    client_id: Type.String(),
    quoted_at: moment('When it was priced.'),
    expires_at: moment('60 s later.'),
    quote_type: named(['indicative', 'firm'], 'Not binding, or binding until expires_at.'),
    terms: Type.Object({
      day_count: named(['ACT/365', 'ACT/360'], 'Days of the year that the borrow cost is divided by.'),
      convention_pack: Type.String(),
      markup_percentage: Type.Number({ description: 'Percent points: 5 is 5 %.' }),
      pricing_model: Type.String(),
    }),
    data_sources: Type.Object(quoteSources),
    degraded: degradedSchema,
    availability: availabilitySchema,
    sufficient: Type.Optional(
      orNull(Type.Boolean({ description: 'With quantity: whether the lender has the shares; null is unknown.' })),
    ),
    fee_per_share: Type.Optional(Type.Number({ description: 'With quantity: total fee a share, USD, six decimals.' })),
    charged_value: Type.Optional(usd('With quantity: the value that the convention pack charges.')),
    mark: Type.Optional(Type.Number({ description: 'With quantity: the price a share that is charged, USD.' })),
    charged_shares: Type.Optional(Type.Integer({ description: 'With quantity: shares that are charged.' })),
    accrual: Type.Optional(
      Type.Object(
        {
          short_settles: Type.String({ format: 'date' }),
          cover_settles: Type.String({ format: 'date' }),
          days: Type.Integer({ minimum: 0 }),
          schedule: Type.Array(
            Type.Object({
              value_date: Type.String({ format: 'date' }),
              days: Type.Integer({ minimum: 1 }),
              amount: usd('What this settlement day and the days to the next cost.'),
            }),
          ),
        },
        { description: 'With dates: the settlement days of the stay; the amounts sum to the borrow cost.' },
      ),
    ),
    cost_per_day: usd('Borrow cost of one day, without markup.'),
    waterfall: waterfallSchema,
  },
  { title: 'Quote', description: 'A price with every step and the source of every input.' },
)

export const RATE_ANSWER_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    ticker: Type.String(),
    current_rate: rate('The borrow rate under the pricing model named.'),
    borrow_status: named(['EASY', 'MEDIUM', 'HARD'], 'How hard the name is to borrow.'),
    volatility_index: orNull(Type.Number({ description: 'Index points; null when a stand-in was used.' })),
    event_risk_factor: orNull(Type.Integer({ description: '0 to 10; null when a stand-in was used.' })),
    last_updated: orNull(moment('The youngest moment that an input is from.')),
    lender_rate: rate("The lender's rate."),
    availability: availabilitySchema,
    rebate_rate: orNull(rate('Benchmark less current rate; negative: the borrower pays.')),
    floor_rate: rate("The stock's minimum."),
    pricing_model: Type.String(),
    data_sources: Type.Object(rateSources),
    degraded: degradedSchema,
  },
  { title: 'Rate', description: 'A current borrow rate with its inputs.' },
)

/** A row of the list of all names. */
export const RATE_ROW_SCHEMA = Type.Object(
  {
    ticker: Type.String(),
    name: orNull(Type.String()),
    current_rate: rate('The borrow rate under the pricing model of the list.'),
    previous_close_rate: orNull(
      rate('The borrow rate at previous_close_at, under the same model and the floor of now; null: none is known.'),
    ),
    borrow_status: named(['EASY', 'MEDIUM', 'HARD'], 'How hard the name is to borrow.'),
    lender_rate: rate("The lender's rate, or what stands in for it."),
    lender_as_of: orNull(moment("When the lender's rate was true; null for a stand-in.")),
    volatility_index: orNull(Type.Number({ description: 'Index points; null when a stand-in was used.' })),
    event_risk_factor: orNull(Type.Integer({ description: '0 to 10; null when a stand-in was used.' })),
    availability: availabilitySchema,
    rebate_rate: orNull(rate('Benchmark less current rate; negative: the borrower pays.')),
    last_updated: orNull(moment('The youngest moment that an input is from.')),
    degraded: degradedSchema,
  },
  { title: 'RateRow', description: 'A name with its rate.' },
)

export const RATE_HISTORY_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    ticker: Type.String(),
    interval: named(['1m', '5m', '15m', '1h', '1d'], 'Time between two points.'),
    pricing_model: Type.String({ description: 'That the borrow rates are under.' }),
    points: Type.Array(
      Type.Object({
        time: moment('End of the interval; of one that is not over, the end of the range.'),
        borrow_rate: rate('The borrow rate that the inputs of then make.'),
        lender_rate: orNull(
          rate("The lender's rate then. Null: it gave none, and the borrow rate rests on the last one that it gave."),
        ),
        volatility_index: orNull(
          Type.Number({ description: 'Index points; null when none was known, and 20 stood in.' }),
        ),
        event_risk_factor: orNull(
          Type.Integer({ minimum: 0, maximum: 10, description: 'Null when no calendar was known, and 0 stood in.' }),
        ),
        availability: availabilitySchema,
      }),
      { description: 'Oldest first. There are none before the first rate of the lender.' },
    ),
  },
  { title: 'RateHistory', description: 'A borrow rate over time.' },
)

export const RATE_HISTORIES_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    interval: named(['1m', '5m', '15m', '1h', '1d'], 'Time between two points.'),
    pricing_model: Type.String({ description: 'That the borrow rates are under.' }),
    series: Type.Array(
      Type.Object({
        ticker: Type.String(),
        points: Type.Array(
          Type.Object({
            time: moment('End of the interval; of one that is not over, the end of the range.'),
            borrow_rate: rate('The borrow rate that the inputs of then make.'),
          }),
          { description: 'Oldest first. There are none before the first rate of the lender.' },
        ),
      }),
      { description: 'A line for each name that there is, in the order in which they were asked for.' },
    ),
    unknown: Type.Array(Type.String(), { description: 'Names that were asked for and have no rate.' }),
  },
  { title: 'RateHistories', description: 'Borrow rates of many names over time.' },
)

export const COMPARISON_ANSWER_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    quote_type: Type.Literal('indicative'),
    ticker: Type.String(),
    client_id: Type.String({ description: 'Whose markup, fee and pricing model count.' }),
    priced_at: moment('When it was priced.'),
    loan_days: Type.Integer({ minimum: 0 }),
    borrow_rate_used: rate('The borrow rate, the same under every pack.'),
    pricing_model: Type.String(),
    packs: Type.Array(
      Type.Object({
        convention_pack: Type.String(),
        description: Type.String({ description: 'How the pack charges, in words.' }),
        charged_by: Type.String({ description: 'Who charges so.' }),
        in_force: Type.Boolean({ description: 'The pack of the terms.' }),
        day_count: named(['ACT/365', 'ACT/360'], 'Days of the year that the borrow cost is divided by.'),
        charged_value: usd('The value that is charged.'),
        mark: orNull(
          Type.Number({ description: 'The price a share that is charged, USD; null when a value was given.' }),
        ),
        charged_shares: orNull(Type.Integer({ description: 'Shares that are charged; null when a value was given.' })),
        breakdown: Type.Object({
          borrow_cost: usd('Borrow cost of the stay.'),
          markup: usd('Markup of the terms.'),
          transaction_fees: usd('Transaction fee of the terms.'),
        }),
        total_fee: usd('The sum of the three.'),
        cost_per_day: usd('Borrow cost of one day, without markup.'),
      }),
    ),
    data_sources: Type.Object(quoteSources),
    degraded: degradedSchema,
  },
  { description: 'One short under every convention pack; indicative, not recorded.' },
)

export const CUSTOM_RATE_ANSWER_SCHEMA = Type.Object(
  {
    status: Type.Literal('success'),
    ticker: Type.String(),
    current_rate: rate('The borrow rate under the conditions asked.'),
    lender_rate: rate("The lender's rate."),
    volatility_index: Type.Number({ description: 'Index points that were used.' }),
    event_risk_factor: Type.Integer({ minimum: 0, maximum: 10 }),
    floor_rate: rate("The stock's minimum."),
    pricing_model: Type.String(),
    data_sources: Type.Object({ base_rate: observationSchema(rate("The lender's rate."), 'ObservedRate') }),
    degraded: degradedSchema,
    waterfall: Type.Array(stepSchema, { description: "The rate's steps." }),
  },
  { title: 'CustomRate', description: 'A borrow rate under chosen conditions; indicative, not recorded.' },
)
