// The public API as an application: a function from what it needs to routes. It does not listen; `services/` does.
import type { FastifyInstance } from 'fastify'
import type { ApiKeyChanges } from '../access/api-key-changes.ts'
import { type Credentials, onRefusals } from '../access/credentials.ts'
import type { Refusal } from '../access/refusals.ts'
import type { Sessions } from '../access/sessions.ts'
import type { AuditFunctions } from '../audit/http.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { BatchSummary } from '../quotes/batch-answer.ts'
import type { PriceDesk } from '../quotes/price-desk.ts'
import type { Administration } from '../reference-data/http.ts'
import type { CallContext } from '../server/call-context.ts'
import type { DashboardLink } from '../server/dashboard-links.ts'
import { publishOpenApi } from '../server/openapi.ts'
import type { RecentDurations } from '../server/recent-durations.ts'
import { createServer, type ServerOptions } from '../server/server.ts'
import type { Clock } from '../server/uuidv7.ts'
import type { Webhooks } from '../webhooks/webhook.ts'
import { answerExamples } from './answer-examples.ts'
import { completeDocument } from './complete-document.ts'
import { consoleRoutes } from './console.ts'
import { failures } from './failures.ts'
import type { AskedService, ChangeLogLevel } from './operations.ts'
import type { RateStream } from './rate-stream.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { approvalRoutes } from './routes/approvals.ts'
import { batchRoutes } from './routes/batches.ts'
import { brokerRoutes } from './routes/brokers.ts'
import { comparePacksRoutes } from './routes/compare-packs.ts'
import { configRoutes } from './routes/config.ts'
import { legalHoldRoutes } from './routes/legal-holds.ts'
import { operationRoutes } from './routes/operations.ts'
import { pricingModelRoutes } from './routes/pricing-models.ts'
import { quoteRoutes } from './routes/quotes.ts'
import { rateHistoryRoutes } from './routes/rate-history.ts'
import { rateListRoutes } from './routes/rate-list.ts'
import { rateRoutes } from './routes/rates.ts'
import { recordRangeRoutes } from './routes/record-ranges.ts'
import { recordRoutes } from './routes/records.ts'
import { sessionRoutes } from './routes/session.ts'
import { stockRoutes } from './routes/stocks.ts'
import { streamRoutes } from './routes/stream.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { whatIfRoutes } from './routes/what-if.ts'
import { longAnswers } from './streams.ts'
import { WEBHOOK_EVENTS } from './webhook-documentation.ts'

export interface GatewayOptions extends ServerOptions {
  readonly engineVersion: string
  /** The built console; null: there is none. */
  readonly consoleFolder: string | null
  readonly credentials: Credentials
  /** Told of everybody who is turned away. */
  readonly onRefusal: (refusal: Refusal) => void
  /** Null: there is nothing to sign tokens with. */
  readonly sessions: Sessions | null
  readonly apiKeyChanges: ApiKeyChanges
  /** Null: there is nothing to keep their secrets with. */
  readonly webhooks: Webhooks | null
  /** Told of a batch whose answer was sent to its end. */
  readonly onBatchDone: (clientId: string, summary: BatchSummary) => void
  readonly desk: PriceDesk
  readonly rateStream: RateStream
  /** The other services; none where all are this process. */
  readonly services: readonly AskedService[]
  /** Every feed as health checks show it. */
  readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  readonly changeLogLevel: ChangeLogLevel
  /** The quotes of the last hour, by the minute. */
  readonly quoteMinutes: RecentDurations
  /** Where the console leads operators to. */
  readonly dashboardLinks: readonly DashboardLink[]
  readonly administration: Administration
  readonly audit: AuditFunctions
  /** How many years a record is kept at least. */
  readonly retentionYears: number
  readonly listPricingModels: (context: CallContext) => Promise<readonly PricingModel[]>
  /** By tier of the broker. */
  readonly requestsPerMinute: Readonly<Record<string, number>>
  readonly clock: Clock
}

