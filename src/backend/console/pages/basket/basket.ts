// The basket of this browser tab: what was pasted, what became of its lines, and the pricing under way. It outlives the screen, and its
// sheet outlives a reload; it is sent nowhere before somebody prices it, and it goes with the session of whoever pasted it.
import { BorrowRateError } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { type Person, session } from '../../app/session.ts'
import { usdText } from '../../ui/formats.ts'
import type { Field } from './columns.ts'
import {
  dearestNames,
  guessCounts,
  type Outcome,
  pricedOutcome,
  RunningTotals,
  reasonsOf,
  refusedOutcome,
  type Totals,
} from './outcomes.ts'
import {
  type BasketLine,
  batchCsv,
  lineOfRow,
  linesOfSheet,
  readOtherwise,
  type Sheet,
  withCell,
  withField,
} from './sheet.ts'

export interface BasketRow extends BasketLine {
  readonly outcome: Outcome | null
  /** The outcome is of an earlier pricing, or of what the line was before it was corrected. */
  readonly isOld: boolean
}

export type Pricing =
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly done: number; readonly of: number; readonly startedAt: number }
  | {
      readonly kind: 'done'
      readonly batchId: string
      readonly snapshotAt: string
      readonly tookMs: number
      /** Asks for the same answer again, in another form. */
      readonly idempotencyKey: string
      readonly csv: string
    }
  /** It ended before its summary: what came is kept. */
  | { readonly kind: 'cut'; readonly done: number; readonly of: number; readonly error: unknown }
  | { readonly kind: 'cancelled'; readonly done: number; readonly of: number }
  /** Nothing came. */
  | { readonly kind: 'refused'; readonly error: unknown }

export interface Basket {
  readonly sheet: Sheet | null
  readonly pricing: Pricing
  /** Of the newest pricing that had lines; null before the first. */
  readonly totals: Totals | null
  readonly reasons: ReturnType<typeof reasonsOf>
  readonly dearest: ReturnType<typeof dearestNames>
  readonly guesses: ReturnType<typeof guessCounts>
  readonly readOtherwise: ReturnType<typeof readOtherwise>
  /** The sheet is larger than what a tab keeps over a reload. */
  readonly isTooLargeToKeep: boolean
}

/** What changed of the rows: all of them, or these. */
export type RowNews = 'all' | readonly BasketRow[]

const EMPTY: Basket = {
  sheet: null,
  pricing: { kind: 'none' },
  totals: null,
  reasons: [],
  dearest: [],
  guesses: [],
  readOtherwise: [],
  isTooLargeToKeep: false,
}

const KEPT_AS = 'borrow-desk-basket'
/** Of the text that a tab keeps over a reload: a share of what browsers give to an origin. */
const KEPT_LENGTH_MAX = 2 * 1024 * 1024
const DEAREST_COUNT = 6
const NEWS_MS = 100
/** Between two pieces of news, so many times as long as the screen took to show the one before. */
const NEWS_SHARE = 3

class BasketStore {
  #state = EMPTY
  #rows: BasketRow[] = []
  #running: AbortController | null = null
  #restoredFor: string | null = null
  readonly #listeners = new Set<() => void>()
  readonly #rowListeners = new Set<(news: RowNews) => void>()

  constructor() {
    session.subscribe(() => {
      if (session.get().kind === 'out') this.clear()
    })
  }

  readonly get = (): Basket => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** In their order. The array is this object's own: look, do not change. */
  get rows(): readonly BasketRow[] {
    return this.#rows
  }

  onRows(listener: (news: RowNews) => void): () => void {
    this.#rowListeners.add(listener)
    return () => this.#rowListeners.delete(listener)
  }

