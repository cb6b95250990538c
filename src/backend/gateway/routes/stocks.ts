// What the desk keeps about stocks apart from the market: tier, floor, the lender's id.
import type { FastifyInstance } from 'fastify'
import { type TSchema, Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { Rate } from '../../pricing/units.ts'
import type { Administration } from '../../reference-data/http.ts'
import type { BorrowStatus, Stock } from '../../reference-data/stocks.ts'
import { Problem } from '../../server/problem.ts'
import {
  booleanField,
  decimalField,
  enumField,
  nullable,
  optional,
  parseShape,
  shape,
  textField,
  tickerField,
  withDefault,
} from '../../server/shape.ts'
import { actorOf } from '../actor.ts'
import { CONDITIONAL_HEADERS, etagOfVersion, expectedOf } from '../conditional.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf } from '../exchange.ts'
import { failures } from '../failures.ts'
import { refuseKeysIn } from '../kept-text.ts'
import { listAnswer, PAGE_FIELDS, PAGINATION } from '../lists.ts'

const STOCK_PATH = shape({ ticker: tickerField() })
const LIST_QUERY = shape(PAGE_FIELDS)
const NAME_LENGTH_MAX = 200

const STOCK_BODY = shape(
  {
    name: optional(
      nullable(
        textField({ description: 'For people.', example: 'GAMESTOP CORP', minLength: 1, maxLength: NAME_LENGTH_MAX }),
      ),
    ),
    borrow_status: nullable(
      enumField<BorrowStatus>(['EASY', 'MEDIUM', 'HARD'], {
        description: "The desk's tier, for when neither the lender's status nor its rate says; null: none.",
        example: 'HARD',
      }),
    ),
    floor_rate: nullable(
      decimalField<Rate>({
        description: 'No borrow rate of the stock lies below it; null: the default floor.',
        unit: 'fraction a year',
        minimum: '0',
        maximum: '100',
        decimals: 8,
        example: 0.03,
      }),
    ),
    lender_id: optional(
      nullable(
        textField({
          description: "The lender's own identifier.",
          example: '36285627',
          minLength: 1,
          maxLength: NAME_LENGTH_MAX,
        }),
      ),
    ),
    active: withDefault(booleanField({ description: 'false: it is not priced.', example: true }), true),
  },
  {
    description: 'What the desk keeps about the stock, whole: what is left out is none.',
    examples: [{ borrow_status: 'HARD', floor_rate: 0.03 }],
  },
)

const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])

const STOCK = {
  ticker: Type.String(),
  name: orNull(Type.String()),
  borrow_status: orNull(Type.String()),
  floor_rate: orNull(Type.Number({ description: 'A fraction a year.' })),
  lender_id: orNull(Type.String()),
  active: Type.Boolean(),
  version: Type.Integer({ description: 'Counts up with every change; the ETag.' }),
}
const ONE_STOCK = Type.Object(
  { status: Type.Literal('success'), ...STOCK },
  { title: 'Stock', description: 'What the desk keeps about a stock.' },
)

const FAILURES = [
  'INVALID_PARAMETER',
  'UNAUTHORIZED',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
] as const

export function stockRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly administration: Administration },
): void {
  const { credentials, administration } = options
  const tags = ['configuration']

  app.get(
    '/api/v1/stocks',
    {
      onRequest: credentials.authenticated('read_stocks'),
      schema: {
        ...forRoles('read_stocks', 'By ticker. Names that only a feed knows are not among them.'),
        tags,
        operationId: 'stocks',
        summary: 'Stocks the desk keeps something about',
        querystring: LIST_QUERY,
        response: {
          200: Type.Object({
            status: Type.Literal('success'),
            items: Type.Array(Type.Object(STOCK)),
            pagination: PAGINATION,
          }),
          ...failures(...FAILURES),
        },
      },
    },
    async (request) => {
      const page = parseShape(LIST_QUERY, request.query, 'query')
      return listAnswer(await administration.stocks(page, contextOf(request)), page, stockAnswer)
    },
  )

  app.get(
    '/api/v1/stocks/:ticker',
    {
      onRequest: credentials.authenticated('read_stocks'),
      schema: {
        ...forRoles('read_stocks', 'Its tier, its floor and the id of its lender.'),
        tags,
        operationId: 'stock',
        summary: 'What the desk keeps about a stock',
        params: STOCK_PATH,
        response: { 200: ONE_STOCK, ...failures(...FAILURES, 'TICKER_NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { ticker } = parseShape(STOCK_PATH, request.params, 'path')
      const stock = await administration.stock(ticker, contextOf(request))
      if (stock === null) throw new Problem('TICKER_NOT_FOUND', `Ticker not found: ${ticker}`)
      etagOfVersion(reply, stock.version)
      return { status: 'success', ...stockAnswer(stock) }
    },
  )

  app.put(
    '/api/v1/stocks/:ticker',
    {
      onRequest: credentials.authenticated('change_stock'),
      schema: {
        ...forRoles(
          'change_stock',
          'Makes a stock, or takes the place of all that was said of it. It holds within a second everywhere, and is on the record with who, when, old and new.',
        ),
        tags,
        operationId: 'putStock',
        summary: 'Make or change a stock',
        headers: CONDITIONAL_HEADERS,
        params: STOCK_PATH,
        body: STOCK_BODY,
        response: {
          200: ONE_STOCK,
          201: ONE_STOCK,
          ...failures(
            ...FAILURES,
            'FORBIDDEN',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'CONFLICT',
            'PRECONDITION_FAILED',
            'PRECONDITION_REQUIRED',
          ),
        },
      },
    },
    async (request, reply) => {
      const { ticker } = parseShape(STOCK_PATH, request.params, 'path')
      const expected = expectedOf(request)
      const given = parseShape(STOCK_BODY, request.body, 'body')
      refuseKeysIn({ name: given.name, lender_id: given.lender_id })
      const fields = {
        name: given.name ?? null,
        borrowStatus: given.borrow_status,
        floorRate: given.floor_rate,
        lenderId: given.lender_id ?? null,
        active: given.active,
      }
      const ask = { ticker, fields, expected, actor: actorOf(request) }
      const change = await administration.putStock(ask, contextOf(request))
      etagOfVersion(reply, change.stock.version)
      return reply.code(change.kind === 'created' ? 201 : 200).send({ status: 'success', ...stockAnswer(change.stock) })
    },
  )
}

function stockAnswer(stock: Stock): object {
  return {
    ticker: stock.ticker,
    name: stock.name,
    borrow_status: stock.borrowStatus,
    floor_rate: stock.floorRate,
    lender_id: stock.lenderId,
    active: stock.active,
    version: stock.version,
  }
}
