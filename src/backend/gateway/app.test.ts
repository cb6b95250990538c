// The public API as its routes are registered, with nothing behind them: what is there is documented, and who may ask is what the
// table of roles says.
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { beforeAll, expect, test } from 'vitest'
import type { Credentials } from '../access/credentials.ts'
import { OPERATIONS, type Operation, rolesOf } from '../access/roles.ts'
import { createHealth } from '../server/health.ts'
import { createLog } from '../server/log.ts'
import { createMetrics } from '../server/metrics.ts'
import { type GatewayOptions, gatewayApp } from './app.ts'

interface Registered {
  readonly method: string
  readonly url: string
  readonly route: RouteOptions
  /** What its door asks for; null: any role may. Undefined: there is no door, or one of the route's own. */
  readonly operation: Operation | null | undefined
}

/** What has no place in the document: health, metrics, the document itself and its page. */
const PLAIN = /^((\/api\/v1)?\/health(\/|$)|\/metrics$|\/openapi\.json$|\/docs(\/|$))/
/** Of sessions, which are asked for with credentials of their own kind. */
const OWN_DOOR = ['POST /api/v1/session', 'POST /api/v1/session/refresh', 'DELETE /api/v1/session']

const routes: Registered[] = []
let documented: Record<string, Record<string, { 'x-roles'?: readonly string[] }>>

beforeAll(async () => {
  const doors = new Map<unknown, Operation | null>()
  const credentials: Pick<Credentials, 'authenticated'> = {
    authenticated: (operation) => {
      const door = async () => {}
      doors.set(door, operation)
      return door
    },
  }
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (route) => {
      const door = [route.onRequest].flat().find((hook) => doors.has(hook))
      for (const method of [route.method].flat()) {
        routes.push({ method, url: route.url, route, operation: door === undefined ? undefined : doors.get(door) })
      }
    })
  }
  subscribe('fastify.initialization', watch)
  try {
    const app = await gatewayApp({
      log: createLog({ service: 'test', level: 'fatal' }),
      metrics: createMetrics({ service: 'test', processMetrics: false }),
      health: createHealth({ service: 'test', version: '1' }),
      newRequestId: () => 'request-1',
      engineVersion: '1',
      consoleFolder: null,
      credentials,
      audit: {},
      sessions: null,
      webhooks: null,
      rateStream: { drain: () => {} },
    } as Partial<GatewayOptions> as GatewayOptions)
    await app.ready()
    documented = app.swagger().paths as typeof documented
    await app.close()
  } finally {
    unsubscribe('fastify.initialization', watch)
  }
})

const documentedAs = ({ method, url }: Registered) =>
  documented[url.replaceAll(/:([a-z_]+)/g, '{$1}')]?.[method === 'HEAD' ? 'get' : method.toLowerCase()]

test('every route is in the document, but for health, metrics and the document itself', () => {
  expect(routes.length).toBeGreaterThan(50)
  const unknown = routes.filter((route) => !PLAIN.test(route.url) && documentedAs(route) === undefined)
  expect(unknown.map(({ method, url }) => `${method} ${url}`)).toEqual([])
})

test('every documented operation has a door, and the door asks for the roles that are documented', () => {
  const faults = routes
    .filter((route) => documentedAs(route) !== undefined && !OWN_DOOR.includes(`${route.method} ${route.url}`))
    .filter(({ operation, ...route }) => {
      const roles = documentedAs(route as Registered)?.['x-roles']
      return operation == null || roles?.join() !== rolesOf(operation).join()
    })
  expect(faults.map(({ method, url }) => `${method} ${url}`)).toEqual([])
})

test('every row of the table of roles is what some route asks for', () => {
  const asked = new Set(routes.map(({ operation }) => operation))
  expect(OPERATIONS.filter((operation) => !asked.has(operation))).toEqual([])
})
