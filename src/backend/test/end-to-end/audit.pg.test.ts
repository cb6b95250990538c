// The record through its doors: sealed within seconds, found, proven, replayed, taken away as a file that stands alone, held, and tried
// out under a draft; each for whom it is.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES, type Role } from '../../access/roles.ts'
import { createSigningKey } from '../../audit/signing-key.ts'
import { parseExactJson } from '../../client/exact-json.ts'
import { until } from '../until.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, type KeyName, startDeployment } from './deployment.ts'
import { type Answer, type Ask, ask } from './http.ts'
import { type Document, type Operation, operations } from './openapi-document.ts'

const NDJSON = 'application/x-ndjson'
const PROGRAM = fileURLToPath(new URL('../../dist/scripts/borrow-rate-engine.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'audit-doors-'))
const publicKey = join(folder, 'public.pem')

let deployed: Deployment
/** The quotes of this file, the oldest first, and a moment before them: a deployment may try a quote itself when it starts. */
const quoted: string[] = []
let since: string

beforeAll(async () => {
  const key = createSigningKey(join(folder, 'key.pem'))
  writeFileSync(publicKey, key.publicKeyPem)
  deployed = await startDeployment({
    environment: { AUDIT_SIGNING_KEY_FILE: join(folder, 'key.pem'), AUDIT_SEAL_INTERVAL_MS: '50' },
  })
  since = new Date().toISOString()
  for (const [ticker, client, value] of [
    ['GME', 'demo-classic', '1000.00'],
    ['AAPL', 'demo-classic', '250000.50'],
    ['GME', 'demo-percentage', '50000'],
    ['GME', 'demo-collateral', '99999.99'],
  ] as const) {
    const { status, json } = await ask(deployed, {
      path: '/api/v1/calculate-locate',
      key: deployed.keys.desk,
      body: { ticker, client_id: client, position_value: value, loan_days: 30 },
    })
    expect(status).toBe(200)
    quoted.push(json.audit_id)
  }
  await until(
    'the quotes are sealed',
    20_000,
    async () => (await record(quoted.at(-1) as string)).json.sequence !== null,
  )
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const as = (name: KeyName, what: Ask) => ask(deployed, { key: deployed.keys[name], ...what })
const record = (id: string) => as('auditor', { path: `/api/v1/audit/${id}` })
const search = (query: string) => as('auditor', { path: `/api/v1/audit?${query}` })
const idsOf = (answer: Answer) => answer.json.items.map((item: { audit_id: string }) => item.audit_id)
const linesOf = (answer: Answer) =>
  answer.text
    .trimEnd()
    .split('\n')
    // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers
    .map((line) => parseExactJson(line) as any)
const today = () => new Date().toISOString().slice(0, 10)

/** The command line, as a person on this machine runs it. */
function command(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], {
    env: {
      PATH: process.env.PATH ?? '',
      DATA_DIR: folder,
      BORROW_RATE_URL: deployed.url,
      BORROW_RATE_API_KEY: deployed.keys.auditor,
    },
    encoding: 'utf8',
  })
  return { status, text: (stdout + stderr).trim() }
}

describe('a record', () => {
  test('has its place in the chain, and says how long it is kept', async () => {
    const { json } = await record(quoted[0] as string)
    expect(json).toMatchObject({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      legal_hold: false,
      hold_ids: [],
    })
    expect(Number(json.sequence)).toBeGreaterThan(0)
    expect(Date.parse(json.sealed_at)).toBeGreaterThanOrEqual(Date.parse(json.recorded_at) - 1000)
    const years = new Date(json.retain_until).getUTCFullYear() - new Date(json.record.occurred_at).getUTCFullYear()
    expect(years).toBe(6)
  })
})

describe('a search', () => {
  test.each([
    ['', [3, 2, 1, 0]],
    ['ticker=GME', [3, 2, 0]],
    ['client_id=demo-classic', [1, 0]],
    ['client_id=demo-classic&ticker=AAPL', [1]],
    ['min_position_value=50000&max_position_value=99999.99', [3, 2]],
    ['min_borrow_rate=0&max_borrow_rate=1000', [3, 2, 1, 0]],
    ['to=2020-01-01&from=2019-01-01', []],
    ['something_else=1', [3, 2, 1, 0]],
  ])('%s finds those that fit, the newest first', async (query, expected) => {
    const answer = await search(query.startsWith('to=') ? query : `record_type=quote&from=${since}&${query}`)
    expect(answer.status).toBe(200)
    expect(idsOf(answer)).toEqual(expected.map((index) => quoted[index]))
    expect(answer.json).toMatchObject({
      total: String(expected.length),
      total_is_exact: true,
      page: '1',
      page_size: '50',
      pages: expected.length === 0 ? '0' : '1',
      next_cursor: null,
    })
  })

  test('gives amounts as exact numbers', async () => {
    const { text } = await search('record_type=quote&ticker=AAPL')
    expect(text).toContain('"position_value":250000.50,')
  })

  test('goes on by pages and by cursors, and both see everything once', async () => {
    const pages: string[] = []
    for (const page of [1, 2, 3])
      pages.push(...idsOf(await search(`record_type=quote&from=${since}&page_size=2&page=${page}`)))
    expect(pages).toEqual([...quoted].reverse())
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const answer = await search(`record_type=quote&from=${since}&page_size=3${cursor}`)
      seen.push(...idsOf(answer))
      if (answer.json.next_cursor === null) break
      cursor = `&cursor=${answer.json.next_cursor}`
    }
    expect(seen).toEqual([...quoted].reverse())
  })

  test.each([
    ['page_size=101', 'page_size'],
    ['page=0', 'page'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=2026-03-02&to=2026-03-01', 'to'],
    ['min_position_value=2&max_position_value=1', 'max_position_value'],
    ['cursor=AAAA', 'cursor'],
    ['client_id=%20', 'client_id'],
    ['ticker=gme', 'ticker'],
    ['page=101&page_size=100', 'page'],
  ])('%s is refused', async (query, field) => {
    const answer = await search(query)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'query' }])
  })
})

