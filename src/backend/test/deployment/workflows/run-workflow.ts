// Runs a workflow on this machine as GitHub's runner would: jobs in the order of their needs, `if`, outputs and variables resolved, each `run` by bash with
// a file for its outputs. In place of other people's actions stand functions of the test; a job's folder is what the test's checkout puts there.
//
// Unlike on GitHub: one job after the other, all on this machine, and what they leave running goes on until the job ends.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  ancestorsOf,
  environmentOf,
  type Job,
  needsOf,
  type Step,
  type Workflow,
} from '../../../infrastructure/workflows/workflow.ts'
import { startKeeper } from '../../../tools/keep.ts'
import { asText, type Contexts, evaluate, type Functions, filledIn, isTrue, type Value } from './expressions.ts'

export type Result = 'success' | 'failure' | 'skipped' | 'cancelled'

export interface Environment {
  readonly vars: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
}

export interface ActionCall {
  readonly inputs: Readonly<Record<string, string>>
  readonly workspace: string
  readonly environment: string | undefined
}

/** @returns the action's outputs, and variables for the steps after it. @throws Error when it fails */
export type Action = (call: ActionCall) => Promise<{ outputs?: Record<string, string>; env?: Record<string, string> }>

export interface RunOptions {
  readonly folder: string
  /** `github` and `inputs`, as expressions see them. */
  readonly event: {
    readonly github: Readonly<Record<string, string>>
    readonly inputs: Readonly<Record<string, string>>
  }
  readonly environments: Readonly<Record<string, Environment>>
  /** By the name before the `@`. */
  readonly actions: Readonly<Record<string, Action>>
  /** Of a job that is another workflow. */
  readonly called?: (uses: string) => Result
  /** Of every step: PATH, HOME, GITHUB_API_URL. */
  readonly variables: Readonly<Record<string, string>>
  /** Something that happens in the world before a job begins. */
  readonly before?: (job: string) => Promise<void> | void
  /** The run is cancelled as this job ends. */
  readonly cancelledAfter?: string
}

export interface StepRan {
  readonly name: string
  readonly result: Result
  readonly output: string
}

export interface JobRan {
  readonly result: Result
  readonly outputs: Readonly<Record<string, string>>
  readonly steps: readonly StepRan[]
}

const STEP_MS_MAX = 240_000

const keeper = startKeeper()

export async function runWorkflow(workflow: Workflow, options: RunOptions): Promise<Record<string, JobRan>> {
  const ran: Record<string, JobRan> = {}
  let isCancelled = false
  for (const name of inOrder(workflow)) {
    const job = workflow.jobs[name] as Job
    const needed = [...ancestorsOf(workflow, name)].map((each) => (ran[each] as JobRan).result)
    const needs = Object.fromEntries(needsOf(job).map((each) => [each, contextOf(ran[each] as JobRan)]))
    const functions: Functions = {
      success: () => !isCancelled && needed.every((result) => result === 'success'),
      failure: () => needed.includes('failure'),
      cancelled: () => isCancelled,
      always: () => true,
    }
    const contexts = { ...options.event, needs } as Contexts
    if (!isTrue(conditionOf(job.if, contexts, functions))) {
      ran[name] = { result: isCancelled ? 'cancelled' : 'skipped', outputs: {}, steps: [] }
      continue
    }
    await options.before?.(name)
    if (job.uses !== undefined) {
      ran[name] = { result: options.called?.(job.uses) ?? 'success', outputs: {}, steps: [] }
      continue
    }
    ran[name] = await runJob(workflow, name, job, contexts, options)
    if (options.cancelledAfter === name) {
      isCancelled = true
      ran[name] = { ...(ran[name] as JobRan), result: 'cancelled' }
    }
  }
  return ran
}

/** A condition that asks for no state of what was before asks for success besides. */
function conditionOf(condition: string | boolean | undefined, contexts: Contexts, functions: Functions): Value {
  const text = String(condition ?? 'success()').replace(/^\$\{\{(.*)\}\}$/s, '$1')
  const asks = /\b(?:success|failure|cancelled|always)\(\)/.test(text)
  return evaluate(asks ? text : `success() && (${text})`, contexts, functions)
}

function inOrder(workflow: Workflow): string[] {
  const order: string[] = []
  const visit = (name: string) => {
    if (order.includes(name)) return
    for (const need of needsOf(workflow.jobs[name] ?? {})) visit(need)
    order.push(name)
  }
  for (const name of Object.keys(workflow.jobs)) visit(name)
  return order
}

const contextOf = ({ result, outputs }: JobRan): Value => ({ result, outputs })

