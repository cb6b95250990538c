// For operators: how all services are, in one answer, and how much their logs say.
import { beforeAll, describe, expect, test } from 'vitest'
import { SERVICES } from '../../gateway/operations.ts'
import { expectFailure } from './answers.ts'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask } from './http.ts'

let deployed: Deployment
beforeAll(async () => {
  deployed = await startDeployment()
})

type KeyName = keyof Deployment['keys']
const read = (name: KeyName = 'desk') => ask(deployed, { path: '/api/v1/operations', key: deployed.keys[name] })
const put = (body: object, name: KeyName = 'admin') =>
  ask(deployed, { method: 'PUT', path: '/api/v1/log-level', key: deployed.keys[name], body })
const isFive = () => deployed.kind === 'five-services'
interface Line {
  readonly service: string
  readonly state: string
  readonly log_level: string
  readonly log_level_until: string | null
  readonly components: Record<string, { state: string; latency_ms: string }>
}
const lines = async (): Promise<Line[]> => (await read()).json.services

describe('/operations', () => {
  test('has a line for every service, each with its version and what it stands on', async () => {
    const { status, headers, json } = await read('admin')
    expect(status).toBe(200)
    expect(headers['cache-control']).toBe('no-store')
    const services = json.services as (Line & { version: string; answered_ms: string })[]
    expect(services.map(({ service }) => service)).toEqual(isFive() ? SERVICES : ['all-in-one'])
    for (const { service, state, version, components, log_level } of services) {
      expect(state, service).toBe('ok')
      expect(version).toMatch(/^\d+\.\d+\.\d+/)
      expect(log_level).toBe('info')
      expect(Object.keys(components).length).toBeGreaterThan(1)
      for (const component of Object.values(components)) expect(component.state).toBe('up')
    }
    expect(json.feeds.lender).toMatchObject({ state: 'up' })
  })

  test.each<[KeyName, number]>([
    ['desk', 200],
    ['auditor', 200],
    ['admin', 200],
    ['demo-classic', 403],
  ])('%s gets %i', async (name, status) => {
    expect((await read(name)).status).toBe(status)
  })
})

describe('/log-level', () => {
  test('has a service write more, in all its replicas, for its time; and it is on the record', async () => {
    const before = Date.now()
    const answer = await put({ service: 'data-service', level: 'debug', minutes: 5 })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ status: 'success', service: 'data-service', level: 'debug', minutes: '5' })
    const until = Date.parse(answer.json.until)
    expect(until).toBeGreaterThanOrEqual(before + 5 * 60_000)
    const told = isFive() ? 'data-service' : 'all-in-one'
    await expect
      .poll(async () => (await lines()).find(({ service }) => service === told)?.log_level, { timeout: 2_000 })
      .toBe('debug')
    for (const { service, log_level, log_level_until } of await lines()) {
      expect(log_level, service).toBe(service === told ? 'debug' : 'info')
      expect(log_level_until).toBe(service === told ? answer.json.until : null)
    }
    const found = await ask(deployed, {
      path: '/api/v1/audit?record_type=log_level_changed',
      key: deployed.keys.auditor,
    })
    expect(found.json.total).toBe('1')
    const path = `/api/v1/audit/${found.json.items[0].audit_id}`
    const { record } = (await ask(deployed, { path, key: deployed.keys.auditor })).json
    expect(record).toMatchObject({
      actor: { actor_type: 'admin' },
      subject: { kind: 'log_level', id: told },
      after: { level: 'debug', minutes: '5', until: answer.json.until },
    })
  })

  test('is for all services at once as well', async () => {
    expect((await put({ service: 'all', level: 'warn', minutes: 1 })).status).toBe(200)
    await expect
      .poll(async () => (await lines()).map(({ log_level }) => log_level), { timeout: 2_000 })
      .toEqual((isFive() ? SERVICES : ['all-in-one']).map(() => 'warn'))
  })

  test.each<[object, string]>([
    [{ service: 'postgres', level: 'debug', minutes: 1 }, 'service'],
    [{ service: 'all', level: 'loud', minutes: 1 }, 'level'],
    [{ service: 'all', level: 'debug', minutes: 0 }, 'minutes'],
    [{ service: 'all', level: 'debug', minutes: 1441 }, 'minutes'],
    [{ service: 'all', level: 'debug' }, 'minutes'],
  ])('is refused with %j', async (body, field) => {
    const answer = await put(body)
    expectFailure(answer, 'INVALID_PARAMETER')
    expect(answer.json.validation_errors[0].field).toBe(field)
  })

  test.each<KeyName>(['desk', 'auditor', 'demo-classic'])('is refused to %s', async (name) => {
    expectFailure(await put({ service: 'all', level: 'debug', minutes: 1 }, name), 'FORBIDDEN')
  })
})
