// The workflows of .github/workflows as they are written, and the words that rules and the runner of tests share about them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const PROJECT_ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const WORKFLOWS = '.github/workflows'

export type Scalar = string | number | boolean

export interface Step {
  readonly name?: string
  readonly id?: string
  readonly if?: string | boolean
  readonly uses?: string
  readonly with?: Readonly<Record<string, Scalar>>
  readonly run?: string
  readonly env?: Readonly<Record<string, Scalar>>
  readonly shell?: string
  readonly 'working-directory'?: string
  readonly 'continue-on-error'?: boolean
}

export interface Job {
  readonly needs?: string | readonly string[]
  readonly if?: string | boolean
  readonly 'runs-on'?: string
  readonly 'timeout-minutes'?: number
  readonly environment?: string | { readonly name: string }
  readonly permissions?: Readonly<Record<string, string>> | string
  readonly outputs?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, Scalar>>
  /** Another workflow, in place of steps. */
  readonly uses?: string
  readonly steps?: readonly Step[]
}

export interface Workflow {
  readonly name?: string
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Readonly<Record<string, string>> | string
  readonly concurrency?: { readonly group?: string; readonly 'cancel-in-progress'?: boolean | string }
  readonly env?: Readonly<Record<string, Scalar>>
  readonly jobs: Readonly<Record<string, Job>>
}

export interface WorkflowFile {
  /** From the root of the project. */
  readonly path: string
  readonly text: string
  readonly workflow: Workflow
}

export function workflowFile(path: string, text: string): WorkflowFile {
  return { path, text, workflow: parse(text) as Workflow }
}

export function readWorkflow(name: string): WorkflowFile {
  const path = `${WORKFLOWS}/${name}`
  return workflowFile(path, readFileSync(join(PROJECT_ROOT, path), 'utf8'))
}

export function allWorkflows(): WorkflowFile[] {
  const names = readdirSync(join(PROJECT_ROOT, WORKFLOWS)).filter((name) => /\.ya?ml$/.test(name))
  return names.sort().map(readWorkflow)
}

export const needsOf = (job: Job): readonly string[] =>
  typeof job.needs === 'string' ? [job.needs] : (job.needs ?? [])

/** Everything that has to be over before the job, near and far. */
export function ancestorsOf(workflow: Workflow, name: string): Set<string> {
  const found = new Set<string>()
  const visit = (each: string) => {
    for (const need of needsOf(workflow.jobs[each] ?? {})) {
      if (found.has(need)) continue
      found.add(need)
      visit(need)
    }
  }
  visit(name)
  return found
}

export const environmentOf = (job: Job): string | undefined =>
  typeof job.environment === 'object' ? job.environment.name : job.environment

/** A step and where it stands, for messages. */
export interface PlacedStep {
  readonly place: string
  readonly job: Job
  readonly jobName: string
  readonly step: Step
  /** Those before it in its job. */
  readonly before: readonly Step[]
}

export function stepsOf({ path, workflow }: WorkflowFile): PlacedStep[] {
  return Object.entries(workflow.jobs).flatMap(([jobName, job]) =>
    (job.steps ?? []).map((step, at, steps) => ({
      place: `${path}, ${jobName}, ${step.name ?? step.uses ?? `step ${at + 1}`}`,
      job,
      jobName,
      step,
      before: steps.slice(0, at),
    })),
  )
}
