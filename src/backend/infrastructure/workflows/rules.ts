// What workflows are held to beyond what actionlint sees. Each rule takes one workflow and says its faults, each in a sentence that names the place.
import { ACTIONS } from './action-table.ts'
import { ancestorsOf, environmentOf, needsOf, stepsOf, type WorkflowFile } from './workflow.ts'

export type Rule = (file: WorkflowFile) => string[]

const MINUTES_MAX = 180
/** Whoever approves; nothing else is in it. */
const APPROVAL = 'production-approval'
const PRODUCTION = 'production'

/** Actions of others are in the table, by commit, and say which version that is. */
const pins: Rule = ({ path, text }) =>
  text.split('\n').flatMap((line, at) => {
    const [, used = '', rest = ''] = /^\s*(?:- )?uses:\s*(\S+)(.*)$/.exec(line) ?? []
    if (used === '' || used.startsWith('./')) return []
    const say = (fault: string) => [`${path}:${at + 1}: ${used} ${fault}`]
    const [name = '', commit = ''] = used.split('@')
    const allowed = ACTIONS[name]
    if (!/^[0-9a-f]{40}$/.test(commit)) return say('is not pinned by its commit')
    if (allowed === undefined) return say('is not in the table of actions')
    if (commit !== allowed.commit) return say(`is not the commit of ${allowed.version} in the table of actions`)
    return rest.trim() === `# ${allowed.version}` ? [] : say(`does not say # ${allowed.version}`)
  })

/** Pinned by commit, actionlint does not know an action's inputs: the table does. */
const inputs: Rule = (file) =>
  stepsOf(file).flatMap(({ place, step }) => {
    const allowed = ACTIONS[step.uses?.split('@')[0] ?? '']
    if (allowed === undefined) return []
    const given = Object.keys(step.with ?? {})
    return [
      ...given.filter((name) => !allowed.inputs.includes(name)).map((name) => `${place}: has no input ${name}`),
      ...(allowed.required ?? [])
        .filter((name) => !given.includes(name))
        .map((name) => `${place}: lacks the input ${name}`),
    ]
  })

/** What stands in `${{ }}` becomes part of the script before a shell reads it: a title, a branch or an input can be a command there. */
const interpolation: Rule = (file) =>
  stepsOf(file).flatMap(({ place, step }) =>
    step.run?.includes('${{') ? [`${place}: puts \${{ }} into a script; give it by env`] : [],
  )

const WRITES: Readonly<Record<string, (run: string, uses: readonly string[]) => boolean>> = {
  'id-token': (_, uses) => uses.includes('aws-actions/configure-aws-credentials'),
  issues: (run) => run.includes('open_issue.sh'),
  contents: (run) => run.includes('publish_release.sh'),
}

/** Nothing but reading at the top; in a job only what one of its steps uses. */
const permissions: Rule = (file) => {
  const top = JSON.stringify(file.workflow.permissions)
  const faults = top === '{"contents":"read"}' ? [] : [`${file.path}: its permissions are ${top}, not contents: read`]
  for (const [name, job] of Object.entries(file.workflow.jobs)) {
    if (job.uses !== undefined) continue
    if (typeof job.permissions === 'string') faults.push(`${file.path}, ${name}: has ${job.permissions}`)
    const granted = Object.entries(job.permissions ?? {}).filter(([, level]) => level === 'write')
    const run = (job.steps ?? []).map((step) => step.run ?? '').join('\n')
    const uses = (job.steps ?? []).map((step) => step.uses?.split('@')[0] ?? '')
    for (const [scope, isUsed] of Object.entries(WRITES)) {
      const isGranted = granted.some(([each]) => each === scope)
      if (isGranted !== isUsed(run, uses)) {
        faults.push(
          `${file.path}, ${name}: ${isGranted ? 'may write' : 'lacks'} ${scope}${isGranted ? ' for nothing' : ''}`,
        )
      }
    }
    for (const [scope] of granted.filter(([scope]) => !(scope in WRITES))) {
      faults.push(`${file.path}, ${name}: may write ${scope}`)
    }
  }
  return faults
}

const timeouts: Rule = ({ path, workflow }) =>
  Object.entries(workflow.jobs).flatMap(([name, job]) => {
    const minutes = job['timeout-minutes']
    if (job.uses !== undefined) return []
    if (minutes === undefined) return [`${path}, ${name}: has no timeout-minutes`]
    return minutes <= MINUTES_MAX ? [] : [`${path}, ${name}: may take ${minutes} minutes`]
  })

/** One at a time of each, and what changes an environment is never cut off by what comes after it. */
const concurrency: Rule = ({ path, workflow }) => {
  const { group, 'cancel-in-progress': cancels } = workflow.concurrency ?? {}
  if (group === undefined) return [`${path}: says no concurrency`]
  const deploys = Object.values(workflow.jobs).some((job) => environmentOf(job) !== undefined)
  return deploys && cancels !== false ? [`${path}: a deployment would be cut off by the next`] : []
}

const STATIC_KEYS = /aws-access-key-id|aws-secret-access-key|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY/

/** Roles are taken by GitHub's identity (OIDC): there is no key of AWS to be stolen. */
const noStaticKeys: Rule = ({ path, text }) =>
  text
    .split('\n')
    .flatMap((line, at) => (STATIC_KEYS.test(line) ? [`${path}:${at + 1}: a key that does not expire`] : []))

/** Production's role is taken in production's environment; for a deployment, behind the approval. */
const production: Rule = ({ path, workflow }) => {
  const approval = Object.keys(workflow.jobs).find((name) => environmentOf(workflow.jobs[name] ?? {}) === APPROVAL)
  const deploys = Object.values(workflow.jobs).some(
    (job) => JSON.stringify(job).includes('tools/canary.ts run') || JSON.stringify(job).includes('run_canary.sh'),
  )
  return Object.entries(workflow.jobs).flatMap(([name, job]) => {
    const say = (fault: string) => [`${path}, ${name}: ${fault}`]
    const takesRole = /role\/borrow-rate-engine-prod-/.test(JSON.stringify(job))
    const environment = environmentOf(job)
    if (takesRole && environment !== PRODUCTION) return say(`takes production's role in the environment ${environment}`)
    if (environment !== PRODUCTION || !deploys) return []
    if (approval !== undefined && ancestorsOf(workflow, name).has(approval)) return []
    return say('does not wait for the approval')
  })
}

/**
 * A rollback looks at every job that can leave an environment half changed: it needs all of them, and runs when one of them fails and when
 * somebody cancels.
 */
const rollback: Rule = ({ path, workflow }) => {
  const job = workflow.jobs.rollback
  // By hand it is a job by itself.
  if (job === undefined || job.needs === undefined) return []
  const needed = needsOf(job)
  const afterwards = new Set(Object.keys(workflow.jobs).filter((name) => ancestorsOf(workflow, name).has('rollback')))
  const condition = String(job.if ?? '')
  return [
    ...Object.entries(workflow.jobs)
      .filter(([name, other]) => name !== 'rollback' && !afterwards.has(name) && environmentOf(other) !== undefined)
      .filter(([name]) => !needed.includes(name))
      .map(([name]) => `${path}, rollback: does not look at ${name}`),
    ...['failure()', 'cancelled()']
      .filter((call) => !condition.includes(call))
      .map((call) => `${path}, rollback: does not ask for ${call}`),
  ]
}

export const RULES: Readonly<Record<string, Rule>> = {
  pins,
  inputs,
  interpolation,
  permissions,
  timeouts,
  concurrency,
  noStaticKeys,
  production,
  rollback,
}
