// Ranges of the audit log: the chain checked, quotes priced again, records sent for locked storage or the back office. Such work may
// take hours; it tells its steps as lines, or gives one answer at its end.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Credentials } from '../../access/credentials.ts'
import type { RecordWalks } from '../../audit/http.ts'
import type { ReplayRangeAsk, ReplayStep } from '../../audit/replay-range.ts'
import { verifyAnswer } from '../../audit/verify-answer.ts'
import { NDJSON } from '../../server/internal-wire.ts'
import { invalidParameters } from '../../server/problem.ts'
import {
  clientIdField,
  enumField,
  type Location,
  nullable,
  optional,
  parseShape,
  shape,
  tickerField,
  timeField,
  withDefault,
} from '../../server/shape.ts'
import { forRoles } from '../documented-roles.ts'
import { failures } from '../failures.ts'
import { DIFFERENCES, LINE_ERROR, LINES_TOO, RECORD_FAILURES } from '../record-documentation.ts'
import { type LongAnswers, lastOf, type Work, wantsLines } from '../streams.ts'

const from = timeField({
  description: 'Records from this time or day on.',
  example: '2026-11-16',
  day: 'start',
})
const to = timeField({
  description: 'Records before this time, or to the end of this day; left out, to now.',
  example: '2026-11-20',
  day: 'end',
})

const VERIFY_QUERY = shape({
  from: optional(
    timeField({
      description: 'Records from this time or day on; left out, from the first.',
      example: '2026-11-16',
      day: 'start',
    }),
  ),
  to: optional(
    timeField({
      description: 'Records before this time, or to the end of this day; left out, to the last.',
      example: '2026-11-20',
      day: 'end',
    }),
  ),
})

const EXPORT_QUERY = shape({
  from,
  to: optional(to),
  format: withDefault(
    enumField(['ndjson', 'csv'], {
      description:
        'ndjson: the records with the chain that proves them, for locked storage. csv: a line for each quote, for the back office.',
      example: 'ndjson',
    }),
    'ndjson',
  ),
})

const REPLAY_BODY = shape(
  {
    from,
    to: optional(nullable(to)),
    client_id: optional(nullable(clientIdField({ description: 'Quotes of this broker alone.' }))),
    ticker: optional(nullable(tickerField({ description: 'Quotes of this stock alone.', example: 'GME' }))),
  },
  { description: 'The quotes to price again.', examples: [{ from: '2026-11-16', to: '2026-11-16' }] },
)

const HEAD = Type.Object({
  sequence: Type.Integer({ description: 'Of the last record under it.' }),
  hash: Type.String(),
  signed_at: Type.String({ format: 'date-time' }),
  key_id: Type.String({ description: 'Of the key that signed it.' }),
})

const REASONS = ['altered', 'missing', 'reordered', 'forged_head', 'cut_off'] as const

const VERIFY_RESULT = {
  status: Type.Literal('success'),
  valid: Type.Boolean(),
  checked: Type.Integer({ description: 'Records that were looked at.' }),
  unsealed: Type.Integer({ description: 'Records that are not in the chain yet: those of the last seconds.' }),
  first_bad: Type.Union([
    Type.Object({
      audit_id: Type.Union([Type.String(), Type.Null()]),
      sequence: Type.Union([Type.Integer(), Type.Null()], { description: 'Place in the chain.' }),
      reason: Type.Unsafe<(typeof REASONS)[number]>({ type: 'string', enum: REASONS }),
      sentence: Type.String({ description: 'What is wrong, for a person.' }),
    }),
    Type.Null(),
  ]),
  head: Type.Union([HEAD, Type.Null()], { description: 'The newest signed head that was reached.' }),
}

const PROGRESS = Type.Object({
  type: Type.Literal('progress'),
  checked: Type.Integer(),
  of: Type.Union([Type.Integer(), Type.Null()], { description: 'In all; null while nobody knows.' }),
})

const NAMED = {
  audit_id: Type.String(),
  differences: DIFFERENCES,
}
const NOT_REPLAYABLE = {
  audit_id: Type.String(),
  reason: Type.Unsafe<string>({ type: 'string', enum: ['unknown_version', 'damaged'] }),
  sentence: Type.String(),
}

