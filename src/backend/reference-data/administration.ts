// Everything an administrator may do with reference data, on the database itself. Whoever keeps copies is told after each change.
import type pg from 'pg'
import type { Ticker } from '../pricing/units.ts'
import type { Clock } from '../server/uuidv7.ts'
import { readApprovals } from './approvals.ts'
import { brokerChanges } from './broker-changes.ts'
import { readBroker, readBrokers } from './broker-terms.ts'
import type { Administration } from './http.ts'
import { modelAdditions } from './model-additions.ts'
import { stockChanges } from './stock-changes.ts'
import { readStock, readStocks } from './stocks.ts'

export function administration(options: {
  readonly database: pg.Pool
  /** A change of what a broker is charged waits for a second person. */
  readonly requireApproval: boolean
  readonly clock: Clock
  readonly newId: () => string
  /** Told after the commit. */
  readonly onChange: {
    broker(clientId: string): void
    stock(ticker: Ticker): void
    model(model: string): void
  }
}): Administration {
  const { database, clock, newId, onChange } = options
  const brokers = brokerChanges({ ...options, onChange: onChange.broker })
  const stocks = stockChanges({ database, newId, onChange: onChange.stock })
  const models = modelAdditions({ database, newId, onChange: onChange.model })
  const by = <A extends { readonly actor: unknown }>({ actor, ...ask }: A) => ({
    ...ask,
    by: { actor: actor as A['actor'], at: clock() },
  })
  return {
    brokers: (page) => readBrokers(database, page),
    broker: (clientId) => readBroker(database, clientId),
    putBroker: (ask) => brokers.put(by(ask)),
    stocks: (page) => readStocks(database, page),
    stock: (ticker) => readStock(database, ticker),
    putStock: (ask) => stocks.put(by(ask)),
    addModel: (ask) => models.add(by(ask)),
    approvals: (page) => readApprovals(database, page),
    decide: (ask) => brokers.decide(by(ask)),
  }
}
