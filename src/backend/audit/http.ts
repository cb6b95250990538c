// Records over the wire: the audit service's side and the gateway's, from the same codecs. What is asked of one record, of a page or
// of the holds is a call; what walks through a range is a stream.
import type { Usd } from '../pricing/units.ts'
import { MODEL, TERMS_FIELDS } from '../reference-data/broker-codec.ts'
import type { CallContext } from '../server/call-context.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve, serveStream } from '../server/internal-server.ts'
import {
  type LineText,
  lineOf,
  type Operation,
  type StreamOperation,
  type TextStream,
} from '../server/internal-wire.ts'
import {
  type Codec,
  decimalOf,
  flag,
  instant,
  integer,
  list,
  nullable,
  oneOf,
  partial,
  structure,
  text,
  variants,
} from '../server/wire-codec.ts'
import { ACTOR } from './actor-codec.ts'
import type { HoldList, HoldRequest, LegalHold } from './legal-holds.ts'
import type { Actor } from './quote-record.ts'
import type { KeptRecord, StoredAuditRow } from './read-record.ts'
import type { Difference, Replay } from './replay.ts'
import type { ReplayRangeAsk, ReplayStep } from './replay-range.ts'
import type { RecordPage, RecordSearch } from './search.ts'
import type { VerifyStep } from './verify.ts'
import type { Revenue, WhatIfStep } from './what-if.ts'
import type { WhatIfAsk } from './what-if-ask.ts'

/** What is asked of one record, or of a page of them. */
export interface RecordReads {
  /** null: there is none of this id. */
  read(auditId: string, context: CallContext): Promise<KeptRecord | null>
  search(search: RecordSearch, context: CallContext): Promise<RecordPage>
  /** null: there is none of this id. */
  replay(auditId: string, context: CallContext): Promise<Replay | null>
}

export interface LegalHolds {
  list(ask: HoldList, context: CallContext): Promise<{ readonly items: readonly LegalHold[]; readonly total: number }>
  place(ask: { readonly request: HoldRequest; readonly actor: Actor }, context: CallContext): Promise<LegalHold>
  release(
    ask: { readonly holdId: string; readonly reason: string; readonly actor: Actor },
    context: CallContext,
  ): Promise<LegalHold>
}

/** Work that tells its steps, for as long as somebody waits for them. */
export type Steps<Ask, Step> = (ask: Ask, context: CallContext, signal: AbortSignal) => AsyncIterable<Step>

/** A range of the chain; null is open. */
export interface ChainRange {
  readonly from: Date | null
  readonly to: Date | null
}

export interface RecordRange {
  readonly from: Date
  /** The first moment that is not asked for. */
  readonly to: Date
}

/** What walks through a range of records. */
export interface RecordWalks {
  readonly verify: Steps<ChainRange, VerifyStep>
  readonly replay: Steps<ReplayRangeAsk, ReplayStep>
  /** NDJSON with the chain that proves it. */
  readonly exportChain: TextStream<RecordRange>
  /** The quotes, for a back office. */
  readonly exportCsv: TextStream<RecordRange>
  readonly whatIf: Steps<WhatIfAsk, WhatIfStep>
}

/** What the gateway asks of the audit service: its own functions, or wires to them. */
export interface AuditFunctions {
  readonly records: RecordReads
  readonly holds: LegalHolds
  readonly walks: RecordWalks
}

const nullableText = nullable(text())

/** The columns of a record, without the record itself. */
const COLUMNS = {
  audit_id: text(),
  record_type: text(),
  schema_version: integer,
  occurred_at: text(),
  recorded_at: text(),
  client_id: text(),
  ticker: nullableText,
  position_value: nullableText,
  borrow_rate: nullableText,
  total_fee: nullableText,
  request_id: nullableText,
  actor_id: nullableText,
}

const ROW: Codec<StoredAuditRow> = structure({ ...COLUMNS, record: text() })

const KEPT: Codec<KeptRecord> = structure({
  row: ROW,
  seal: nullable(structure({ sequence: integer, prevHash: text(), hash: text(), sealedAt: text() })),
  holdIds: list(text()),
  held: flag,
})

const READ: Operation<string, KeptRecord | null> = {
  name: 'audit-record',
  ask: lineOf(text(), 'audit_id'),
  answer: lineOf(nullable(KEPT), 'record'),
  repeatable: true,
}