async function runJob(
  workflow: Workflow,
  name: string,
  job: Job,
  given: Contexts,
  options: RunOptions,
): Promise<JobRan> {
  const workspace = join(options.folder, name, 'workspace')
  mkdirSync(workspace, { recursive: true })
  const environment = environmentOf(job) === undefined ? undefined : filledIn(environmentOf(job) ?? '', given)
  const { vars = {}, secrets = {} } = options.environments[environment ?? ''] ?? {}
  const kept: Record<string, string> = {}
  const steps: StepRan[] = []
  const started: number[] = []
  const outcomes: Record<string, Value> = {}
  let result: Result = 'success'
  const functions: Functions = {
    success: () => result === 'success',
    failure: () => result === 'failure',
    cancelled: () => false,
    always: () => true,
  }
  for (const [at, step] of (job.steps ?? []).entries()) {
    const base = { ...given, vars, secrets, steps: outcomes } as Contexts
    // Variables see what stands above them; a step's own are seen by its other lines.
    const levels = [workflow.env, job.env, kept]
    const env: Record<string, string> = {}
    for (const level of [...levels, step.env]) {
      const seen = { ...base, env: { ...env } }
      for (const [variable, value] of Object.entries(level ?? {})) env[variable] = filledIn(String(value), seen)
    }
    const contexts = { ...base, env }
    const title = step.name ?? step.uses ?? `step ${at + 1}`
    if (!isTrue(conditionOf(step.if, contexts, functions))) {
      steps.push({ name: title, result: 'skipped', output: '' })
      if (step.id !== undefined) outcomes[step.id] = { outcome: 'skipped', outputs: {} }
      continue
    }
    const folder = join(options.folder, name, String(at + 1))
    const done = await runStep(step, { folder, workspace, contexts, env, environment, started, options })
    steps.push({ name: title, result: done.result, output: done.output })
    Object.assign(kept, done.env)
    if (step.id !== undefined) outcomes[step.id] = { outcome: done.result, outputs: done.outputs }
    if (done.result === 'failure' && step['continue-on-error'] !== true) result = 'failure'
  }
  for (const pid of started) endGroup(pid)
  const outputs = Object.fromEntries(
    Object.entries(job.outputs ?? {}).map(([output, text]) => [
      output,
      filledIn(text, { ...given, vars, secrets, steps: outcomes }),
    ]),
  )
  return { result, outputs, steps }
}

interface StepPlace {
  readonly folder: string
  readonly workspace: string
  readonly contexts: Contexts
  readonly env: Readonly<Record<string, string>>
  readonly environment: string | undefined
  /** Process groups that the job's steps have begun. */
  readonly started: number[]
  readonly options: RunOptions
}

interface StepDone {
  readonly result: 'success' | 'failure'
  readonly output: string
  readonly outputs: Record<string, string>
  readonly env: Record<string, string>
}

async function runStep(step: Step, place: StepPlace): Promise<StepDone> {
  const { folder, workspace, contexts, env, environment, started, options } = place
  if (step.uses !== undefined) {
    const action = options.actions[step.uses.split('@')[0] ?? '']
    if (action === undefined) throw new Error(`nothing stands in for ${step.uses}`)
    const inputs = Object.fromEntries(
      Object.entries(step.with ?? {}).map(([input, value]) => [input, filledIn(String(value), contexts)]),
    )
    try {
      const { outputs = {}, env: left = {} } = await action({ inputs, workspace, environment })
      return { result: 'success', output: '', outputs, env: left }
    } catch (error) {
      return { result: 'failure', output: (error as Error).message, outputs: {}, env: {} }
    }
  }
  mkdirSync(folder, { recursive: true })
  const file = (name: string) => {
    writeFileSync(join(folder, name), '')
    return join(folder, name)
  }
  const files = { output: file('output'), env: file('env'), summary: file('summary') }
  writeFileSync(join(folder, 'script'), filledIn(step.run ?? '', contexts))
  const { github } = contexts as { github: Readonly<Record<string, string>> }
  const variables = {
    ...options.variables,
    GITHUB_OUTPUT: files.output,
    GITHUB_ENV: files.env,
    GITHUB_STEP_SUMMARY: files.summary,
    GITHUB_WORKSPACE: workspace,
    RUNNER_TEMP: folder,
    ...Object.fromEntries(
      ['actor', 'repository', 'run_id', 'sha', 'server_url', 'ref_name'].map((name) => [
        `GITHUB_${name.toUpperCase()}`,
        github[name] ?? '',
      ]),
    ),
    ...env,
  }
  const { status, output } = await bash(
    join(folder, 'script'),
    join(workspace, step['working-directory'] ?? '.'),
    variables,
    started,
  )
  return {
    result: status === 0 ? 'success' : 'failure',
    output,
    outputs: valuesIn(files.output),
    env: valuesIn(files.env),
  }
}

/** As the runner starts a script for which the workflow names no shell. */
function bash(script: string, cwd: string, env: Readonly<Record<string, string>>, started: number[]) {
  return new Promise<{ status: number; output: string }>((done, fail) => {
    const child = spawn('bash', ['-e', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const pid = child.pid as number
    started.push(pid)
    keeper.mind(child)
    const late = setTimeout(() => endGroup(pid), STEP_MS_MAX)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes.toString()
      })
    }
    child.on('error', fail)
    child.on('close', (status) => {
      clearTimeout(late)
      done({ status: status ?? -1, output })
    })
  })
}

/** A step's process and what it left running. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

/** `name=value` lines, and values of several lines between `name<<END` and `END`. */
export function valuesIn(file: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const [, name, end] = /^([\w-]+)<<(.+)$/.exec(line) ?? []
    if (name !== undefined && end !== undefined) {
      const close = lines.indexOf(end, at + 1)
      if (close === -1) throw new Error(`${name} has no end`)
      values[name] = lines.slice(at + 1, close).join('\n')
      at = close
    } else if (line !== '') {
      const [, key, value] = /^([\w-]+)=(.*)$/.exec(line) ?? []
      if (key === undefined) throw new Error(`"${line}" is no output`)
      values[key] = asText(value ?? null)
    }
  }
  return values
}
