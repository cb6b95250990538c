// A planned environment out of a plan's JSON, the program that was planned, and the manifests.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ENVIRONMENTS, type EnvironmentName, PlannedEnvironment } from './planned-environment.ts'
import { type PlannedResource, type Program, plannedResources, planVariables } from './planned-resources.ts'

const PROGRAM = fileURLToPath(new URL('../main.tf.json', import.meta.url))

/** The program as it is committed; a plan was made of it. */
export function committedProgram(): Program {
  return existsSync(PROGRAM) ? (JSON.parse(readFileSync(PROGRAM, 'utf8')) as Program) : {}
}

/**
 * @param planJson what `terraform show -json tfplan` prints
 * @param objects of the manifests, beside what Terraform plans
 * @throws Error when the plan is none, or of no environment
 */
export function readEnvironment(
  planJson: unknown,
  objects: readonly PlannedResource[] = [],
  program: Program = committedProgram(),
): PlannedEnvironment {
  const resources = plannedResources(planJson, program)
  const name = planVariables(planJson).get('environment')
  if (!isEnvironment(name)) {
    throw new Error(`the plan's variable environment is ${String(name)}, not one of ${ENVIRONMENTS.join(', ')}`)
  }
  return new PlannedEnvironment(name, [...resources, ...objects])
}

export function isEnvironment(name: unknown): name is EnvironmentName {
  return ENVIRONMENTS.some((environment) => environment === name)
}
