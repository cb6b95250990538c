// How a service is, told to our own other services: what `/health/details` shows, over the private door, where a gateway gathers it.
import type { CallContext } from './call-context.ts'
import type { Health } from './health.ts'
import type { InternalClient } from './internal-client.ts'
import { type Served, serve } from './internal-server.ts'
import { lineOf, type Operation } from './internal-wire.ts'
import { writeJson } from './json-writer.ts'
import { type Codec, nullable, text } from './wire-codec.ts'

/** As JSON: it is shown and not computed with. */
export type HealthDetails = (context: CallContext) => Promise<Readonly<Record<string, unknown>>>

export const HEALTH_DETAILS = 'health-details'

const DETAILS: Operation<null, Readonly<Record<string, unknown>>> = {
  name: HEALTH_DETAILS,
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: { write: writeJson, read: (line) => JSON.parse(line) as Record<string, unknown> },
  repeatable: true,
}

export function serveHealthDetails(health: Pick<Health, 'details'>): Served {
  return serve(DETAILS, async () => (await health.details()).body)
}

export function healthDetailsClient(client: InternalClient): HealthDetails {
  const call = client.call(DETAILS)
  return (context) => call(null, context)
}
