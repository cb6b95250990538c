// Brokers and their terms: read by themselves and by the house, changed by administrators.
import type { TransactionFee } from './answers.ts'
import { type CallOptions, type Connection, pathOf } from './connection.ts'
import { everyItem, type ListAnswer, type Page } from './lists.ts'
import type { MarkupTier } from './record-answers.ts'
import type { PercentPoints } from './units.ts'
import { IF_NONE, ifMatch, updated, type Versioned, versioned } from './versioned.ts'

export type Tier = 'standard' | 'premium' | 'internal'

/** A broker as a change says it, whole: what is left out is none. */
export type BrokerFields = TransactionFee & {
  readonly name?: string | null
  /** On the borrow cost. */
  readonly markup_percentage: PercentPoints
  /** Marginal steps by charged value in place of the one markup, the last one open. */
  readonly markup_tiers?: readonly MarkupTier[] | null
  readonly day_count: string
  readonly convention_pack: string
  readonly billing?: 'term' | 'daily'
  readonly pricing_model: string
  readonly tier: Tier
  /** In 60 s; null: that of the tier. */
  readonly requests_per_minute?: number | null
  /** false: nothing is priced for it, and its keys open nothing. */
  readonly active: boolean
}

export type BrokerAnswer = Required<BrokerFields> & {
  readonly client_id: string
  /** Counts up with every change. */
  readonly version: number
}

/** A change that is in force, or one that waits for a second person. */
export type BrokerChange =
  | ({ readonly status: 'success' } & Versioned<BrokerAnswer>)
  | {
      readonly status: 'pending'
      /** What `approvals.approve` takes. */
      readonly approval_id: string
      /** What holds until then; null: there is none yet. */
      readonly current: BrokerAnswer | null
    }

export class Brokers {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** A page, by client_id, active or not. */
  list(page: Page = {}, options: CallOptions = {}): Promise<ListAnswer<BrokerAnswer>> {
    return this.#connection.call({ method: 'GET', path: pathOf`/brokers`, query: { ...page } }, options)
  }

  /** All of them, page by page while they are read. */
  all(options: CallOptions = {}): AsyncIterable<BrokerAnswer> {
    return everyItem((page) => this.list(page, options))
  }

  async read(clientId: string, options: CallOptions = {}): Promise<Versioned<BrokerAnswer>> {
    return versioned(await this.#connection.exchange<BrokerAnswer>({ method: 'GET', path: at(clientId) }, options))
  }

  /** Makes a broker. Rejects with PRECONDITION_FAILED when there is one of this client_id. */
  create(clientId: string, fields: BrokerFields, options: CallOptions = {}): Promise<BrokerChange> {
    return this.#put(clientId, fields, IF_NONE, options)
  }

  /**
   * Takes the place of all that was said of a broker.
   * @param etag of the version that was read; `*` for whichever it is. Rejects with PRECONDITION_FAILED when it was changed since.
   */
  replace(clientId: string, fields: BrokerFields, etag: string, options: CallOptions = {}): Promise<BrokerChange> {
    return this.#put(clientId, fields, ifMatch(etag), options)
  }

  /**
   * Reads a broker, changes it, writes it; when somebody else was faster, again from what they wrote.
   * @param change gives the fields as they should be, from those that were read: `(broker) => ({ ...broker, active: false })`
   */
  update(
    clientId: string,
    change: (broker: Versioned<BrokerAnswer>) => BrokerFields | Promise<BrokerFields>,
    options: CallOptions = {},
  ): Promise<BrokerChange> {
    return updated(
      () => this.read(clientId, options),
      change,
      (fields, etag) => this.replace(clientId, fields, etag, options),
    )
  }

  async #put(
    clientId: string,
    fields: BrokerFields,
    headers: Readonly<Record<string, string>>,
    options: CallOptions,
  ): Promise<BrokerChange> {
    const answered = await this.#connection.exchange<BrokerChange>(
      { method: 'PUT', path: at(clientId), headers, body: fields },
      options,
    )
    return answered.answer.status === 'pending' ? answered.answer : versioned(answered)
  }
}

function at(clientId: string): string {
  return pathOf`/brokers/${clientId}`
}
