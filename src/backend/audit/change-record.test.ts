import { describe, expect, test } from 'vitest'
import { decimal } from '../pricing/decimal.ts'
import { type ChangeRecordBody, changeRecordRow, type RecordedState, type RecordedValue } from './change-record.ts'
import type { Actor } from './quote-record.ts'

const ADMIN: Actor = {
  actorType: 'admin',
  actorId: 'house',
  keyId: 'key-of-anna',
  sourceIp: '192.0.2.7',
  userAgent: 'curl/8',
  requestId: 'request-7',
  idempotencyKey: null,
}
const AT = new Date('2026-11-24T15:04:05.123Z')
const ID = '0193577d-1c00-7000-8000-000000000001'

function termsChanged(before: RecordedState | null, after: RecordedState | null) {
  const row = changeRecordRow({
    auditId: ID,
    occurredAt: AT,
    actor: ADMIN,
    change: 'broker_changed',
    subject: { kind: 'broker', id: 'classic' },
    clientId: 'classic',
    before,
    after,
  })
  return { row, body: JSON.parse(row.record) as ChangeRecordBody }
}

function keyCreated(after: RecordedState) {
  return changeRecordRow({
    auditId: ID,
    occurredAt: AT,
    actor: { actorType: 'operator', actorId: 'anna', source: 'command line' },
    change: 'api_key_created',
    subject: { kind: 'api_key', id: 'AbCdEfGhIjKl' },
    clientId: null,
    before: null,
    after,
  })
}

describe('the record of a change', () => {
  test('says who, when, what, both states, and exactly the fields that differ', () => {
    const { row, body } = termsChanged(
      { markup_percentage: decimal('5.0000'), transaction_amount: decimal('25.00'), active: true, version: 3 },
      { markup_percentage: decimal('4.5'), transaction_amount: decimal('25'), active: true, version: 4 },
    )
    expect(body).toEqual({
      audit_id: ID,
      record_type: 'broker_changed',
      schema_version: 1,
      occurred_at: '2026-11-24T15:04:05.123Z',
      actor: {
        actor_type: 'admin',
        actor_id: 'house',
        source: 'api',
        key_id: 'key-of-anna',
        source_ip: '192.0.2.7',
        user_agent: 'curl/8',
        request_id: 'request-7',
        idempotency_key: null,
      },
      client_id: 'classic',
      subject: { kind: 'broker', id: 'classic' },
      before: { markup_percentage: '5', transaction_amount: '25', active: true, version: 3 },
      after: { markup_percentage: '4.5', transaction_amount: '25', active: true, version: 4 },
      changed: [
        { field: 'markup_percentage', before: '5', after: '4.5' },
        { field: 'version', before: 3, after: 4 },
      ],
    })
    const { record, ...columns } = row
    expect(columns).toEqual({
      audit_id: ID,
      record_type: 'broker_changed',
      schema_version: 1,
      occurred_at: '2026-11-24T15:04:05.123Z',
      client_id: 'classic',
      ticker: null,
      position_value: null,
      borrow_rate: null,
      total_fee: null,
      request_id: 'request-7',
      actor_id: 'key-of-anna',
    })
  })

  test('names every field of what is new, and of what is gone; a field that one side lacks counts as null', () => {
    expect(termsChanged(null, { name: 'A', tiers: [{ up_to: null }], floor: null }).body.changed).toEqual([
      { field: 'name', before: null, after: 'A' },
      { field: 'tiers', before: null, after: [{ up_to: null }] },
    ])
    expect(termsChanged({ name: 'A', added: 1 }, { added: 1 }).body.changed).toEqual([
      { field: 'name', before: 'A', after: null },
    ])
    expect(termsChanged({ name: 'A' }, null).body.changed).toEqual([{ field: 'name', before: 'A', after: null }])
  })

  test('equal changes are equal bytes', () => {
    const once = () => termsChanged({ a: 1, b: '2' }, { a: 1, b: '3' }).row
    expect(once()).toEqual(once())
  })

  test('of a stock carries its ticker; of nobody in particular it is the house that it concerns', () => {
    const row = changeRecordRow({
      auditId: ID,
      occurredAt: AT,
      actor: ADMIN,
      change: 'stock_changed',
      subject: { kind: 'stock', id: 'BRK.B' },
      clientId: null,
      before: null,
      after: { floor_rate: '0.01' },
    })
    expect(row).toMatchObject({ ticker: 'BRK.B', client_id: 'house' })
  })

  test('made at the machine names its user and no key', () => {
    const row = keyCreated({ key_id: 'AbCdEfGhIjKl', role: 'admin', label: null, expires_at: AT })
    expect(row).toMatchObject({ client_id: 'house', actor_id: null, request_id: null })
    expect((JSON.parse(row.record) as ChangeRecordBody).actor).toMatchObject({
      actor_type: 'operator',
      actor_id: 'anna',
      source: 'command line',
      key_id: null,
    })
  })
})

describe('a secret cannot get into a record', () => {
  const API_KEY = `bre_AbCdEfGhIjKl_${'s'.repeat(48)}`

  test.each<RecordedState>([
    { key_id: 'AbCdEfGhIjKl', secret_hash: '00' },
    { key_id: 'AbCdEfGhIjKl', created_at: AT },
    { label: `for ${API_KEY}` },
  ])('of a key only the listed fields are taken: %j', (after) => {
    expect(() => keyCreated(after)).toThrow(TypeError)
  })

  test.each<[string, RecordedValue]>([
    ['signing_secret', 'x'],
    ['passwordHash', 'x'],
    ['refresh_token', 'x'],
    ['api_key', 'x'],
    ['note', API_KEY],
    ['nested', { deep: [{ client_secret: 'x' }] }],
    ['list', ['a', API_KEY]],
  ])('of anything else no field that is named or formed like a secret: %s', (field, value) => {
    expect(() => termsChanged(null, { [field]: value })).toThrow(TypeError)
    expect(() => termsChanged({ [field]: value }, null)).toThrow(TypeError)
  })

  test('the refusal does not repeat it', () => {
    expect(() => termsChanged(null, { note: API_KEY })).toThrow(/^(?!.*bre_).*$/)
  })
})

test('a binary float, and a state without an end, are refused', () => {
  expect(() => termsChanged(null, { markup_percentage: 4.5 })).toThrow('decimals as Decimal or text')
  const deep = (levels: number): RecordedState => ({ inside: levels === 0 ? null : deep(levels - 1) })
  expect(() => termsChanged(null, deep(7))).not.toThrow()
  expect(() => termsChanged(null, deep(8))).toThrow('nested so deep')
})
