// Looks up what the commands of a block name: programs, paths, npm scripts, commands and options of our own programs, and of the cluster
// namespaces, objects and labels. What is named and is not there is a fault.
import { posix } from 'node:path'
import type { Command as Program } from 'commander'
import { parseAllDocuments } from 'yaml'
import { type Block, ENVIRONMENTS, type Environment, environmentsOf, filledIn, place } from './doc-commands.ts'
import { type Command, shellCommands, shellFunctions } from './shell-commands.ts'

export interface ClusterObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: unknown
}

/** What there is to be named. */
export interface Facts {
  /** All paths of the tree, from its root. */
  readonly paths: readonly string[]
  /** Scripts by the folder of their package; the root's is the empty text. */
  readonly npmScripts: Readonly<Record<string, ReadonlySet<string>>>
  readonly commandLine: Program
  /** Long options by program: `run_migrations` has `--command`. */
  readonly scriptOptions: Readonly<Record<string, ReadonlySet<string>>>
  /** What an environment's cluster has: its overlay, the jobs, the namespaces. Null: there is no kubectl to build them with. */
  readonly cluster: Readonly<Record<Environment, readonly ClusterObject[]>> | null
}

const PROGRAMS = new Set(
  'aws kubectl terraform helm docker git npm node curl openssl jq cat sed grep xargs cd export umask mktemp rm echo date'.split(
    ' ',
  ),
)

/** Kinds as kubectl takes them. Pods are made by workloads, events by the cluster: they are named by nobody. */
const KINDS: Readonly<Record<string, string>> = {
  deployment: 'Deployment',
  deployments: 'Deployment',
  hpa: 'HorizontalPodAutoscaler',
  configmap: 'ConfigMap',
  secret: 'Secret',
  externalsecret: 'ExternalSecret',
  certificate: 'Certificate',
  gateway: 'Gateway',
  httproute: 'HTTPRoute',
  trafficsplit: 'TrafficSplit',
  job: 'Job',
  pods: 'Pod',
  pod: 'Pod',
  pdb: 'PodDisruptionBudget',
  events: 'Event',
  crd: 'CustomResourceDefinition',
}
const NAMED_BY_NOBODY = new Set(['Pod', 'Event'])

/** Options of kubectl that are followed by a word of their own. */
const TAKES_A_WORD = new Set(
  '-n -f -k -l -o -c --patch --type --timeout --for --field-selector --replicas --image --overrides --namespace --restart --since'.split(
    ' ',
  ),
)

/** @param document all blocks of the document, in which objects may be made that this one names */
export function commandFaults(block: Block, facts: Facts, document: readonly Block[] = [block]): string[] {
  const said = (fault: string) => `${place(block)}: ${fault}`
  return environmentsOf(block)
    .flatMap((environment) => {
      const text = filledIn(block.text, environment)
      const own = new Set(shellFunctions(text))
      const made = document.flatMap((other) => objectsIn(filledIn(other.text, environment)))
      const commands = shellCommands(text)
      let folder = ''
      return commands.flatMap((command) => {
        const [program = '', ...words] = command
        if (program === 'cd') folder = words[0] ?? ''
        return [
          ...programFaults(program, own, facts),
          ...pathFaults(command, folder, facts),
          ...npmFaults(command, folder, facts),
          ...scriptFaults(command, facts),
          ...(program === 'kubectl' ? kubectlFaults(words, environment, made, facts) : []),
        ]
      })
    })
    .filter((fault, at, all) => all.indexOf(fault) === at)
    .map(said)
}

function programFaults(program: string, own: ReadonlySet<string>, facts: Facts): string[] {
  const isPath = program.includes('/')
  if (isPath ? facts.paths.includes(program) : PROGRAMS.has(program) || own.has(program)) return []
  return [`there is no program ${program}`]
}

const TOP_FOLDERS = /^(?:src|infrastructure|docs)\//

/** Words that lead into the tree, from its root or from the folder that was gone to. */
function pathFaults([program, ...words]: Command, folder: string, { paths }: Facts): string[] {
  const exists = (path: string) =>
    paths.some((known) => known === path || known.startsWith(`${path.replace(/\/$/, '')}/`))
  return words.flatMap((word) => {
    const [, path = ''] = /^(?:-[\w-]+=|file:\/\/)?((?:[\w.@-]+\/)+[\w.@-]*)$/.exec(word) ?? []
    if (program === 'docker' || program === 'helm' || program === 'aws' || path === '') return []
    if (/^(?:src\/backend\/)?dist\/scripts\/\w+\.js$/.test(path)) {
      const source = `src/backend/scripts/${posix.basename(path, '.js')}.ts`
      return paths.includes(source) ? [] : [`there is no ${source} to build ${path} from`]
    }
    if (TOP_FOLDERS.test(path)) return exists(path) ? [] : [`there is no ${path}`]
    return folder === '' || exists(posix.join(folder, path)) || !/^environments\//.test(path)
      ? []
      : [`there is no ${folder}/${path}`]
  })
}

