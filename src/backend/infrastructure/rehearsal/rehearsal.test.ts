// The guide's three Terraform commands, word for word, for each environment: they create what the configuration says, a second plan finds nothing to
// do, the state lies where it belongs, and nobody works beside anybody.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENVIRONMENTS } from '../maintenance_windows.ts'
import { parseTfvars } from '../schema/tfvars.ts'
import { passwordsIn } from './data-answers.ts'
import { keepPlan } from './plans.ts'
import {
  GUIDE,
  INFRASTRUCTURE,
  missingTerraform,
  type Outcome,
  openRehearsal,
  type Rehearsal,
  VALUES,
} from './rehearsal.ts'

const missing = missingTerraform()
if (missing !== undefined) console.log(missing)

const NOTHING_TO_DO = 0

describe.skipIf(missing !== undefined).each(ENVIRONMENTS)('the infrastructure of %s', (environment) => {
  const backend = parseTfvars(readFileSync(join(INFRASTRUCTURE, 'environments', environment, 'backend.tfvars'), 'utf8'))
  const stateObject = `${backend.bucket}/${backend.key}`
  let rehearsal: Rehearsal

  beforeAll(async () => {
    rehearsal = await openRehearsal(environment)
  })
  afterAll(() => rehearsal?.close())

  const stateResources = () => {
    const state = JSON.parse(rehearsal.state.objects.get(stateObject)!.body.toString()) as {
      resources: { mode: string; type: string; name: string; instances: { attributes: Record<string, unknown> }[] }[]
    }
    return state.resources.filter(({ mode }) => mode === 'managed')
  }

  test('is initialized by the guide’s words, with the state in its own bucket, encrypted and locked by a file beside it', async () => {
    ended(await rehearsal.run(GUIDE.init), 0)
    expect(backend).toMatchObject({ encrypt: true, use_lockfile: true })
    expect(String(backend.bucket)).toContain(environment)
  })

  test('is valid, and its files are in the usual form', async () => {
    ended(await rehearsal.run('terraform validate'), 0)
    ended(await rehearsal.run('terraform fmt -check -recursive'), 0)
  })

  test('is planned and applied by the guide’s words: everything planned is there, and no password is in the plan or in the state', async () => {
    const planned = ended(await rehearsal.run(GUIDE.plan), 0)
    const count = Number(/Plan: (\d+) to add, 0 to change, 0 to destroy/.exec(planned)?.[1])
    expect(count).toBeGreaterThan(0)
    const plan = await keepPlan(environment, rehearsal)
    expect(passwordsIn(JSON.stringify(plan))).toEqual([])
    const applied = ended(await rehearsal.run(GUIDE.apply), 0)
    expect(applied).toContain(`Apply complete! Resources: ${count} added, 0 changed, 0 destroyed`)
    expect(stateResources().flatMap(({ instances }) => instances)).toHaveLength(count)
    expect([...rehearsal.state.objects.keys()]).toEqual([stateObject])
    expect(passwordsIn(rehearsal.state.objects.get(stateObject)!.body.toString())).toEqual([])
    expect(rehearsal.state.objects.get(stateObject)!.encryption).toMatch(/^(AES256|aws:kms)$/)
  })

  test('has nothing left to do in a second plan', async () => {
    ended(await rehearsal.run(`terraform plan ${VALUES} -detailed-exitcode`), NOTHING_TO_DO)
  })

  test('takes a larger database class and more nodes as changes in place, and refuses a second person while the first one is deciding', async () => {
    const larger = '-var database_instance_class=db.r5.2xlarge -var node_count_max=30'
    const first = await rehearsal.begin(`terraform apply ${VALUES} -refresh=false ${larger}`, /Enter a value:/)
    expect([...rehearsal.state.objects.keys()].sort()).toEqual([stateObject, `${stateObject}.tflock`])
    const second = await rehearsal.run(`terraform plan ${VALUES}`)
    expect(second.status).toBe(1)
    expect(second.output).toContain('Error acquiring the state lock')
    expect(second.output).toMatch(/Operation:\s+OperationTypeApply/)
    const declined = await first.answer('no')
    expect(declined.output).toMatch(/~ instance_class\s+= "db\.[\w.]+" -> "db\.r5\.2xlarge"/)
    expect(declined.output).toMatch(/~ max_size\s+= \d+ -> 30/)
    expect(declined.output).toMatch(/Plan: 0 to add, [1-9]\d* to change, 0 to destroy/)
    expect(declined.output).toContain('Apply cancelled')
    expect([...rehearsal.state.objects.keys()]).toEqual([stateObject])
  })

  test('writes no lock file of providers that were never downloaded', async () => {
    ended(await rehearsal.run('test ! -e .terraform.lock.hcl'), 0)
  })

  test('is destroyed again, where it is protected only after somebody has taken the protection away', async () => {
    const unprotected = `${VALUES} -refresh=false -var deletion_protection=false`
    const values = readFileSync(join(INFRASTRUCTURE, 'environments', environment, 'terraform.tfvars'), 'utf8')
    if (environment === 'prod') {
      const refused = await rehearsal.run(`terraform destroy -auto-approve ${VALUES} -target=aws_db_instance.main`)
      expect(refused.status).toBe(1)
      expect(refused.output).toContain('AWS does not delete it while deletion_protection is true')
    }
    if (parseTfvars(values).deletion_protection !== false)
      ended(await rehearsal.run(`terraform apply -auto-approve ${unprotected}`), 0)
    ended(await rehearsal.run(`terraform destroy -auto-approve ${unprotected}`), 0)
    expect(stateResources()).toEqual([])
  })
})

describe.skipIf(missing !== undefined)('terraform test', () => {
  test('passes', async () => {
    const rehearsal = await openRehearsal('dev')
    try {
      ended(await rehearsal.run('terraform init -backend=false'), 0)
      const output = ended(await rehearsal.run('terraform test'), 0)
      expect(output).toMatch(/Success! [1-9]\d* passed, 0 failed/)
    } finally {
      await rehearsal.close()
    }
  })
})

function ended({ status, output }: Outcome, expected: number): string {
  expect(status, output).toBe(expected)
  return output
}
