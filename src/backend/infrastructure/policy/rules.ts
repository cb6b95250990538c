// All rules that an environment is held to before it is applied.
import { CACHE_RULES } from './cache.ts'
import { COMPUTE_RULES } from './compute.ts'
import { DATABASE_RULES } from './database.ts'
import { EDGE_RULES } from './edge.ts'
import { IDENTITY_RULES } from './identity.ts'
import { NAMING_RULES } from './naming-rules.ts'
import { NETWORK_RULES } from './networks.ts'
import { PATCHING_RULES } from './patching.ts'
import type { PlannedEnvironment } from './planned-environment.ts'
import { RECORD_KEEPING_RULES } from './record-keeping.ts'
import type { Fault, PolicyRule } from './rule.ts'
import { SECRET_RULES } from './secrets.ts'
import { STORAGE_RULES } from './storage.ts'

/** Rules by what they are about, in the order in which a reader of a plan would ask. */
export const RULES_BY_SUBJECT: readonly { readonly subject: string; readonly rules: readonly PolicyRule[] }[] = [
  { subject: 'The network', rules: NETWORK_RULES },
  { subject: 'The cluster and its machines', rules: COMPUTE_RULES },
  { subject: 'The database', rules: DATABASE_RULES },
  { subject: 'The cache', rules: CACHE_RULES },
  { subject: 'Buckets and images', rules: STORAGE_RULES },
  { subject: 'Secrets', rules: SECRET_RULES },
  { subject: 'Who may do what', rules: IDENTITY_RULES },
  { subject: 'Where clients come in', rules: EDGE_RULES },
  { subject: 'Trails, logs, keys and backups', rules: RECORD_KEEPING_RULES },
  { subject: 'Patches', rules: PATCHING_RULES },
  { subject: 'Names and tags', rules: NAMING_RULES },
]

export const RULES: readonly PolicyRule[] = RULES_BY_SUBJECT.flatMap(({ rules }) => rules)

export interface Violation extends Fault {
  readonly rule: PolicyRule
}

export function violations(planned: PlannedEnvironment, rules: readonly PolicyRule[] = RULES): Violation[] {
  return rules.flatMap((rule) => rule.check(planned).map((fault) => ({ ...fault, rule })))
}