function npmFaults([program, ...words]: Command, folder: string, { npmScripts, commandLine }: Facts): string[] {
  if (program !== 'npm' || words[0] === 'ci') return []
  const script = words[0] === 'run' ? (words[1] ?? '') : (words[0] ?? '')
  if (!npmScripts[folder]?.has(script)) return [`there is no npm script ${script}`]
  const rest = words.slice(words.indexOf('--') + 1)
  if (script === 'quote') return commandLineFaults(['quote', ...rest], commandLine)
  return script === 'cli' ? commandLineFaults(rest, commandLine) : []
}

/** Commands and long options of the command line, down to the command that does it. */
function commandLineFaults(words: readonly string[], program: Program): string[] {
  let command = program
  let at = 0
  for (; command.commands.length > 0 && at < words.length; at += 1) {
    const next = command.commands.find((candidate) => candidate.name() === words[at])
    if (next === undefined) return [`the command line has no ${words.slice(0, at + 1).join(' ')}`]
    command = next
  }
  const known = new Set(['--help', ...command.options.map((option) => option.long)])
  return words
    .slice(at)
    .filter((word) => word.startsWith('--') && !known.has(word.split('=')[0] as string))
    .map((option) => `${command.name()} has no option ${option}`)
}

/** Our own scripts, however they are started: by node, by the image's python, by themselves. */
function scriptFaults(command: Command, { scriptOptions }: Facts): string[] {
  const at = command.findIndex((word) => nameOfScript(word) in scriptOptions)
  if (at === -1) return []
  const name = nameOfScript(command[at] as string)
  return command
    .slice(at + 1)
    .filter((word) => word.startsWith('--') && !scriptOptions[name]?.has(word.split('=')[0] as string))
    .map((option) => `${name} has no option ${option}`)
}

function nameOfScript(word: string): string {
  return /(?:^scripts\.|(?:^|\/)dist\/scripts\/|^src\/test\/scripts\/)(\w+)(?:\.js|\.sh)?$/.exec(word)?.[1] ?? ''
}

function kubectlFaults(
  words: readonly string[],
  environment: Environment,
  made: readonly ClusterObject[],
  { cluster }: Facts,
): string[] {
  if (cluster === null) return []
  const { options, positional } = argumentsOf(words)
  const namespaces = ENVIRONMENTS.map((name) => `borrow-rate-engine-${name}`)
  const namespace = options['-n'] ?? options['--namespace']
  const faults =
    namespace === undefined || [...namespaces, 'monitoring'].includes(namespace)
      ? []
      : [`there is no namespace ${namespace}`]
  const objects = [...cluster[environment], ...made]
  const label = /^app=(.+)$/.exec(options['-l'] ?? '')?.[1]
  if (label !== undefined && !objects.some((object) => labelOfPods(object) === label)) {
    faults.push(`no pod of ${environment} has the label app=${label}`)
  }
  for (const { kind, name } of namedObjects(positional)) {
    const isThere = objects.some((object) => object.kind === kind && object.metadata.name === name)
    if (!isThere && !NAMED_BY_NOBODY.has(kind)) faults.push(`${environment} has no ${kind} ${name}`)
  }
  for (const name of positional
    .filter((word) => /^[a-z]+\/[a-z]/.test(word))
    .map((word) => word.split('/')[0] as string)) {
    if (!(name in KINDS)) faults.push(`${name} is no kind that is known here`)
  }
  return faults
}

function argumentsOf(words: readonly string[]): { options: Record<string, string>; positional: string[] } {
  const options: Record<string, string> = {}
  const positional: string[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string
    if (word === '--') break
    if (word.includes('=') && word.startsWith('-'))
      options[word.split('=')[0] as string] = word.slice(word.indexOf('=') + 1)
    else if (TAKES_A_WORD.has(word)) {
      options[word] = words[at + 1] ?? ''
      at += 1
    } else if (word.startsWith('-') && word !== '-') options[word] = ''
    else positional.push(word)
  }
  return { options, positional }
}

/** `deployment/x`, `hpa x`, `crd x y`: what a command is about. What `create` and `run` make is not there yet. */
function namedObjects([verb, ...rest]: readonly string[]): { kind: string; name: string }[] {
  if (verb === 'create' || verb === 'run') return []
  const words = ['status', 'restart', 'undo', 'history', 'image'].includes(rest[0] ?? '') ? rest.slice(1) : rest
  const kind = KINDS[words[0] ?? '']
  if (kind !== undefined)
    return words
      .slice(1)
      .filter((word) => !word.includes('='))
      .map((name) => ({ kind, name }))
  return words.flatMap((word) => {
    const [of = '', name] = word.split('/')
    return of in KINDS && name !== undefined ? [{ kind: KINDS[of] as string, name }] : []
  })
}

function labelOfPods(object: ClusterObject): string | undefined {
  const spec = object.spec as { template?: { metadata?: { labels?: Record<string, string> } } } | undefined
  return spec?.template?.metadata?.labels?.app
}

/** Objects that the block itself applies, from a here-document. */
function objectsIn(text: string): ClusterObject[] {
  return [...text.matchAll(/<<-?\s*['"]?(\w+)['"]?\n([\s\S]*?)\n\1(?=\n|$)/g)].flatMap(([, , body = '']) =>
    parseAllDocuments(body).map((document) => document.toJS() as ClusterObject),
  )
}
