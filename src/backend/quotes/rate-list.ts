// The rates of all names in one answer: what a screen or a spreadsheet loads once. They are computed page by page and kept for a moment
// as the text they become, compressed, so that a hundred screens that open together cost as much as one; and so that there is
// something to compare a validator with before the first row is sent.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import type { EventWindow } from '../market-data/event-risk.ts'
import type { MarketData } from '../market-data/market-data.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Rate } from '../pricing/units.ts'
import type { BorrowStatus } from '../reference-data/stocks.ts'
import type { CallContext } from '../server/call-context.ts'
import { csvRow } from '../server/csv-writer.ts'
import type { TextStream } from '../server/internal-wire.ts'
import { writeJson } from '../server/json-writer.ts'
import { rateRow } from './answer.ts'
import { linesOf, textCompressor } from './compressed-text.ts'
import type { PreviousCloses } from './previous-closes.ts'
import { activeTerms, type LookUpTerms } from './pricing-inputs.ts'
import { rateOf } from './rate.ts'

export const RATE_LIST_FORMATS = ['json', 'ndjson', 'csv'] as const
export type RateListFormat = (typeof RATE_LIST_FORMATS)[number]

export interface RateListAsk {
  readonly clientId: string
  /** Names of this status only; null: all. */
  readonly status: BorrowStatus | null
  readonly format: RateListFormat
}

export interface RateLists {
  /** The first line is the validator of what follows, as an ETag; the rest is the answer. Rejects with CLIENT_NOT_FOUND. */
  readonly text: TextStream<RateListAsk>
  /** Something changed: what was begun before serves nobody who asks from now on. */
  changed(): void
}

export const RATE_CSV_COLUMNS = [
  'ticker',
  'name',
  'current_rate',
  'previous_close_rate',
  'borrow_status',
  'lender_rate',
  'lender_as_of',
  'volatility_index',
  'event_risk_factor',
  'available_shares',
  'available_at_least',
  'rebate_rate',
  'last_updated',
  'degraded',
] as const

/** Under so many models, statuses and forms together a list is kept; each is half a megabyte at the most. */
const LISTS_KEPT_MAX = 16
/** However fast news come, a list is not begun more often: who asks in between waits for the next one, with all who do. */
const BEGUN_EVERY_MS = 1_000

interface List {
  readonly etag: string
  readonly text: Buffer
}

interface Kept {
  /** null: it will be. */
  begunAtMs: number | null
  /** Of the news that it has. */
  generation: number
  readonly list: Promise<List>
}

export function rateLists(dependencies: {
  readonly listAll: MarketData['listAll']
  readonly terms: LookUpTerms
  readonly previousCloses: PreviousCloses
  readonly eventWindow: () => EventWindow
  readonly clock: () => Date
  /** How long a list serves while nothing is heard to have changed. */
  readonly keptSeconds: number
  readonly begunEveryMs?: number
}): RateLists {
  const {
    listAll,
    terms,
    previousCloses,
    eventWindow,
    clock,
    keptSeconds,
    begunEveryMs = BEGUN_EVERY_MS,
  } = dependencies
  const kept = new LRUCache<string, Kept>({ max: LISTS_KEPT_MAX })
  let generation = 0
  // One at a time: a list is work for hundreds of milliseconds, and prices come first.
  let lane: Promise<unknown> = Promise.resolve()

  function serves({ begunAtMs, generation: of }: Kept): boolean {
    if (begunAtMs === null) return true
    return of === generation && clock().getTime() - begunAtMs < keptSeconds * 1000
  }

  function listFor(model: PricingModel, { status, format }: RateListAsk, context: CallContext): Promise<List> {
    const key = `${model.model} ${status} ${format}`
    const there = kept.get(key)
    if (there !== undefined && serves(there)) return there.list
    const begin = () => {
      made.begunAtMs = clock().getTime()
      made.generation = generation
      // Whoever asked first may leave; others wait for the same list.
      return make(model, status, format, context)
    }
    const waitMs = there?.begunAtMs == null ? 0 : there.begunAtMs + begunEveryMs - clock().getTime()
    const list = sleep(Math.max(0, waitMs)).then(() => {
      const turn = lane.then(begin)
      lane = turn.catch(() => {})
      return turn
    })
    const made: Kept = { begunAtMs: null, generation, list }
    kept.set(key, made)
    list.catch(() => {
      if (kept.get(key) === made) kept.delete(key)
    })
    return list
  }

  async function make(
    model: PricingModel,
    status: BorrowStatus | null,
    format: RateListFormat,
    context: CallContext,
  ): Promise<List> {
    const { open, row, between, close } = FORMS[format]
    const hash = createHash('sha256')
    const text = textCompressor()
    const previousClose = await previousCloses(model, context)
    const about = {
      status: 'success',
      pricing_model: model.model,
      snapshot_at: clock(),
      previous_close_at: previousClose.at,
    }
    await text.add(open(about))
    let total = 0
    for await (const page of listAll(status, eventWindow(), context, NEVER)) {
      let rows = ''
      for (const market of page) {
        const line = row(rateRow(rateOf(market, model)), previousClose.rateOf(market))
        rows += `${total === 0 ? '' : between}${line}`
        total += 1
      }
      hash.update(rows)
      await text.add(rows)
    }
    await text.add(close(about, total))
    const digest = hash.digest('base64url').slice(0, 27)
    // Weak: the moment of the snapshot is in the text, and does not count.
    return { etag: `W/"${model.model}.${format}.${digest}"`, text: await text.end() }
  }

  return {
    async *text(ask, context) {
      const { model } = await activeTerms(terms, ask.clientId)
      const list = await listFor(model, ask, context)
      yield `${list.etag}\n`
      yield* linesOf(list.text)
    },
    changed() {
      generation += 1
    },
  }
}

