// Reference data over the wire: the data service's side and its callers' side, from the same codecs.

import { ACTOR } from '../audit/actor-codec.ts'
import type { Actor } from '../audit/quote-record.ts'
import type { PricingModel } from '../pricing/borrow-rate.ts'
import type { Rate, Ticker } from '../pricing/units.ts'
import type { CallContext } from '../server/call-context.ts'
import type { InternalClient } from '../server/internal-client.ts'
import { type Served, serve } from '../server/internal-server.ts'
import { lineOf, type Operation } from '../server/internal-wire.ts'
import {
  type Codec,
  decimalOf,
  flag,
  instant,
  integer,
  list,
  nullable,
  oneOf,
  structure,
  text,
  variants,
} from '../server/wire-codec.ts'
import type { Approval, ApprovalState } from './approvals.ts'
import type { BrokerChange, BrokerFields } from './broker-changes.ts'
import { BROKER, BROKER_FIELDS, MODEL } from './broker-codec.ts'
import type { Broker } from './broker-terms.ts'
import type { Expected } from './changing.ts'
import type { StockChange, StockFields } from './stock-changes.ts'
import type { BorrowStatus, Stock } from './stocks.ts'
import type { TermsInForce } from './terms-in-force.ts'

const TERMS_IN_FORCE: Operation<string, TermsInForce | null> = {
  name: 'terms-in-force',
  ask: lineOf(text(), 'client_id'),
  answer: lineOf(nullable(structure({ broker: BROKER, model: MODEL })), 'terms'),
  repeatable: true,
}

const PRICING_MODEL: Operation<string, PricingModel | null> = {
  name: 'pricing-model',
  ask: lineOf(text(), 'model'),
  answer: lineOf(nullable(MODEL), 'model'),
  repeatable: true,
}

const PRICING_MODELS: Operation<null, readonly PricingModel[]> = {
  name: 'pricing-models',
  ask: lineOf(nullable(text()) as Codec<null>, 'nothing'),
  answer: lineOf(list(MODEL), 'models'),
  repeatable: true,
}

/** What callers need of reference data: the data service's own functions, or a wire to them. */
export interface ReferenceData {
  /** null when there is no such broker. */
  termsInForce(clientId: string, context: CallContext): Promise<TermsInForce | null>
  /** null when there is no such model. */
  pricingModel(model: string, context: CallContext): Promise<PricingModel | null>
  pricingModels(context: CallContext): Promise<readonly PricingModel[]>
}

export function serveReferenceData(data: ReferenceData): Served[] {
  return [
    serve(TERMS_IN_FORCE, (clientId, context) => data.termsInForce(clientId, context)),
    serve(PRICING_MODEL, (model, context) => data.pricingModel(model, context)),
    serve(PRICING_MODELS, (_nothing, context) => data.pricingModels(context)),
  ]
}

export function referenceDataClient(client: InternalClient): ReferenceData {
  const pricingModels = client.call(PRICING_MODELS)
  return {
    termsInForce: client.call(TERMS_IN_FORCE),
    pricingModel: client.call(PRICING_MODEL),
    pricingModels: (context) => pricingModels(null, context),
  }
}

export interface Listed<T> {
  /** There are in all. */
  readonly total: number
  readonly items: readonly T[]
}

export interface PageAsk {
  readonly skip: number
  readonly limit: number
}

/** What an administrator does with reference data: the data service's own functions, or a wire to them. */
export interface Administration {
  brokers(page: PageAsk, context: CallContext): Promise<Listed<Broker>>
  /** Active or not; null when there is none. */
  broker(clientId: string, context: CallContext): Promise<Broker | null>
  putBroker(
    ask: {
      readonly clientId: string
      readonly fields: BrokerFields
      readonly expected: Expected
      readonly actor: Actor
    },
    context: CallContext,
  ): Promise<BrokerChange>
  stocks(page: PageAsk, context: CallContext): Promise<Listed<Stock>>
  stock(ticker: Ticker, context: CallContext): Promise<Stock | null>
  putStock(
    ask: { readonly ticker: Ticker; readonly fields: StockFields; readonly expected: Expected; readonly actor: Actor },
    context: CallContext,
  ): Promise<StockChange>
  addModel(ask: { readonly model: PricingModel; readonly actor: Actor }, context: CallContext): Promise<PricingModel>
  approvals(page: PageAsk & { readonly state: ApprovalState | null }, context: CallContext): Promise<Listed<Approval>>
  decide(
    ask: {
      readonly approvalId: string
      readonly approve: boolean
      readonly reason: string | null
      readonly actor: Actor
    },
    context: CallContext,
  ): Promise<{ readonly approval: Approval; readonly broker: Broker | null }>
}

type Asked<F extends (ask: never, context: CallContext) => Promise<unknown>> = Parameters<F>[0]
type Answered<F extends (ask: never, context: CallContext) => Promise<unknown>> = Awaited<ReturnType<F>>
/** The wire of one of the functions. */
type WireOf<K extends keyof Administration> = Operation<Asked<Administration[K]>, Answered<Administration[K]>>

const PAGE = { skip: integer, limit: integer }

function listed<T>(of: Codec<T>): Codec<Listed<T>> {
  return structure({ total: integer, items: list(of) })
}

