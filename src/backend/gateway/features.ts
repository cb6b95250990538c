// What a deployment supports, for a client that looks before it asks. A feature is there when its route is: nothing is promised that
// would be answered with a 404.
import type { FastifyInstance, HTTPMethods } from 'fastify'

type Route = readonly [method: HTTPMethods, url: string]

const QUOTE: Route = ['POST', '/api/v1/calculate-locate']

/** Each feature with the route that it stands or falls with. */
const FEATURES = {
  quote: QUOTE,
  quote_by_shares: QUOTE,
  quote_by_dates: QUOTE,
  waterfall: QUOTE,
  audit_record: QUOTE,
  idempotency_keys: QUOTE,
  batch: ['POST', '/api/v1/calculate-locate/batch'],
  compare_packs: ['POST', '/api/v1/convention-packs/compare'],
  rates: ['GET', '/api/v1/rates/:ticker'],
  custom_rate: ['GET', '/api/v1/rates/:ticker/calculate'],
  rates_by_status: ['GET', '/api/v1/rates/status/:status'],
  rate_list: ['GET', '/api/v1/rates'],
  rate_history: ['GET', '/api/v1/rates/:ticker/history'],
  rate_stream: ['GET', '/api/v1/rates/stream'],
  webhooks: ['POST', '/api/v1/webhooks'],
  sessions: ['POST', '/api/v1/session'],
  audit_search: ['GET', '/api/v1/audit'],
  audit_verify: ['GET', '/api/v1/audit/verify'],
  audit_replay: ['POST', '/api/v1/audit/replay'],
  audit_export: ['GET', '/api/v1/audit/export'],
  legal_holds: ['POST', '/api/v1/legal-holds'],
  what_if: ['POST', '/api/v1/what-if'],
  reference_data: ['PUT', '/api/v1/brokers/:client_id'],
  approvals: ['POST', '/api/v1/approvals/:approval_id'],
  api_keys: ['POST', '/api/v1/api-keys'],
} as const satisfies Readonly<Record<string, Route>>

export type Feature = keyof typeof FEATURES
export const FEATURE_NAMES = Object.keys(FEATURES) as readonly Feature[]

/** The route of a feature, as its documentation has it: `/api/v1/rates/{ticker}`. */
export function routeOf(feature: Feature): { readonly method: string; readonly path: string } {
  const [method, url] = FEATURES[feature]
  return { method, path: url.replaceAll(/:([a-z_]+)/g, '{$1}') }
}

/**
 * The features whose routes an application has. Call it once all of them are there.
 * @param off features that have a route, and nothing behind it
 */
export function supportedFeatures(app: FastifyInstance, off: ReadonlySet<Feature>): Feature[] {
  return FEATURE_NAMES.filter((feature) => {
    const [method, url] = FEATURES[feature]
    return !off.has(feature) && app.hasRoute({ method, url })
  })
}
