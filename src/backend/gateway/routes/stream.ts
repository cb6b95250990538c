// Rates as they move, to whoever listens, as server-sent events.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Principal } from '../../access/api-keys.ts'
import type { Credentials } from '../../access/credentials.ts'
import { countNoMore } from '../../server/overload.ts'
import { Problem } from '../../server/problem.ts'
import { whenGone } from '../../server/request-end.ts'
import { optional, parseShape, shape } from '../../server/shape.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import type { RateStream } from '../rate-stream.ts'
import { STREAM_EVENTS } from '../stream-text.ts'
import { tickerListField, tickersIn } from '../ticker-list.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** The data of each server-sent event, by its name. */
    'x-events'?: Readonly<Record<string, object>>
  }
}

export const STREAM_TICKERS_MAX = 500

const STREAM_QUERY = shape({
  tickers: optional(
    tickerListField(STREAM_TICKERS_MAX, `Names to listen to, ${STREAM_TICKERS_MAX} at most; left out, all.`),
  ),
})

const HEADERS = {
  type: 'object',
  properties: {
    'last-event-id': {
      type: 'string',
      description:
        'The id of the last event that you have: what came after it follows, each event once. Where that cannot be said, a `reset` does.',
      examples: ['Xk2fQ9aB.1042.standard-v1'],
    },
  },
} as const

const EXAMPLE = `retry: 2731
: open

event: reset
data: {"reason":"start","pricing_model":"standard-v1","load":null,"unknown":[]}

event: feed
data: {"feed":"lender","provider":"ibkr","state":"up","data":"fresh","breaker":null,"previous_state":null}

id: Xk2fQ9aB.1041.standard-v1
event: rate
data: {"ticker":"GME","current_rate":0.19,"previous_rate":null,"borrow_status":"HARD","lender_rate":0.16,"volatility_index":18.75,"event_risk_factor":0,"availability":{"shares":250000,"at_least":false},"rebate_rate":-0.1472,"degraded":[],"lender_as_of":"2026-11-24T15:30:00.000Z","last_updated":"2026-11-24T15:30:00.000Z","pricing_model":"standard-v1"}

id: Xk2fQ9aB.1042.standard-v1
event: rate
data: {"ticker":"GME","current_rate":0.2075,"previous_rate":0.19,"borrow_status":"HARD","lender_rate":0.17473684,"volatility_index":18.75,"event_risk_factor":0,"availability":{"shares":120000,"at_least":false},"rebate_rate":-0.1647,"degraded":[],"lender_as_of":"2026-11-24T15:35:00.000Z","last_updated":"2026-11-24T15:35:00.000Z","pricing_model":"standard-v1"}

`

const DESCRIPTION = [
  'Server-sent events: `rate` when a rate moved, under the pricing model of the broker of your credential; `feed` when a feed changed its state.',
  'A stream begins with `reset`: load what it names, once, and apply what follows. With `tickers` the rates of these names follow by themselves.',
  'Come back with Last-Event-ID and nothing is missed; where that is not possible there is another `reset`.',
  'A comment comes every 15 seconds. `end` is the last event: connect again unless it says otherwise. A reader that does not read is cut.',
  'It counts one request, and ends within seconds when its key or token is no longer good.',
].join(' ')

export function streamRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly rateStream: RateStream },
): void {
  const { credentials, rateStream } = options
  // Streams would keep the door from closing.
  app.addHook('preClose', async () => rateStream.drain())

  app.get(
    '/api/v1/rates/stream',
    {
      onRequest: credentials.authenticated('stream_rates'),
      exposeHeadRoute: false,
      config: { lasting: true },
      schema: {
        ...forRoles('stream_rates', DESCRIPTION),
        tags: ['rates'],
        operationId: 'rateStream',
        summary: 'Rates as they move',
        headers: HEADERS,
        querystring: STREAM_QUERY,
        'x-events': STREAM_EVENTS,
        response: {
          200: {
            description: 'Events, until one of the two sides ends it.',
            content: { 'text/event-stream': { schema: { type: 'string', examples: [EXAMPLE] } } },
          },
          ...failures(
            'INVALID_PARAMETER',
            'UNAUTHORIZED',
            'CLIENT_NOT_FOUND',
            'RATE_LIMIT_EXCEEDED',
            'INTERNAL_ERROR',
            'SERVICE_UNAVAILABLE',
          ),
        },
      },
    },
    async (request, reply) => {
      const { tickers } = parseShape(STREAM_QUERY, request.query, 'query')
      const { raw } = reply
      // Of an answer that waits behind another one on its connection the platform does not say that it is closed.
      whenGone(request, reply, () => {
        if (!raw.closed) raw.emit('close')
      })
      const begin = await place(request)
      countNoMore(request)
      reply.hijack()
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        // Proxies that gather answers before they pass them on would keep events back.
        'x-accel-buffering': 'no',
      })
      begin(raw)

      async function place(from: FastifyRequest) {
        const { clientId, keyId } = from.principal as Principal
        try {
          return await rateStream.enter(
            {
              clientId,
              keyId,
              // In order, so that the same names are the same text.
              tickers: tickers === undefined ? null : tickersIn(tickers).sort(),
              lastEventId: textOf(from.headers['last-event-id']),
              credential: credentials.watched(from),
            },
            contextOf(from),
          )
        } catch (error) {
          if (error instanceof Problem && error.code === 'RATE_LIMIT_EXCEEDED') await credentials.giveBack(from, reply)
          throw error
        }
      }
    },
  )
}

function textOf(header: string | string[] | undefined): string | null {
  return typeof header === 'string' && header !== '' ? header : null
}
