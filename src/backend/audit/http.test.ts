// The wires of the audit service: what is asked and what is answered comes over as it was, steps and files too, and a failure on the
// way is a failure on the other side.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DESK_V1 } from '../pricing/borrow-rate.ts'
import { decimal } from '../pricing/decimal.ts'
import { asPercentPoints, asUsd } from '../pricing/units.ts'
import { ownContext } from '../server/call-context.ts'
import { Problem } from '../server/problem.ts'
import { type Wire, wireTo } from '../test/both-ends.ts'
import { type AuditFunctions, auditClient, serveAudit } from './http.ts'
import type { LegalHold } from './legal-holds.ts'
import type { KeptRecord } from './read-record.ts'
import type { RecordSearch } from './search.ts'
import type { WhatIfStep } from './what-if.ts'
import type { WhatIfAsk } from './what-if-ask.ts'

const AT = new Date('2026-03-05T14:30:00.123Z')
const ID = '0193577d-1c00-7000-8000-000000000001'
const RECORD: KeptRecord = {
  row: {
    audit_id: ID,
    record_type: 'quote',
    schema_version: 1,
    occurred_at: '2026-03-05T14:30:00.123456Z',
    recorded_at: '2026-03-05T14:30:00.130000Z',
    client_id: 'acme',
    ticker: null,
    position_value: '100000.10',
    borrow_rate: '0.1900',
    total_fee: null,
    request_id: null,
    actor_id: 'k-1',
    record: '{"note":"a\\nb \u2028 😀"}',
  },
  seal: { sequence: 9_000_000_000_000_000, prevHash: 'ab', hash: 'cd', sealedAt: '2026-03-05T14:30:01.000000Z' },
  holdIds: ['h-1', 'h-2'],
  held: true,
}
const { record: _, ...SUMMARY } = RECORD.row
const SEARCH: RecordSearch = {
  clientId: 'acme',
  ticker: null,
  recordType: null,
  from: AT,
  to: null,
  minPositionValue: '0.10',
  maxPositionValue: null,
  minBorrowRate: null,
  maxBorrowRate: '1',
  page: 2,
  pageSize: 50,
  cursor: null,
}
const HOLD: LegalHold = {
  holdId: ID,
  clientId: null,
  ticker: 'GME',
  from: AT,
  to: null,
  reason: 'Dispute\n114',
  placedBy: 'k-1',
  placedAt: AT,
  release: { reason: 'Settled', releasedBy: 'k-2', releasedAt: AT },
}
const ACTOR = {
  actorType: 'auditor',
  actorId: 'house',
  keyId: 'k-1',
  sourceIp: '127.0.0.1',
  userAgent: null,
  requestId: 'r-1',
  idempotencyKey: null,
}
const ASK: WhatIfAsk = {
  from: AT,
  to: AT,
  clientId: null,
  model: DESK_V1,
  terms: { markupPercentage: asPercentPoints(decimal('4.50')), markupTiers: null, transactionFeeType: 'FLAT' },
  clientsMax: 20,
}
const money = (text: string) => asUsd(decimal(text))
const REVENUE = {
  totalFees: money('740.00'),
  borrowCost: money('700.00'),
  markup: money('40.00'),
  transactionFees: money('0.00'),
  margin: money('40.00'),
}
const EFFECT = {
  quotes: 2,
  changed: 1,
  before: REVENUE,
  after: REVENUE,
  delta: { ...REVENUE, margin: money('-12.00') },
}
const WHAT_IF_STEPS: WhatIfStep[] = [
  { kind: 'progress', quotes: 2, at: '2026-03-05T14:30:00.123456Z' },
  {
    kind: 'result',
    ...EFFECT,
    note: 'a note',
    quotesFound: 3,
    notPriced: [{ reason: 'damaged', sentence: 'the record is damaged', quotes: 1 }],
    clients: 2,
    mostAffected: [{ clientId: 'acme', ...EFFECT }],
    others: { clients: 1, ...EFFECT },
  },
]
const HEAD = { sequence: 7, hash: 'ab', signedAt: '2026-03-05T14:30:01.000Z', keyId: '0123456789abcdef' }
const VERIFY_STEPS = [
  { kind: 'progress', checked: 1, of: null },
  {
    kind: 'result',
    valid: false,
    checked: 6,
    unsealed: 0,
    firstBad: { auditId: null, sequence: 7, reason: 'forged_head', sentence: 'no trusted key signed the head' },
    head: HEAD,
  },
] as const
const DIFFERENCES = [{ field: 'total_fee', recorded: '1.00', replayed: null }]
const REPLAY_STEPS = [
  { kind: 'progress', records: 2, at: '2026-03-05T14:30:00.123456Z' },
  { kind: 'difference', auditId: ID, differences: DIFFERENCES },
  { kind: 'not_replayable', auditId: ID, reason: 'damaged', sentence: 'no inputs' },
  {
    kind: 'result',
    replayed: 2,
    identical: 1,
    different: 1,
    notReplayable: 1,
    otherRecords: 0,
    unnamed: 0,
    elapsedMs: 12,
    recordsPerSecond: 100,
  },
] as const

