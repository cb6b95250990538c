// What the rules found, as a table that somebody reads before an apply.
import type { PlannedEnvironment } from './planned-environment.ts'
import { RULES_BY_SUBJECT, type Violation, violations } from './rules.ts'

export interface Report {
  readonly text: string
  /** Rules that are broken. */
  readonly broken: number
}

/** Every rule with its verdict, and under it, where and what, and what to do. */
export function report(planned: PlannedEnvironment): Report {
  const found = violations(planned)
  const byRule = new Map(found.map(({ rule }) => [rule, found.filter((violation) => violation.rule === rule)]))
  const width = Math.max(...RULES_BY_SUBJECT.flatMap(({ rules }) => rules).map(({ id }) => id.length))
  const lines = RULES_BY_SUBJECT.flatMap(({ subject, rules }) => [
    '',
    subject,
    ...rules.flatMap((rule) => {
      const faults = byRule.get(rule) ?? []
      const verdict = faults.length === 0 ? 'kept  ' : 'BROKEN'
      return [`  ${verdict}  ${rule.id.padEnd(width)}  ${rule.title}`, ...faultLines(faults, width)]
    }),
  ])
  const rules = RULES_BY_SUBJECT.flatMap(({ rules: ofSubject }) => ofSubject).length
  const sum =
    byRule.size === 0
      ? `all ${rules} rules are kept`
      : `${byRule.size} of ${rules} rules are broken, in ${found.length} places`
  return {
    text: [`${planned.name}: ${planned.resources.length} resources`, ...lines, '', `${planned.name}: ${sum}`, ''].join(
      '\n',
    ),
    broken: byRule.size,
  }
}

function faultLines(faults: readonly Violation[], width: number): string[] {
  const [first] = faults
  if (first === undefined) return []
  const indent = ' '.repeat(width + 12)
  return [
    ...faults.map(({ address, found }) => `${indent}${address}: ${found}`),
    `${indent}To mend it: ${first.rule.remedy}`,
  ]
}
