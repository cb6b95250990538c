// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${{ }} is GitHub's
// The workflows, held to actionlint and to rules of our own; and each rule, shown to be able to fail.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { actionlintFaults } from './actionlint.ts'
import {
  commandFaults,
  hasShellcheck,
  scriptFaults,
  scriptFileFaults,
  shellFaults,
  variableFaults,
} from './commands.ts'
import { RULES } from './rules.ts'
import { allWorkflows, needsOf, PROJECT_ROOT, readWorkflow, type Workflow, workflowFile } from './workflow.ts'

const files = allWorkflows()
const each = files.map((file) => [file.path.split('/').at(-1) ?? '', file] as const)
const SCRIPTS = join(PROJECT_ROOT, '.github/scripts')
if (!hasShellcheck) console.warn('Scripts are read by bash alone. To have them checked: apt-get install -y shellcheck')

/** What a job is that nothing is wrong with; an example changes one thing of it. */
const GOOD = `
on: push
permissions:
  contents: read
concurrency:
  group: a
  cancel-in-progress: false
jobs:
  a:
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - run: npm run check
`
const file = (text: string) => workflowFile('a.yml', text)
/** @throws Error when the change changes nothing */
const changed = (from: string, to: string) => {
  if (!GOOD.includes(from)) throw new Error(`there is no ${from}`)
  return file(GOOD.replace(from, to))
}

describe.each(each)('%s', (_, workflow) => {
  test('actionlint has nothing to say', async () => {
    expect(await actionlintFaults(workflow.text, workflow.path)).toEqual([])
  })

  test.each(Object.entries(RULES))('%s', (_, rule) => {
    expect(rule(workflow)).toEqual([])
  })

  test('everything that it runs is there, is readable and gets what it asks for', () => {
    expect([...commandFaults(workflow), ...shellFaults(workflow), ...variableFaults(workflow)]).toEqual([])
  })
})

test('an example of nothing wrong has no fault', () => {
  const example = file(GOOD)
  expect(Object.values(RULES).flatMap((rule) => rule(example))).toEqual([])
  expect([...commandFaults(example), ...shellFaults(example), ...variableFaults(example)]).toEqual([])
})

test('actionlint sees a need that is not there', async () => {
  const faults = await actionlintFaults(
    GOOD.replace('    runs-on', '    needs: b\n    runs-on'),
    '.github/workflows/a.yml',
  )
  expect(faults).toEqual([expect.stringContaining('"b" which does not exist')])
})

const CREDENTIALS = `      - uses: aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3
        with:
          aws-region: us-east-1
          role-to-assume: arn:aws:iam::1:role/borrow-rate-engine-prod-deploy
`
const RUN = '      - run: npm run check\n'

