// Who may do what: each role is let in where it belongs, and kept out elsewhere.
import { refusalFaults } from './answer-faults.ts'
import { type Check, expectThat } from './check.ts'
import type { Engine } from './engine.ts'
import { expectStatus, quoteBody } from './smoke-checks.ts'

const wrongKeys: Check = {
  group: 'roles',
  name: 'a key that nobody has is refused',
  expected: '401 UNAUTHORIZED for an unknown key and for a token that was made up',
  run: async (engine) => {
    const made: Readonly<Record<string, string>>[] = [
      { 'x-api-key': 'brk_000000000000_000000000000000000000000000000000000000000000000' },
      { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.' },
    ]
    for (const headers of made) {
      const faults = refusalFaults(await engine.ask('/api/v1/config', { headers }), 401, 'UNAUTHORIZED')
      expectThat(faults.length === 0, faults.join('; '))
    }
    return undefined
  },
}

const quotersKeptOut: Check = {
  group: 'roles',
  name: 'whoever prices does not read the record, and administers nothing',
  expected: '403 FORBIDDEN for the record, keys and models',
  keys: ['quoting'],
  run: async (engine) => {
    await expectForbidden(engine, [
      '/api/v1/audit',
      '/api/v1/audit/verify',
      '/api/v1/api-keys',
      '/api/v1/pricing-models',
    ])
    return undefined
  },
}

const auditorsKeptOut: Check = {
  group: 'roles',
  name: 'whoever audits reads the record, and prices nothing',
  expected: '200 for the record, 403 FORBIDDEN for a quote',
  keys: ['auditing'],
  run: async (engine) => {
    expectStatus(await engine.ask('/api/v1/audit?page_size=1', { as: 'auditing' }), 200)
    const asked = await engine.ask('/api/v1/calculate-locate', { as: 'auditing', body: quoteBody(engine) })
    const faults = refusalFaults(asked, 403, 'FORBIDDEN')
    expectThat(faults.length === 0, faults.join('; '))
    return undefined
  },
}

async function expectForbidden(engine: Engine, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const faults = refusalFaults(await engine.ask(path, { as: 'quoting' }), 403, 'FORBIDDEN')
    expectThat(faults.length === 0, `${path}: ${faults.join('; ')}`)
  }
}

export const ACCESS_CHECKS: readonly Check[] = [wrongKeys, quotersKeptOut, auditorsKeptOut]