/** A version stands as its number, the rest as its word. */
const EXPECTED: Codec<Expected> = {
  write: (value) => value,
  read: (json, place) => (json === null || json === 'any' || json === 'none' ? json : integer.read(json, place)),
}

const BROKERS: WireOf<'brokers'> = {
  name: 'brokers',
  ask: lineOf(structure(PAGE), 'page'),
  answer: lineOf(listed(BROKER), 'brokers'),
  repeatable: true,
}

const ONE_BROKER: WireOf<'broker'> = {
  name: 'broker',
  ask: lineOf(text(), 'client_id'),
  answer: lineOf(nullable(BROKER), 'broker'),
  repeatable: true,
}

const PUT_BROKER: WireOf<'putBroker'> = {
  name: 'put-broker',
  ask: lineOf(
    structure({ clientId: text(), fields: structure(BROKER_FIELDS), expected: EXPECTED, actor: ACTOR }),
    'broker',
  ),
  answer: lineOf<BrokerChange>(
    variants({
      created: structure({ broker: BROKER }),
      changed: structure({ broker: BROKER }),
      unchanged: structure({ broker: BROKER }),
      pending: structure({ approvalId: text(), broker: nullable(BROKER) }),
    }),
    'change',
  ),
  repeatable: false,
}

const STOCK_FIELDS = {
  name: nullable(text()),
  borrowStatus: nullable(oneOf<BorrowStatus>('EASY', 'MEDIUM', 'HARD')),
  floorRate: nullable(decimalOf<Rate>()),
  lenderId: nullable(text()),
  active: flag,
}
const STOCK: Codec<Stock> = structure({ ticker: text<Ticker>(), ...STOCK_FIELDS, version: integer })

const STOCKS: WireOf<'stocks'> = {
  name: 'stocks',
  ask: lineOf(structure(PAGE), 'page'),
  answer: lineOf(listed(STOCK), 'stocks'),
  repeatable: true,
}

const ONE_STOCK: WireOf<'stock'> = {
  name: 'stock',
  ask: lineOf(text<Ticker>(), 'ticker'),
  answer: lineOf(nullable(STOCK), 'stock'),
  repeatable: true,
}

const PUT_STOCK: WireOf<'putStock'> = {
  name: 'put-stock',
  ask: lineOf(
    structure({ ticker: text<Ticker>(), fields: structure(STOCK_FIELDS), expected: EXPECTED, actor: ACTOR }),
    'stock',
  ),
  answer: lineOf(structure({ kind: oneOf('created', 'changed', 'unchanged'), stock: STOCK }), 'change'),
  repeatable: false,
}

const ADD_MODEL: WireOf<'addModel'> = {
  name: 'add-pricing-model',
  ask: lineOf(structure({ model: MODEL, actor: ACTOR }), 'model'),
  answer: lineOf(MODEL, 'model'),
  repeatable: false,
}

const APPROVAL: Codec<Approval> = structure({
  approvalId: text(),
  kind: oneOf('broker'),
  subject: text(),
  state: oneOf('pending', 'approved', 'refused'),
  askedBy: text(),
  askedAt: instant,
  decidedBy: nullable(text()),
  decidedAt: nullable(instant),
  reason: nullable(text()),
  proposed: BROKER,
})

const APPROVALS: WireOf<'approvals'> = {
  name: 'approvals',
  ask: lineOf(structure({ ...PAGE, state: nullable(oneOf('pending', 'approved', 'refused')) }), 'page'),
  answer: lineOf(listed(APPROVAL), 'approvals'),
  repeatable: true,
}

const DECIDE: WireOf<'decide'> = {
  name: 'decide-approval',
  ask: lineOf(structure({ approvalId: text(), approve: flag, reason: nullable(text()), actor: ACTOR }), 'decision'),
  answer: lineOf(structure({ approval: APPROVAL, broker: nullable(BROKER) }), 'decided'),
  repeatable: false,
}

export function serveAdministration(administration: Administration): Served[] {
  return [
    serve(BROKERS, (ask, context) => administration.brokers(ask, context)),
    serve(ONE_BROKER, (ask, context) => administration.broker(ask, context)),
    serve(PUT_BROKER, (ask, context) => administration.putBroker(ask, context)),
    serve(STOCKS, (ask, context) => administration.stocks(ask, context)),
    serve(ONE_STOCK, (ask, context) => administration.stock(ask, context)),
    serve(PUT_STOCK, (ask, context) => administration.putStock(ask, context)),
    serve(ADD_MODEL, (ask, context) => administration.addModel(ask, context)),
    serve(APPROVALS, (ask, context) => administration.approvals(ask, context)),
    serve(DECIDE, (ask, context) => administration.decide(ask, context)),
  ]
}

export function administrationClient(client: InternalClient): Administration {
  return {
    brokers: client.call(BROKERS),
    broker: client.call(ONE_BROKER),
    putBroker: client.call(PUT_BROKER),
    stocks: client.call(STOCKS),
    stock: client.call(ONE_STOCK),
    putStock: client.call(PUT_STOCK),
    addModel: client.call(ADD_MODEL),
    approvals: client.call(APPROVALS),
    decide: client.call(DECIDE),
  }
}
