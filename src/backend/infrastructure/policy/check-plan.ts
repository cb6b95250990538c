// The command: holds a plan against the rules. `npm run policy -- prod` makes the plan here, without a cloud; `npm run policy -- plan.json`
// reads what `terraform show -json tfplan` has printed. The exit status is 1 when a rule is broken, 2 when there was nothing to read.
import { readFileSync } from 'node:fs'
import { gatewayObjects, HOW_TO_GET_KUBECTL, kubectlFound } from './gateway-objects.ts'
import { ENVIRONMENTS } from './planned-environment.ts'
import { planVariables } from './planned-resources.ts'
import { isEnvironment, readEnvironment } from './read-environment.ts'
import { report } from './report.ts'

const USAGE = `npm run policy -- <${ENVIRONMENTS.join('|')}|plan.json>`

async function planNamed(argument: string): Promise<unknown> {
  if (!isEnvironment(argument)) return JSON.parse(readFileSync(argument, 'utf8'))
  const { planOf } = await import('../rehearsal/plans.ts')
  return await planOf(argument)
}

async function main(argument: string | undefined): Promise<number> {
  if (argument === undefined) {
    console.error(USAGE)
    return 2
  }
  if (!kubectlFound()) {
    console.error(`the load balancer is made of the manifests, which only kubectl can build: ${HOW_TO_GET_KUBECTL}`)
    return 2
  }
  const plan = await planNamed(argument)
  const environment = planVariables(plan).get('environment')
  const { text, broken } = report(readEnvironment(plan, isEnvironment(environment) ? gatewayObjects(environment) : []))
  console.log(text)
  return broken === 0 ? 0 : 1
}

try {
  process.exitCode = await main(process.argv[2])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}