const DESCRIPTION = `What a short sale of a US stock costs: the annualised borrow rate and the locate fee, with every step of the number, the source and age of
every input, and a record that is kept before the answer leaves.

**To try it**, press Authorize, give an API key, open an operation and press Execute. An engine that was started with \`npm start\` has keys to
try in \`demo-keys.json\` in its data folder. For programs this contract is at [/openapi.json](/openapi.json), as OpenAPI 3.1.

## Numbers

Amounts are US dollars with exactly two decimals; rates are fractions a year: 0.19 is 19 %; markups are percent points: 5 is 5 %. Numbers are exact
decimals: read them as text or as decimals, not as binary floats. In a request an amount may be a number or decimal text.

## Credentials and limits

Send a key in \`X-API-Key\`, or the access token of a session in \`Authorization: Bearer\`. A broker has a number of requests in 60 seconds, shared by
all its keys; \`X-RateLimit-Limit\`, \`-Remaining\` and \`-Reset\` say how many are left, and 429 comes with \`Retry-After\`.

## Failures

One shape for all: \`error\` is a sentence for a person, \`error_code\` is for programs, and of a bad request \`validation_errors\` names every fault.
Each answer has an \`X-Request-ID\`: quote it when you report something. 503 always says when to come again.

## Asking twice

\`Idempotency-Key\` makes a price the same one however often it is asked for in 24 hours. \`ETag\` with \`If-None-Match\` spares an answer that you have;
with \`If-Match\` nobody overwrites what somebody else changed meanwhile.

## Large answers

Batches, lists of all rates, verification and exports come while the work goes on: as lines with \`Accept: application/x-ndjson\`, some as
\`text/csv\`. An answer that breaks off has no last line.`

const TAGS = [
  { name: 'quotes', description: 'Price a short' },
  { name: 'rates', description: 'Look at borrow rates' },
  { name: 'config', description: 'What this deployment offers' },
  { name: 'session', description: 'Sign in with a key, and out' },
  { name: 'configuration', description: 'Brokers and their terms, stocks, pricing models, approvals' },
  { name: 'keys', description: 'API keys: made, listed, rotated, revoked' },
  { name: 'webhooks', description: 'Be told of events, signed' },
  { name: 'operations', description: 'How the services and feeds are' },
  { name: 'audit', description: 'The record: search, proof, replay, export, legal holds' },
  { name: 'what-if', description: 'A past range under a draft rate card' },
]

export async function gatewayApp(options: GatewayOptions): Promise<FastifyInstance> {
  const app = await createServer({ ...options, publicHealth: true })
  onRefusals(app, options.onRefusal)
  await publishOpenApi(app, {
    title: 'Borrow Rate & Locate Fee Pricing Engine',
    version: options.engineVersion,
    description: DESCRIPTION,
    tags: TAGS,
    webhooks: WEBHOOK_EVENTS,
    complete: (declared) => completeDocument(declared, answerExamples()),
    unreadableBody: failures('INVALID_PARAMETER', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
  })
  quoteRoutes(app, options)
  batchRoutes(app, { ...options, newId: options.newRequestId })
  rateRoutes(app, options)
  rateHistoryRoutes(app, options)
  comparePacksRoutes(app, options)
  streamRoutes(app, options)
  operationRoutes(app, options)
  configRoutes(app, options)
  sessionRoutes(app, options)
  brokerRoutes(app, options)
  stockRoutes(app, options)
  pricingModelRoutes(app, options)
  approvalRoutes(app, options)
  const { credentials, audit, retentionYears, listPricingModels } = options
  apiKeyRoutes(app, { credentials, keys: options.apiKeyChanges })
  webhookRoutes(app, options)
  const long = longAnswers(app)
  rateListRoutes(app, { credentials, desk: options.desk, long })
  recordRoutes(app, { credentials, records: audit.records, retentionYears })
  recordRangeRoutes(app, { credentials, walks: audit.walks, long })
  legalHoldRoutes(app, { credentials, holds: audit.holds })
  whatIfRoutes(app, { credentials, walks: audit.walks, listPricingModels, long })
  consoleRoutes(app, options.consoleFolder)
  return app
}
