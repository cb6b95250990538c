// The commands for keys and webhooks against a socket that answers like the engine: what they ask, what a person reads, and that a secret
// is the only thing on the output.
import { describe, expect, test } from 'vitest'
import { answer, fakeEngine, type GiveAnswer } from '../test/fakes/fake-engine.ts'
import { runCommand } from '../test/run-command.ts'

const API_KEY = `bre_Yb3kQ0s9TzLm_${'s'.repeat(48)}`
const KEY = {
  status: 'success',
  key_id: 'Yb3kQ0s9TzLm',
  client_id: 'demo-classic',
  role: 'broker',
  label: 'London',
  created_at: '2026-11-24T12:00:00.000Z',
  expires_at: '2027-02-22T12:00:00.000Z',
  last_used_at: null,
  revoked_at: null,
  replaced_by: null,
  active: true,
}
const WEBHOOK_ID = '0193577d-1c00-7000-8000-000000000003'
const WEBHOOK = {
  status: 'success',
  webhook_id: WEBHOOK_ID,
  client_id: 'demo-classic',
  url: 'https://desk.example.com/hook',
  events: ['rate_changed', 'batch_done'],
  tickers: ['GME', 'AMC'],
  threshold_bp: 25,
  created_by: 'k-1',
  created_at: '2026-11-24T12:00:00.000Z',
  previous_secret_until: null,
  failures: 0,
  paused_until: null,
  last_delivered_at: '2026-11-24T12:30:00.000Z',
  last_failed_at: null,
  last_error: null,
  pending: 3,
  dropped: 0,
}
const SECRET = 'whsec_c2VjcmV0'
const list = (...items: object[]) =>
  answer(200, { status: 'success', items, pagination: { total: items.length, skip: 0, limit: 20, has_more: false } })

async function run(words: string, ...answers: GiveAnswer[]) {
  const { asked, baseUrl } = await fakeEngine(...answers)
  const ran = await runCommand(baseUrl, ...words.split(' '))
  const [last] = asked.slice(-1)
  return { ...ran, what: `${last?.method} ${last?.url}`, body: () => JSON.parse(last?.body ?? '') }
}

describe('keys', () => {
  test('are a table of those that are good, with when they end and were used', async () => {
    const rotated = {
      ...KEY,
      key_id: 'Old',
      revoked_at: '2026-12-08T12:00:00.000Z',
      last_used_at: '2026-11-24T11:59:00.000Z',
    }
    const { text, what } = await run('keys list --client demo-classic', list(KEY, rotated))
    expect(what).toBe('GET /api/v1/api-keys?client_id=demo-classic&active=true')
    expect(text).toContain('Good until')
    expect(text.split('\n')[1]).toMatch(/^Yb3kQ0s9TzLm +demo-classic +broker +22 Feb 2027 12:00.* +never +London$/)
    expect(text.split('\n')[2]).toMatch(/^Old .* 8 Dec 2026 12:00.* 24 Nov 2026 11:59/)
  })

  test('that have ended are shown when they are asked for, with how', async () => {
    const expired = { ...KEY, active: false }
    const revoked = { ...expired, revoked_at: '2026-11-24T13:00:00.000Z' }
    const { text, what } = await run('keys list --all', list(expired, revoked))
    expect(what).toBe('GET /api/v1/api-keys')
    expect(text).toMatch(/expired 22 Feb 2027/)
    expect(text).toMatch(/revoked 24 Nov 2026 13:00/)
  })

  test('are made: the key alone is on the output, what there is to say beside it', async () => {
    const made = await run(
      'keys create --client demo-classic --role broker --label London --expires-in-days 30',
      answer(201, { ...KEY, api_key: API_KEY }),
    )
    expect(made.what).toBe('POST /api/v1/api-keys')
    expect(made.body()).toEqual({ client_id: 'demo-classic', role: 'broker', label: 'London', expires_in_days: 30 })
    expect(made.text).toBe(API_KEY)
    expect(made.notes).toMatch(
      /^Key Yb3kQ0s9TzLm: role broker, broker demo-classic, until 22 Feb 2027 .*shown this once/,
    )
  })

  test('are rotated, with the end of the old one', async () => {
    const replaced = { ...KEY, key_id: 'Old', revoked_at: '2026-11-25T12:00:00.000Z', replaced_by: 'Yb3kQ0s9TzLm' }
    const { text, notes, what, body } = await run(
      'keys rotate Old --overlap-days 1',
      answer(201, { ...KEY, api_key: API_KEY, replaced }),
    )
    expect([what, body()]).toEqual(['POST /api/v1/api-keys/Old/rotate', { overlap_days: 1 }])
    expect(text).toBe(API_KEY)
    expect(notes).toMatch(/Key Old: .*until 25 Nov 2026 12:00.*; Yb3kQ0s9TzLm takes its place\./)
  })

  test('are revoked; the one that asks only when that is said', async () => {
    const revoked = answer(200, { ...KEY, active: false, revoked_at: '2026-11-24T13:00:00.000Z' })
    expect((await run('keys revoke Yb3kQ0s9TzLm', revoked)).what).toBe('DELETE /api/v1/api-keys/Yb3kQ0s9TzLm')
    const own = await run('keys revoke Yb3kQ0s9TzLm --own', revoked)
    expect(own.what).toBe('DELETE /api/v1/api-keys/Yb3kQ0s9TzLm?own=true')
    expect(own.text).toMatch(/revoked 24 Nov 2026 13:00/)
  })

  test('of a role that there is not are refused before anybody is asked', async () => {
    const { text, what } = await run('keys create --client a --role owner', answer(500, {}))
    expect(text).toContain('broker, desk, auditor, admin or system')
    expect(what).toBe('undefined undefined')
  })
})