/** A list that is begun is finished: it serves whoever comes next. */
const NEVER = new AbortController().signal

type Row = ReturnType<typeof rateRow>

/** Each row is a line, so that the text can be sent in pieces of whole lines. */
interface Form {
  open(about: object): string
  /** @param closeRate that of the last close */
  row(row: Row, closeRate: Rate | null): string
  /** Between two rows. */
  readonly between: string
  close(about: object, total: number): string
}

const FORMS: Readonly<Record<RateListFormat, Form>> = {
  json: {
    open: (about) => `${writeJson(about).slice(0, -1)},"items":[\n`,
    row: jsonOf,
    between: ',\n',
    close: (_about, total) => `],"total":${total}}\n`,
  },
  ndjson: {
    open: () => '',
    row: (row, closeRate) => `${jsonOf(row, closeRate)}\n`,
    between: '',
    close: (about, total) => `${writeJson({ ...about, total })}\n`,
  },
  csv: {
    open: () => csvRow(RATE_CSV_COLUMNS),
    row: csvOf,
    between: '',
    close: () => '',
  },
}

/** As the one JSON writer has it, of which a test makes sure, in half the time: there are thousands of these. */
export function jsonOf(row: Row, closeRate: Rate | null): string {
  const { shares, at_least: atLeast } = row.availability
  const degraded = row.degraded.map((name) => `"${name}"`).join(',')
  return (
    `{"ticker":"${row.ticker}","name":${JSON.stringify(row.name)},"current_rate":${row.current_rate},` +
    `"previous_close_rate":${closeRate},"borrow_status":"${row.borrow_status}","lender_rate":${row.lender_rate},` +
    `"lender_as_of":${quoted(row.lender_as_of)},"volatility_index":${row.volatility_index},"event_risk_factor":${row.event_risk_factor},` +
    `"availability":{"shares":${shares},"at_least":${atLeast}},"rebate_rate":${row.rebate_rate},` +
    `"last_updated":${quoted(row.last_updated)},"degraded":[${degraded}]}`
  )
}

function csvOf(row: Row, closeRate: Rate | null): string {
  const { shares, at_least: atLeast } = row.availability
  const cells: Record<(typeof RATE_CSV_COLUMNS)[number], string | null> = {
    ticker: row.ticker,
    name: row.name,
    current_rate: row.current_rate.toString(),
    previous_close_rate: closeRate?.toString() ?? null,
    borrow_status: row.borrow_status,
    lender_rate: row.lender_rate.toString(),
    lender_as_of: isoText(row.lender_as_of),
    volatility_index: row.volatility_index?.toString() ?? null,
    event_risk_factor: row.event_risk_factor?.toString() ?? null,
    available_shares: shares?.toString() ?? null,
    available_at_least: shares === null ? null : String(atLeast),
    rebate_rate: row.rebate_rate?.toString() ?? null,
    last_updated: isoText(row.last_updated),
    degraded: row.degraded.join(' '),
  }
  return csvRow(RATE_CSV_COLUMNS.map((column) => cells[column]))
}

const quoted = (moment: Date | null) => (moment === null ? 'null' : `"${isoText(moment)}"`)

let rememberedMs = Number.NaN
let rememberedText = ''

/** Names of one file have one moment, and the platform takes its time to write it. */
function isoText(moment: Date | null): string | null {
  if (moment === null) return null
  if (moment.getTime() !== rememberedMs) {
    rememberedText = moment.toISOString()
    rememberedMs = moment.getTime()
  }
  return rememberedText
}
