// The plan of an environment as `terraform show -json` prints it, for rules that read plans. It is made once and kept beside this file until the
// configuration, the environment's values or the rehearsal itself change.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EnvironmentName } from '../maintenance_windows.ts'
import { GUIDE, INFRASTRUCTURE, openRehearsal, type Rehearsal } from './rehearsal.ts'

const PLANS = join(import.meta.dirname, '.plans')

/** Throws with Terraform's own words when the plan cannot be made. */
export async function planOf(environment: EnvironmentName): Promise<unknown> {
  const kept = keptPlan(environment)
  if (kept !== undefined) return kept
  const rehearsal = await openRehearsal(environment)
  try {
    for (const line of [GUIDE.init, GUIDE.plan]) {
      const { status, output } = await rehearsal.run(line)
      if (status !== 0) throw new Error(`"${line}" ended with ${status} for ${environment}:\n${output}`)
    }
    return await keepPlan(environment, rehearsal)
  } finally {
    await rehearsal.close()
  }
}

/** Keeps what lies in `tfplan`; called while the plan is fresh. */
export async function keepPlan(environment: EnvironmentName, rehearsal: Rehearsal): Promise<unknown> {
  const { status, output } = await rehearsal.run('terraform show -json tfplan')
  if (status !== 0) throw new Error(`terraform show -json tfplan ended with ${status}:\n${output}`)
  mkdirSync(PLANS, { recursive: true })
  write(`${environment}.json`, output)
  write(`${environment}.sha256`, fingerprint(environment))
  return JSON.parse(output)
}

function keptPlan(environment: EnvironmentName): unknown {
  const [plan, print] = [join(PLANS, `${environment}.json`), join(PLANS, `${environment}.sha256`)]
  if (!existsSync(plan) || !existsSync(print) || readFileSync(print, 'utf8') !== fingerprint(environment))
    return undefined
  return JSON.parse(readFileSync(plan, 'utf8'))
}

/** Another test may read at this moment: a file appears whole or not at all. */
function write(name: string, content: string): void {
  const path = join(PLANS, name)
  writeFileSync(`${path}.${process.pid}`, content)
  renameSync(`${path}.${process.pid}`, path)
}

function fingerprint(environment: EnvironmentName): string {
  const program = ['rehearsal', 'schema'].flatMap((folder) =>
    readdirSync(join(INFRASTRUCTURE, folder))
      .filter((name) => /\.(ts|proto)$/.test(name) && !name.endsWith('.test.ts'))
      .map((name) => join(folder, name)),
  )
  const values = ['backend.tfvars', 'terraform.tfvars'].map((name) => join('environments', environment, name))
  const hash = createHash('sha256')
  for (const name of ['main.tf.json', ...values, ...program.sort()])
    hash.update(name).update(readFileSync(join(INFRASTRUCTURE, name)))
  return hash.digest('hex')
}