describe('webhooks', () => {
  test('are a table with what they are told and how they fare', async () => {
    const paused = {
      ...WEBHOOK,
      tickers: null,
      failures: 7,
      paused_until: '2026-11-24T13:00:00.000Z',
      last_error: 'answered 500',
    }
    const { text, what } = await run('webhooks list --client demo-classic', list(WEBHOOK, paused))
    expect(what).toBe('GET /api/v1/webhooks?client_id=demo-classic')
    expect(text).toMatch(/rate_changed, batch_done +GME, AMC from 25 bp +delivered 24 Nov 2026 12:30.* 3 +https:/)
    expect(text).toMatch(/all from 25 bp +left alone until 24 Nov 2026 13:00.*: answered 500/)
  })

  test('are added: the secret alone is on the output', async () => {
    const added = await run(
      'webhooks add https://desk.example.com/hook --events rate_changed,batch_done --tickers GME,AMC --threshold 25',
      answer(201, { ...WEBHOOK, secret: SECRET }),
    )
    expect(added.body()).toEqual({
      url: 'https://desk.example.com/hook',
      events: ['rate_changed', 'batch_done'],
      tickers: ['GME', 'AMC'],
      threshold_bp: 25,
    })
    expect(added.text).toBe(SECRET)
    expect(added.notes).toContain(WEBHOOK_ID)
    expect((await run('webhooks add https://a.example/ --events all', answer(500, {}))).text).toContain('batch_done')
  })

  test('get a new secret, are removed, and show their deliveries', async () => {
    const rotated = await run(`webhooks rotate ${WEBHOOK_ID}`, answer(200, { ...WEBHOOK, secret: SECRET }))
    expect([rotated.what, rotated.text]).toEqual([`POST /api/v1/webhooks/${WEBHOOK_ID}/rotate`, SECRET])
    const removed = await run(`webhooks remove ${WEBHOOK_ID}`, answer(200, WEBHOOK))
    expect(removed.what).toBe(`DELETE /api/v1/webhooks/${WEBHOOK_ID}`)
    expect(removed.text).toMatch(/^Removed: Webhook/)
    const dead = {
      delivery_id: 'd-1',
      event_id: 'e-1',
      event: 'batch_done',
      state: 'dead',
      attempts: 8,
      created_at: '2026-11-24T12:00:00.000Z',
      next_attempt_at: null,
      last_error: 'answered 500',
    }
    const deliveries = await run(`webhooks deliveries ${WEBHOOK_ID} --state dead`, list(dead))
    expect(deliveries.what).toBe(`GET /api/v1/webhooks/${WEBHOOK_ID}/deliveries?state=dead`)
    expect(deliveries.text).toMatch(/24 Nov 2026 12:00.* batch_done +dead +8 +answered 500 +d-1/)
  })

  test('deliver again, one or all since a time, and one of the two must be said', async () => {
    const replayed = answer(200, { status: 'success', replayed: 12 })
    const all = await run(`webhooks replay ${WEBHOOK_ID} --since 2026-11-24`, replayed)
    expect([all.body(), all.text]).toEqual([{ since: '2026-11-24' }, '12 queued again.'])
    expect((await run(`webhooks replay ${WEBHOOK_ID} --delivery d-1`, replayed)).body()).toEqual({ delivery_id: 'd-1' })
    expect((await run(`webhooks replay ${WEBHOOK_ID}`, replayed)).text).toContain('Say either --delivery')
  })
})
