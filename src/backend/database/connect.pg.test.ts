import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { connectDatabase } from './connect.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase({ empty: true })
})
afterAll(() => database.drop())

test('numbers that a JavaScript number cannot hold, JSON and calendar dates arrive as text; moments as Date', async () => {
  const { rows } = await database.pool.query(
    `select 0.1000000000000000000001::numeric as numeric, 9007199254740993::bigint as bigint, '[0.10, 12345678901234567890]'::jsonb as jsonb,
            '{"a":1}'::json as json, date '2026-03-08' as date, timestamptz '2026-11-24 15:00:00+00' as moment, 7::integer as integer`,
  )
  expect(rows[0]).toEqual({
    numeric: '0.1000000000000000000001',
    bigint: '9007199254740993',
    jsonb: '[0.10, 12345678901234567890]',
    json: '{"a":1}',
    date: '2026-03-08',
    moment: new Date('2026-11-24T15:00:00Z'),
    integer: 7,
  })
})

test('a statement that takes too long is ended by the server', async () => {
  const pool = connectDatabase(database.url, { applicationName: 'slow', connectionsMax: 1, statementTimeoutMs: 50 })
  await expect(pool.query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' })
  await pool.end()
})

test('a connection that is lost, idle or in use, is no end of the process, and the pool goes on', async () => {
  const lost: string[] = []
  const pool = connectDatabase(database.url, {
    applicationName: 'to be lost',
    connectionsMax: 2,
    onIdleError: (error) => lost.push(error.message),
  })
  const inUse = await pool.connect()
  const idle = await pool.connect()
  idle.release()
  const { rows } = await database.pool.query(
    "select pg_terminate_backend(pid) as ended from pg_stat_activity where application_name = 'to be lost'",
  )
  expect(rows).toEqual([{ ended: true }, { ended: true }])
  await expect.poll(() => lost).toHaveLength(1)
  await expect(inUse.query('select 1')).rejects.toThrow()
  inUse.release(true)
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await pool.end()
})

test('whoever waits for a connection is counted: for one that is in use, and for one that is being opened', async () => {
  const silent = createServer((socket) => opened.push(socket))
  const opened: Socket[] = []
  await once(silent.listen(0, '127.0.0.1'), 'listening')
  const pool = connectDatabase(`postgresql://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/d`, {
    applicationName: 'waiting',
    connectionsMax: 2,
    connectTimeoutMs: 300,
  })
  const refused = [1, 2, 3].map(() => expect(pool.query('select')).rejects.toThrow(/timeout/))
  expect(pool.waitingCount).toBe(3)
  await Promise.all(refused)
  expect(pool.waitingCount).toBe(0)
  await pool.end()
  for (const socket of opened) socket.destroy()
  silent.close()

  const well = connectDatabase(database.url, { applicationName: 'well', connectionsMax: 1 })
  const first = await well.connect()
  expect(well.waitingCount).toBe(0)
  const second = well.connect()
  expect(well.waitingCount).toBe(1)
  first.release()
  const client = await second
  expect(well.waitingCount).toBe(0)
  client.release()
  await well.end()
})