const REPLAY_COUNTS = {
  status: Type.Literal('success'),
  replayed: Type.Integer({ description: 'Quotes that were priced again: identical and different ones.' }),
  identical: Type.Integer(),
  different: Type.Integer(),
  not_replayable: Type.Integer({ description: 'Quotes whose record could not be priced again.' }),
  other_records: Type.Integer({ description: 'Records that hold no price.' }),
  unnamed: Type.Integer({
    description: 'Of the different and not replayable ones: counted, and too many to be named.',
  }),
}

const SIGNED_HEAD = { ...HEAD.properties, first_sequence: Type.Integer(), signature: Type.String() }
const MOMENT_OR_NULL = Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
const LINK = {
  type: Type.Literal('record'),
  sequence: Type.Integer({ description: 'Place in the chain.' }),
  prev_hash: Type.String({ description: 'Of the record one place before.' }),
  hash: Type.String({ description: 'SHA-256 in hex.' }),
  sealed_at: Type.String({ format: 'date-time' }),
}

/** The lines of an export, in their order. docs/audit.md shows one. */
const EXPORT_LINES = [
  Type.Object({
    type: Type.Literal('header'),
    format: Type.String(),
    version: Type.Integer(),
    from: MOMENT_OR_NULL,
    to: MOMENT_OR_NULL,
    exported_at: Type.String({ format: 'date-time' }),
    anchor: Type.Union([Type.Object(SIGNED_HEAD), Type.Null()], {
      description: 'The signed head that the first record follows; null: it is the first of all.',
    }),
  }),
  Type.Object({
    ...LINK,
    row: Type.Object({}, { additionalProperties: true, description: 'The record as it was kept, with its columns.' }),
  }),
  Type.Object({ ...LINK, gone: Type.String({ description: 'The audit_id of a record that is kept no more.' }) }),
  Type.Object({ type: Type.Literal('head'), ...SIGNED_HEAD }),
  Type.Object({
    type: Type.Literal('trailer'),
    records: Type.Integer(),
    unsealed: Type.Integer({ description: 'Records of the range that had no place in the chain yet.' }),
    sha256: Type.String({ description: 'Of every line before this one.' }),
  }),
]

/** An answer as one JSON text, or as lines. */
const either = (description: string, whole: object, lines: readonly object[]) => ({
  description,
  content: {
    'application/json': { schema: whole },
    [NDJSON]: { schema: { anyOf: [...lines, LINE_ERROR] } },
  },
})