describe('a fault is found', () => {
  test.each<[string, string, string, string]>([
    ['pins', '@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1', '@v7', 'is not pinned by its commit'],
    ['pins', '3d3c42e5', '3d3c42e6', 'is not the commit of v7.0.1'],
    ['pins', '# v7.0.1', '# v7', 'does not say # v7.0.1'],
    ['pins', 'actions/checkout@', 'someone/checkout@', 'is not in the table'],
    ['inputs', 'persist-credentials: false', 'persist-credential: false', 'has no input persist-credential'],
    ['inputs', 'persist-credentials: false', 'fetch-depth: 1', 'lacks the input persist-credentials'],
    ['interpolation', 'npm run check', 'echo "${{ inputs.approved_by }}"', 'puts ${{ }} into a script'],
    ['interpolation', 'npm run check', 'echo ${{ github.event.head_commit.message }}', 'puts ${{ }} into a script'],
    ['permissions', 'contents: read', 'contents: write', 'its permissions are {"contents":"write"}'],
    ['permissions', 'permissions:\n  contents: read\n', '', 'its permissions are undefined'],
    [
      'permissions',
      '    timeout',
      '    permissions:\n      id-token: write\n    timeout',
      'may write id-token for nothing',
    ],
    ['permissions', '    timeout', '    permissions:\n      packages: write\n    timeout', 'may write packages'],
    ['permissions', '    timeout', '    permissions: write-all\n    timeout', 'has write-all'],
    ['permissions', RUN, CREDENTIALS, 'lacks id-token'],
    ['timeouts', '    timeout-minutes: 10\n', '', 'has no timeout-minutes'],
    ['timeouts', 'timeout-minutes: 10', 'timeout-minutes: 360', 'may take 360 minutes'],
    ['concurrency', 'concurrency:\n  group: a\n  cancel-in-progress: false\n', '', 'says no concurrency'],
    ['noStaticKeys', RUN, '      - run: a\n        env: {AWS_SECRET_ACCESS_KEY: a}\n', 'a key that does not expire'],
    ['noStaticKeys', 'persist-credentials', 'aws-access-key-id', 'a key that does not expire'],
    ['production', RUN, CREDENTIALS, 'in the environment undefined'],
  ])('%s: %s is %s', (rule, from, to, fault) => {
    expect(RULES[rule]?.(changed(from, to))).toContainEqual(expect.stringContaining(fault))
  })

  test.each<[string, string, string]>([
    ['npm run check', 'npm run chekc', 'there is no npm script chekc'],
    ['npm run check', '.github/scripts/nowhere.sh', 'there is no .github/scripts/nowhere.sh'],
    ['npm run check', 'node src/backend/nowhere.mjs', 'there is no src/backend/nowhere.mjs'],
    ['npm run check', 'curl evil', 'curl is not known here'],
    ['npm run check', 'npm run check\n        working-directory: nowhere', 'there is no folder nowhere'],
    [RUN, '      - uses: ./.github/workflows/nowhere.yml\n', 'there is no ./.github/workflows/nowhere.yml'],
  ])('commands: %s is %s', (from, to, fault) => {
    expect(commandFaults(changed(from, to))).toContainEqual(expect.stringContaining(fault))
  })

  test('a script that asks for what it does not get', () => {
    const faults = variableFaults(changed('npm run check', '.github/scripts/open_issue.sh'))
    expect(faults.map((fault) => fault.split(' ').at(-1)).sort()).toEqual([
      'BODY',
      'DEDUP_LABEL',
      'GITHUB_TOKEN',
      'TITLE',
    ])
  })

  test('a script that no shell can read', () => {
    expect(scriptFaults('if true; then echo a')).toEqual([expect.stringContaining('syntax error')])
  })

  test.runIf(hasShellcheck)('a script that a file name with a space breaks', () => {
    expect(scriptFaults('file=$1\nrm $file')).toEqual([expect.stringContaining('SC2086')])
  })

  test.each([
    [
      'a deployment that is cut off by the next',
      'concurrency',
      (text: string) => text.replace('cancel-in-progress: false', 'cancel-in-progress: true'),
      'would be cut off',
    ],
    [
      'a job of production that does not wait',
      'production',
      (text: string) => text.replaceAll('needs: [approval-check, staging-check]', 'needs: []'),
      'does not wait for the approval',
    ],
    [
      'a rollback that forgets a job',
      'rollback',
      (text: string) => text.replace('      - post-deployment-monitoring\n', ''),
      'does not look at post-deployment-monitoring',
    ],
    [
      'a rollback that a cancelled run does not have',
      'rollback',
      (text: string) => text.replaceAll('(failure() || cancelled()) && needs', 'failure() && needs'),
      'does not ask for cancelled()',
    ],
  ])('%s', (_, rule, change, fault) => {
    const { path, text } = readWorkflow('deploy-prod.yml')
    const worse = change(text)
    expect(worse).not.toBe(text)
    expect(RULES[rule]?.(workflowFile(path, worse))).toContainEqual(expect.stringContaining(fault))
  })
})

describe('scripts of workflows', () => {
  const names = readdirSync(SCRIPTS)
  const sourced = ['github_api.sh', 'log_in_skopeo.sh']

  test('are read by bash, and by shellcheck', () => {
    expect(names.flatMap((name) => scriptFileFaults(join(SCRIPTS, name)))).toEqual([])
  })

  test('are all called, and are programs', () => {
    const text = files.map((workflow) => workflow.text).join('\n')
    expect(names.filter((name) => !sourced.includes(name) && !text.includes(`.github/scripts/${name}`))).toEqual([])
    const programs = names.filter((name) => (statSync(join(SCRIPTS, name)).mode & 0o100) !== 0)
    expect(names.filter((name) => !programs.includes(name))).toEqual(sourced)
  })
})

describe('roles', () => {
  const program = JSON.parse(readFileSync(join(PROJECT_ROOT, 'src/backend/infrastructure/main.tf.json'), 'utf8'))
  const purposes = (Object.values(program.resource.aws_iam_role) as { name: string; assume_role_policy: string }[])
    .filter((role) => role.assume_role_policy.includes('sts:AssumeRoleWithWebIdentity'))
    .map(({ name }) => name.replace('${local.name}-', ''))

  test('that workflows take are those that Terraform makes for them, and all of those', () => {
    const taken = files.flatMap(({ text }) =>
      [...text.matchAll(/role\/borrow-rate-engine-(?:dev|staging|prod|\$\{\{ inputs\.environment \}\})-([\w-]+)/g)].map(
        ([, purpose = '']) => purpose,
      ),
    )
    expect([...new Set(taken)].sort()).toEqual(purposes.sort())
    const all = files.flatMap(({ text }) => text.match(/role-to-assume:/g) ?? [])
    expect(taken).toHaveLength(all.length)
  })
})

