// What the owner of the database could do to the record, and that each of it is found and named: in the database, and where it applies in
// an export taken afterwards. Each tampering happens in a transaction of its own, as the owner, with the triggers off.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Queryable } from '../database/connect.ts'
import { auditId, auditRow } from '../test/audit-rows.ts'
import { type TestDatabase, testDatabase } from '../test/database.ts'
import { randomFrom } from '../test/random.ts'
import type { TimeRange } from './chain-reads.ts'
import { recordAt } from './chain-reads.ts'
import type { Bad, Link, Reason } from './check-chain.ts'
import { exportRecords } from './export.ts'
import { type ChainRow, checkpointText, headText, keptDigest, recordHash } from './hash-chain.ts'
import { HEAD_COLUMNS, type HeadRow, newestHead, readHead, type SignedHead } from './heads.ts'
import { sealer } from './sealer.ts'
import { createSigningKey, readTrustedKeys, type SigningKey } from './signing-key.ts'
import { type VerifyResult, type VerifyStep, verifyChain } from './verify.ts'
import { verifyExport } from './verify-export.ts'

const RECORDS = 300
const SEED = 20_261_124
const TRIES_TIMEOUT_MS = 60_000
const EVERYTHING: TimeRange = { from: null, to: null }
const EVER = { from: new Date('2020-01-01T00:00:00Z'), to: new Date('2099-01-01T00:00:00Z') }
const signal = new AbortController().signal

const folder = mkdtempSync(join(tmpdir(), 'borrow-rate-engine-test-tamper-'))
const key = createSigningKey(join(folder, 'key.pem'))
const stranger = createSigningKey(join(folder, 'stranger.pem'))
const trusted = readTrustedKeys([], [key])
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let database: TestDatabase
/** The newest head as it was exported before anybody tampered. */
let exported: SignedHead
let heads: SignedHead[]
beforeAll(async () => {
  database = await testDatabase()
  await database.pool.query("select add_audit_months((now() - interval '1 month')::date, 1)")
  const random = randomFrom(SEED)
  const chain = sealer({ database: database.pool, key, trusted, clock: () => new Date(), intervalMs: 2 ** 31 - 1 })
  for (let kept = 0; kept < RECORDS; ) {
    const batch = Math.min(RECORDS - kept, 1 + Math.floor(random() * 40))
    // Some come a month late.
    for (let index = 0; index < batch; index += 1) await keep(kept + index + 1, random() < 0.1 ? 35 * 86_400_000 : 0)
    kept += batch
    await chain.sealNow()
  }
  await chain.close()
  exported = (await newestHead(database.pool)) as SignedHead
  const { rows } = await database.pool.query<HeadRow>(`select ${HEAD_COLUMNS} from audit_heads order by sequence`)
  heads = rows.map(readHead)
})
afterAll(() => database.drop())

async function keep(number: number, ageMs: number): Promise<void> {
  const row = auditRow({
    audit_id: auditId(new Date(Date.now() - ageMs)),
    total_fee: `${number}.50`,
    record: `{"number":${number},"total_fee":"${number}.50","note":"é€😀"}`,
  })
  await database.pool.query(
    `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record)
     select audit_id, record_type, schema_version, occurred_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record
       from json_populate_record(null::audit_records, $1)`,
    [JSON.stringify(row)],
  )
}

