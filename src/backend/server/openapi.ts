// The published contract: OpenAPI 3.1 at /openapi.json and a readable page at /docs, both made from the schemas that the
// routes declare. Those schemas are the very objects that `parseShape` checks with. The page loads nothing from elsewhere.
import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { writerOfOneValue } from './json-writer.ts'
import { FAILURES } from './problem.ts'

export interface OpenApiOptions {
  readonly title: string
  readonly version: string
  readonly description: string
  /** Groups of endpoints, in the order of the page. */
  readonly tags?: readonly { readonly name: string; readonly description: string }[]
  /** Says what the routes leave open: the document that is published, made of what they declare. */
  readonly complete?: (declared: object) => object
  /** Operations of clients that this side calls, by name, as OpenAPI has them. */
  readonly webhooks?: Readonly<Record<string, object>>
  /** Answers, by status, to a body that cannot be read: of every operation whose method may carry one, whether it is used or not. */
  readonly unreadableBody?: Readonly<Record<number, object>>
}

/** The page's own scripts and styles, and calls to this server when a reader tries an endpoint. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const NO_LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'

/** The schema of every error answer, for routes' `response: { 400: ERROR_SCHEMA }`. */
export const ERROR_SCHEMA = {
  title: 'Failure',
  type: 'object',
  description: 'An expected failure. docs/errors.md has the codes.',
  required: ['status', 'error', 'error_code'],
  properties: {
    status: { type: 'string', const: 'error' },
    error: { type: 'string', description: 'A sentence for a person.' },
    error_code: { type: 'string', enum: Object.keys(FAILURES) },
    details: { type: 'object', additionalProperties: true },
    validation_errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'location', 'message'],
        properties: {
          field: { type: 'string' },
          location: { type: 'string', enum: ['body', 'query', 'path', 'header'] },
          message: { type: 'string' },
        },
      },
    },
    valid_params: { type: 'array', items: { type: 'string' } },
  },
}

/** Security of a route that wants a credential: `schema: { security: API_KEY_SECURITY }`. */
export const API_KEY_SECURITY: { [scheme: string]: string[] }[] = [{ apiKey: [] }]

/** The cookie that renews a session's access token. */
export const REFRESH_COOKIE = 'borrow_rate_refresh'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes an API key and no access token. */
    readonly keyOnly?: boolean
  }
}

const METHODS_WITHOUT_BODY = new Set(['GET', 'HEAD'])

type Security = NonNullable<FastifySchema['security']>

/** Where an API key will do, so will an access token, unless the route says otherwise. */
function credentialsOf(security: Security, keyOnly: boolean): Security {
  const takesKey = security.some((way) => 'apiKey' in way)
  return takesKey && !keyOnly ? [...security, { accessToken: [] }] : security
}

/** Call before the routes are added: only what comes after is documented. */
export async function publishOpenApi(app: FastifyInstance, options: OpenApiOptions): Promise<void> {
  await app.register(swagger, {
    transform: ({ schema, url, route }) => {
      const { security, response } = schema ?? {}
      if (security === undefined) return { schema, url }
      const mayHaveBody = [route.method].flat().some((method) => !METHODS_WITHOUT_BODY.has(method))
      return {
        schema: {
          ...schema,
          security: credentialsOf(security, route.config?.keyOnly ?? false),
          response: { ...(mayHaveBody && options.unreadableBody), ...(response as object) },
        },
        url,
      }
    },
    transformObject: (declared) => {
      const document = 'openapiObject' in declared ? declared.openapiObject : declared.swaggerObject
      return (options.complete?.(document) ?? document) as typeof document
    },
    openapi: {
      openapi: '3.1.0',
      info: { title: options.title, version: options.version, description: options.description },
      tags: (options.tags ?? []).map((tag) => ({ ...tag })),
      ...(options.webhooks && { webhooks: { ...options.webhooks } }),
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The key of a broker or of staff.' },
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'The access token of a session, for 15 minutes.',
          },
          refreshCookie: {
            type: 'apiKey',
            in: 'cookie',
            name: REFRESH_COOKIE,
            description: 'The cookie of a session, which browsers send by themselves.',
          },
        },
      },
    },
  })
  // Half a megabyte of text that never changes: writing it takes longer than any price, and nobody needs a key to ask.
  const writeOnce = writerOfOneValue()
  await app.register(async (pages) => {
    pages.setReplySerializer(writeOnce)
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: PAGE_POLICY,
      uiConfig: {
        deepLinking: true,
        docExpansion: 'list',
        // What is tried shows its fields at once, filled with the examples.
        tryItOutEnabled: true,
        displayRequestDuration: true,
        filter: true,
        defaultModelsExpandDepth: 0,
        // A key is not left behind in the browser.
        persistAuthorization: false,
      },
      theme: {
        title: options.title,
        css: [{ filename: 'page.css', content: readBeside('reference-page.css') }],
        favicon: [
          {
            filename: 'icon.svg',
            rel: 'icon',
            sizes: 'any',
            type: 'image/svg+xml',
            content: readBeside('reference-page.svg'),
          },
        ],
      },
      logo: { type: 'image/svg+xml', content: NO_LOGO, href: '/docs', target: '_self' },
    })
  })
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    // The framework names a type only where it writes the JSON itself.
    reply
      .header('cache-control', 'public, max-age=300')
      .type('application/json; charset=utf-8')
      .serializer(writeOnce)
      .send(app.swagger()),
  )
}

/** A part of the page that lies in this folder. */
function readBeside(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}
