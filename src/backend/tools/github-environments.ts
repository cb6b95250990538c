#!/usr/bin/env node
// What the workflows rely on and no file of a repository can say: GitHub's environments, who must approve, from where they may be used, and how main is
// protected. `npx tsx tools/github-environments.ts` in src/backend prints it; with --apply and GITHUB_TOKEN (of an administrator of the repository) it is
// put in place, and may be again.
//
//     npx tsx tools/github-environments.ts --repository example/borrow-rate-engine --approvers release-approvers --apply
import { parseArgs } from 'node:util'

/** Where an environment may be used from: its role in AWS trusts it. */
export const ENVIRONMENTS = [
  { name: 'dev', from: ['feature/**', 'main'], tags: [] },
  { name: 'staging', from: ['main', 'hotfix/**'], tags: ['v*.*.*'] },
  // Reviewers here, and not in production: each job of an environment with reviewers waits for them, and a rollback must not.
  { name: 'production-approval', from: ['main'], tags: [], reviewed: true },
  { name: 'production', from: ['main'], tags: ['v*.*.*'] },
] as const

/** Jobs of CI that a pull request must pass. */
export const REQUIRED_CHECKS = ['check', 'test', 'previous-version', 'everything'] as const

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST'
  readonly path: string
  readonly body?: unknown
  /** An answer that means that it is so already. */
  readonly fine?: number
}

/** @param team the number of the team whose members approve */
export function calls(repository: string, team: number): Call[] {
  const at = `/repos/${repository}`
  return [
    ...ENVIRONMENTS.flatMap((environment) => {
      const { name, from, tags } = environment
      const reviewed = 'reviewed' in environment
      const policies = [
        ...from.map((pattern) => ({ name: pattern, type: 'branch' })),
        ...tags.map((pattern) => ({ name: pattern, type: 'tag' })),
      ]
      return [
        {
          method: 'PUT' as const,
          path: `${at}/environments/${name}`,
          body: {
            reviewers: reviewed ? [{ type: 'Team', id: team }] : [],
            prevent_self_review: reviewed,
            deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
          },
        },
        ...policies.map((body) => ({
          method: 'POST' as const,
          path: `${at}/environments/${name}/deployment-branch-policies`,
          body,
          // It is there.
          fine: 303,
        })),
      ]
    }),
    {
      method: 'PUT',
      path: `${at}/branches/main/protection`,
      body: {
        required_status_checks: { strict: true, contexts: REQUIRED_CHECKS },
        enforce_admins: true,
        required_pull_request_reviews: {
          required_approving_review_count: 1,
          require_code_owner_reviews: true,
          dismiss_stale_reviews: true,
          require_last_push_approval: true,
        },
        restrictions: null,
        allow_force_pushes: false,
        allow_deletions: false,
        required_conversation_resolution: true,
      },
    },
  ]
}

interface Api {
  readonly url: string
  readonly token: string
}

/** @throws Error with what GitHub said, at the first call that it refuses */
export async function apply(repository: string, approvers: string, api: Api): Promise<string[]> {
  const ask = async ({ method, path, body, fine }: Call): Promise<unknown> => {
    const response = await fetch(api.url + path, {
      method,
      redirect: 'manual',
      headers: {
        Authorization: `Bearer ${api.token}`,
        Accept: 'application/vnd.github+json',
        'X-GitHub-Api-Version': '2022-11-28',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok && response.status !== fine) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' || response.status === fine ? null : JSON.parse(text)
  }
  const [owner = ''] = repository.split('/')
  const { id } = (await ask({ method: 'GET', path: `/orgs/${owner}/teams/${approvers}` })) as { id: number }
  const done: string[] = []
  for (const call of calls(repository, id)) {
    await ask(call)
    done.push(`${call.method} ${call.path}`)
  }
  return done
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { repository: { type: 'string' }, approvers: { type: 'string' }, apply: { type: 'boolean' } },
  })
  const { repository = 'example/borrow-rate-engine', approvers = 'release-approvers' } = values
  if (!values.apply) {
    for (const { method, path, body } of calls(repository, 0)) console.log(`${method} ${path} ${JSON.stringify(body)}`)
    console.log(`(0 stands for the number of the team ${approvers}; --apply puts all this in place)`)
    return
  }
  const token = process.env.GITHUB_TOKEN
  if (!token) throw new Error('Set GITHUB_TOKEN to a token of an administrator of the repository.')
  const url = process.env.GITHUB_API_URL ?? 'https://api.github.com'
  for (const line of await apply(repository, approvers, { url, token })) console.log(line)
}

if (process.argv[1] === import.meta.filename) {
  await main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
