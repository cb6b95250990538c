// The same as the stores' outages, as it is deployed: PgBouncer stands between the services and PostgreSQL, and waits where a server
// would refuse. Skips itself, and says so, where there is no PgBouncer.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOW_TO_GET_PGBOUNCER, pgbouncerFound } from '../pgbouncer-found.ts'
import { expectOnlyRecordsToFail } from './database-outage.ts'
import { everyPriceChecked, type Stage, startStage } from './stage.ts'

const isThere = pgbouncerFound() !== null
if (!isThere) console.warn(`there is no PgBouncer to test through. To get one: ${HOW_TO_GET_PGBOUNCER}`)

describe.runIf(isThere)('PostgreSQL behind PgBouncer', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await startStage({ pooled: true })
  }, 90_000)
  afterAll(() => stage?.end(), 60_000)

  test('is killed: quotes are refused as AUDIT_UNAVAILABLE and nothing else, rates are read from copies, and all is well soon after', async () => {
    await expectOnlyRecordsToFail(stage, 'behind PgBouncer is killed', () => stage.postgres.kill())
  }, 40_000)

  test('no price was wrong, and each is on the record once', async () => {
    expect(await everyPriceChecked(stage)).toEqual([])
  }, 30_000)
})
