// The published contract: sound in itself, with a page that reads it. contract.pg.test.ts holds the engine to it.
import { beforeAll, describe, expect, test } from 'vitest'
import { type Deployment, startDeployment } from './deployment.ts'
import { ask } from './http.ts'
import { type Document, documentFaults, operations } from './openapi-document.ts'

let deployed: Deployment
let document: Document

beforeAll(async () => {
  deployed = await startDeployment()
  document = JSON.parse((await ask(deployed, { path: '/openapi.json' })).text) as Document
})

const QUOTE = '/api/v1/calculate-locate'

function withParameter(parameter: object) {
  return (operation: Record<string, unknown>) => Object.assign(operation, { parameters: [parameter] })
}

describe('/openapi.json', () => {
  test('is a sound OpenAPI 3.1 document', () => {
    expect(documentFaults(document)).toEqual([])
  })

  test.each<[string, (operation: Record<string, unknown>) => unknown]>([
    ['a member that OpenAPI does not have', (operation) => Object.assign(operation, { subscribe: {} })],
    ['an answer without a description', (operation) => Object.assign(operation.responses as object, { 299: {} })],
    ['a parameter that the path does not have', withParameter({ name: 'x', in: 'path', required: true, schema: {} })],
    ['a keyword of another version', withParameter({ name: 'x', in: 'query', schema: { nullable: true } })],
    ['a tag that is not declared', (operation) => Object.assign(operation, { tags: ['else'] })],
    ['a name given twice', (operation) => Object.assign(operation, { operationId: 'rate' })],
  ])('with %s would be at fault', (_, spoil) => {
    const copy = structuredClone(document)
    spoil(copy.paths['/api/v1/config']?.get as never)
    expect(documentFaults(copy).length).toBeGreaterThan(0)
  })

  test('asks for a key or a token in every operation but those of sessions', () => {
    const sessions: Record<string, object[]> = {
      signIn: [{ apiKey: [] }],
      refreshSession: [{ refreshCookie: [] }],
      signOut: [{ refreshCookie: [] }, { accessToken: [] }],
    }
    for (const { operationId, security } of operations(document))
      expect(security, operationId).toEqual(sessions[operationId] ?? [{ apiKey: [] }, { accessToken: [] }])
  })

  test('takes the examples it gives: a request made of them alone is priced', async () => {
    const post = operations(document).find(({ operationId }) => operationId === 'calculateLocate')!
    const { properties } = post.requestBody!.content['application/json']!.schema as {
      properties: Record<string, { examples: unknown[] }>
    }
    const example = (names: string[]) => Object.fromEntries(names.map((name) => [name, properties[name]!.examples[0]]))
    for (const names of [
      ['position_value', 'loan_days'],
      ['quantity', 'price', 'start_date', 'end_date'],
    ]) {
      const body = example(['ticker', 'client_id', ...names])
      const { status, text } = await ask(deployed, { path: QUOTE, key: deployed.keys.desk, body })
      expect(status, text).toBe(200)
    }
  })
})

describe('/docs', () => {
  test('loads with assets of this server alone, which its policy allows and which are all there', async () => {
    const page = await ask(deployed, { path: '/docs/' })
    expect(page.headers['content-type']).toMatch(/^text\/html/)
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!)
    expect(assets.length).toBeGreaterThan(3)
    for (const asset of assets) {
      expect(asset).not.toMatch(/^(https?:)?\/\//)
      const { pathname } = new URL(asset, `${deployed.url}/docs/`)
      expect((await ask(deployed, { path: pathname })).status, asset).toBe(200)
    }
    // Nothing stands in the page that its policy would keep from running.
    expect(page.text.match(/<script(?![^>]*\bsrc=)[^>]*>/g) ?? []).toEqual([])
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/https?:|\*|'unsafe-eval'|script-src[^;]*'unsafe-inline'/)
  })

  test('is found without the slash at its end', async () => {
    const { status, headers } = await ask(deployed, { path: '/docs' })
    expect(status === 200 || (status >= 301 && status <= 308 && /^(\.|\/docs)/.test(String(headers.location)))).toBe(
      true,
    )
  })
})