  /** What this person pasted before the page was loaded anew. */
  restore(person: Person): void {
    const owner = ownerOf(person)
    if (this.#restoredFor === owner) return
    this.#restoredFor = owner
    if (this.#state.sheet !== null) return
    const sheet = keptSheet(owner)
    if (sheet !== null) this.#show(sheet)
  }

  take(sheet: Sheet): void {
    this.#stop()
    this.#show(sheet)
    this.#keep()
  }

  clear(): void {
    this.#stop()
    this.#rows = []
    this.#become(EMPTY)
    sessionStorage.removeItem(KEPT_AS)
    this.#tellRows('all')
  }

  chooseField(column: number, field: Field | null): void {
    if (this.#state.sheet === null) return
    this.take(withField(this.#state.sheet, column, field))
  }

  /** One cell. The line's outcome is of what it was before. */
  correct(line: number, field: Field, text: string): void {
    const { sheet } = this.#state
    if (sheet === null) return
    const corrected = withCell(sheet, line, field, text)
    const row = corrected.rows[line - 1]
    if (row === undefined) return
    const before = this.#rows[line - 1]
    const now: BasketRow = { ...lineOfRow(corrected.fields, row, line), outcome: before?.outcome ?? null, isOld: true }
    this.#rows[line - 1] = now
    this.#become({ ...this.#state, sheet: corrected, readOtherwise: readOtherwise(corrected) })
    this.#keep()
    this.#tellRows([now])
  }

  cancel(): void {
    this.#running?.abort()
  }

  /** All lines against one snapshot. A pricing that is under way is given up for it. */
  async price(client: string | null): Promise<void> {
    const { sheet } = this.#state
    if (sheet === null) return
    this.#stop()
    const running = new AbortController()
    this.#running = running
    const csv = batchCsv(sheet, this.#rows, client)
    const idempotencyKey = newKey()
    const of = this.#rows.length
    const startedAt = Date.now()
    const totals = new RunningTotals()
    const isFirst = this.#state.totals === null
    let done = 0
    let saidTenths = 0
    let news: BasketRow[] = []
    let tellAt = 0

    this.#rows = this.#rows.map((row) => (row.isOld || row.outcome === null ? row : { ...row, isOld: true }))
    this.#tellRows('all')
    this.#become({ ...this.#state, pricing: { kind: 'running', done, of, startedAt } })

    const tell = () => {
      this.#tellRows(news)
      news = []
      const shown = isFirst ? { totals: totals.get() } : {}
      this.#become({ ...this.#state, ...shown, pricing: { kind: 'running', done, of, startedAt } })
      const tenths = Math.floor((done / of) * 10)
      if (tenths > saidTenths && tenths < 10) announce(`${tenths * 10} percent of the basket priced`)
      saidTenths = tenths
    }
    const end = (pricing: Pricing) => {
      this.#tellRows(news)
      const came = done > 0
      this.#running = null
      this.#become({ ...this.#state, ...(came && this.#summary(totals.get())), pricing })
    }

    try {
      for await (const step of api.batches.price(csv, { signal: running.signal, idempotencyKey })) {
        // Whoever gave this pricing up has begun another.
        if (this.#running !== running) return
        if (step.type === 'summary') {
          end({
            kind: 'done',
            batchId: step.batch_id,
            snapshotAt: step.snapshot_at,
            tookMs: Date.now() - startedAt,
            idempotencyKey,
            csv,
          })
          announce(spokenSummary(totals.get(), of))
          return
        }
        const line = this.#rows[step.line - 1]
        if (line === undefined) continue
        const outcome = step.type === 'priced' ? pricedOutcome(step) : refusedOutcome(step)
        const row: BasketRow = { ...line, outcome, isOld: false }
        this.#rows[step.line - 1] = row
        totals.add(outcome)
        news.push(row)
        done += 1
        if (Date.now() >= tellAt) {
          const began = Date.now()
          tell()
          await nextTask()
          tellAt = Date.now() + Math.max(NEWS_MS, NEWS_SHARE * (Date.now() - began))
        }
      }
    } catch (error) {
      if (this.#running !== running) return
      if (running.signal.aborted) {
        end({ kind: 'cancelled', done, of })
        announce(`Cancelled: ${done} of ${of} lines came`)
      } else if (done > 0) {
        end({ kind: 'cut', done, of, error })
        announce(`The answer broke off: ${done} of ${of} lines came`)
      } else {
        if (error instanceof BorrowRateError && error.status === 401) session.ended('Your session has ended.')
        end({ kind: 'refused', error })
      }
    }
  }

  /** The answer's own text, under the same key: the same prices and records, none of them new. */
  async text(format: 'json' | 'csv', signal?: AbortSignal): Promise<string> {
    const { pricing } = this.#state
    if (pricing.kind !== 'done') throw new Error('There is no whole answer.')
    const { csv, idempotencyKey } = pricing
    let text = ''
    for await (const piece of api.batches.text(csv, format, { idempotencyKey, signal })) text += piece
    return text
  }

  #show(sheet: Sheet): void {
    this.#rows = linesOfSheet(sheet).map((line) => ({ ...line, outcome: null, isOld: false }))
    this.#become({ ...EMPTY, sheet, readOtherwise: readOtherwise(sheet) })
    this.#tellRows('all')
  }

  #summary(totals: Totals): Partial<Basket> {
    const outcomes = this.#rows.flatMap(({ outcome, isOld }) => (outcome === null || isOld ? [] : [outcome]))
    return {
      totals,
      reasons: reasonsOf(outcomes),
      dearest: dearestNames(outcomes, DEAREST_COUNT),
      guesses: guessCounts(outcomes),
    }
  }

  #stop(): void {
    const running = this.#running
    this.#running = null
    running?.abort()
  }

  #keep(): void {
    const state = session.get()
    const { sheet } = this.#state
    if (sheet === null || state.kind !== 'in') return
    const text = JSON.stringify({ owner: ownerOf(state.person), sheet })
    const isTooLargeToKeep = text.length > KEPT_LENGTH_MAX || !stored(text)
    if (isTooLargeToKeep) sessionStorage.removeItem(KEPT_AS)
    if (isTooLargeToKeep !== this.#state.isTooLargeToKeep) this.#become({ ...this.#state, isTooLargeToKeep })
  }

  #become(state: Basket): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }

  #tellRows(news: RowNews): void {
    if (news !== 'all' && news.length === 0) return
    for (const listener of this.#rowListeners) listener(news)
  }
}

function stored(text: string): boolean {
  try {
    sessionStorage.setItem(KEPT_AS, text)
    return true
  } catch {
    // The tab has no room left: the basket lives until the page is loaded anew.
    return false
  }
}

function keptSheet(owner: string): Sheet | null {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? 'null') as { owner: string; sheet: Sheet } | null
    return kept !== null && kept.owner === owner && Array.isArray(kept.sheet.rows) ? kept.sheet : null
  } catch {
    return null
  }
}

function ownerOf({ clientId, role, label }: Person): string {
  return JSON.stringify([clientId, role, label])
}

/** Not `randomUUID`, which pages without TLS do not have. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The screen draws before the next lines are read. */
function nextTask(): Promise<void> {
  return new Promise((done) => setTimeout(done))
}

function spokenSummary({ priced, refused, total }: Totals, of: number): string {
  const refusals = refused === 0 ? 'none refused' : `${refused} refused`
  return `Basket priced: ${priced} of ${of} lines, ${refusals}, ${usdText(total)} US dollars`
}

/** Of a file, as text: UTF-8, or UTF-16 as spreadsheets save "Unicode text". */
export function textOfBytes(bytes: Uint8Array): string | null {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  // A sheet in a spreadsheet's own format, or a picture.
  if (bytes.subarray(0, 1_000).includes(0)) return null
  return new TextDecoder().decode(bytes)
}

export const basket = new BasketStore()