/** As the deployment guide draws them: what comes directly before a job. */
const GUIDE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'deploy-dev.yml': { 'build-and-test': [], 'deploy-to-dev': ['build-and-test'] },
  'deploy-staging.yml': {
    'build-and-test': [],
    'deploy-to-staging': ['build-and-test'],
    'integration-tests': ['deploy-to-staging'],
    // The picture: integration tests -> fail -> create issue.
    'create-issue': ['integration-tests'],
  },
  'deploy-prod.yml': {
    'approval-check': [],
    'pre-deployment-validation': ['approval-check'],
    'database-backup': ['pre-deployment-validation'],
    'deploy-canary': ['database-backup'],
    'deploy-full': ['deploy-canary'],
    rollback: ['deploy-full', 'database-backup'],
  },
}

/** Jobs that the guide has in words, and not in its workflows. */
const IN_WORDS: Readonly<Record<string, readonly string[]>> = {
  'deploy-dev.yml': [],
  'deploy-staging.yml': ['rollback'],
  // "Serve as validation for production readiness"; post-deployment monitoring; "deployment history in parameter store"; notifications.
  'deploy-prod.yml': [
    'staging-check',
    'post-deployment-validation',
    'post-deployment-monitoring',
    'record-deployment',
    'notify',
  ],
}

describe.each(Object.entries(GUIDE))('the jobs of %s are the guide’s', (name, guide) => {
  const { workflow } = readWorkflow(name)

  test('in its order', () => {
    expect(graphFaults(workflow, guide)).toEqual([])
    expect(Object.keys(workflow.jobs).sort()).toEqual([...Object.keys(guide), ...(IN_WORDS[name] ?? [])].sort())
  })

  test('another order is found', () => {
    const [last = ''] = Object.keys(guide).slice(-1)
    const jobs = { ...workflow.jobs, [last]: { ...workflow.jobs[last], needs: [] } }
    expect(graphFaults({ ...workflow, jobs }, guide).length).toBeGreaterThan(0)
  })
})

function graphFaults(workflow: Workflow, guide: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.entries(guide).flatMap(([name, before]) => {
    const needs = needsOf(workflow.jobs[name] ?? {})
    // What the guide begins with waits for nothing.
    const isFirst = before.length === 0 && needs.length > 0
    return [
      ...(name in workflow.jobs ? [] : [`there is no ${name}`]),
      ...(isFirst ? [`${name} waits`] : []),
      ...before.filter((each) => !needs.includes(each)).map((each) => `${name} does not wait for ${each}`),
    ]
  })
}

describe('triggers are the guide’s', () => {
  test.each<[string, unknown]>([
    ['deploy-dev.yml', { push: { branches: ['feature/**'] } }],
    ['deploy-staging.yml', { push: { branches: ['main'] }, workflow_call: null }],
    ['hotfix.yml', { push: { branches: ['hotfix/**'] } }],
    ['release.yml', { push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } }],
  ])('%s', (name, on) => {
    expect(readWorkflow(name).workflow.on).toEqual(on)
  })

  test('production is deployed by hand, with a version and who approved it', () => {
    const { workflow_dispatch: dispatch, ...others } = readWorkflow('deploy-prod.yml').workflow.on
    expect(others).toEqual({})
    expect(dispatch).toMatchObject({ inputs: { version: { required: true }, approved_by: { required: true } } })
  })

  test.each([
    ['restore-drill.yml', /^\S+ \S+ \d+ \* \*$/],
    ['log-review.yml', /^\S+ \S+ \d+ \* \*$/],
    ['drills.yml', /^\S+ \S+ \d+ 1,4,7,10 \*$/],
    ['access-review.yml', /^\S+ \S+ \d+ 1,4,7,10 \*$/],
    ['patch-notice.yml', /^\S+ \S+ \* \* \*$/],
  ])('%s comes as often as promised', (name, cron) => {
    const { schedule } = readWorkflow(name).workflow.on as { schedule: { cron: string }[] }
    expect(schedule.map((one) => one.cron)).toEqual([expect.stringMatching(cron)])
  })
})