/** What the functions behind the wire were asked. */
let asked: unknown[] = []
let failure: Error | null = null

async function* given<T>(ask: unknown, steps: readonly T[]): AsyncGenerator<T> {
  asked.push(ask)
  yield* steps
  if (failure !== null) throw failure
}

const answer =
  <T>(value: T) =>
  async (ask: unknown): Promise<T> => {
    asked.push(ask)
    return value
  }

const behind: AuditFunctions = {
  records: {
    read: answer(RECORD),
    search: answer({ items: [{ ...SUMMARY, sequence: null }], total: 10_000, totalIsExact: false, nextCursor: 'AZ' }),
    replay: answer({
      identical: false,
      differences: DIFFERENCES,
      notReplayable: { reason: 'other_record', sentence: 'no quote' } as const,
    }),
  },
  holds: {
    list: answer({ items: [HOLD], total: 3 }),
    place: answer({ ...HOLD, release: null }),
    release: answer(HOLD),
  },
  walks: {
    verify: (ask) => given(ask, VERIFY_STEPS),
    replay: (ask) => given(ask, REPLAY_STEPS),
    exportChain: (ask) => given(ask, ['{"type":"header"}\n', '{"type":"trailer"}\n']),
    exportCsv: (ask) => given(ask, ['date,time\r\n']),
    whatIf: (ask) => given(ask, WHAT_IF_STEPS),
  },
}

let wire: Wire
let over: AuditFunctions

beforeAll(async () => {
  wire = await wireTo(serveAudit(behind))
  over = auditClient(wire.client)
})
afterAll(() => wire.close())
beforeEach(() => {
  asked = []
  failure = null
})

const context = () => ownContext('request-1')
const range = { from: AT, to: AT }

test.each<[string, (functions: AuditFunctions) => Promise<unknown>]>([
  ['a record', ({ records }) => records.read(ID, context())],
  ['a page', ({ records }) => records.search(SEARCH, context())],
  ['a replay', ({ records }) => records.replay(ID, context())],
  ['holds', ({ holds }) => holds.list({ inForce: null, skip: 0, limit: 20 }, context())],
  [
    'a hold that is placed',
    ({ holds }) =>
      holds.place({ request: { ...range, clientId: null, ticker: null, reason: 'x' }, actor: ACTOR }, context()),
  ],
  ['a hold that is released', ({ holds }) => holds.release({ holdId: ID, reason: 'x', actor: ACTOR }, context())],
])('%s is asked and answered over the wire as it is without one', async (_name, call) => {
  const here = await call(behind)
  expect(await call(over)).toEqual(here)
  expect(asked[1]).toEqual(asked[0])
})

const never = new AbortController().signal
const walks: [string, (functions: AuditFunctions) => AsyncIterable<unknown>][] = [
  ['a verification', ({ walks }) => walks.verify({ from: null, to: AT }, context(), never)],
  ['a replay of a range', ({ walks }) => walks.replay({ ...range, clientId: null, ticker: 'GME' }, context(), never)],
  ['an export', ({ walks }) => walks.exportChain(range, context(), never)],
  ['a table', ({ walks }) => walks.exportCsv(range, context(), never)],
  ['a what-if', ({ walks }) => walks.whatIf(ASK, context(), never)],
]

async function all(steps: AsyncIterable<unknown>): Promise<unknown[]> {
  const seen: unknown[] = []
  for await (const step of steps) seen.push(step)
  return seen
}

test.each(walks)('%s tells the same over the wire', async (_name, walk) => {
  const [here, there] = [await all(walk(behind)), await all(walk(over))]
  // Text may come in other pieces.
  expect(typeof here[0] === 'string' ? there.join('') : there).toEqual(
    typeof here[0] === 'string' ? here.join('') : here,
  )
  expect(asked[1]).toEqual(asked[0])
})

test.each(walks)('%s that fails on the way fails on the other side', async (_name, walk) => {
  failure = new Problem('SERVICE_UNAVAILABLE', 'Something is away')
  await expect(all(walk(over))).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', message: 'Something is away' })
})
