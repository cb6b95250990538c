// The records of the audit log, one by one: searched, read, priced again. For who keeps them.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { RecordReads } from '../../audit/http.ts'
import type { RecordSearch, RecordSummary } from '../../audit/search.ts'
import { type Decimal, decimal } from '../../pricing/decimal.ts'
import type { Rate, Usd } from '../../pricing/units.ts'
import { Problem } from '../../server/problem.ts'
import {
  clientIdField,
  decimalField,
  integerField,
  optional,
  parseShape,
  patternField,
  shape,
  tickerField,
  timeField,
  withDefault,
} from '../../server/shape.ts'
import { UUID_V7_PATTERN } from '../../server/uuidv7.ts'
import { forRoles } from '../documented-roles.ts'
import { contextOf, sendJsonText } from '../exchange.ts'
import { failures } from '../failures.ts'
import { DIFFERENCES, RECORD_FAILURES } from '../record-documentation.ts'

export const RECORD_PATH = shape({
  audit_id: patternField(UUID_V7_PATTERN, 'must be the audit_id of a quote', {
    description: 'As a quote names it.',
    example: '0193577d-1c00-7000-8000-000000000001',
  }),
})

const DAY_MS = 86_400_000
/** A search that names no beginning looks back this far. */
const SEARCH_DAYS_DEFAULT = 31
const PAGE_SIZE_DEFAULT = 50
const PAGE_SIZE_MAX = 100
/** Pages reach so far; behind them a cursor goes on. */
const RECORDS_IN_PAGES_MAX = 10_000

const positionValue = (description: string) =>
  optional(
    decimalField<Usd>({ description, unit: 'USD', minimum: '0', maximum: '1000000000', decimals: 2, example: 50000 }),
  )
const borrowRate = (description: string) =>
  optional(
    decimalField<Rate>({
      description,
      unit: 'fraction a year',
      minimum: '0',
      maximum: '1000000',
      decimals: 8,
      example: 0.19,
    }),
  )

const SEARCH_QUERY = shape({
  client_id: optional(clientIdField({ description: 'Records of this broker.' })),
  ticker: optional(tickerField({ description: 'Records of this stock.', example: 'GME' })),
  record_type: optional(
    patternField('^[a-z][a-z_]{0,49}$', 'must be the name of a kind of record, as quote', {
      description: 'Records of this kind: quote, or what else goes on the record.',
      example: 'quote',
    }),
  ),
  from: optional(
    timeField({
      description: `Records from this time or day on; left out, of the last ${SEARCH_DAYS_DEFAULT} days.`,
      example: '2026-11-16',
      day: 'start',
    }),
  ),
  to: optional(
    timeField({
      description: 'Records before this time, or to the end of this day; left out, to now.',
      example: '2026-11-20',
      day: 'end',
    }),
  ),
  min_position_value: positionValue('Charged values from this on.'),
  max_position_value: positionValue('Charged values up to this.'),
  min_borrow_rate: borrowRate('Borrow rates from this on.'),
  max_borrow_rate: borrowRate('Borrow rates up to this.'),
  page: withDefault(integerField({ description: 'Page, from 1.', minimum: 1, maximum: 10_000, example: 1 }), 1),
  page_size: withDefault(
    integerField({ description: 'Records of a page.', minimum: 1, maximum: PAGE_SIZE_MAX, example: PAGE_SIZE_DEFAULT }),
    PAGE_SIZE_DEFAULT,
  ),
  cursor: optional(
    patternField('^[A-Za-z0-9_-]{1,200}$', 'must be the next_cursor of an answer to the same search', {
      description: 'next_cursor of the page before: it goes on where pages end, with the same filters.',
      example: 'AZNXfRwAcACAAAAAAAAAAa7sZ3xEcQ9k',
    }),
  ),
})

