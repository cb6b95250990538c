// What an administrator does for a new broker, on a broker made for the occasion: its terms, a key, a first price, and everything out of use
// again. Brokers are never deleted, so one that is not active stays behind, under a name that says what it was.
import { BorrowRateError } from '../../../client/borrow-rate-error.ts'
import type { BrokerFields } from '../../../client/brokers.ts'
import { percentPoints, usd } from '../../../client/units.ts'
import { type Check, expectThat, NotOffered } from './check.ts'
import type { Engine } from './engine.ts'
import { LOAN_DAYS, POSITION_VALUE } from './smoke-checks.ts'

const TERMS: BrokerFields = {
  name: 'Made by the validation of a deployment',
  markup_percentage: percentPoints('5'),
  transaction_fee_type: 'FLAT',
  transaction_amount: usd('25.00'),
  day_count: 'ACT/365',
  convention_pack: 'notional',
  pricing_model: 'standard-v1',
  tier: 'standard',
  active: true,
}
const DAYS_VALID = 1
/** A revoked key is refused everywhere within ten seconds. */
const REVOKED_WAIT_MS = 15_000
const POLL_MS = 250

const brokerFlow: Check = {
  group: 'administration',
  name: 'a new broker is set up, prices, and is put out of use',
  expected: 'terms, a key and a price under these terms, then a key that is refused',
  keys: ['admin'],
  changesData: true,
  run: async (engine) => {
    const clientId = `validation-${crypto.randomUUID().slice(0, 18)}`
    const admin = engine.client('admin')
    const made = await admin.brokers.create(clientId, TERMS)
    if (made.status === 'pending') {
      await admin.approvals.refuse(made.approval_id, 'Made by the validation of a deployment')
      throw new NotOffered('a change waits for a second person here; it was taken back')
    }
    try {
      return await withKey(engine, clientId)
    } finally {
      await admin.brokers.update(clientId, (broker) => ({ ...broker, active: false }))
    }
  },
}

async function withKey(engine: Engine, clientId: string): Promise<string> {
  const keys = engine.client('admin').apiKeys
  const key = await keys.create({ clientId, role: 'broker', label: 'validation', expiresInDays: DAYS_VALID })
  const broker = engine.clientWithKey(key.api_key)
  try {
    const quote = await broker.quotes.price({
      ticker: engine.ticker,
      clientId,
      positionValue: usd(POSITION_VALUE),
      loanDays: LOAN_DAYS,
    })
    const { markup_percentage } = quote.terms
    expectThat(
      Number(markup_percentage) === Number(TERMS.markup_percentage) && quote.breakdown.transaction_fees === '25.00',
      `a markup of ${markup_percentage} % and a fee of ${quote.breakdown.transaction_fees}`,
    )
  } finally {
    await keys.revoke(key.key_id)
  }
  const endsAt = performance.now() + REVOKED_WAIT_MS
  for (;;) {
    const code = await broker.config().then(
      () => null,
      (error: unknown) => (error instanceof BorrowRateError ? error.code : String(error)),
    )
    if (code === 'UNAUTHORIZED') return clientId
    expectThat(
      code === null && performance.now() < endsAt,
      `the key that was revoked is answered with ${code ?? 'a 200'}`,
    )
    await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

export const ADMINISTRATION_CHECKS: readonly Check[] = [brokerFlow]
