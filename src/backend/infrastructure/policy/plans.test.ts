// The plans of the three environments, made by terraform over the provider's schema, held against every rule.
import { beforeAll, describe, expect, test } from 'vitest'
import { planOf } from '../rehearsal/plans.ts'
import { GUIDE, missingTerraform, openRehearsal } from '../rehearsal/rehearsal.ts'
import { gatewayObjects, HOW_TO_GET_KUBECTL, kubectlFound } from './gateway-objects.ts'
import { unusedExceptions } from './identity.ts'
import { sharedNames } from './naming-rules.ts'
import { ENVIRONMENTS, type EnvironmentName, PlannedEnvironment } from './planned-environment.ts'
import { readEnvironment } from './read-environment.ts'
import type { PolicyRule } from './rule.ts'
import { RULES, violations } from './rules.ts'
import { sizeOf } from './size-of.ts'
import { SIZES } from './sizing.ts'
import { worseResources } from './worse-resources.ts'

const missing = missingTerraform() ?? (kubectlFound() ? undefined : `no kubectl on this machine: ${HOW_TO_GET_KUBECTL}`)
if (missing !== undefined) console.warn(`\nthe real plans are not held against the rules: ${missing}\n`)

describe.skipIf(missing !== undefined)('the plans of the three environments', () => {
  const planned = new Map<EnvironmentName, PlannedEnvironment>()
  const of = (name: EnvironmentName) => planned.get(name) as PlannedEnvironment

  beforeAll(async () => {
    for (const name of ENVIRONMENTS) {
      planned.set(name, readEnvironment(await planOf(name), gatewayObjects(name)))
    }
  })

  test.each(ENVIRONMENTS)('%s keeps every rule', (name) => {
    expect(faultsOf(of(name))).toEqual([])
  })

  test.each(ENVIRONMENTS)('%s is as large as the guide says', (name) => {
    const { natGateways, ...size } = sizeOf(of(name))
    const { natGateways: wanted, ...guide } = SIZES[name]
    expect(size).toEqual(guide)
    expect(natGateways).toBeGreaterThanOrEqual(wanted.min)
    expect(natGateways).toBeLessThanOrEqual(wanted.max)
  })

  test.each([
    ['dev', 'staging'],
    ['dev', 'prod'],
    ['staging', 'prod'],
  ] as const)('%s and %s share no name', (one, other) => {
    expect(sharedNames(of(one), of(other))).toEqual([])
  })

  test('no exception is kept that nothing needs', () => {
    expect(unusedExceptions(of('prod'))).toEqual([])
  })

  test('production keeps every rule when all of it stands already, and its ids are known', async () => {
    const rehearsal = await openRehearsal('prod')
    try {
      for (const line of [GUIDE.init, GUIDE.plan, GUIDE.apply, GUIDE.plan]) {
        expect(await rehearsal.run(line)).toMatchObject({ status: 0 })
      }
      const { output } = await rehearsal.run('terraform show -json tfplan')
      const standing = readEnvironment(JSON.parse(output), gatewayObjects('prod'))
      expect(standing.all('aws_vpc').map(({ values }) => values.id)).toEqual([expect.stringMatching(/^vpc-/)])
      expect(faultsOf(standing)).toEqual([])
    } finally {
      await rehearsal.close()
    }
  })

  test("production's plan, made a little worse in one value, reference or policy, is found out by every rule", {
    timeout: 120_000,
  }, () => {
    const silent = RULES.filter((rule) => !isFoundOut(of('prod'), rule)).map(({ id }) => id)
    // The plan has no VPN and no user that could be worse.
    expect(silent).toEqual(['EC2.51', 'IAM.2'])
  })
})

function faultsOf(environment: PlannedEnvironment): string[] {
  return violations(environment).map(({ rule, address, found }) => `${rule.id} ${address}: ${found}`)
}

/** Whether some single change of a resource that the rule looks at makes the rule speak. */
function isFoundOut(environment: PlannedEnvironment, rule: PolicyRule): boolean {
  const named = environment.resources.filter(({ type }) => rule.appliesTo.includes(type))
  const others = rule.appliesTo.some((words) => words.startsWith('every ')) ? environment.resources : []
  return [...named, ...others].some((resource) =>
    worseResources(resource).some((changed) => {
      const resources = environment.resources.map((each) => (each === resource ? changed : each))
      return rule.check(new PlannedEnvironment(environment.name, resources)).length > 0
    }),
  )
}