const nullable = (schema: ReturnType<typeof Type.String>) => Type.Union([schema, Type.Null()])
const AMOUNT = Type.Union([Type.Number(), Type.Null()])
const TIME = Type.String({ format: 'date-time' })
const SEQUENCE = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
  description: 'Place in the chain; null until the record is sealed, seconds after it was kept.',
})

const PAGE_ANSWER = Type.Object({
  status: Type.Literal('success'),
  items: Type.Array(
    Type.Object({
      audit_id: Type.String(),
      record_type: Type.String(),
      schema_version: Type.Integer(),
      occurred_at: TIME,
      recorded_at: Type.String({ format: 'date-time', description: "By the database's clock." }),
      client_id: Type.String(),
      ticker: nullable(Type.String()),
      position_value: Type.Union([Type.Number(), Type.Null()], { description: 'The charged value, USD.' }),
      borrow_rate: Type.Union([Type.Number(), Type.Null()], { description: 'Fraction a year.' }),
      total_fee: AMOUNT,
      request_id: nullable(Type.String()),
      actor_id: Type.Union([Type.String(), Type.Null()], { description: 'Key id of the caller.' }),
      sequence: SEQUENCE,
    }),
  ),
  total: Type.Integer({ description: 'Of the whole search, counted to 10 000.' }),
  total_is_exact: Type.Boolean({ description: 'False: there are more.' }),
  page: Type.Integer(),
  page_size: Type.Integer(),
  pages: Type.Integer(),
  next_cursor: Type.Union([Type.String(), Type.Null()], { description: 'null: this was the last record.' }),
})

const RECORD_ANSWER = Type.Object({
  status: Type.Literal('success'),
  recorded_at: TIME,
  sequence: SEQUENCE,
  hash: Type.Union([Type.String(), Type.Null()], { description: 'SHA-256 in hex; null until sealed.' }),
  prev_hash: Type.Union([Type.String(), Type.Null()], { description: 'Of the record one place before.' }),
  sealed_at: Type.Union([TIME, Type.Null()]),
  retain_until: Type.String({ format: 'date-time', description: 'It is kept at least until then.' }),
  legal_hold: Type.Boolean({ description: 'True: it is kept beyond that, for as long as a hold covers it.' }),
  hold_ids: Type.Array(Type.String(), { description: 'The holds in force that cover it.' }),
  record: Type.Object({}, { additionalProperties: true, description: 'The record as it was kept.' }),
})

const REPLAY_ANSWER = Type.Object({
  status: Type.Literal('success'),
  audit_id: Type.String(),
  identical: Type.Boolean(),
  differences: DIFFERENCES,
  not_replayable: Type.Union(
    [
      Type.Object({
        reason: Type.Unsafe<string>({ type: 'string', enum: ['other_record', 'unknown_version', 'damaged'] }),
        sentence: Type.String(),
      }),
      Type.Null(),
    ],
    { description: 'Why there is no price to compare; null when there is.' },
  ),
})

