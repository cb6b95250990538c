// The deployment guide's Terraform commands on a machine without a cloud: a copy of this folder's configuration, the provider and the state's storage
// on loopback, and bash, which reads the commands as they stand in the guide. Nothing outside the copy is written, so that no plan, no state and no
// lock file of a rehearsal can be taken for a real one.
//
// What it cannot see, since only AWS knows: whether a class, a version or a zone exists, arguments that exclude each other, quotas, what a policy permits,
// and replacements beyond those in replacement.ts. A plan against the account, with credentials that may only read, shows those.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EnvironmentName } from '../maintenance_windows.ts'
import { awsProviderSchema } from '../schema/provider-schema.ts'
import { parseTfvars } from '../schema/tfvars.ts'
import { startFakeProvider, type UsedTypes } from './fake-provider.ts'
import { type StateEmulator, startStateEmulator } from './state-emulator.ts'

export const INFRASTRUCTURE = join(import.meta.dirname, '..')

/** Accounts are one for each environment; these three belong to nobody. */
const ACCOUNTS: Record<EnvironmentName, string> = { dev: '111122223333', staging: '222233334444', prod: '333344445555' }

/** The guide's words, section "Infrastructure Provisioning". */
export const GUIDE = {
  init: `terraform init -backend-config=environments/\${ENV}/backend.tfvars`,
  plan: `terraform plan -var-file=environments/\${ENV}/terraform.tfvars -out=tfplan`,
  apply: 'terraform apply tfplan',
}

/** The environment's values, for the commands that the guide does not have. */
export const VALUES = `-var-file=environments/\${ENV}/terraform.tfvars`

export interface Outcome {
  status: number
  output: string
}

export interface Rehearsal {
  folder: string
  state: StateEmulator
  /** Runs a line of bash in the copy; `onOutput` sees what is printed as it comes, `input` is what a person would type. */
  run(line: string, options?: { onOutput?: (text: string) => void; input?: string }): Promise<Outcome>
  /** A command that waits for an answer; finish with answer(). */
  begin(line: string, until: RegExp): Promise<{ answer(text: string): Promise<Outcome> }>
  close(): Promise<void>
}

/** Undefined where terraform is there; else what to say about a rehearsal that cannot be. */
export function missingTerraform(): string | undefined {
  const found = spawnSync('terraform', ['version', '-json'], { encoding: 'utf8', env: { ...process.env, ...QUIET } })
  if (found.status === 0) return undefined
  return 'no terraform on this machine: the rehearsal of its commands is left out (terraform 1.11 or later, https://developer.hashicorp.com/terraform/install)'
}

/** Nothing is looked up, nothing of the person's own settings is read. */
const QUIET = { CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: '/dev/null', TF_IN_AUTOMATION: '' }

const COPIED = ['main.tf.json', 'environments', 'tests']

export async function openRehearsal(environment: EnvironmentName, source = INFRASTRUCTURE): Promise<Rehearsal> {
  const folder = mkdtempSync(join(tmpdir(), `terraform-${environment}-`))
  for (const name of COPIED)
    if (existsSync(join(source, name))) cpSync(join(source, name), join(folder, name), { recursive: true })
  const backend = parseTfvars(readFileSync(join(source, 'environments', environment, 'backend.tfvars'), 'utf8'))
  const state = await startStateEmulator([String(backend.bucket)], ACCOUNTS[environment])
  const account = { id: ACCOUNTS[environment], region: 'us-east-1' }
  const provider = await startFakeProvider(awsProviderSchema(), usedTypes(folder), account)
  const { PATH = '', HOME = folder, TMPDIR, LANG } = process.env
  const env = {
    PATH,
    HOME,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...(LANG === undefined ? {} : { LANG }),
    ...QUIET,
    ...state.environment,
    TF_REATTACH_PROVIDERS: provider.reattach,
    TF_CLI_ARGS: '',
    ENV: environment,
  }
  const started = new Set<ReturnType<typeof spawn>>()

  const launch = (line: string, onOutput: (text: string) => void) => {
    const child = spawn('bash', ['-c', line], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
    started.add(child)
    let output = ''
    const collect = (chunk: Buffer) => {
      const text = chunk.toString().replace(COLOURS, '')
      output += text
      onOutput(text)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const done = new Promise<Outcome>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status) => {
        started.delete(child)
        resolve({ status: status ?? -1, output })
      })
    })
    return { child, done, read: () => output }
  }

  return {
    folder,
    state,
    async run(line, { onOutput = () => {}, input = '' } = {}) {
      const { child, done } = launch(line, onOutput)
      child.stdin.end(input)
      return done
    },
    async begin(line, until) {
      let ready: () => void = () => {}
      const waiting = new Promise<void>((resolve) => {
        ready = resolve
      })
      const begun = launch(line, () => {
        if (until.test(begun.read())) ready()
      })
      const ended = begun.done.then((outcome) => {
        throw new Error(`"${line}" ended before it asked:\n${outcome.output}`)
      })
      await Promise.race([waiting, ended])
      ended.catch(() => {})
      return {
        answer(text) {
          begun.child.stdin.end(`${text}\n`)
          return begun.done
        },
      }
    },
    async close() {
      for (const child of started) child.kill('SIGKILL')
      await provider.close()
      await state.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sign is what a colour begins with
const COLOURS = /\u001b\[[0-9;]*m/g

/** Only what the configuration and its tests use is read from the bindings. */
export function usedTypes(folder: string): UsedTypes {
  const configuration = JSON.parse(readFileSync(join(folder, 'main.tf.json'), 'utf8'))
  const used = {
    resources: new Set(Object.keys(configuration.resource ?? {})),
    data: new Set(Object.keys(configuration.data ?? {})),
    ephemeral: new Set(Object.keys(configuration.ephemeral ?? {})),
  }
  const tests = join(folder, 'tests')
  for (const name of existsSync(tests) ? readdirSync(tests) : []) {
    if (!name.endsWith('.tftest.hcl')) continue
    const text = readFileSync(join(tests, name), 'utf8')
    for (const [, kind, type] of text.matchAll(/\b(mock_resource|mock_data)\s+"(\w+)"/g)) {
      ;(kind === 'mock_data' ? used.data : used.resources).add(type!)
    }
  }
  return used
}
