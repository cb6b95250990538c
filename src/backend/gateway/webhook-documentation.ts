// What a receiver of webhooks is sent, as the published contract describes it: an operation of the receiver's for each event.
import { type TSchema, Type } from 'typebox'
import type { EventType } from '../webhooks/events.ts'

const EXAMPLE_ID = '0193577d-1c00-7000-8000-000000000005'

const TIME = Type.String({ format: 'date-time' })
const TEXT_OR_NULL = Type.Union([Type.String(), Type.Null()])
const fraction = (description: string) =>
  Type.Number({ description: `${description} Unit: fraction a year.`, 'x-unit': 'fraction a year' })

const DATA: Readonly<Record<EventType, TSchema>> = {
  rate_changed: Type.Object({
    changes: Type.Array(
      Type.Object({
        ticker: Type.String(),
        borrow_rate: fraction("Under the pricing model of the webhook's broker."),
        previous_borrow_rate: fraction(
          'What this webhook was told last, or what the rate was before its first change.',
        ),
        change_bp: Type.Number({ description: 'Unit: basis points.', 'x-unit': 'basis points' }),
        changed_at: Type.String({ format: 'date-time', description: 'When the change was seen.' }),
      }),
      {
        minItems: 1,
        maxItems: 100,
        description: 'By ticker; each at least as far from what was told last as the webhook asks.',
      },
    ),
  }),
  feed_changed: Type.Object({
    feed: Type.String({ description: 'lender, volatility or events.' }),
    state: Type.String({ description: 'up while prices can be made from it, else down.' }),
    data: Type.Union([Type.String(), Type.Null()], {
      description: 'By the age of its files: fresh, stale, expired, demo or empty; null: it has none.',
    }),
    previous_state: Type.String(),
    previous_data: TEXT_OR_NULL,
  }),
  batch_done: Type.Object({
    batch_id: Type.String({ description: 'As in the answer to the batch.' }),
    snapshot_at: TIME,
    lines: Type.Integer({ description: 'Unit: count.', 'x-unit': 'count' }),
    priced: Type.Integer({ description: 'Unit: count.', 'x-unit': 'count' }),
    failed: Type.Integer({ description: 'Unit: count.', 'x-unit': 'count' }),
    total_fee: Type.Number({ description: 'Of the priced lines. Unit: USD.', 'x-unit': 'USD' }),
  }),
}

const ABOUT: Readonly<
  Record<EventType, { readonly summary: string; readonly description: string; readonly example: object }>
> = {
  rate_changed: {
    summary: 'Borrow rates moved',
    description: "Rates of the webhook's stocks that are at least its threshold away from what it was told last.",
    example: {
      changes: [
        {
          ticker: 'GME',
          borrow_rate: 0.21,
          previous_borrow_rate: 0.19,
          change_bp: 200,
          changed_at: '2026-11-24T14:31:07.412Z',
        },
      ],
    },
  },
  feed_changed: {
    summary: 'A feed is ill, or well again',
    description: 'The state of a feed, or the age of its data, is another than the one that was told last.',
    example: { feed: 'lender', state: 'down', data: 'expired', previous_state: 'up', previous_data: 'stale' },
  },
  batch_done: {
    summary: 'A batch is priced',
    description: "A batch that was asked for with a credential of the webhook's broker was answered to its end.",
    example: {
      batch_id: '0193577d-1c00-7000-8000-000000000004',
      snapshot_at: '2026-11-24T14:31:07.000Z',
      lines: 3,
      priced: 2,
      failed: 1,
      total_fee: 456.5,
    },
  },
}

const header = (name: string, description: string, example: string) => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string', examples: [example] },
})

const HEADERS = [
  header(
    'webhook-id',
    'The id of the event: the same at every try, so that who has dealt with it does so once.',
    EXAMPLE_ID,
  ),
  header(
    'webhook-timestamp',
    'Of this try, whole seconds since 1970. Refuse what is more than five minutes off.',
    '1795530667',
  ),
  header(
    'webhook-signature',
    '`v1,` and the base64 of the HMAC-SHA256 of `{webhook-id}.{webhook-timestamp}.{body}` under the secret; two of them, by a space, for a day after the secret was replaced.',
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  ),
]

/** The `webhooks` of the published contract, by event. */
export const WEBHOOK_EVENTS: Readonly<Record<string, object>> = Object.fromEntries(
  Object.entries(ABOUT).map(([event, { summary, description, example }]) => [
    event,
    {
      post: {
        tags: ['webhooks'],
        operationId: `receive${event.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
        summary,
        description: `${description} Any answer of 200 to 299 within ten seconds is taken for a receipt; after any other the event comes again.`,
        parameters: HEADERS,
        requestBody: {
          content: {
            'application/json': {
              schema: Type.Object({
                id: Type.String({ description: 'The webhook-id header.' }),
                type: Type.Literal(event),
                created_at: TIME,
                data: DATA[event as EventType],
              }),
              example: { id: EXAMPLE_ID, type: event, created_at: '2026-11-24T14:31:07.412Z', data: example },
            },
          },
        },
        responses: { 204: { description: 'Received.' } },
      },
    },
  ]),
)
