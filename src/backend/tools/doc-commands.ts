// What the pages for operators tell people to type: every block of commands, and how it is checked. A block says so behind its language:
//
//     ```bash run=kubectl            it is run, with the facilities that it names, by test/deployment/doc-commands.infrastructure.test.ts
//     ```yaml quote=overlay          it stands so in a built overlay, or in the file that is named
//     ```bash parse=helm             it is parsed and looked up, and the table here says why it is not run
//
// A block that says nothing is a fault. `env=prod` holds a block to that environment. `npx tsx tools/doc-commands.ts` prints them all.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BACKEND, PROJECT_ROOT } from '../test/tidy/tree.ts'

export const ENVIRONMENTS = ['dev', 'staging', 'prod'] as const
export type Environment = (typeof ENVIRONMENTS)[number]

/** What a block may need to be run. `shell` is a machine with this repository and nothing else. */
export const FACILITIES = ['shell', 'local', 'aws', 'kubectl', 'terraform', 'docker'] as const
export type Facility = (typeof FACILITIES)[number]

/** Why a block is parsed and looked up, and not run. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  helm: 'charts come from their own servers, and helm is in no package of Debian or npm; a chart of another version would prove nothing',
  account: 'needs what only an account has: outputs of an applied plan, a load balancer that a controller made',
  outside: 'asks a server of somebody else',
  sql: 'for a person in front of a database that is ill; the views and columns are those of PostgreSQL',
  output: 'what a command prints: ids, times and ages differ each time',
}

/** Languages whose blocks are typed or applied by people. What is in others (text, mermaid) is to be read. */
export const CHECKED_LANGUAGES = ['bash', 'sh', 'shell', 'console', 'yaml', 'yml', 'json', 'hcl', 'sql'] as const

export interface Block {
  /** From the root of the project. */
  readonly document: string
  /** Of its first line with commands. */
  readonly line: number
  readonly language: string
  /** Behind the language, as it is written. */
  readonly marks: Readonly<Record<string, string>>
  readonly text: string
}

const DOCUMENTS = ['docs/operations', 'infrastructure/README.md']

/** All blocks of the operators' pages, in the order in which they are read. */
export function operatorBlocks(): Block[] {
  return DOCUMENTS.flatMap(markdownFiles).flatMap((document) =>
    blocksOf(document, readFileSync(join(PROJECT_ROOT, document), 'utf8')),
  )
}

function markdownFiles(path: string): string[] {
  if (path.endsWith('.md')) return [path]
  const names = readdirSync(join(PROJECT_ROOT, path), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `${path}/${name}`)
}

export function blocksOf(document: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const [, fence = '', language = '', rest = ''] = /^(`{3,}|~{3,})(\S*)\s*(.*)$/.exec(lines[at] ?? '') ?? []
    if (fence === '') continue
    const close = lines.indexOf(fence, at + 1)
    if (close === -1) throw new Error(`${document}:${at + 1}: a block that does not end`)
    const marks = Object.fromEntries(rest.split(/\s+/).flatMap((mark) => (mark === '' ? [] : [mark.split('=', 2)])))
    blocks.push({ document, line: at + 2, language, marks, text: lines.slice(at + 1, close).join('\n') })
    at = close
  }
  return blocks
}

export const isChecked = (block: Block): boolean => (CHECKED_LANGUAGES as readonly string[]).includes(block.language)
export const place = (block: Block): string => `${block.document}:${block.line}`

/** What a block that is run needs; empty for one that is not. */
export function needsOf(block: Block): Facility[] {
  return (block.marks.run ?? '').split(',').filter((name): name is Facility => name !== '')
}

/** Faults of the marks: exactly one way of being checked, and one that there is. */
export function markFaults(block: Block): string[] {
  const { run, quote, parse, ...others } = block.marks
  const ways = [run, quote, parse].filter((way) => way !== undefined)
  const unknown = needsOf(block).filter((name) => !FACILITIES.includes(name))
  return [
    ...(ways.length === 1 ? [] : [`${place(block)}: says ${ways.length} ways of being checked, and not one`]),
    ...unknown.map((name) => `${place(block)}: there is no facility ${name} to run it with`),
    ...(parse === undefined || parse in EXCEPTIONS ? [] : [`${place(block)}: ${parse} is no reason in EXCEPTIONS`]),
    ...(run !== undefined && !/^(bash|sh)$/.test(block.language) ? [`${place(block)}: only shell can be run`] : []),
    ...Object.entries(others).flatMap(([name, value]) =>
      name === 'env' && (ENVIRONMENTS as readonly string[]).includes(value)
        ? []
        : [`${place(block)}: ${name}=${value} says nothing here`],
    ),
  ]
}

/** The environments that a block is for. */
export const environmentsOf = (block: Block): readonly Environment[] =>
  block.marks.env === undefined ? ENVIRONMENTS : [block.marks.env as Environment]

/** The text with the variables of the first block of the guide filled in, as a shell would. */
export function filledIn(text: string, environment: Environment): string {
  return text
    .replaceAll(/\$\{?NAMESPACE\b\}?/g, `borrow-rate-engine-${environment}`)
    .replaceAll(/\$\{?ENV\b\}?/g, environment)
}

function print(): void {
  for (const block of operatorBlocks().filter(isChecked)) {
    const marks = Object.entries(block.marks).map((mark) => mark.join('='))
    console.log(`${place(block)}  ${block.language} ${marks.join(' ')}`)
  }
  console.log(`(paths are from the root of the project; the program is in ${BACKEND})`)
}

if (process.argv[1] === import.meta.filename) print()
