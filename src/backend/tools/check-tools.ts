// `npm run check-tools`: whether this machine has what a deployment is made with, each new enough. Prints a table of what was found
// and what is needed, with how to get what is missing or old, and fails when something is.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

interface Tool {
  readonly name: string
  readonly program: string
  readonly needed: Version
  /** Prints the version, asking nobody outside. */
  readonly ask: readonly string[]
  /** Where the version stands in what it prints. */
  readonly says: RegExp
  readonly howToGet: string
}

type Version = readonly [major: number, minor: number, patch: number]

const ANSWER_WAIT_MS = 10_000

const TOOLS: readonly Tool[] = [
  {
    name: 'AWS CLI',
    program: 'aws',
    needed: [2, 13, 0],
    ask: ['--version'],
    says: /aws-cli\/(\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
  },
  {
    name: 'kubectl',
    program: 'kubectl',
    // One minor version away from the cluster's 1.35 at the most.
    needed: [1, 34, 0],
    ask: ['version', '--client', '--output=json'],
    says: /"gitVersion":\s*"v(\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://kubernetes.io/docs/tasks/tools/',
  },
  {
    name: 'Terraform',
    program: 'terraform',
    // Passwords are write-only arguments, which came with it.
    needed: [1, 11, 0],
    ask: ['version'],
    says: /Terraform v(\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://developer.hashicorp.com/terraform/install',
  },
  {
    name: 'Helm',
    program: 'helm',
    needed: [3, 12, 0],
    ask: ['version', '--short'],
    says: /v(\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://helm.sh/docs/intro/install/',
  },
  {
    name: 'Docker',
    program: 'docker',
    needed: [24, 0, 0],
    ask: ['--version'],
    says: /version (\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://docs.docker.com/engine/install/',
  },
  {
    name: 'Git',
    program: 'git',
    needed: [2, 40, 0],
    ask: ['--version'],
    says: /version (\d+)\.(\d+)\.(\d+)/,
    howToGet: 'https://git-scm.com/downloads',
  },
]

interface Found {
  readonly tool: Tool
  /** Null: there is none, or it says no version. */
  readonly version: Version | null
  readonly said: string
}

const all = await Promise.all(TOOLS.map(find))
const rows = all.map((found) => [
  found.tool.name,
  found.said,
  `${found.tool.needed.join('.')} or newer`,
  verdict(found),
])
console.log(table([['tool', 'found', 'needed', ''], ...rows]))
const lacking = all.filter((found) => !isNewEnough(found))
if (lacking.length > 0) {
  console.log(`\nTo get what is missing or too old:`)
  console.log(table(lacking.map(({ tool }) => [`  ${tool.name}`, tool.howToGet])))
  process.exitCode = 1
}

async function find(tool: Tool): Promise<Found> {
  // Terraform would ask the world whether there is a newer one.
  const env = { ...process.env, CHECKPOINT_DISABLE: '1' }
  try {
    const { stdout, stderr } = await promisify(execFile)(tool.program, tool.ask, { env, timeout: ANSWER_WAIT_MS })
    const version = versionIn(stdout + stderr, tool.says)
    return { tool, version, said: version?.join('.') ?? 'says no version' }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { tool, version: null, said: code === 'ENOENT' ? 'not found' : 'does not run' }
  }
}

function versionIn(text: string, says: RegExp): Version | null {
  const numbers = says.exec(text)?.slice(1).map(Number)
  return numbers === undefined ? null : (numbers as unknown as Version)
}

function isNewEnough({ tool, version }: Found): boolean {
  if (version === null) return false
  const at = version.findIndex((number, index) => number !== tool.needed[index])
  return at === -1 || (version[at] as number) > (tool.needed[at] as number)
}

function verdict(found: Found): string {
  if (isNewEnough(found)) return 'ok'
  return found.version === null ? 'missing' : 'too old'
}

function table(cells: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...cells.map((row) => (row[column] ?? '').length))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width(column) + 2))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}