describe('the chain', () => {
  test('holds, in one answer', async () => {
    const { status, json } = await as('auditor', { path: '/api/v1/audit/verify' })
    expect(status).toBe(200)
    expect(json).toMatchObject({ status: 'success', valid: true, unsealed: '0', first_bad: null })
    expect(Number(json.checked)).toBeGreaterThanOrEqual(quoted.length)
    expect(json.head).toMatchObject({ sequence: json.checked, hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  test('holds, told as it goes on, of a day too', async () => {
    const answer = await as('admin', {
      path: `/api/v1/audit/verify?from=${today()}&to=${today()}`,
      headers: { accept: NDJSON },
    })
    expect(answer.headers['content-type']).toBe(NDJSON)
    const lines = linesOf(answer)
    expect(lines[0]).toMatchObject({ type: 'progress' })
    expect(lines.at(-1)).toMatchObject({ type: 'result', status: 'success', valid: true })
  })

  test('is checked by the command line', () => {
    expect(command('verify')).toMatchObject({ status: 0, text: expect.stringMatching(/^The chain holds: /) })
  })
})

describe('a replay', () => {
  test('of a record is identical', async () => {
    const answer = await as('auditor', { method: 'POST', path: `/api/v1/audit/${quoted[2]}/replay` })
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      status: 'success',
      audit_id: quoted[2],
      identical: true,
      differences: [],
      not_replayable: null,
    })
  })

  test('of none is 404', async () => {
    const path = '/api/v1/audit/01900000-0000-7000-8000-000000000000/replay'
    expectFailure(await as('auditor', { method: 'POST', path }), 'NOT_FOUND')
  })

  test('of a day is identical, in one answer, as lines, and at the command line', async () => {
    const body = { from: since, to: today(), client_id: 'demo-classic' }
    const { json } = await as('auditor', { path: '/api/v1/audit/replay', body })
    expect(json).toMatchObject({ replayed: '2', identical: '2', different: '0', differences: [], damaged: [] })
    const lines = linesOf(await as('auditor', { path: '/api/v1/audit/replay', body, headers: { accept: NDJSON } }))
    expect(lines.at(-1)).toMatchObject({ type: 'result', replayed: '2', identical: '2' })
    expect(command('replay', '--from', since)).toMatchObject({
      status: 0,
      text: expect.stringMatching(/^Identical: 4 quotes priced again/),
    })
  })

  test.each([
    [{}, 'from'],
    [{ from: 'x' }, 'from'],
    [{ from: '2026-03-02', to: '2026-03-01' }, 'to'],
    [{ from: '2026-03-02', ticker: 'gme' }, 'ticker'],
  ])('of %j is refused', async (body, field) => {
    const answer = await as('auditor', { path: '/api/v1/audit/replay', body })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'body' }])
  })
})

