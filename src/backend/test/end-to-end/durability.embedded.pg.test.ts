// What a newcomer's engine keeps through stops, kills and company: keys, data, and every price it ever answered. The tests are
// one life of one data folder, in order.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { QuoteRecordBody } from '../../audit/quote-record.ts'
import { readPriceInputs } from '../../pricing/price-inputs.ts'
import { price } from '../../pricing/quote.ts'
import { type Deployment, databaseProcessOf, sleep, startDeployment } from './deployment.ts'
import { type Answer, ask, openSocket, rawRequest } from './http.ts'
import { answered, lost, startLoad, until } from './load.ts'

const WAIT_MS = 60_000
let deployed: Deployment
let folder: string
/** The first price of all, whose record must last. */
let first: Answer

const startAgain = () => startDeployment({ database: 'embedded', dataDir: folder })
const quote = (of: Deployment, fields: object = {}): Promise<Answer> =>
  ask(of, {
    path: '/api/v1/calculate-locate',
    key: of.keys['demo-collateral'],
    body: { ticker: 'DJT', quantity: 1234, price: '34.567', loan_days: 17, client_id: 'demo-collateral', ...fields },
  })
const record = (of: Deployment, id: string): Promise<Answer> =>
  ask(of, { path: `/api/v1/audit/${id}`, key: of.keys.auditor })

beforeAll(async () => {
  deployed = await startDeployment({ database: 'embedded' })
  folder = deployed.dataDir as string
}, WAIT_MS)

test('the keys lie in a file that nobody else may read', () => {
  expect(statSync(join(folder, 'demo-keys.json')).mode & 0o777).toBe(0o600)
})

describe('a stop and a start', () => {
  test('SIGTERM ends the engine with 0 and its database with it', async () => {
    first = await quote(deployed)
    expect(first.status).toBe(200)
    expect(databaseProcessOf(folder)).not.toBeNull()
    expect(await deployed.stop()).toEqual({ code: 0, signal: null })
    expect(databaseProcessOf(folder)).toBeNull()
    expect(readdirSync(join(folder, 'engines'))).toEqual([])
  })

  test(
    'keep keys, data and records: the earlier price can be read, and its inputs give the same cents',
    async () => {
      const { keys } = deployed
      deployed = await startAgain()
      expect(deployed.keys).toEqual(keys)
      const kept = await record(deployed, first.json.audit_id)
      expect(kept.status).toBe(200)
      const again = price(readPriceInputs((JSON.parse(kept.text) as { record: QuoteRecordBody }).record.price_inputs))
      expect(String(again.fee.totalFee)).toBe(first.json.total_fee)
      expect(String(again.feePerShare)).toBe(first.json.fee_per_share)
      expect((await quote(deployed)).json.data_sources.base_rate.value).toBe(first.json.data_sources.base_rate.value)
    },
    WAIT_MS,
  )
})

describe('kill -9 of the engine under load', () => {
  test(
    'loses no price that was answered; the next start takes the database over as it is',
    async () => {
      const load = startLoad(deployed)
      await until('prices', () => answered(load.outcomes).length > 200)
      expect((await deployed.kill('SIGKILL')).signal).toBe('SIGKILL')
      const ids = answered(await load.stop())
      const server = databaseProcessOf(folder)
      expect(server).not.toBeNull()

      deployed = await startAgain()
      expect(databaseProcessOf(folder)).toBe(server)
      expect(await lost(deployed.database, ids)).toEqual([])
      for (const id of [ids[0], ids.at(-1), first.json.audit_id]) expect((await record(deployed, id)).status).toBe(200)
    },
    WAIT_MS,
  )

  test(
    'and of its database as well: the next start recovers all of it',
    async () => {
      const load = startLoad(deployed)
      await until('prices', () => answered(load.outcomes).length > 100)
      process.kill(databaseProcessOf(folder) as number, 'SIGKILL')
      await deployed.kill('SIGKILL')
      const ids = answered(await load.stop())
      deployed = await startAgain()
      expect(await lost(deployed.database, ids)).toEqual([])
    },
    WAIT_MS,
  )
})

describe('two engines on one folder', () => {
  test(
    'share database, keys and records; the last to leave stops the database',
    async () => {
      const beside = await startAgain()
      expect(beside.url).not.toBe(deployed.url)
      expect(beside.keys).toEqual(deployed.keys)
      const [here, there] = await Promise.all([quote(deployed), quote(beside)])
      expect(there.json.total_fee).toBe(here.json.total_fee)
      expect((await record(beside, here.json.audit_id)).status).toBe(200)
      expect((await record(deployed, there.json.audit_id)).status).toBe(200)

      expect((await deployed.stop()).code).toBe(0)
      expect((await quote(beside)).status).toBe(200)
      deployed = beside
    },
    WAIT_MS,
  )
})

describe('SIGTERM under load', () => {
  test(
    'answers what is in flight, a body still on its way included, and records nothing that it does not answer',
    async () => {
      const body = JSON.stringify({ ticker: 'GME', position_value: 1, loan_days: 1, client_id: 'demo-classic' })
      const lines = [
        `X-API-Key: ${deployed.keys.desk}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]
      const slow = await openSocket(deployed)
      let slowAnswer = ''
      slow.on('data', (part) => {
        slowAnswer += part
      })
      slow.on('error', () => {})
      slow.write(rawRequest('POST', '/api/v1/calculate-locate', lines, body.slice(0, 30)))

      const { rows: before } = await deployed.database.query<{ audit_id: string }>('select audit_id from audit_records')
      const load = startLoad(deployed)
      await until('prices', () => answered(load.outcomes).length > 100)
      const stopping = deployed.stop()
      await sleep(300)
      slow.write(body.slice(30))
      const ended = await stopping
      const outcomes = await load.stop()

      expect(ended).toEqual({ code: 0, signal: null })
      expect(databaseProcessOf(folder)).toBeNull()
      expect(slowAnswer).toMatch(/^HTTP\/1\.1 200 /)
      expect(slowAnswer.toLowerCase()).toContain('connection: close')
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200, 0]))

      deployed = await startAgain()
      const { rows: after } = await deployed.database.query<{ audit_id: string }>('select audit_id from audit_records')
      const known = new Set(before.map(({ audit_id }) => audit_id))
      const recorded = after.map(({ audit_id }) => audit_id).filter((id) => !known.has(id))
      const slowId = /"audit_id":"([^"]+)"/.exec(slowAnswer)?.[1] as string
      expect(recorded.sort()).toEqual([...answered(outcomes), slowId].sort())
    },
    WAIT_MS,
  )
})
