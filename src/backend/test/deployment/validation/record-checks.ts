// A price from its answer to its place in the chain: recorded, explained, sealed, verified, priced again.
import { type Check, expectThat } from './check.ts'
import type { Engine } from './engine.ts'
import { expectStatus, quote } from './smoke-checks.ts'

/** Records are sealed within seconds. */
const SEAL_WAIT_MS = 15_000
const POLL_MS = 250
/** Clocks of the machine that asks and of the engine may differ so much. */
const CLOCKS_APART_MS = 120_000

interface Step {
  readonly step: string
  readonly before: string | null
  readonly after: string
}

const explained: Check = {
  group: 'records',
  name: 'the record explains a price by the steps that its answer had',
  expected: 'the same steps, rate and total on the record, and who asked',
  keys: ['quoting', 'auditing'],
  run: async (engine) => {
    const given = (await quote(engine)).json
    const { record } = await recorded(engine, given.audit_id)
    const steps = (all: readonly Step[]) => all.map(({ step, after }) => `${step} ${Number(after)}`).join(', ')
    expectThat(
      steps(record.waterfall) === steps(given.waterfall),
      `the answer had ${steps(given.waterfall)}, the record has ${steps(record.waterfall)}`,
    )
    const { total_fee } = record.result
    expectThat(total_fee === given.total_fee, `${given.total_fee} was given, ${total_fee} is recorded`)
    expectThat(Boolean(record.actor?.key_id), 'the record does not say whose key asked')
    return `${record.waterfall.length} steps`
  },
}

const chained: Check = {
  group: 'records',
  name: 'a price is sealed into the chain, and the chain holds',
  expected: 'a place in the chain within 15 s, and a verification from there on that finds nothing bad',
  keys: ['quoting', 'auditing'],
  run: async (engine) => {
    const { audit_id, quoted_at } = (await quote(engine)).json
    const endsAt = performance.now() + SEAL_WAIT_MS
    let sequence: string | null = null
    while (sequence === null) {
      sequence = (await recorded(engine, audit_id)).sequence
      expectThat(sequence !== null || performance.now() < endsAt, 'no place in the chain within 15 s')
      if (sequence === null) await new Promise((done) => setTimeout(done, POLL_MS))
    }
    const from = new Date(Date.parse(quoted_at) - CLOCKS_APART_MS).toISOString()
    const answer = await engine.ask(`/api/v1/audit/verify?from=${from}`, { as: 'auditing' })
    expectStatus(answer, 200)
    const { valid, checked, first_bad } = answer.json
    expectThat(valid === true, `bad at ${first_bad?.audit_id}: ${first_bad?.sentence ?? first_bad?.reason}`)
    expectThat(Number(checked) > 0, 'nothing was checked')
    return `place ${sequence}, ${checked} records checked`
  },
}

const replayed: Check = {
  group: 'records',
  name: 'a price that is made again from its record is the same',
  expected: 'identical, without a difference',
  keys: ['quoting', 'auditing'],
  run: async (engine) => {
    const { audit_id } = (await quote(engine)).json
    const path = `/api/v1/audit/${encodeURIComponent(audit_id)}/replay`
    const answer = await engine.ask(path, { method: 'POST', as: 'auditing' })
    expectStatus(answer, 200)
    const { identical, differences } = answer.json
    expectThat(identical === true, `${JSON.stringify(differences).slice(0, 300)}`)
    return undefined
  },
}

const found: Check = {
  group: 'records',
  name: 'a price is found by who asked and for what',
  expected: 'the record in a search for its client and ticker',
  keys: ['quoting', 'auditing'],
  run: async (engine) => {
    const { audit_id } = (await quote(engine)).json
    const query = new URLSearchParams({ client_id: engine.clientId, ticker: engine.ticker, page_size: '50' })
    const endsAt = performance.now() + SEAL_WAIT_MS
    // A search may be answered by a replica, which is a moment behind.
    for (;;) {
      const answer = await engine.ask(`/api/v1/audit?${query}`, { as: 'auditing' })
      expectStatus(answer, 200)
      if ((answer.json.items as { audit_id: string }[]).some((item) => item.audit_id === audit_id)) return undefined
      expectThat(performance.now() < endsAt, `${audit_id} is not among ${answer.json.total} records`)
      await new Promise((done) => setTimeout(done, POLL_MS))
    }
  },
}

async function recorded(engine: Engine, auditId: string) {
  const answer = await engine.ask(`/api/v1/audit/${encodeURIComponent(auditId)}`, { as: 'auditing' })
  expectStatus(answer, 200)
  return answer.json
}

export const RECORD_CHECKS: readonly Check[] = [explained, chained, replayed, found]