describe('an export', () => {
  test('stands alone: the file and the public key are enough, and a digit more is found', async () => {
    const file = join(folder, 'export.ndjson')
    expect(command('export', '--from', today(), '--out', file)).toMatchObject({ status: 0 })
    const check = ['verify', '--file', file, '--public-key', publicKey]
    expect(command(...check)).toMatchObject({ status: 0, text: expect.stringMatching(/^The chain holds: /) })
    const text = readFileSync(file, 'utf8')
    for (const id of quoted) expect(text).toContain(id)
    const altered = join(folder, 'altered.ndjson')
    writeFileSync(altered, text.replace('250000.50', '250000.51'))
    expect(command('verify', '--file', altered, '--public-key', publicKey)).toMatchObject({
      status: 1,
      text: expect.stringContaining(`The chain is broken at record ${quoted[1]}`),
    })
    const cut = join(folder, 'cut.ndjson')
    writeFileSync(cut, text.slice(0, text.lastIndexOf('\n{') + 1))
    expect(command('verify', '--file', cut, '--public-key', publicKey).status).toBe(1)
  })

  test('is a file with a name, of a type, and with a trailer', async () => {
    const answer = await as('auditor', { path: `/api/v1/audit/export?from=${today()}` })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(NDJSON)
    expect(answer.headers['content-disposition']).toMatch(
      /^attachment; filename="audit-\d{8}T\d{6}Z-\d{8}T\d{6}Z\.ndjson"$/,
    )
    const lines = linesOf(answer)
    expect(lines[0]).toMatchObject({ type: 'header' })
    expect(lines.at(-1)).toMatchObject({
      type: 'trailer',
      records: String(lines.filter((line) => line.type === 'record').length),
    })
  })

  test('of quotes is a table for the back office', async () => {
    const answer = await as('admin', { path: `/api/v1/audit/export?from=${since}&format=csv` })
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8')
    const rows = answer.text.trimEnd().split('\r\n')
    expect(rows).toHaveLength(1 + quoted.length)
    expect(rows[0]).toMatch(/^date_utc,time_utc,client_id,ticker,/)
    expect(rows[1]).toContain(quoted[0])
  })

  test.each([
    ['', 'from'],
    [`from=${today()}&format=xml`, 'format'],
    ['from=2026-03-02&to=2026-03-01', 'to'],
  ])('of %s is refused, and is no file', async (query, field) => {
    const answer = await as('auditor', { path: `/api/v1/audit/export?${query}` })
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field }])
    expect(answer.headers).not.toHaveProperty('content-disposition')
  })
})