export function recordRangeRoutes(
  app: FastifyInstance,
  options: { readonly credentials: Credentials; readonly walks: RecordWalks; readonly long: LongAnswers },
): void {
  const { credentials, walks, long } = options
  const tags = ['audit']

  app.get(
    '/api/v1/audit/verify',
    {
      onRequest: credentials.authenticated('verify_records'),
      compress: false,
      schema: {
        ...forRoles(
          'verify_records',
          `Checks that no record was altered, taken out, put in or moved, and that every head was signed by a trusted key. The first bad record is named with what is wrong. ${LINES_TOO}`,
        ),
        tags,
        operationId: 'verifyRecords',
        summary: 'Check the chain of the records',
        querystring: VERIFY_QUERY,
        response: {
          200: either('What was found.', Type.Object(VERIFY_RESULT), [
            PROGRESS,
            Type.Object({ type: Type.Literal('result'), ...VERIFY_RESULT }),
          ]),
          ...failures(...RECORD_FAILURES),
        },
      },
    },
    (request, reply) => {
      const asked = parseShape(VERIFY_QUERY, request.query, 'query')
      const range = { from: asked.from ?? null, to: asked.to ?? null }
      if (range.from !== null && range.to !== null) requireOrder(range.from, range.to, 'query')
      const steps = ({ context, signal }: Work) => walks.verify(range, context, signal)
      if (wantsLines(request)) return long.lines(request, reply, steps, verifyAnswer)
      return long.whole(request, reply, async (work) => {
        const { type: _, ...result } = verifyAnswer(await lastOf(steps(work)))
        return result
      })
    },
  )

  app.get(
    '/api/v1/audit/export',
    {
      onRequest: credentials.authenticated('export_records'),
      schema: {
        ...forRoles(
          'export_records',
          'The records of a range as a file. NDJSON: a header, the records with their places and hashes, the signed heads, and a trailer without which the file is not whole; `borrow-rate-engine verify --file` checks it with the public key alone. The range is widened to whole batches of the chain. CSV: the quotes alone. A failure on the way breaks the connection before the end.',
        ),
        tags,
        operationId: 'exportRecords',
        summary: 'Records of a range as a file',
        querystring: EXPORT_QUERY,
        response: {
          200: {
            description: 'The file.',
            content: {
              [NDJSON]: { schema: { anyOf: EXPORT_LINES } },
              'text/csv': { schema: { type: 'string' } },
            },
          },
          ...failures(...RECORD_FAILURES),
        },
      },
    },
    (request, reply) => {
      const asked = parseShape(EXPORT_QUERY, request.query, 'query')
      const range = { from: asked.from, to: asked.to ?? new Date() }
      requireOrder(range.from, range.to, 'query')
      const isCsv = asked.format === 'csv'
      const walk = isCsv ? walks.exportCsv : walks.exportChain
      const headers = {
        'content-type': isCsv ? 'text/csv; charset=utf-8' : NDJSON,
        'content-disposition': `attachment; filename="${fileName(range, asked.format)}"`,
        'cache-control': 'no-store',
      }
      return long.text(request, reply, headers, ({ context, signal }) => walk(range, context, signal))
    },
  )

  app.post(
    '/api/v1/audit/replay',
    {
      onRequest: credentials.authenticated('replay_records'),
      compress: false,
      schema: {
        ...forRoles(
          'replay_records',
          `Prices every quote of a range again from its own inputs, terms and model, and names those that come out otherwise. Nothing is recorded. ${LINES_TOO}`,
        ),
        tags,
        operationId: 'replayRecords',
        summary: 'Price the quotes of a range again',
        body: REPLAY_BODY,
        response: {
          200: either(
            'What was found.',
            Type.Object({
              ...REPLAY_COUNTS,
              differences: Type.Array(Type.Object(NAMED)),
              damaged: Type.Array(Type.Object(NOT_REPLAYABLE), { description: 'Those that are not replayable.' }),
            }),
            [
              PROGRESS,
              Type.Object({ type: Type.Literal('difference'), ...NAMED }),
              Type.Object({ type: Type.Literal('not_replayable'), ...NOT_REPLAYABLE }),
              Type.Object({ type: Type.Literal('result'), ...REPLAY_COUNTS }),
            ],
          ),
          ...failures(...RECORD_FAILURES, 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    (request, reply) => {
      const asked = parseShape(REPLAY_BODY, request.body, 'body')
      const ask: ReplayRangeAsk = {
        from: asked.from,
        to: asked.to ?? new Date(),
        clientId: asked.client_id ?? null,
        ticker: asked.ticker ?? null,
      }
      requireOrder(ask.from, ask.to, 'body')
      const steps = ({ context, signal }: Work) => walks.replay(ask, context, signal)
      if (wantsLines(request)) return long.lines(request, reply, steps, replayLine)
      return long.whole(request, reply, (work) => replayAnswer(steps(work)))
    },
  )
}

function requireOrder(from: Date, to: Date, location: Location): void {
  if (from < to) return
  throw invalidParameters([{ field: 'to', location, message: 'to must be later than from' }], ['from', 'to'])
}

/** `audit-20261116T000000Z-20261121T000000Z.ndjson` */
function fileName(range: { from: Date; to: Date }, format: string): string {
  const compact = (time: Date) => time.toISOString().replace(/[-:]|\.[0-9]+/g, '')
  return `audit-${compact(range.from)}-${compact(range.to)}.${format}`
}

function replayLine(step: ReplayStep): Record<string, unknown> {
  switch (step.kind) {
    case 'progress':
      return { type: 'progress', checked: step.records, of: null, at: step.at }
    case 'difference':
      return { type: 'difference', audit_id: step.auditId, differences: step.differences }
    case 'not_replayable':
      return { type: 'not_replayable', audit_id: step.auditId, reason: step.reason, sentence: step.sentence }
    case 'result':
      return {
        type: 'result',
        status: 'success',
        replayed: step.replayed,
        identical: step.identical,
        different: step.different,
        not_replayable: step.notReplayable,
        other_records: step.otherRecords,
        unnamed: step.unnamed,
      }
  }
}

/** One answer of all steps. What is named has a bound of its own. */
async function replayAnswer(steps: AsyncIterable<ReplayStep>): Promise<object> {
  const differences: object[] = []
  const damaged: object[] = []
  let counts = {}
  for await (const step of steps) {
    if (step.kind === 'progress') continue
    const { type, ...line } = replayLine(step)
    if (type === 'difference') differences.push(line)
    else if (type === 'not_replayable') damaged.push(line)
    else counts = line
  }
  return { ...counts, differences, damaged }
}