const SEARCH: Operation<RecordSearch, RecordPage> = {
  name: 'audit-search',
  ask: lineOf(
    structure({
      clientId: nullableText,
      ticker: nullableText,
      recordType: nullableText,
      from: instant,
      to: nullable(instant),
      minPositionValue: nullableText,
      maxPositionValue: nullableText,
      minBorrowRate: nullableText,
      maxBorrowRate: nullableText,
      page: integer,
      pageSize: integer,
      cursor: nullableText,
    }),
    'search',
  ),
  answer: lineOf(
    structure({
      items: list(structure({ ...COLUMNS, sequence: nullable(integer) })),
      total: integer,
      totalIsExact: flag,
      nextCursor: nullableText,
    }),
    'page',
  ),
  repeatable: true,
}

const DIFFERENCES: Codec<readonly Difference[]> = list(
  structure({ field: text(), recorded: nullableText, replayed: nullableText }),
)

const REPLAY: Operation<string, Replay | null> = {
  name: 'audit-replay',
  ask: lineOf(text(), 'audit_id'),
  answer: lineOf(
    nullable(
      structure({
        identical: flag,
        differences: DIFFERENCES,
        notReplayable: nullable(
          structure({ reason: oneOf('other_record', 'unknown_version', 'damaged'), sentence: text() }),
        ),
      }),
    ),
    'replay',
  ),
  repeatable: true,
}

const HOLD: Codec<LegalHold> = structure({
  holdId: text(),
  clientId: nullableText,
  ticker: nullableText,
  from: nullable(instant),
  to: nullable(instant),
  reason: text(),
  placedBy: text(),
  placedAt: instant,
  release: nullable(structure({ reason: text(), releasedBy: text(), releasedAt: instant })),
})

type Asked<F extends (ask: never, context: CallContext) => Promise<unknown>> = Parameters<F>[0]
type Answered<F extends (ask: never, context: CallContext) => Promise<unknown>> = Awaited<ReturnType<F>>

const LIST_HOLDS: Operation<HoldList, Answered<LegalHolds['list']>> = {
  name: 'audit-holds',
  ask: lineOf(structure({ inForce: nullable(flag), skip: integer, limit: integer }), 'list'),
  answer: lineOf(structure({ items: list(HOLD), total: integer }), 'holds'),
  repeatable: true,
}

const PLACE_HOLD: Operation<Asked<LegalHolds['place']>, LegalHold> = {
  name: 'audit-place-hold',
  ask: lineOf(
    structure({
      request: structure({
        clientId: nullableText,
        ticker: nullableText,
        from: nullable(instant),
        to: nullable(instant),
        reason: text(),
      }),
      actor: ACTOR,
    }),
    'hold',
  ),
  answer: lineOf(HOLD, 'hold'),
  repeatable: false,
}

const RELEASE_HOLD: Operation<Asked<LegalHolds['release']>, LegalHold> = {
  name: 'audit-release-hold',
  ask: lineOf(structure({ holdId: text(), reason: text(), actor: ACTOR }), 'release'),
  answer: lineOf(HOLD, 'hold'),
  repeatable: false,
}

const RANGE: Codec<RecordRange> = structure({ from: instant, to: instant })

const VERIFY: StreamOperation<ChainRange> = {
  name: 'audit-verify',
  ask: lineOf(structure({ from: nullable(instant), to: nullable(instant) }), 'range'),
}
const VERIFY_STEP = lineOf<VerifyStep>(
  variants({
    progress: structure({ checked: integer, of: nullable(integer) }),
    result: structure({
      valid: flag,
      checked: integer,
      unsealed: integer,
      firstBad: nullable(
        structure({
          auditId: nullableText,
          sequence: nullable(integer),
          reason: oneOf('altered', 'missing', 'reordered', 'forged_head', 'cut_off'),
          sentence: text(),
        }),
      ),
      head: nullable(structure({ sequence: integer, hash: text(), signedAt: text(), keyId: text() })),
    }),
  }),
  'step',
)

const REPLAY_RANGE: StreamOperation<ReplayRangeAsk> = {
  name: 'audit-replay-range',
  ask: lineOf(structure({ from: instant, to: instant, clientId: nullableText, ticker: nullableText }), 'range'),
}
const REPLAY_STEP = lineOf<ReplayStep>(
  variants({
    progress: structure({ records: integer, at: text() }),
    difference: structure({ auditId: text(), differences: DIFFERENCES }),
    not_replayable: structure({
      auditId: text(),
      reason: oneOf('unknown_version', 'damaged'),
      sentence: text(),
    }),
    result: structure({
      replayed: integer,
      identical: integer,
      different: integer,
      notReplayable: integer,
      otherRecords: integer,
      unnamed: integer,
      elapsedMs: integer,
      recordsPerSecond: integer,
    }),
  }),
  'step',
)