describe('a legal hold', () => {
  const place = (body: object) => as('auditor', { path: '/api/v1/legal-holds', body })

  test('covers what fits it until it is released, and is on the record', async () => {
    const placed = await place({ client_id: 'demo-classic', ticker: 'AAPL', reason: 'Dispute 114' })
    expect(placed.status).toBe(201)
    const { hold_id } = placed.json
    expect(placed.json).toMatchObject({ status: 'success', ticker: 'AAPL', from: null, to: null, release: null })
    expect((await record(quoted[1] as string)).json).toMatchObject({ legal_hold: true, hold_ids: [hold_id] })
    expect((await record(quoted[0] as string)).json).toMatchObject({ legal_hold: false })
    const inForce = await as('admin', { path: '/api/v1/legal-holds?in_force=true' })
    expect(inForce.json).toMatchObject({ items: [{ hold_id }], pagination: { total: '1', has_more: false } })

    const release = (reason: string) =>
      as('admin', { method: 'DELETE', path: `/api/v1/legal-holds/${hold_id}?reason=${reason}` })
    expectFailure(await release(''), 'INVALID_PARAMETER')
    const released = await release('Settled')
    expect(released.status).toBe(200)
    expect(released.json).toMatchObject({ hold_id, release: { reason: 'Settled' } })
    expectFailure(await release('Again'), 'CONFLICT')
    expect((await record(quoted[1] as string)).json).toMatchObject({ legal_hold: false, hold_ids: [] })
    for (const type of ['legal_hold_placed', 'legal_hold_released']) {
      expect((await search(`record_type=${type}`)).json).toMatchObject({ total: '1' })
    }
    expect((await as('auditor', { path: '/api/v1/legal-holds?in_force=true' })).json.items).toEqual([])
  })

  test.each([
    [{ reason: 'All of it' }, 'client_id'],
    [{ ticker: 'GME' }, 'reason'],
    [{ ticker: 'GME', reason: '' }, 'reason'],
    [{ ticker: 'gme', reason: 'x' }, 'ticker'],
    [{ from: '2026-03-02', to: '2026-03-01', reason: 'x' }, 'to'],
  ])('%j is refused', async (body, field) => {
    const answer = await place(body)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors).toMatchObject([{ field, location: 'body' }])
  })

  test('that is not there cannot be released', async () => {
    const path = '/api/v1/legal-holds/01900000-0000-7000-8000-000000000000?reason=x'
    expectFailure(await as('auditor', { method: 'DELETE', path }), 'NOT_FOUND')
  })
})

describe('a what-if', () => {
  const tryOut = (body: object, more: Partial<Ask> = {}) =>
    as('desk', { path: '/api/v1/what-if', body: { from: since, to: today(), ...body }, ...more })

  test('of no markup at all says what would be lost, and to whom', async () => {
    const { status, json } = await tryOut({ client_id: 'demo-classic', terms: { markup_percentage: 0 } })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      status: 'success',
      quotes_found: '2',
      quotes: '2',
      after: { markup: '0.00', transaction_fees: json.before.transaction_fees, borrow_cost: json.before.borrow_cost },
      delta: { markup: `-${json.before.markup}`, margin: `-${json.before.markup}` },
      clients: '1',
      most_affected: [{ client_id: 'demo-classic', quotes: '2' }],
      others: null,
      not_priced: [],
    })
  })

  test('takes a model by its name, or as a draft', async () => {
    const named = await tryOut({ model: 'desk-v1' })
    expect(named.status).toBe(200)
    const draft = { volatility_weight: '0.01', volatility_threshold: 20, event_weight: 1, max_multiplier: 5 }
    const drafted = await tryOut({ model: { ...draft, volatility_source: 'index' } })
    expect(drafted.json.after).toEqual(named.json.after)
    expectFailure(await tryOut({ model: 'no-such-model' }), 'INVALID_PARAMETER', ['no-such-model'])
  })

  test('comes as lines and as a table', async () => {
    const lines = linesOf(await tryOut({ model: 'desk-v1' }, { headers: { accept: NDJSON } }))
    expect(lines.at(-1)).toMatchObject({ type: 'result', quotes: '4' })
    const table = await tryOut({ model: 'desk-v1' }, { path: '/api/v1/what-if?format=csv' })
    expect(table.headers['content-type']).toBe('text/csv; charset=utf-8')
    const rows = table.text.trimEnd().split('\r\n')
    expect(rows[0]).toMatch(/^client_id,quotes,quotes_changed,/)
    expect(rows.at(-1)).toMatch(/^\(total\),4,/)
  })

  test('records nothing', async () => {
    const records = async () => (await search('page_size=1')).json.total
    const before = await records()
    await tryOut({ model: 'desk-v1' })
    expect(await records()).toBe(before)
  })

  test.each([
    [{}, 'model'],
    [{ terms: { markup_percentage: -1 } }, 'terms.markup_percentage'],
    [{ model: { volatility_weight: 1 } }, 'model.volatility_threshold'],
    [{ from: '2026-03-02', to: '2026-03-01', model: 'desk-v1' }, 'to'],
  ])('%j is refused, with the place of the fault', async (body, field) => {
    const answer = await tryOut(body)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors.map((fault: { field: string }) => fault.field)).toContain(field)
  })
})