/** Tampers as the owner, looks at what became of it, and takes it back. */
async function tampered<T>(
  tamper: (owner: pg.ClientBase) => Promise<unknown>,
  look: (database: Queryable) => Promise<T>,
): Promise<T> {
  const client = await database.pool.connect()
  try {
    await client.query('begin')
    await client.query('set local role borrow_rate_owner')
    for (const table of ['audit_records', 'audit_seals', 'audit_heads', 'audit_checkpoints', 'held_records'])
      await client.query(`alter table ${table} disable trigger user`)
    await tamper(client)
    return await look(oneAtATime(client))
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** Statements of one connection that are asked for at once. */
function oneAtATime(client: pg.ClientBase): Queryable {
  let last: Promise<unknown> = Promise.resolve()
  const query = (text: string, values: unknown[]) => {
    const answer = last.then(() => client.query(text, values))
    last = answer.catch(() => {})
    return answer
  }
  return { query } as unknown as Queryable
}

async function resultOf(steps: AsyncIterable<VerifyStep>): Promise<VerifyResult> {
  let last: VerifyStep | undefined
  for await (const step of steps) last = step
  return last as VerifyResult
}

const online = (of: Queryable, range = EVERYTHING, known: SignedHead | null = exported) =>
  resultOf(verifyChain({ database: of, trusted, exportedHead: async () => known })(range, signal))
const offline = (of: Queryable, known: SignedHead | null = null) =>
  resultOf(verifyExport(exportRecords({ database: of, clock: () => new Date() })(EVER, signal), trusted, known))

async function bothAfter(tamper: (owner: pg.ClientBase) => Promise<unknown>): Promise<[Bad | null, Bad | null]> {
  return tampered(tamper, async (of) => [(await online(of)).firstBad, (await offline(of)).firstBad])
}

const at = async (sequence: number, of: Queryable = database.pool) =>
  (await recordAt(of, sequence)) as Link & { row: ChainRow }
const headOver = (sequence: number) => heads.find((head) => head.sequence >= sequence) as SignedHead

/** Everything from a place on is chained anew after the record there was changed; what becomes of the heads is up to the forger. */
async function rechain(
  owner: pg.ClientBase,
  from: number,
  forge: (head: SignedHead) => SignedHead | null,
): Promise<void> {
  await owner.query(`update audit_records set total_fee = 1 where audit_id = $1`, [(await at(from)).auditId])
  let { prevHash } = await at(from)
  for (const head of heads.filter(({ sequence }) => sequence >= from)) {
    for (let sequence = Math.max(from, head.firstSequence); sequence <= head.sequence; sequence += 1) {
      const { auditId: id, row } = await at(sequence, owner as unknown as Queryable)
      const hash = recordHash(prevHash, sequence, row)
      await owner.query('update audit_seals set prev_hash = $2, hash = $3 where audit_id = $1', [id, prevHash, hash])
      prevHash = hash
    }
    const forged = forge({ ...head, hash: prevHash })
    if (forged === null) await owner.query('delete from audit_heads where sequence = $1', [head.sequence])
    else {
      await owner.query('update audit_heads set hash = $2, key_id = $3, signature = $4 where sequence = $1', [
        head.sequence,
        forged.hash,
        forged.keyId,
        forged.signature,
      ])
    }
  }
}

const signedBy =
  (of: SigningKey, keyId = of.keyId) =>
  (head: SignedHead) => ({ ...head, keyId, signature: of.sign(headText(head)) })

describe('nobody has tampered', () => {
  test('everything is valid, and so is what is exported', async () => {
    const head = {
      sequence: RECORDS,
      hash: exported.hash.toString('hex'),
      signedAt: exported.signedAt.toISOString(),
      keyId: key.keyId,
    }
    expect(await online(database.pool)).toEqual({
      kind: 'result',
      valid: true,
      checked: RECORDS,
      unsealed: 0,
      firstBad: null,
      head,
    })
    expect(await offline(database.pool, exported)).toMatchObject({ valid: true, checked: RECORDS, head })
  })

  test('the service itself may verify and export, with its own rights and no more', async () => {
    const result = await tampered(
      (owner) => owner.query('set local role audit_service'),
      async (of) => [(await online(of)).valid, (await offline(of)).valid],
    )
    expect(result).toEqual([true, true])
  })

  test('a range is widened to whole batches, and begins at the signed head before it', async () => {
    const madeAtMs = Number.parseInt((await at(150)).auditId.replace('-', '').slice(0, 12), 16)
    const range = { from: new Date(madeAtMs), to: new Date(madeAtMs + 1) }
    const result = await online(database.pool, range)
    expect(result).toMatchObject({ valid: true, head: { sequence: headOver(150).sequence } })
    expect(result.checked).toBeLessThan(RECORDS / 2)
    expect(await online(database.pool, { from: new Date('2020-01-01'), to: new Date('2020-02-01') })).toMatchObject({
      valid: true,
      checked: 0,
    })
    const steps = exportRecords({ database: database.pool, clock: () => new Date() })(range, signal)
    expect(await resultOf(verifyExport(steps, trusted))).toMatchObject({
      valid: true,
      checked: result.checked,
      head: result.head,
    })
  })

  test('it says how far it is, and stops when it is told to', async () => {
    const verify = verifyChain({ database: database.pool, trusted, exportedHead: async () => null })
    const steps: VerifyStep[] = []
    for await (const step of verify(EVERYTHING, signal)) steps.push(step)
    expect(steps.filter(({ kind }) => kind === 'progress').at(-1)).toEqual({
      kind: 'progress',
      checked: RECORDS,
      of: RECORDS,
    })
    const stopped = new AbortController()
    const running = async () => {
      for await (const _ of verify(EVERYTHING, stopped.signal)) stopped.abort(new Error('enough'))
    }
    await expect(running()).rejects.toThrow('enough')
  })

  test('records that wait for their seal too long are counted', async () => {
    const row = auditRow({ audit_id: auditId(new Date(Date.now() - 90_000)) })
    const insert = (owner: pg.ClientBase, id: string) =>
      owner.query(
        `insert into audit_records (audit_id, record_type, schema_version, occurred_at, client_id, record) values ($1, 'quote', 1, now(), 'demo', '{}')`,
        [id],
      )
    const result = await tampered(
      async (owner) => {
        await insert(owner, row.audit_id)
        await insert(owner, auditRow().audit_id)
      },
      async (of) => [await online(of), await offline(of)],
    )
    expect(result).toMatchObject([
      { valid: true, unsealed: 1 },
      { valid: true, unsealed: 1 },
    ])
  })
})

describe('one record is changed', () => {
  test.each([
    ['one digit of its text', `record = replace(record, '150.50', '150.51')`],
    ['its fee, in the column alone', 'total_fee = 150.51'],
    ['the scale of its fee', 'total_fee = 150.500'],
    ['its rate', 'borrow_rate = borrow_rate + 0.001'],
    ['its position value', 'position_value = 1'],
    ['its client', `client_id = 'demo-other'`],
    ['its ticker', 'ticker = null'],
    ['its request', `request_id = 'request-2'`],
    ['its caller', `actor_id = 'key-2'`],
    ['its type', `record_type = 'quotes'`],
    ['its version', 'schema_version = 2'],
    ['when it was made, by a microsecond', `occurred_at = occurred_at + interval '1 microsecond'`],
    ['when it was kept, by a microsecond', `recorded_at = recorded_at + interval '1 microsecond'`],
  ])('%s', async (_, change) => {
    const { auditId: id } = await at(150)
    const found = await bothAfter((owner) =>
      owner.query(`update audit_records set ${change} where audit_id = $1`, [id]),
    )
    for (const bad of found) expect(bad).toMatchObject({ auditId: id, sequence: 150, reason: 'altered' })
  })

  test.each([
    ['its hash', `hash = sha256('x')`],
    ['its prev_hash', `prev_hash = sha256('x')`],
    ['when it was sealed', `sealed_at = sealed_at + interval '1 second'`],
  ])('the seal beside it: %s', async (_, change) => {
    const { auditId: id } = await at(150)
    const found = await bothAfter((owner) => owner.query(`update audit_seals set ${change} where audit_id = $1`, [id]))
    for (const bad of found) expect(bad).toMatchObject({ auditId: id, sequence: 150, reason: 'altered' })
  })

  test('together with the hash beside it', async () => {
    const { firstSequence } = headOver(150)
    const { auditId: id, prevHash, row } = await at(firstSequence)
    const found = await bothAfter(async (owner) => {
      await owner.query('update audit_records set total_fee = 1 where audit_id = $1', [id])
      const hash = recordHash(prevHash, firstSequence, { ...row, total_fee: '1' })
      await owner.query('update audit_seals set hash = $2 where audit_id = $1', [id, hash])
    })
    for (const bad of found) expect(bad).toMatchObject({ auditId: id, sequence: firstSequence, reason: 'altered' })
  })
})

describe('records are gone or in another order', () => {
  test('one record', async () => {
    const { auditId: id } = await at(150)
    const found = await bothAfter((owner) => owner.query('delete from audit_records where audit_id = $1', [id]))
    for (const bad of found) expect(bad).toMatchObject({ auditId: id, sequence: 150, reason: 'missing' })
  })

  test('one record with its seal', async () => {
    const { auditId: id } = await at(150)
    const found = await bothAfter(async (owner) => {
      await owner.query('delete from audit_records where audit_id = $1', [id])
      await owner.query('delete from audit_seals where audit_id = $1', [id])
    })
    for (const bad of found) expect(bad).toMatchObject({ auditId: null, sequence: 150, reason: 'missing' })
  })

  test('a whole batch with its head', async () => {
    const head = headOver(150)
    const found = await bothAfter((owner) => cutOff(owner, head.firstSequence, head.sequence))
    for (const bad of found) expect(bad).toMatchObject({ sequence: head.firstSequence, reason: 'missing' })
  })

  test('one head', async () => {
    const head = headOver(150)
    const found = await bothAfter((owner) =>
      owner.query('delete from audit_heads where sequence = $1', [head.sequence]),
    )
    for (const bad of found) expect(bad).toMatchObject({ sequence: head.firstSequence, reason: 'forged_head' })
  })

  test.each([
    ['places', 'sequence'],
    ['seals', 'sequence, prev_hash, hash'],
  ])('two records have exchanged their %s', async (_, columns) => {
    const [a, b] = [await at(headOver(150).firstSequence), await at(headOver(150).sequence)]
    const found = await bothAfter((owner) =>
      owner.query(
        `update audit_seals s set (${columns}) = (select ${columns} from audit_seals o where o.audit_id = case s.audit_id when $1 then $2 else $1 end)
          where audit_id in ($1, $2)`
          .replaceAll('$1', `'${a.auditId}'::uuid`)
          .replaceAll('$2', `'${b.auditId}'::uuid`),
      ),
    )
    for (const bad of found) expect(bad).toMatchObject({ sequence: a.sequence, reason: 'reordered' })
  })

  test('two records have exchanged their content, also across batches', async () => {
    const [a, b] = [await at(20), await at(280)]
    const content = 'record, total_fee, occurred_at, recorded_at'
    const [inDatabase, inFile] = await bothAfter((owner) =>
      owner.query(
        `update audit_records s set (${content}) = (select ${content} from audit_records o where o.audit_id = case s.audit_id when $1 then $2 else $1 end)
          where audit_id in ($1, $2)`
          .replaceAll('$1', `'${a.auditId}'::uuid`)
          .replaceAll('$2', `'${b.auditId}'::uuid`),
      ),
    )
    expect(inDatabase).toMatchObject({ auditId: a.auditId, sequence: 20, reason: 'reordered' })
    // A file is read from its beginning: what stands hundreds of lines on is not known yet.
    expect(inFile).toMatchObject({ auditId: a.auditId, sequence: 20, reason: 'altered' })
  })

  test('a record takes the place of another', async () => {
    const [a, b] = [await at(150), await at(151)]
    const found = await bothAfter((owner) =>
      owner.query('update audit_seals set sequence = 150 where audit_id = $1', [b.auditId]),
    )
    const second = a.auditId < b.auditId ? b : a
    for (const bad of found) expect(['altered', 'reordered']).toContain(bad?.reason)
    expect(found[0]?.sequence).toBe(150)
    expect([a.auditId, second.auditId]).toContain(found[0]?.auditId)
  })
})

describe('the end is chained anew', () => {
  test.each([
    ['heads of a stranger', signedBy(stranger)],
    ["heads of a stranger in the key's name", signedBy(stranger, key.keyId)],
    ['the old signatures', (head: SignedHead) => head],
  ])('under %s', async (_, forge) => {
    const head = headOver(150)
    const found = await bothAfter((owner) => rechain(owner, 150, forge))
    const { auditId: id } = await at(head.sequence)
    for (const bad of found) expect(bad).toMatchObject({ auditId: id, sequence: head.sequence, reason: 'forged_head' })
  })

  test('without heads', async () => {
    const [inDatabase, inFile] = await bothAfter((owner) => rechain(owner, 150, () => null))
    expect(inDatabase).toMatchObject({ sequence: headOver(150).firstSequence, reason: 'forged_head' })
    expect(inFile).toMatchObject({ sequence: headOver(150).firstSequence, reason: 'forged_head' })
  })

  test('under the heads as they were', async () => {
    const { sequence, firstSequence } = headOver(150)
    const found = await bothAfter((owner) =>
      rechain(owner, 150, (head) => heads.find((old) => old.sequence === head.sequence) as SignedHead),
    )
    for (const bad of found) {
      expect(bad).toMatchObject({ sequence: firstSequence, reason: 'altered' })
      expect(bad?.sentence).toContain(`${firstSequence} to ${sequence} were chained anew`)
    }
  })

  test('with the signing key itself: only the exported head shows it, in a file too', async () => {
    const [withIt, without, file] = await tampered(
      (owner) => rechain(owner, 150, signedBy(key)),
      async (of) => [await online(of), await online(of, EVERYTHING, null), await offline(of, exported)],
    )
    expect(without?.valid).toBe(true)
    expect(withIt).toMatchObject({ valid: false, firstBad: { sequence: RECORDS, reason: 'cut_off' } })
    expect(file).toMatchObject({ valid: false, firstBad: { sequence: RECORDS, reason: 'cut_off' } })
  })

  test('a record is sealed behind the last head', async () => {
    const bad = await tampered(
      (owner) => owner.query('delete from audit_heads where sequence = $1', [RECORDS]),
      async (of) => (await online(of)).firstBad,
    )
    expect(bad).toMatchObject({ sequence: heads.at(-1)?.firstSequence, reason: 'forged_head' })
  })
})

/** Records, seals and heads of places, as if they had never been. */
async function cutOff(owner: pg.ClientBase, from: number, to: number): Promise<void> {
  await owner.query(
    'delete from audit_records using audit_seals where audit_seals.audit_id = audit_records.audit_id and sequence between $1 and $2',
    [from, to],
  )
  await owner.query('delete from audit_seals where sequence between $1 and $2', [from, to])
  await owner.query('delete from audit_heads where sequence between $1 and $2', [from, to])
}

describe('the end is cut off', () => {
  test('it is shorter than what was exported', async () => {
    const { firstSequence } = headOver(250)
    const look = async (of: Queryable) => [
      await online(of),
      await online(of, { from: EVER.from, to: null }),
      await online(of, EVERYTHING, null),
    ]
    const [all, toNow, without] = await tampered((owner) => cutOff(owner, firstSequence, RECORDS), look)
    expect(all?.firstBad).toEqual({
      auditId: null,
      sequence: firstSequence,
      reason: 'cut_off',
      sentence: `the chain ends at ${firstSequence - 1}, and the head at ${RECORDS} was exported: what stood behind ${firstSequence - 1} was cut off`,
    })
    expect(toNow?.firstBad?.reason).toBe('cut_off')
    expect(without?.valid).toBe(true)
  })

  test('all of it', async () => {
    const bad = await tampered(
      (owner) => cutOff(owner, 1, RECORDS),
      async (of) => (await online(of)).firstBad,
    )
    expect(bad).toMatchObject({ sequence: 1, reason: 'cut_off' })
  })
})

describe('chance tampers', () => {
  const random = randomFrom(SEED)
  const chosen = (max: number) => Math.floor(random() * max)
  const COLUMNS: readonly [string, string][] = [
    ['record', `overlay(record placing chr(ascii(substr(record, 3, 1)) + 1) from 3 for 1)`],
    ['total_fee', 'total_fee + 0.01'],
    ['position_value', 'coalesce(position_value, 0) + 0.01'],
    ['borrow_rate', 'borrow_rate * 2'],
    ['client_id', `client_id || 'x'`],
    ['ticker', `'GME'`],
    ['occurred_at', `occurred_at - interval '1 day'`],
    ['request_id', 'null'],
  ]

  /** Many tamperings in one transaction, each taken back before the next. */
  async function tries(
    number: number,
    tamper: (of: Queryable) => Promise<(found: (Bad | null)[]) => void>,
  ): Promise<void> {
    await tampered(
      async () => {},
      async (of) => {
        for (let attempt = 0; attempt < number; attempt += 1) {
          await of.query('savepoint untouched')
          const expected = await tamper(of)
          expected([(await online(of)).firstBad, (await offline(of)).firstBad])
          await of.query('rollback to savepoint untouched')
        }
      },
    )
  }

  test('with one to five records, forty times: the first of them is named', { timeout: TRIES_TIMEOUT_MS }, async () => {
    await tries(40, async (of) => {
      const places = Array.from({ length: 1 + chosen(5) }, () => 1 + chosen(RECORDS))
      const [column, value] = COLUMNS[chosen(COLUMNS.length)] as [string, string]
      const deletes = random() < 0.3
      const first = await at(Math.min(...places))
      for (const place of places) {
        const { auditId: id } = await at(place)
        if (deletes) await of.query('delete from audit_records where audit_id = $1', [id])
        else await of.query(`update audit_records set ${column} = ${value} where audit_id = $1`, [id])
      }
      const reason: Reason = deletes ? 'missing' : 'altered'
      return (found) => {
        for (const bad of found) {
          expect(bad, `${column} at ${places}`).toMatchObject({
            auditId: first.auditId,
            sequence: first.sequence,
            reason,
          })
        }
      }
    })
  })

  test('with any byte of any seal or head, forty times: its place is named', {
    timeout: TRIES_TIMEOUT_MS,
  }, async () => {
    await tries(40, async (of) => {
      const ofSeal = random() < 0.6
      const table = ofSeal ? 'audit_seals' : 'audit_heads'
      const column = ofSeal ? ['prev_hash', 'hash'][chosen(2)] : ['hash', 'signature'][chosen(2)]
      const place = ofSeal ? 1 + chosen(RECORDS) : (heads[chosen(heads.length)] as SignedHead).sequence
      const byte = chosen(32)
      await of.query(
        `update ${table} set ${column} = set_byte(${column}, ${byte}, (get_byte(${column}, ${byte}) + ${1 + chosen(255)}) % 256) where sequence = $1`,
        [place],
      )
      return (found) => {
        for (const bad of found) expect(bad?.sequence, `byte ${byte} of ${table}.${column}`).toBe(place)
      }
    })
  })
})

describe('a month has left the log', () => {
  /** Last month goes; its records are all at or below the checkpoint. */
  async function detach(
    owner: pg.ClientBase,
    forge: (checkpoint: string) => Buffer = (text) => key.sign(text),
  ): Promise<void> {
    const { rows: months } = await owner.query(
      `select to_char(now() - interval '1 month', 'YYYY_MM') as suffix, to_char(date_trunc('month', now() - interval '1 month'), 'YYYY-MM-DD') as month`,
    )
    const { suffix, month } = months[0]
    const { rows: last } = await owner.query(`select max(sequence) as last from audit_seals_${suffix}`)
    const head = headOver(Number(last[0].last))
    // Two of its records are held.
    await owner.query(
      `insert into held_records (audit_id, record_type, schema_version, occurred_at, recorded_at, client_id, ticker, position_value, borrow_rate, total_fee, request_id, actor_id, record, sequence, prev_hash, hash, sealed_at)
       select r.*, s.sequence, s.prev_hash, s.hash, s.sealed_at from audit_records_${suffix} r join audit_seals_${suffix} s using (audit_id) order by s.sequence limit 2`,
    )
    for (const table of ['audit_seals', 'audit_records'])
      await owner.query(`alter table ${table} detach partition ${table}_${suffix}`)
    const { rows } = await owner.query(
      `select sequence, hash from audit_seals where sequence <= $1 union all select sequence, hash from held_records order by sequence`,
      [head.sequence],
    )
    const kept = keptDigest()
    for (const row of rows) kept.add({ sequence: Number(row.sequence), hash: row.hash })
    const checkpoint = {
      sequence: head.sequence,
      hash: head.hash,
      month,
      keptDigest: kept.digest(),
      signedAt: new Date('2026-11-24T00:00:00Z'),
    }
    await owner.query(
      'insert into audit_checkpoints (sequence, hash, month, kept_digest, signed_at, key_id, signature) values ($1, $2, $3, $4, $5, $6, $7)',
      [
        checkpoint.sequence,
        checkpoint.hash,
        month,
        checkpoint.keptDigest,
        checkpoint.signedAt,
        key.keyId,
        forge(checkpointText(checkpoint)),
      ],
    )
  }
  const keptNow = async (of: Queryable) => {
    const { rows } = await of.query(
      'select audit_id, sequence from audit_seals where sequence <= (select max(sequence) from audit_checkpoints) union all select audit_id, sequence from held_records order by sequence',
    )
    return rows
  }

  test('the chain goes on from the checkpoint, and what was kept is attested', async () => {
    const [all, file, kept] = await tampered(
      detach,
      async (of) => [await online(of), await offline(of), await keptNow(of)] as const,
    )
    expect(all).toMatchObject({ valid: true, firstBad: null })
    expect(file.valid).toBe(true)
    expect(all.checked).toBe(file.checked + kept.length)
    expect(kept.length).toBeGreaterThan(100)
  })

  test.each([
    [
      'a held record is changed',
      'update held_records set total_fee = 1 where sequence = (select min(sequence) from held_records)',
      'altered',
    ],
    [
      'a held record is gone',
      'delete from held_records where sequence = (select min(sequence) from held_records)',
      'missing',
    ],
    [
      'a kept record is changed',
      `update audit_records set total_fee = 1 where audit_id = (select audit_id from audit_seals order by sequence limit 1)`,
      'altered',
    ],
    [
      'a kept record is gone',
      `delete from audit_records where audit_id = (select audit_id from audit_seals order by sequence limit 1)`,
      'missing',
    ],
    [
      'a kept record is gone with its seal',
      `with gone as (delete from audit_seals where sequence = (select min(sequence) from audit_seals) returning audit_id) delete from audit_records using gone where gone.audit_id = audit_records.audit_id`,
      'missing',
    ],
    ['the checkpoint is set further', 'update audit_checkpoints set sequence = sequence + 1', 'forged_head'],
    ['the checkpoint is gone', 'delete from audit_checkpoints', 'missing'],
  ])('%s', async (_, statement, reason) => {
    const bad = await tampered(
      async (owner) => {
        await detach(owner)
        await owner.query(statement)
      },
      async (of) => (await online(of)).firstBad,
    )
    expect(bad?.reason).toBe(reason)
  })

  test('the checkpoint is signed by a stranger', async () => {
    const bad = await tampered(
      (owner) => detach(owner, (text) => stranger.sign(text)),
      async (of) => (await online(of)).firstBad,
    )
    expect(bad).toMatchObject({ reason: 'forged_head', sentence: expect.stringContaining('checkpoint') })
  })
})
