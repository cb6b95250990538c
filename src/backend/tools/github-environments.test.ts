// The settings of GitHub are what the workflows take for granted, and are put in place call by call.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { allWorkflows, environmentOf, readWorkflow } from '../infrastructure/workflows/workflow.ts'
import { apply, calls, ENVIRONMENTS, REQUIRED_CHECKS } from './github-environments.ts'

const REPOSITORY = 'example/borrow-rate-engine'

describe('environments', () => {
  test('are those of the workflows', () => {
    const used = allWorkflows().flatMap(({ workflow }) =>
      Object.values(workflow.jobs).flatMap((job) => environmentOf(job) ?? []),
    )
    const named = used.filter((name) => !name.includes('${{'))
    expect([...new Set(named)].sort()).toEqual(ENVIRONMENTS.map(({ name }) => name).sort())
  })

  test('may be used from the branches that deploy there', () => {
    const from = (name: string) => ENVIRONMENTS.find((environment) => environment.name === name)?.from
    const branches = (name: string) => (readWorkflow(name).workflow.on.push as { branches: string[] }).branches
    expect(from('dev')).toEqual(expect.arrayContaining(branches('deploy-dev.yml')))
    expect(from('staging')).toEqual([...branches('deploy-staging.yml'), ...branches('hotfix.yml')])
    expect(from('production')).toEqual(['main'])
  })

  test('only the approval waits for reviewers, who are not who started it', () => {
    const reviewed = calls(REPOSITORY, 7).filter(({ body }) =>
      JSON.stringify(body).includes('"prevent_self_review":true'),
    )
    expect(reviewed).toEqual([
      expect.objectContaining({
        path: `/repos/${REPOSITORY}/environments/production-approval`,
        body: expect.objectContaining({ reviewers: [{ type: 'Team', id: 7 }] }),
      }),
    ])
  })

  test('required checks are jobs of CI', () => {
    expect(Object.keys(readWorkflow('ci.yml').workflow.jobs).sort()).toEqual([...REQUIRED_CHECKS].sort())
  })
})

describe('put in place', () => {
  test('one call after the other; a policy that is there is fine, a refusal ends it', async () => {
    const asked: string[] = []
    let refuses = ''
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '', 'http://github')
      asked.push(`${request.method} ${pathname} ${request.headers.authorization}`)
      const status = pathname === refuses ? 403 : pathname.endsWith('policies') ? 303 : 200
      request.resume().on('end', () => response.writeHead(status).end(JSON.stringify({ id: 42, message: 'No' })))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const done = await apply(REPOSITORY, 'approvers', { url, token: 'a-token' })
      expect(done).toHaveLength(calls(REPOSITORY, 42).length)
      expect(asked[0]).toBe('GET /orgs/example/teams/approvers Bearer a-token')
      refuses = `/repos/${REPOSITORY}/branches/main/protection`
      await expect(apply(REPOSITORY, 'approvers', { url, token: 'a-token' })).rejects.toThrow(/protection: 403 .*No/)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})