export function recordRoutes(
  app: FastifyInstance,
  options: {
    readonly credentials: Credentials
    readonly records: RecordReads
    /** How many years a record is kept at least. */
    readonly retentionYears: number
  },
): void {
  const { credentials, records, retentionYears } = options
  const tags = ['audit']

  app.get(
    '/api/v1/audit',
    {
      onRequest: credentials.authenticated('search_records'),
      schema: {
        ...forRoles(
          'search_records',
          'The newest first, by columns; GET /audit/{audit_id} has the whole of one. Pages reach as far as the total is exact; next_cursor goes on from any page.',
        ),
        tags,
        operationId: 'searchRecords',
        summary: 'Search the records',
        querystring: SEARCH_QUERY,
        response: { 200: PAGE_ANSWER, ...failures(...RECORD_FAILURES) },
      },
    },
    async (request) => {
      const asked = parseShape(SEARCH_QUERY, request.query, 'query')
      const search: RecordSearch = {
        clientId: asked.client_id ?? null,
        ticker: asked.ticker ?? null,
        recordType: asked.record_type ?? null,
        from: asked.from ?? new Date((asked.to?.getTime() ?? Date.now()) - SEARCH_DAYS_DEFAULT * DAY_MS),
        to: asked.to ?? null,
        minPositionValue: textOf(asked.min_position_value),
        maxPositionValue: textOf(asked.max_position_value),
        minBorrowRate: textOf(asked.min_borrow_rate),
        maxBorrowRate: textOf(asked.max_borrow_rate),
        page: asked.page,
        pageSize: asked.page_size,
        cursor: asked.cursor ?? null,
      }
      const page = await records.search(search, contextOf(request))
      return {
        status: 'success',
        items: page.items.map(summaryAnswer),
        total: page.total,
        total_is_exact: page.totalIsExact,
        page: search.page,
        page_size: search.pageSize,
        pages: Math.min(Math.ceil(page.total / search.pageSize), Math.floor(RECORDS_IN_PAGES_MAX / search.pageSize)),
        next_cursor: page.nextCursor,
      }
    },
  )

  app.get(
    '/api/v1/audit/:audit_id',
    {
      onRequest: credentials.authenticated('read_record'),
      schema: {
        ...forRoles(
          'read_record',
          'Everything that was known when the price left: who asked, every input with its source, terms, model, waterfall, result. Amounts and rates are decimal text. Beside it, its place in the chain and how long it is kept.',
        ),
        tags,
        operationId: 'auditRecord',
        summary: 'A record by its id',
        params: RECORD_PATH,
        response: { 200: RECORD_ANSWER, ...failures(...RECORD_FAILURES, 'NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const { audit_id } = parseShape(RECORD_PATH, request.params, 'path')
      const kept = await records.read(audit_id, contextOf(request))
      if (kept === null) throw noRecord()
      const { row, seal, holdIds } = kept
      const about = JSON.stringify({
        status: 'success',
        recorded_at: row.recorded_at,
        sequence: seal?.sequence ?? null,
        hash: seal?.hash ?? null,
        prev_hash: seal?.prevHash ?? null,
        sealed_at: seal?.sealedAt ?? null,
        retain_until: yearsAfter(row.occurred_at, retentionYears),
        legal_hold: holdIds.length > 0,
        hold_ids: holdIds,
      })
      // The kept text is JSON already, and its bytes are what was recorded: it is passed on, not read and written again.
      return sendJsonText(reply, `${about.slice(0, -1)},"record":${row.record}}`)
    },
  )

  app.post(
    '/api/v1/audit/:audit_id/replay',
    {
      onRequest: credentials.authenticated('replay_records'),
      schema: {
        ...forRoles(
          'replay_records',
          'From its own inputs, terms and model: identical to the cent, or the difference line by line. Nothing is recorded.',
        ),
        tags,
        operationId: 'replayRecord',
        summary: 'Price a record again',
        params: RECORD_PATH,
        response: { 200: REPLAY_ANSWER, ...failures(...RECORD_FAILURES, 'NOT_FOUND') },
      },
    },
    async (request) => {
      const { audit_id } = parseShape(RECORD_PATH, request.params, 'path')
      const replayed = await records.replay(audit_id, contextOf(request))
      if (replayed === null) throw noRecord()
      const { identical, differences, notReplayable } = replayed
      return { status: 'success', audit_id, identical, differences, not_replayable: notReplayable }
    },
  )
}

function noRecord(): Problem {
  return new Problem('NOT_FOUND', 'There is no record of this id')
}

function textOf(amount: Decimal | undefined): string | null {
  return amount === undefined ? null : amount.toString()
}

function summaryAnswer(row: RecordSummary): object {
  const amount = (text: string | null) => (text === null ? null : decimal(text))
  return {
    ...row,
    position_value: amount(row.position_value),
    borrow_rate: amount(row.borrow_rate),
    total_fee: amount(row.total_fee),
  }
}

function yearsAfter(time: string, years: number): string {
  const end = new Date(time)
  end.setUTCFullYear(end.getUTCFullYear() + years)
  return end.toISOString()
}
