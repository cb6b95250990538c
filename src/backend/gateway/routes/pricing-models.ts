// The pricing models: listed, and added; never edited, so that a rate quoted under a name means the same for ever.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { PricingModel } from '../../pricing/borrow-rate.ts'
import { trim } from '../../pricing/decimal.ts'
import type { Administration } from '../../reference-data/http.ts'
import { MODEL_FIELDS, modelName, pricingModelOf } from '../../reference-data/rate-card.ts'
import type { CallContext } from '../../server/call-context.ts'
import { parseShape, shape } from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'

const MODEL_BODY = shape(
  { model: modelName, ...MODEL_FIELDS },
  {
    description: 'A new version, under a name of its own.',
    examples: [
      {
        model: 'desk-v2',
        volatility_weight: 0.01,
        volatility_threshold: 20,
        event_weight: 0.75,
        max_multiplier: 5,
        volatility_source: 'index',
      },
    ],
  },
)

/** A model as answers show it. */
export const MODEL = {
  model: Type.String(),
  volatility_weight: Type.Number({ description: 'Share of the lender rate per index point above the threshold.' }),
  volatility_threshold: Type.Number({ description: 'Index points.' }),
  event_weight: Type.Number({ description: 'Share of the lender rate at event risk 10.' }),
  max_multiplier: Type.Number(),
  volatility_source: Type.String(),
}

export function modelAnswer(model: PricingModel): object {
  return {
    model: model.model,
    volatility_weight: trim(model.volatilityWeight),
    volatility_threshold: trim(model.volatilityThreshold),
    event_weight: trim(model.eventWeight),
    max_multiplier: trim(model.maxMultiplier),
    volatility_source: model.volatilitySource,
  }
}

export function pricingModelRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly administration: Administration
    readonly listPricingModels: (context: CallContext) => Promise<readonly PricingModel[]>
  },
): void {
  const { credentials, administration, listPricingModels } = options
  const tags = ['configuration']
  const url = '/api/v1/pricing-models'

  app.get(
    url,
    {
      onRequest: credentials.authenticated('read_pricing_models'),
      schema: {
        ...forRoles('read_pricing_models', 'All of them, by name.'),
        tags,
        operationId: 'pricingModels',
        summary: 'Pricing models',
        response: {
          200: Type.Object({ status: Type.Literal('success'), items: Type.Array(Type.Object(MODEL)) }),
          ...failures('UNAUTHORIZED', 'FORBIDDEN', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'),
        },
      },
    },
    async (request) => ({
      status: 'success',
      items: (await listPricingModels(contextOf(request))).map(modelAnswer),
    }),
  )

  app.post(
    url,
    {
      onRequest: credentials.authenticated('add_pricing_model'),
      schema: {
        ...forRoles(
          'add_pricing_model',
          "Adds a version. None is ever edited or taken away; a broker's terms say which one prices it. It is on the record who added it.",
        ),
        tags,
        operationId: 'addPricingModel',
        summary: 'Add a pricing model',
        body: MODEL_BODY,
        response: {
          201: Type.Object({ status: Type.Literal('success'), ...MODEL }),
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'FORBIDDEN',
            'CONFLICT',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'RATE_LIMIT_EXCEEDED',
            'INTERNAL_ERROR',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const given = parseShape(MODEL_BODY, request.body, 'body')
      const ask = { model: pricingModelOf(given.model, given), actor: actorOf(request) }
      const model = await administration.addModel(ask, contextOf(request))
      return reply.code(201).send({ status: 'success', ...modelAnswer(model) })
    },
  )
}
