// What this deployment offers: version, features, limits, pricing models, convention packs. A client reads it once.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { PricingModel } from '../../pricing/borrow-rate.ts'
import { CONVENTION_PACKS } from '../../pricing/convention-packs.ts'
import type { CallContext } from '../../server/call-context.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { FEATURE_NAMES, type Feature, supportedFeatures } from '../features.ts'
import { MODEL, modelAnswer } from './pricing-models.ts'

const CONFIG_ANSWER_SCHEMA = Type.Object({
  status: Type.Literal('success'),
  api_version: Type.String({ examples: ['v1'] }),
  engine_version: Type.String(),
  supported_features: Type.Array(Type.Unsafe<Feature>({ type: 'string', enum: FEATURE_NAMES }), {
    description: 'What can be asked of this deployment. What is not named is not there.',
  }),
  rate_limits: Type.Object(
    {},
    { additionalProperties: Type.Integer(), description: 'Requests in 60 s by tier of the broker.' },
  ),
  pricing_models: Type.Array(Type.Object(MODEL)),
  convention_packs: Type.Array(
    Type.Object({
      convention_pack: Type.String(),
      description: Type.String(),
      day_count: Type.Union([Type.String(), Type.Null()], { description: "null: the broker's terms say." }),
      lot_shares: Type.Integer(),
      source: Type.String(),
    }),
  ),
})

export function configRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly listPricingModels: (context: CallContext) => Promise<readonly PricingModel[]>
    readonly requestsPerMinute: Readonly<Record<string, number>>
    readonly engineVersion: string
    /** null: there are none, whatever routes there are. */
    readonly sessions: object | null
    readonly webhooks?: object | null
  },
): void {
  const { credentials, listPricingModels, requestsPerMinute, engineVersion } = options
  const off = new Set<Feature>()
  if (options.sessions === null) off.add('sessions')
  if (options.webhooks === null) off.add('webhooks')
  app.get(
    '/api/v1/config',
    {
      onRequest: credentials.authenticated('config'),
      schema: {
        ...forRoles(
          'config',
          'Features, limits, pricing models and convention packs; it changes with a deployment or an administrator.',
        ),
        tags: ['config'],
        operationId: 'config',
        summary: 'What this deployment offers',
        description:
          'Version, features, limits by tier, pricing models and convention packs: what a client reads once, before it asks for anything else.',
        response: {
          200: CONFIG_ANSWER_SCHEMA,
          ...failures('UNAUTHORIZED', 'RATE_LIMIT_EXCEEDED', 'INTERNAL_ERROR', 'SERVICE_UNAVAILABLE'),
        },
      },
    },
    async (request) => ({
      status: 'success',
      api_version: 'v1',
      engine_version: engineVersion,
      supported_features: supportedFeatures(app, off),
      rate_limits: requestsPerMinute,
      pricing_models: (await listPricingModels(contextOf(request))).map(modelAnswer),
      convention_packs: Object.values(CONVENTION_PACKS).map((pack) => ({
        convention_pack: pack.name,
        description: pack.description,
        day_count: pack.dayCount,
        lot_shares: pack.lotShares,
        source: pack.source,
      })),
    }),
  )
}
