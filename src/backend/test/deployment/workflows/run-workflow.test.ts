// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${{ }} is GitHub's
// The runner of tests decides as GitHub's does: which jobs run, what they see, and what a failure means for the others.
import { rmSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Workflow } from '../../../infrastructure/workflows/workflow.ts'
import { temporaryFolder } from '../../postgres.ts'
import { type JobRan, runWorkflow } from './run-workflow.ts'

const folder = temporaryFolder('workflows')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let runs = 0
function ran(jobs: string, more: { cancelledAfter?: string } = {}): Promise<Record<string, JobRan>> {
  runs += 1
  return runWorkflow(parse(`env: {ENV: prod}\njobs:\n${jobs}`) as Workflow, {
    folder: `${folder}/${runs}`,
    event: { github: { actor: 'anna', run_id: '7' }, inputs: { version: '1.4.0; exit 1' } },
    environments: { production: { vars: { URL: 'https://a' }, secrets: { KEY: 'a secret' } } },
    actions: { 'actions/a': async ({ inputs }) => ({ outputs: { got: inputs.word ?? '' }, env: { LEFT: 'left' } }) },
    variables: { PATH: process.env.PATH ?? '' },
    ...more,
  })
}
const results = (jobs: Record<string, JobRan>) => Object.entries(jobs).map(([name, { result }]) => `${name} ${result}`)

const CHAIN = `
  first: {steps: [{run: exit 1}]}
  second: {needs: first, steps: [{run: 'true'}]}
  third: {needs: second, steps: [{run: 'true'}]}
  undo: {needs: [first, second, third], if: "(failure() || cancelled()) && needs.second.result != 'skipped'", steps: [{run: 'true'}]}
  always: {needs: [first, undo], if: always(), steps: [{run: 'true'}]}
`

describe('jobs', () => {
  test('what needs a job that failed is skipped, and so is what needs that; a failure is seen from afar', async () => {
    expect(results(await ran(CHAIN))).toEqual([
      'first failure',
      'second skipped',
      'third skipped',
      'undo skipped',
      'always success',
    ])
    const later = CHAIN.replace('exit 1', 'exit 0').replace(
      "second: {needs: first, steps: [{run: 'true'}]}",
      'second: {needs: first, steps: [{run: exit 1}]}',
    )
    expect(results(await ran(later))).toEqual([
      'first success',
      'second failure',
      'third skipped',
      'undo success',
      'always success',
    ])
  })

  test('a run that is cancelled has its clean-up', async () => {
    const jobs = await ran(CHAIN.replace('exit 1', 'exit 0'), { cancelledAfter: 'second' })
    expect(results(jobs)).toEqual([
      'first success',
      'second cancelled',
      'third cancelled',
      'undo success',
      'always success',
    ])
  })

  test('a failing job hands over what it had', async () => {
    const jobs = await ran(`
  first: {outputs: {a: '\${{ steps.a.outputs.a }}'}, steps: [{id: a, run: 'echo a=1 >>"$GITHUB_OUTPUT"'}, {run: exit 1}]}
  second: {needs: first, if: failure(), steps: [{env: {A: '\${{ needs.first.outputs.a }}'}, run: 'test "$A" = 1'}]}`)
    expect(results(jobs)).toEqual(['first failure', 'second success'])
  })
})

describe('steps', () => {
  test('see the variables of workflow, environment, action and step, and what an input holds is no command', async () => {
    const jobs = await ran(`
  a:
    environment: production
    steps:
      - {id: one, uses: 'actions/a@b', with: {word: '\${{ vars.URL }}'}}
      - id: two
        env: {V: '\${{ inputs.version }}', GOT: '\${{ steps.one.outputs.got }}', KEY: '\${{ secrets.KEY }}'}
        run: |
          echo "$ENV $LEFT $GOT $KEY $V $GITHUB_ACTOR"
          printf 'lines<<END\\na\\nb\\nEND\\n' >>"$GITHUB_OUTPUT"
          echo NEXT=here >>"$GITHUB_ENV"
      - {env: {LINES: '\${{ steps.two.outputs.lines }}'}, run: 'echo "$LINES $NEXT"'}`)
    expect(jobs.a?.result).toBe('success')
    expect(jobs.a?.steps.map(({ output }) => output)).toEqual([
      '',
      'prod left https://a a secret 1.4.0; exit 1 anna\n',
      'a\nb here\n',
    ])
  })

  test('after a failure only those run that say so; one that may fail fails nothing', async () => {
    const jobs = await ran(`
  a:
    steps:
      - {id: one, continue-on-error: true, run: exit 3}
      - {if: steps.one.outcome == 'failure', run: 'true'}
      - {name: bad, run: exit 1}
      - {name: next, run: 'true'}
      - {name: cleaning, if: failure() || cancelled(), run: 'true'}`)
    expect(jobs.a?.result).toBe('failure')
    expect(jobs.a?.steps.map(({ result }) => result)).toEqual(['failure', 'success', 'failure', 'skipped', 'success'])
  })

  test('an input that stands in the script itself is run: why the workflows give it by env', async () => {
    const jobs = await ran(`
  a: {steps: [{run: 'echo "approved by \${{ inputs.version }}"; true'}]}`)
    expect(jobs.a?.steps[0]?.output).toBe('approved by 1.4.0; exit 1\n')
    const without = await ran(`
  a: {steps: [{run: 'echo approved by \${{ inputs.version }}; true'}]}`)
    expect(without.a?.result).toBe('failure')
  })

  test('an action that nothing stands in for is an error', async () => {
    await expect(
      ran(`
  a: {steps: [{uses: someone/else@b}]}`),
    ).rejects.toThrow('nothing stands in for someone/else@b')
  })
})
