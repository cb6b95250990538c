// The published contract without a running engine: the gateway's routes are declared, and none is ever asked.
import { type GatewayOptions, gatewayApp } from '../gateway/app.ts'
import { ENGINE_VERSION } from '../server/engine-version.ts'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'

/** The JSON text of `/openapi.json`, as this program serves it. */
export async function contractText(): Promise<string> {
  const app = await gatewayApp(
    optionsOf({
      log: createLog({ service: 'documents', level: 'fatal' }),
      metrics: createMetrics({ service: 'documents', processMetrics: false }),
      health: createHealth({ service: 'documents', version: ENGINE_VERSION }),
      newRequestId: () => 'documents',
      engineVersion: ENGINE_VERSION,
      retentionYears: 6,
    }),
  )
  try {
    await app.ready()
    return (await app.inject('/openapi.json')).body
  } finally {
    await app.close()
  }
}

/** Stands where a dependency does: each member of it is a function that does nothing. */
const UNASKED: unknown = new Proxy(() => {}, { get: (_, name) => (name === 'then' ? undefined : UNASKED) })

/** The options of an application that nobody asks: those that are given, and for each other one something that does nothing. */
function optionsOf(given: Partial<GatewayOptions>): GatewayOptions {
  const names = [
    'sessions',
    'apiKeyChanges',
    'webhooks',
    'desk',
    'rateStream',
    'administration',
    'audit',
    'listPricingModels',
    'requestsPerMinute',
    'onRefusal',
    'onBatchDone',
    'clock',
  ]
  const credentials = { authenticated: () => async () => {} }
  return {
    ...Object.fromEntries(names.map((name) => [name, UNASKED])),
    credentials,
    ...given,
  } as unknown as GatewayOptions
}
