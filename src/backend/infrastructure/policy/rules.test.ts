// Each rule is shown to keep quiet about a plan that keeps it and to speak about one that breaks it.
import { describe, expect, test } from 'vitest'
import { EXAMPLES } from './examples/all.ts'
import type { Case } from './examples/example.ts'
import { PlannedEnvironment } from './planned-environment.ts'
import { RULES } from './rules.ts'

function environment(example: Case): PlannedEnvironment {
  return 'plan' in example
    ? new PlannedEnvironment(example.environment, example.plan)
    : new PlannedEnvironment('prod', example)
}

describe.each(RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const { keeps, breaks } = EXAMPLES[id] ?? { keeps: {}, breaks: {} }

  test.each(Object.entries(keeps))(`${rule.title}: kept by %s`, (_, example) => {
    expect(rule.check(environment(example))).toEqual([])
  })

  test.each(Object.entries(breaks))(`${rule.title}: broken by %s`, (_, example) => {
    const faults = rule.check(environment(example))
    expect(faults).not.toEqual([])
    for (const fault of faults) expect(fault.found).toMatch(/\w/)
  })
})

describe('the rules as a whole', () => {
  test('every rule has a plan that keeps it and one that breaks it', () => {
    const lacking = RULES.filter(({ id }) => {
      const example = EXAMPLES[id]
      return Object.keys(example?.keeps ?? {}).length === 0 || Object.keys(example?.breaks ?? {}).length === 0
    })
    expect(lacking.map(({ id }) => id)).toEqual([])
  })

  test('an example of no rule is one too many', () => {
    const ids = RULES.map(({ id }) => id)
    expect(Object.keys(EXAMPLES).filter((id) => !ids.includes(id))).toEqual([])
  })

  test('there are more than forty, each with a name of its own, a guarantee and what to do', () => {
    expect(RULES.length).toBeGreaterThan(40)
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length)
    for (const { id, title, remedy, appliesTo } of RULES) {
      expect(id).toMatch(/^(?:BRE|[A-Z][A-Za-z0-9]+)[.-]\d+$/)
      expect(title.length).toBeGreaterThan(15)
      expect(remedy).toMatch(/\.$/)
      expect(appliesTo.length).toBeGreaterThan(0)
    }
  })

  test('no promise is kept by an empty plan, but for those that only forbid', () => {
    const nothing = new PlannedEnvironment('prod', [])
    const quiet = RULES.filter((rule) => rule.check(nothing).length === 0).map(({ id }) => id)
    expect(quiet).toEqual(
      ['EC2.51', 'BRE-13', 'BRE-30', 'IAM.2', 'BRE-34', 'BRE-38', 'BRE-43', 'BRE-44'].toSorted(byRules),
    )
  })
})

function byRules(one: string, other: string): number {
  const place = (id: string) => RULES.findIndex((rule) => rule.id === id)
  return place(one) - place(other)
}
