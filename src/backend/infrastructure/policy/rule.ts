// A rule about a planned environment: what it guarantees, and a function that finds what breaks it.
import type { PlannedEnvironment } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'

export interface PolicyRule {
  /** Of AWS Foundational Security Best Practices where a control asks for the same, e.g. `RDS.3`; `BRE-n` is our own. */
  readonly id: string
  /** Recommendations of the CIS AWS Foundations Benchmark 5.0 and further controls that ask for the same. */
  readonly alsoKnownAs?: readonly string[]
  /** The guarantee, as a sentence. */
  readonly title: string
  /** What to do where it is broken. */
  readonly remedy: string
  /** Types of resources that the rule looks at. */
  readonly appliesTo: readonly string[]
  readonly check: (planned: PlannedEnvironment) => readonly Fault[]
}

export interface Fault {
  /** The address of the resource that breaks the rule, or its type where one is missing. */
  readonly address: string
  /** What was found there. */
  readonly found: string
}

/** What one resource does wrong, or null. */
export type Verdict = string | null | undefined | false

/** Asks every resource. That there is none of them is a fault too: an empty plan keeps no promise. */
export function every(
  resources: readonly PlannedResource[],
  wanted: string,
  verdict: (resource: PlannedResource) => Verdict,
): Fault[] {
  if (resources.length === 0) return [missing(wanted)]
  return whereThereIs(resources, verdict)
}

/** Asks every resource that there is: for what an environment need not have. */
export function whereThereIs(
  resources: readonly PlannedResource[],
  verdict: (resource: PlannedResource) => Verdict,
): Fault[] {
  return resources.flatMap((resource) => {
    const found = verdict(resource)
    return found ? [{ address: resource.address, found }] : []
  })
}

export function missing(wanted: string): Fault {
  return { address: wanted, found: 'the plan has none' }
}

/** `3, not 2`, for figures that must be exact. */
export function differs(what: string, found: unknown, wanted: unknown): Verdict {
  return found === wanted
    ? null
    : `${what} is ${found === undefined ? 'not given' : String(found)}, not ${String(wanted)}`
}