describe('who may', () => {
  /** What a request of each operation looks like, past the door. */
  const REQUESTS: Record<string, () => Ask> = {
    searchRecords: () => ({ path: '/api/v1/audit' }),
    auditRecord: () => ({ path: `/api/v1/audit/${quoted[0]}` }),
    replayRecord: () => ({ method: 'POST', path: `/api/v1/audit/${quoted[0]}/replay` }),
    replayRecords: () => ({ path: '/api/v1/audit/replay', body: { from: '2020-01-01', to: '2020-01-01' } }),
    verifyRecords: () => ({ path: '/api/v1/audit/verify?from=2020-01-01&to=2020-01-01' }),
    exportRecords: () => ({ path: '/api/v1/audit/export?from=2020-01-01&to=2020-01-01' }),
    legalHolds: () => ({ path: '/api/v1/legal-holds' }),
    placeLegalHold: () => ({ path: '/api/v1/legal-holds', body: { ticker: 'ZZZZ', reason: 'a test' } }),
    releaseLegalHold: () => ({
      method: 'DELETE',
      path: '/api/v1/legal-holds/01900000-0000-7000-8000-000000000000?reason=x',
    }),
    whatIf: () => ({ path: '/api/v1/what-if', body: { from: '2020-01-01', to: '2020-01-01', model: 'desk-v1' } }),
  }
  /** The contract's own table of roles, written out once more. */
  const MAY: Record<string, readonly Role[]> = Object.fromEntries(
    Object.keys(REQUESTS).map((name) => [name, name === 'whatIf' ? ['desk', 'admin'] : ['auditor', 'admin']]),
  )
  let documented: (Operation & { readonly 'x-roles'?: readonly Role[] })[]
  const keys = new Map<Role, string>()

  beforeAll(async () => {
    const document = JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document
    documented = operations(document).filter(({ tags }) => tags.includes('audit') || tags.includes('what-if'))
    for (const role of ROLES) {
      keys.set(role, await deployed.newKey(role === 'broker' ? 'demo-classic' : 'house', role))
    }
  })

  test('is documented for every operation, as the contract says', () => {
    expect(Object.fromEntries(documented.map((one) => [one.operationId, one['x-roles']]))).toEqual(MAY)
  })

  test.each(Object.keys(REQUESTS))('%s: every role passes that may, and no other', async (operationId) => {
    const operation = documented.find((one) => one.operationId === operationId)
    for (const role of ROLES) {
      const answer = await ask(deployed, { ...(REQUESTS[operationId] as () => Ask)(), key: keys.get(role) as string })
      const may = operation?.['x-roles']?.includes(role) === true
      if (may) expect([200, 201, 404], `${operationId} as ${role}`).toContain(answer.status)
      else expectFailure(answer, 'FORBIDDEN', quoted)
    }
    expectFailure(await ask(deployed, (REQUESTS[operationId] as () => Ask)()), 'UNAUTHORIZED', quoted)
  })
})

describe('what the owner of the database changes', () => {
  test('is found and named, by the answer and by the command line', async () => {
    await deployed.database.query(`
      begin;
      set local session_replication_role = replica;
      update audit_records set total_fee = total_fee + 0.01 where audit_id = '${quoted[1]}';
      commit`)
    const { json } = await as('auditor', { path: '/api/v1/audit/verify' })
    expect(json).toMatchObject({ valid: false, first_bad: { audit_id: quoted[1], reason: 'altered' } })
    expect(command('verify')).toMatchObject({
      status: 1,
      text: expect.stringContaining(`The chain is broken at record ${quoted[1]}`),
    })
    const replayed = await as('auditor', { method: 'POST', path: `/api/v1/audit/${quoted[1]}/replay` })
    expect(replayed.json).toMatchObject({ identical: false, differences: [{ field: 'columns.total_fee' }] })
    expect(command('replay', quoted[1] as string).status).toBe(1)
  })
})
