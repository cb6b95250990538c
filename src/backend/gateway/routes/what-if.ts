// What if: a past range under a draft rate card, before anybody puts it in force. For the desk that makes prices.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { RecordWalks } from '../../audit/http.ts'
import type { Effect, Revenue, WhatIfStep } from '../../audit/what-if.ts'
import { readWhatIf, WHAT_IF_SHAPE, type WhatIfAsk } from '../../audit/what-if-ask.ts'
import { whatIfCsv } from '../../audit/what-if-csv.ts'
import type { PricingModel } from '../../pricing/borrow-rate.ts'
import type { CallContext } from '../../server/call-context.ts'
import { NDJSON } from '../../server/internal-wire.ts'
import { invalidParameters } from '../../server/problem.ts'
import { enumField, parseShape, shape, withDefault } from '../../server/shape.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { LINE_ERROR, LINES_TOO, RECORD_FAILURES } from '../record-documentation.ts'
import { type LongAnswers, lastOf, type Work, wantsLines } from '../streams.ts'

const FORMAT_QUERY = shape({
  format: withDefault(
    enumField(['json', 'csv'], {
      description: 'csv: the table, when the work is done. A range that takes minutes is better asked for as lines.',
      example: 'json',
    }),
    'json',
  ),
})

const REVENUE = Type.Object(
  {
    total_fees: Type.Number(),
    borrow_cost: Type.Number({ description: 'What goes on to the lender.' }),
    markup: Type.Number(),
    transaction_fees: Type.Number(),
    margin: Type.Number({ description: 'Markup and transaction fees: what stays.' }),
  },
  { title: 'Revenue', description: 'What quotes charge together, USD.' },
)
const EFFECT = {
  quotes: Type.Integer({ description: 'Quotes that were priced both ways; only they are in the sums.' }),
  changed: Type.Integer({ description: 'Of them, those whose total is another.' }),
  before: REVENUE,
  after: REVENUE,
  delta: REVENUE,
}
const RESULT = {
  status: Type.Literal('success'),
  note: Type.String({ description: 'What the sums are, and are not.' }),
  quotes_found: Type.Integer(),
  ...EFFECT,
  not_priced: Type.Array(Type.Object({ reason: Type.String(), sentence: Type.String(), quotes: Type.Integer() })),
  clients: Type.Integer({ description: 'Clients with a quote that was priced.' }),
  most_affected: Type.Array(Type.Object({ client_id: Type.String(), ...EFFECT }), {
    description: 'By the change of their total fees, the largest first.',
  }),
  others: Type.Union([Type.Object({ clients: Type.Integer(), ...EFFECT }), Type.Null()], {
    description: 'All the other clients together; null when all are named.',
  }),
}
const PROGRESS = Type.Object({ type: Type.Literal('progress'), quotes: Type.Integer(), at: Type.String() })

const CSV_HEADERS = {
  'content-type': 'text/csv; charset=utf-8',
  'content-disposition': 'attachment; filename="what-if.csv"',
}

export function whatIfRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly walks: Pick<RecordWalks, 'whatIf'>
    readonly listPricingModels: (context: CallContext) => Promise<readonly PricingModel[]>
    readonly long: LongAnswers
  },
): void {
  const { credentials, walks, listPricingModels, long } = options

  /** The model of that name. */
  async function modelOf(name: string, context: CallContext): Promise<PricingModel> {
    const model = (await listPricingModels(context)).find((one) => one.model === name)
    if (model !== undefined) return model
    throw invalidParameters(
      [
        {
          field: 'model',
          location: 'body',
          message: 'model must be the name of a pricing model that exists, or a draft',
        },
      ],
      Object.keys(WHAT_IF_SHAPE.properties),
    )
  }

  app.post(
    '/api/v1/what-if',
    {
      onRequest: credentials.authenticated('what_if'),
      compress: false,
      schema: {
        ...forRoles(
          'what_if',
          `Prices the quotes of a past range under a draft model, draft terms or both, beside what they were: revenue, margin, and the clients most affected. Nothing is recorded or changed. ${LINES_TOO}`,
        ),
        tags: ['what-if'],
        operationId: 'whatIf',
        summary: 'A past range under a draft rate card',
        querystring: FORMAT_QUERY,
        body: WHAT_IF_SHAPE,
        response: {
          200: {
            description: 'What would have been.',
            content: {
              'application/json': { schema: Type.Object(RESULT) },
              'text/csv': { schema: Type.String() },
              [NDJSON]: {
                schema: {
                  anyOf: [PROGRESS, Type.Object({ type: Type.Literal('result'), ...RESULT }), LINE_ERROR],
                },
              },
            },
          },
          ...failures(...RECORD_FAILURES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      const { format } = parseShape(FORMAT_QUERY, request.query, 'query')
      const asked = readWhatIf(request.body, new Date())
      const model = typeof asked.model === 'string' ? await modelOf(asked.model, contextOf(request)) : asked.model
      const ask: WhatIfAsk = { ...asked, model }
      const steps = ({ context, signal }: Work) => walks.whatIf(ask, context, signal)
      if (format === 'csv') {
        return long.text(request, reply, CSV_HEADERS, async function* (work) {
          const last = await lastOf(steps(work))
          if (last.kind === 'result') yield whatIfCsv(last)
        })
      }
      if (wantsLines(request)) return long.lines(request, reply, steps, whatIfLine)
      return long.whole(request, reply, async (work) => {
        const { type: _, ...result } = whatIfLine(await lastOf(steps(work)))
        return result
      })
    },
  )
}

function whatIfLine(step: WhatIfStep): { readonly type: string } & Record<string, unknown> {
  if (step.kind === 'progress') return { type: 'progress', quotes: step.quotes, at: step.at }
  return {
    type: 'result',
    status: 'success',
    note: step.note,
    quotes_found: step.quotesFound,
    ...effectAnswer(step),
    not_priced: step.notPriced,
    clients: step.clients,
    most_affected: step.mostAffected.map((client) => ({ client_id: client.clientId, ...effectAnswer(client) })),
    others: step.others && { clients: step.others.clients, ...effectAnswer(step.others) },
  }
}

function effectAnswer({ quotes, changed, before, after, delta }: Effect): object {
  return {
    quotes,
    changed,
    before: revenueAnswer(before),
    after: revenueAnswer(after),
    delta: revenueAnswer(delta),
  }
}

function revenueAnswer(revenue: Revenue): object {
  return {
    total_fees: revenue.totalFees,
    borrow_cost: revenue.borrowCost,
    markup: revenue.markup,
    transaction_fees: revenue.transactionFees,
    margin: revenue.margin,
  }
}
