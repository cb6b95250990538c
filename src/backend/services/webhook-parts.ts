// Webhooks as a gateway has them: who is told of what, and the work of telling. Null when nothing is set to keep their secrets with.
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type pg from 'pg'
import { keysIn, ownSecret, SECRET_BYTES_MIN } from '../access/token-keys.ts'
import { type WebhookWatch, webhookWatch } from '../gateway/webhook-watch.ts'
import type { RateNews } from '../quotes/rate-news.ts'
import { type CallContext, ownContext } from '../server/call-context.ts'
import type { ComponentCheck } from '../server/health.ts'
import { StartError } from '../server/run.ts'
import type { Tools } from '../server/service-process.ts'
import { webhookDelivery } from '../webhooks/delivery.ts'
import { type EventQueue, eventQueue } from '../webhooks/event-queue.ts'
import { webhookLettingGo } from '../webhooks/letting-go.ts'
import { webhooks } from '../webhooks/registrations.ts'
import { secretBox } from '../webhooks/secret-box.ts'
import { dnsResolver, targets } from '../webhooks/target.ts'
import { readWatchers, watchLease } from '../webhooks/watchers.ts'
import type { Webhooks } from '../webhooks/webhook.ts'

/** The secret of an engine that has its data to itself, in its data folder. */
const OWN_SECRET_FILE = 'webhook-secret'
const SAID_EVERY_MS = 60_000

export interface WebhookParts {
  readonly webhooks: Webhooks
  readonly events: EventQueue
  /** For invalidations, as they are heard. */
  readonly heard: WebhookWatch['heard']
  readonly component: ComponentCheck
  readonly stop: () => Promise<void>
}

export function webhookWork(
  tools: Tools,
  behind: {
    readonly database: pg.Pool
    /** Where an engine that has its data to itself keeps a secret of its own; null: the settings give one, or there are no webhooks. */
    readonly secretFolder: string | null
    readonly rateNews: RateNews
    readonly feedsHealth: (context: CallContext) => Promise<Readonly<Record<string, unknown>>>
  },
): WebhookParts | null {
  const { database, secretFolder } = behind
  const { configuration, log, metrics, clock, newId } = tools
  const { allowedNetworks, caFile } = configuration.webhooks
  const keys = keysOf(configuration.webhooks, secretFolder)
  if (keys.length === 0) return null
  const box = secretBox(keys)
  /** What is tried every second is said once a minute. */
  const quietly = (sentence: string) => {
    let saidAtMs = Number.NEGATIVE_INFINITY
    return (error: unknown) => {
      const nowMs = clock().getTime()
      if (nowMs - saidAtMs < SAID_EVERY_MS) return
      saidAtMs = nowMs
      log.warn({ err: error }, sentence)
    }
  }
  const where = targets({ allowedNetworks, resolveHost: dnsResolver() })

  const delivery = webhookDelivery({
    database,
    targets: where,
    box,
    authorities: caFile === null ? null : [...rootCertificates, readSetting('WEBHOOK_CA_FILE', caFile)],
    clock,
    newId,
    random: Math.random,
    onDead: ({ webhookId, deliveryId, error }) =>
      log.warn({ webhook_id: webhookId, delivery_id: deliveryId, reason: error }, 'a delivery was given up'),
    onFailure: quietly('webhooks could not be delivered, which is tried again'),
  })
  const events = eventQueue({
    database,
    clock,
    newId,
    onQueued: delivery.wake,
    onFailure: quietly('events could not be queued for webhooks, which is tried again'),
  })
  const watch = webhookWatch({
    news: behind.rateNews,
    feeds: behind.feedsHealth,
    clock,
    context: () => ownContext(newId()),
    lease: watchLease(database, clock, newId()),
    readWatchers: () => readWatchers(database),
    queue: events,
    onFailure: quietly('rates and feeds could not be watched for webhooks, which is tried again'),
  })
  const lettingGo = webhookLettingGo({
    database,
    clock,
    onDead: (deliveries) => log.warn({ deliveries }, 'deliveries that waited for too long were given up'),
    onFailure: quietly('old deliveries could not be removed yet'),
  })
  metrics.gauge('webhook_watching', '1 in the process that watches rates and feeds for webhooks', () =>
    Number(watch.stats().watching),
  )
  metrics.gauge('webhook_events_waiting', 'Events that are not in the queue yet', () => events.stats().waiting)
  metrics.counter('webhook_events_dropped_total', 'Events that did not fit', () => events.stats().dropped)
  metrics.counters(
    'webhook_deliveries_total',
    'Tries of deliveries, by how they ended; dead: the last one',
    'outcome',
    {
      delivered: () => delivery.stats().delivered,
      failed: () => delivery.stats().failed,
      dead: () => delivery.stats().dead,
    },
  )
  return {
    webhooks: webhooks({
      database,
      targets: where,
      box,
      clock,
      newId,
      onChange: () => {
        watch.refresh()
        delivery.wake()
      },
    }),
    events,
    heard: watch.heard,
    component: async () => ({ ...watch.stats(), ...delivery.stats(), waiting: events.stats().waiting }),
    stop: async () => {
      // What is queued last is delivered by whoever is there then.
      await Promise.all([watch.close().then(() => events.close()), lettingGo.close(), delivery.close()])
    },
  }
}

/** What secrets are encrypted under, the one that encrypts first; none: there is nothing. */
function keysOf(
  { secretKeys, keyFile }: Tools['configuration']['webhooks'],
  secretFolder: string | null,
): readonly string[] {
  if (keyFile === null) {
    return secretKeys.length > 0 || secretFolder === null ? secretKeys : [ownSecret(secretFolder, OWN_SECRET_FILE)]
  }
  const keys = keysIn(readSetting('WEBHOOK_KEY_FILE', keyFile))
  if (keys.length > 0 && keys.every((key) => Buffer.byteLength(key) >= SECRET_BYTES_MIN)) return keys
  throw new StartError(`WEBHOOK_KEY_FILE must hold secrets of ${SECRET_BYTES_MIN} bytes or more, one a line.`)
}

function readSetting(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new StartError(`${name} cannot be read.`, { cause })
  }
}