const EXPORT_CHAIN: StreamOperation<RecordRange> = { name: 'audit-export', ask: lineOf(RANGE, 'range') }
const EXPORT_CSV: StreamOperation<RecordRange> = { name: 'audit-export-csv', ask: lineOf(RANGE, 'range') }

const WHAT_IF: StreamOperation<WhatIfAsk> = {
  name: 'what-if',
  ask: lineOf(
    structure({
      from: instant,
      to: instant,
      clientId: nullableText,
      model: nullable(MODEL),
      terms: nullable(partial(TERMS_FIELDS)),
      clientsMax: integer,
    }),
    'what-if',
  ),
}

const REVENUE: Codec<Revenue> = structure({
  totalFees: decimalOf<Usd>(),
  borrowCost: decimalOf<Usd>(),
  markup: decimalOf<Usd>(),
  transactionFees: decimalOf<Usd>(),
  margin: decimalOf<Usd>(),
})
const EFFECT = { quotes: integer, changed: integer, before: REVENUE, after: REVENUE, delta: REVENUE }

const WHAT_IF_STEP = lineOf<WhatIfStep>(
  variants({
    progress: structure({ quotes: integer, at: text() }),
    result: structure({
      ...EFFECT,
      note: text(),
      quotesFound: integer,
      notPriced: list(
        structure({
          reason: oneOf('day_count_conflict', 'unknown_version', 'damaged'),
          sentence: text(),
          quotes: integer,
        }),
      ),
      clients: integer,
      mostAffected: list(structure({ ...EFFECT, clientId: text() })),
      others: nullable(structure({ ...EFFECT, clients: integer })),
    }),
  }),
  'step',
)

export function serveAudit({ records, holds, walks }: AuditFunctions): Served[] {
  return [
    serve(READ, (auditId, context) => records.read(auditId, context)),
    serve(SEARCH, (search, context) => records.search(search, context)),
    serve(REPLAY, (auditId, context) => records.replay(auditId, context)),
    serve(LIST_HOLDS, (ask, context) => holds.list(ask, context)),
    serve(PLACE_HOLD, (ask, context) => holds.place(ask, context)),
    serve(RELEASE_HOLD, (ask, context) => holds.release(ask, context)),
    serveStream(VERIFY, asLines(walks.verify, VERIFY_STEP)),
    serveStream(REPLAY_RANGE, asLines(walks.replay, REPLAY_STEP)),
    serveStream(EXPORT_CHAIN, walks.exportChain),
    serveStream(EXPORT_CSV, walks.exportCsv),
    serveStream(WHAT_IF, asLines(walks.whatIf, WHAT_IF_STEP)),
  ]
}

export function auditClient(client: InternalClient): AuditFunctions {
  return {
    records: { read: client.call(READ), search: client.call(SEARCH), replay: client.call(REPLAY) },
    holds: { list: client.call(LIST_HOLDS), place: client.call(PLACE_HOLD), release: client.call(RELEASE_HOLD) },
    walks: {
      verify: fromLines(client.stream(VERIFY), VERIFY_STEP),
      replay: fromLines(client.stream(REPLAY_RANGE), REPLAY_STEP),
      exportChain: client.stream(EXPORT_CHAIN),
      exportCsv: client.stream(EXPORT_CSV),
      whatIf: fromLines(client.stream(WHAT_IF), WHAT_IF_STEP),
    },
  }
}

/** Steps as a stream, one on each line. */
function asLines<Ask, Step>(steps: Steps<Ask, Step>, line: LineText<Step>): TextStream<Ask> {
  return async function* text(ask, context, signal) {
    for await (const step of steps(ask, context, signal)) yield `${line.write(step)}\n`
  }
}

function fromLines<Ask, Step>(stream: TextStream<Ask>, line: LineText<Step>): Steps<Ask, Step> {
  return async function* steps(ask, context, signal) {
    for await (const piece of stream(ask, context, signal)) {
      for (const written of piece.split('\n')) if (written !== '') yield line.read(written)
    }
  }
}
