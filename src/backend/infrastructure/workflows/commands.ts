// What steps run: whether it is there, whether a shell can read it, and whether it gets the variables that it asks for.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type PlacedStep, PROJECT_ROOT, stepsOf, type WorkflowFile } from './workflow.ts'

/** Programs that GitHub's runners have; everything else that is called is a file of this repository. */
const PROGRAMS = new Set(['apt-get', 'gh', 'node', 'npm', 'npx', 'shellcheck', 'sudo'])
/** As every step has them. */
const GIVEN_BY_GITHUB = /^(?:GITHUB|RUNNER)_/
/** Given by GitHub only where a step says so. */
const NOT_GIVEN = new Set(['GITHUB_TOKEN'])

const rootScripts = Object.keys(
  (JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
)

/** Commands that name what is not there. */
export function commandFaults(file: WorkflowFile): string[] {
  return stepsOf(file).flatMap(({ place, step }) => {
    const say = (fault: string) => `${place}: ${fault}`
    if (step.uses?.startsWith('./'))
      return existsSync(join(PROJECT_ROOT, step.uses)) ? [] : [say(`there is no ${step.uses}`)]
    if (step.run === undefined) return []
    const folder = step['working-directory'] ?? '.'
    if (!existsSync(join(PROJECT_ROOT, folder))) return [say(`there is no folder ${folder}`)]
    return step.run
      .split(/\n|&&|\|\|?|;/)
      .map((command) => command.trim().split(/\s+/))
      .filter(([program = '']) => program !== '')
      .flatMap((words) => wordFaults(words, folder).map(say))
  })
}

function wordFaults(words: readonly string[], folder: string): string[] {
  const [program = '', ...rest] = words
  const at = join(PROJECT_ROOT, folder, program)
  if (program.includes('/')) {
    if (!existsSync(at)) return [`there is no ${program}`]
    return (statSync(at).mode & 0o100) === 0 ? [`${program} is no program`] : pathFaults(rest, folder)
  }
  if (!PROGRAMS.has(program)) return [`${program} is not known here`]
  if (program === 'npm') {
    const script = rest[0] === 'run' ? rest[1] : rest[0]
    return rootScripts.includes(script ?? '') ? [] : [`there is no npm script ${script}`]
  }
  return pathFaults(rest, folder)
}

/** Words that look like a file of the repository are one. */
function pathFaults(words: readonly string[], folder: string): string[] {
  return words
    .filter((word) => /^[\w.][\w./-]*\.(?:ts|mjs|sh)$/.test(word) && !existsSync(join(PROJECT_ROOT, folder, word)))
    .map((word) => `there is no ${word}`)
}

/** Variables that a script stops without, with those of the scripts that it sources. */
export function requiredVariables(script: string): string[] {
  const text = readFileSync(script, 'utf8')
  const sourced = [...text.matchAll(/^\. "\$\(dirname "\$\{BASH_SOURCE\[0\]\}"\)\/([\w.]+)"/gm)].flatMap(
    ([, name = '']) => requiredVariables(join(dirname(script), name)),
  )
  return [...new Set([...[...text.matchAll(/"\$\{(\w+)\?[^}]*\}"/g)].map(([, name = '']) => name), ...sourced])]
}

/** Scripts that are called without a variable that they stop without. */
export function variableFaults(file: WorkflowFile): string[] {
  return stepsOf(file).flatMap((placed) => {
    const given = variablesOf(file, placed)
    return scriptsOf(placed).flatMap((script) =>
      requiredVariables(script)
        .filter((name) => NOT_GIVEN.has(name) || !GIVEN_BY_GITHUB.test(name))
        .filter((name) => !given.has(name))
        .map((name) => `${placed.place}: does not give ${name}`),
    )
  })
}

function scriptsOf({ step }: PlacedStep): string[] {
  return (step.run?.match(/\.github\/scripts\/\w+\.sh/g) ?? [])
    .map((path) => join(PROJECT_ROOT, path))
    .filter((path) => existsSync(path))
}

function variablesOf({ workflow }: WorkflowFile, { job, step, before }: PlacedStep): Set<string> {
  const left = before.flatMap((earlier) =>
    (earlier.run?.match(/\.github\/scripts\/\w+\.sh/g) ?? []).flatMap((path) =>
      [...readFileSync(join(PROJECT_ROOT, path), 'utf8').matchAll(/echo "(\w+)=.*GITHUB_ENV/g)].map(
        ([, name = '']) => name,
      ),
    ),
  )
  return new Set([...[workflow.env, job.env, step.env].flatMap((env) => Object.keys(env ?? {})), ...left])
}

/** Scripts of steps that bash cannot read, and what shellcheck says of them where there is one. */
export function shellFaults(file: WorkflowFile): string[] {
  return stepsOf(file).flatMap(({ place, step }) =>
    step.run === undefined ? [] : scriptFaults(step.run).map((fault) => `${place}: ${fault}`),
  )
}

export function scriptFaults(script: string): string[] {
  // Most steps are one line that others have too.
  const known = checkedScripts.get(script) ?? faultsOf(script)
  checkedScripts.set(script, known)
  return known
}

const checkedScripts = new Map<string, string[]>()

function faultsOf(script: string): string[] {
  const read = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' })
  if (read.status !== 0) return [read.stderr.trim()]
  if (!hasShellcheck) return []
  const words = ['--shell=bash', '--external-sources', '--format=gcc', '-']
  const checked = spawnSync('shellcheck', words, { input: script, encoding: 'utf8', cwd: PROJECT_ROOT })
  return checked.stdout.split('\n').filter((line) => line !== '')
}

/** The same of a file, which shellcheck reads with what it sources. */
export function scriptFileFaults(path: string): string[] {
  const read = spawnSync('bash', ['-n', path], { encoding: 'utf8' })
  if (read.status !== 0) return [read.stderr.trim()]
  if (!hasShellcheck) return []
  const words = ['--external-sources', '--format=gcc', path]
  const checked = spawnSync('shellcheck', words, { encoding: 'utf8', cwd: PROJECT_ROOT })
  return checked.stdout.split('\n').filter((line) => line !== '')
}

export const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0
