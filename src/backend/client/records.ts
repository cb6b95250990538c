// The records of prices and of changes: searched, read, proven, priced again. For an auditor's or an admin's credential.
import type { AuditRecordAnswer } from './answers.ts'
import { type CallOptions, type Connection, CSV, NDJSON, pathOf } from './connection.ts'
import type {
  RecordPageAnswer,
  RecordRange,
  RecordSearch,
  ReplayAnswer,
  ReplayRange,
  ReplayStepAnswer,
  VerifyStepAnswer,
} from './record-answers.ts'

export class Records {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** One kept record, whole. */
  read(auditId: string, options: CallOptions = {}): Promise<AuditRecordAnswer> {
    return this.#connection.call({ method: 'GET', path: pathOf`/audit/${auditId}` }, options)
  }

  /** A page of the records that fit, the newest first. Without `from`: of the last 31 days. */
  search(search: RecordSearch = {}, options: CallOptions = {}): Promise<RecordPageAnswer> {
    const query = {
      ...rangeQuery(search),
      client_id: search.clientId,
      ticker: search.ticker,
      record_type: search.recordType,
      min_position_value: search.minPositionValue,
      max_position_value: search.maxPositionValue,
      min_borrow_rate: search.minBorrowRate,
      max_borrow_rate: search.maxBorrowRate,
      page: search.page,
      page_size: search.pageSize,
      cursor: search.cursor,
    }
    return this.#connection.call({ method: 'GET', path: pathOf`/audit`, query }, options)
  }

  /** Prices a record again from its own inputs: identical, or line by line what is not. */
  replay(auditId: string, options: CallOptions = {}): Promise<ReplayAnswer> {
    return this.#connection.call(
      { method: 'POST', path: pathOf`/audit/${auditId}/replay`, repeatable: 'always' },
      options,
    )
  }

  /** Prices a range again. The last step is the result. */
  replayRange(range: ReplayRange, options: CallOptions = {}): AsyncIterable<ReplayStepAnswer> {
    const body = { ...rangeQuery(range), client_id: range.clientId, ticker: range.ticker }
    return this.#connection.steps({ method: 'POST', path: pathOf`/audit/replay`, body, repeatable: 'always' }, options)
  }

  /** Checks the chain, all of it or a range. The last step is the result. */
  verify(range: RecordRange = {}, options: CallOptions = {}): AsyncIterable<VerifyStepAnswer> {
    return this.#connection.steps({ method: 'GET', path: pathOf`/audit/verify`, query: rangeQuery(range) }, options)
  }

  /**
   * The records of a range as text, in pieces: `ndjson` with the chain that proves them, or `csv` of the quotes for a back office.
   * It throws when the answer broke off: what came until then is not the whole.
   */
  export(range: RecordRange, format: 'ndjson' | 'csv' = 'ndjson', options: CallOptions = {}): AsyncGenerator<string> {
    const query = { ...rangeQuery(range), format }
    const accept = format === 'csv' ? CSV : NDJSON
    return this.#connection.pieces({ method: 'GET', path: pathOf`/audit/export`, query, accept }, options)
  }
}

export function rangeQuery({ from, to }: RecordRange): { from: string | undefined; to: string | undefined } {
  return { from, to }
}
