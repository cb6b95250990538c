// npm run rehearse -- dev: the guide's Terraform commands for one environment on this machine, with everything that Terraform prints.
// With --keep it stays afterwards and runs the lines that are typed, until an empty one.
import { createInterface } from 'node:readline/promises'
import { ENVIRONMENTS, type EnvironmentName } from '../maintenance_windows.ts'
import { GUIDE, missingTerraform, type Outcome, openRehearsal, VALUES } from './rehearsal.ts'

const STEPS = [
  GUIDE.init,
  'terraform validate',
  'terraform fmt -check -recursive',
  GUIDE.plan,
  GUIDE.apply,
  `terraform plan ${VALUES} -detailed-exitcode`,
]

/** What is protected is not deleted, so that the protection goes first. */
const END = ['apply', 'destroy'].map(
  (verb) => `terraform ${verb} -auto-approve ${VALUES} -var deletion_protection=false`,
)

const words = process.argv.slice(2)
const keep = words.includes('--keep')
const environment = words.find((word): word is EnvironmentName => (ENVIRONMENTS as readonly string[]).includes(word))
const missing = missingTerraform()
if (environment === undefined) {
  console.error(`Which environment? npm run rehearse -- ${ENVIRONMENTS.join(' | ')} [--keep]`)
  process.exitCode = 2
} else if (missing === undefined) process.exitCode = await rehearse(environment)
else {
  console.error(missing)
  process.exitCode = 1
}

async function rehearse(environment: EnvironmentName): Promise<number> {
  const rehearsal = await openRehearsal(environment)
  const interrupted = () => void rehearsal.close().then(() => process.exit(130))
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  // Whoever reads what is printed may have seen enough (`| head`).
  process.stdout.once('error', interrupted)
  try {
    console.log(`In ${rehearsal.folder}, with ENV=${environment}; nothing of it leaves this machine.`)
    // What stays for a person to look at is not destroyed.
    for (const line of keep ? STEPS : [...STEPS, ...END]) {
      const { status } = await show(line)
      if (status !== 0) return status
    }
    console.log(`State: ${[...rehearsal.state.objects.keys()].join(', ')}`)
    if (keep) await attend()
    return 0
  } finally {
    process.off('SIGINT', interrupted)
    await rehearsal.close()
  }

  async function show(line: string): Promise<Outcome> {
    console.log(`\n$ ${line}`)
    const started = performance.now()
    const outcome = await rehearsal.run(line, { onOutput: (text) => process.stdout.write(text) })
    console.log(`  status ${outcome.status}, ${((performance.now() - started) / 1000).toFixed(1)} s`)
    return outcome
  }

  async function attend(): Promise<void> {
    const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: '\n(an empty line ends) $ ' })
    lines.prompt()
    for await (const line of lines) {
      if (line.trim() === '') break
      await show(line)
      lines.prompt()
    }
    lines.close()
  }
}
