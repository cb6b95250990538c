// What operators are told to type is there: every block of the operators' pages is parsed, and what it names is looked up. They are run
// by test/deployment/doc-commands.infrastructure.test.ts.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { commandLine } from '../scripts/commands.ts'
import {
  canary,
  cluster,
  type Environment,
  fileObjects,
  MANIFESTS,
  type ManifestObject,
  overlay,
  withoutKubectl,
} from '../test/deployment/manifests.ts'
import { BACKEND, PROJECT_ROOT, projectFiles } from '../test/tidy/tree.ts'
import { commandFaults, type Facts } from './command-lookup.ts'
import {
  type Block,
  blocksOf,
  ENVIRONMENTS,
  EXCEPTIONS,
  isChecked,
  markFaults,
  needsOf,
  operatorBlocks,
  place,
} from './doc-commands.ts'
import { standsIn } from './quoted-manifests.ts'
import { shellCommands } from './shell-commands.ts'

const blocks = operatorBlocks().filter(isChecked)
const shell = blocks.filter(({ language }) => /^(?:bash|sh|shell|console)$/.test(language))
const hasKubectl = !withoutKubectl()

const paths = projectFiles().map(({ path }) => path)
let facts: Facts
// Seven builds by kubectl: a second on a machine that has nothing else to do.
beforeAll(() => {
  facts = whatThereIs()
}, 60_000)

describe('blocks of the pages for operators', () => {
  test('there are many, and each says how it is checked', () => {
    expect(blocks.length).toBeGreaterThan(40)
    expect(blocks.flatMap(markFaults)).toEqual([])
  })

  test('every reason for not running a block is needed', () => {
    const used = new Set(blocks.map(({ marks }) => marks.parse))
    expect(Object.keys(EXCEPTIONS).filter((reason) => !used.has(reason))).toEqual([])
  })

  test.each([
    ['bash', 'no mark', 'says 0 ways'],
    ['bash run=kubectl parse=helm', 'two marks', 'says 2 ways'],
    ['bash run=magic', 'no such facility', 'no facility magic'],
    ['bash parse=laziness', 'no such reason', 'laziness is no reason'],
    ['yaml run=kubectl', 'not a shell', 'only shell can be run'],
    ['bash run=shell env=test', 'no such environment', 'env=test says nothing'],
  ])('```%s is a fault: %s', (head, _why, fault) => {
    const [block] = blocksOf('docs/a.md', `\`\`\`${head}\ntrue\n\`\`\`\n`)
    expect(markFaults(block as Block)).toEqual([expect.stringContaining(fault)])
  })
})

describe('shell', () => {
  test('parses', () => {
    const together = shell.map(({ text }, at) => `block_${at}() {\n${text}\n}`).join('\n')
    const faults = parseFault(together) === '' ? [] : shell.map((block) => `${place(block)}: ${parseFault(block.text)}`)
    expect(faults.filter((fault) => !fault.endsWith(': '))).toEqual([])
    expect(parseFault('if true; then')).toMatch(/syntax error/)
  })

  test('names programs, paths, scripts, options and objects that are there', () => {
    expect(shell.flatMap((block) => commandFaults(block, facts, sameDocument(block)))).toEqual([])
  })

  test.each([
    ['frobnicate --all', 'no program frobnicate'],
    ['cat infrastructure/nowhere.yaml', 'no infrastructure/nowhere.yaml'],
    ['npm run nothing', 'no npm script nothing'],
    ['npm run cli -- brokers vanish acme', 'has no brokers vanish'],
    ['npm run cli -- operations --loud', 'operations has no option --loud'],
    ['node dist/scripts/run_migrations.js --command status --force', 'run_migrations has no option --force'],
    ['cat src/backend/dist/scripts/no_script.js', 'no src/backend/scripts/no_script.ts'],
    ['src/test/scripts/run_smoke_tests.sh --environment $ENV --nothing', 'run_smoke_tests has no option --nothing'],
    ['echo "$(frobnicate)"', 'no program frobnicate'],
  ])('%s is a fault', (text, fault) => {
    expect(faultsOf(text)).toEqual([expect.stringContaining(fault)])
  })

  test.runIf(hasKubectl).each([
    ['kubectl get pods -n borrow-rate-engine-test', 'no namespace borrow-rate-engine-test'],
    ['kubectl rollout status deployment/pricing -n $NAMESPACE', 'has no Deployment pricing'],
    ['kubectl get configmap nothing -n $NAMESPACE', 'has no ConfigMap nothing'],
    ['kubectl patch hpa api-hpa -n $NAMESPACE --patch {}', 'has no HorizontalPodAutoscaler api-hpa'],
    ['kubectl logs -l app=nobody -n $NAMESPACE', 'has the label app=nobody'],
    ['kubectl scale deployment/api-gateway-canary -n borrow-rate-engine-dev', 'has no Deployment api-gateway-canary'],
  ])('%s is a fault', (text, fault) => {
    expect(faultsOf(text)).toContainEqual(expect.stringContaining(fault))
  })

  test('is read as the shell reads it', () => {
    const text =
      'a "b c" \'d\' \\\n  e | f >out 2>&1 && (cd g; h) # not this\nX=1 i $J <<EOF\nnot this\nEOF\nk "$(l "m n")" $(o)\np() { q; }'
    expect(shellCommands(text)).toEqual([
      ['a', 'b c', 'd', 'e'],
      ['f'],
      ['cd', 'g'],
      ['h'],
      ['i', '$J'],
      ['k', '$(l "m n")', '$(o)'],
      ['q'],
      ['l', 'm n'],
      ['o'],
    ])
  })
})

describe('YAML and JSON', () => {
  const data = blocks.filter(({ language }) => /^(?:yaml|yml|json)$/.test(language))

  test('parse, and stand so in what is shipped where they quote it', () => {
    const faults = data.flatMap((block) => {
      const documents = parseAllDocuments(block.text)
      const broken = documents.flatMap(({ errors }) => errors)
      if (broken.length > 0) return [`${place(block)}: ${broken[0]?.message}`]
      const values = shipped(block.marks.quote)
      if (values === null) return []
      return documents
        .filter((document) => !standsIn(document.toJS(), values))
        .map(() => `${place(block)}: it does not stand so in ${block.marks.quote}`)
    })
    expect(faults).toEqual([])
  })

  test('another figure, another list or another name is no quotation', () => {
    const probe = { readinessProbe: { periodSeconds: 10, httpGet: { path: '/health', port: 8000 } }, other: 1 }
    expect(standsIn({ readinessProbe: { periodSeconds: 10 } }, [{ spec: [probe] }])).toBe(true)
    expect(standsIn({ readinessProbe: { periodSeconds: 11 } }, [{ spec: [probe] }])).toBe(false)
    expect(standsIn({ readinessProbes: {} }, [probe])).toBe(false)
    expect(standsIn({ a: [1] }, [{ a: [1, 2] }])).toBe(false)
  })

  /** Null: nothing is quoted, or it cannot be built here. */
  function shipped(quote: string | undefined): unknown[] | null {
    if (quote === undefined) return null
    if (quote === 'overlay') return facts.cluster === null ? null : [...facts.cluster.prod]
    return parseAllDocuments(readFileSync(join(PROJECT_ROOT, quote), 'utf8')).map((document) => document.toJS())
  }
})

test('most blocks are run', () => {
  const run = blocks.filter((block) => needsOf(block).length > 0)
  expect(run.length).toBeGreaterThan(blocks.length / 2)
})

function parseFault(text: string): string {
  return spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' }).stderr.trim()
}

function sameDocument({ document }: Block): Block[] {
  return shell.filter((block) => block.document === document)
}

function faultsOf(text: string): string[] {
  const [block] = blocksOf('docs/a.md', `\`\`\`bash run=shell\n${text}\n\`\`\`\n`)
  return commandFaults(block as Block, facts)
}

function whatThereIs(): Facts {
  const program = commandLine({
    environment: {},
    dataDir: '',
    print: () => {},
    note: () => {},
    progress: () => ({ update: () => {}, done: () => {} }),
    setExitStatus: () => {},
    importFile: async () => {},
  })
  const used = new Set(
    shell.flatMap(({ text }) =>
      [...text.matchAll(/(?:scripts\.|dist\/scripts\/)(\w+)/g)].map((match) => match[1] ?? ''),
    ),
  )
  used.add('run_migrations')
  const validation = optionsIn('test/deployment/validation/run.ts')
  const options = [
    ...[...used].map((name) => [name, optionsIn(`scripts/${name}.ts`)] as const),
    ...['run_smoke_tests', 'run_integration_tests'].map((name) => [name, validation] as const),
  ]
  return {
    paths,
    npmScripts: Object.fromEntries(['', 'src/backend/infrastructure'].map((folder) => [folder, npmScriptsOf(folder)])),
    commandLine: program,
    scriptOptions: Object.fromEntries(options),
    cluster: hasKubectl
      ? (Object.fromEntries(ENVIRONMENTS.map((name) => [name, clusterOf(name)])) as unknown as Facts['cluster'])
      : null,
  }
}

function npmScriptsOf(folder: string): ReadonlySet<string> {
  const text = readFileSync(join(PROJECT_ROOT, folder, 'package.json'), 'utf8')
  return new Set(Object.keys((JSON.parse(text) as { scripts: object }).scripts))
}

/** Long options that a program declares: to commander, or in a table that is called OPTIONS. */
function optionsIn(path: string): ReadonlySet<string> {
  const file = join(PROJECT_ROOT, BACKEND, path)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const declared = [...text.matchAll(/ption\(\s*'(--[\w-]+)/g)].map(([, option]) => option as string)
  const table = /const OPTIONS = \{([\s\S]*?)\n\}/.exec(text)?.[1] ?? ''
  const listed = [...table.matchAll(/^\s*'?([\w-]+)'?:/gm)].map(([, option]) => `--${option}`)
  return new Set(['--help', ...declared, ...listed])
}

/** The overlay, what is there once a cluster, in production a canary too; the jobs and kinds. */
function clusterOf(environment: Environment): readonly ManifestObject[] {
  const loose = ['jobs', 'crds'].flatMap((folder) =>
    readdirSync(join(MANIFESTS, folder)).map((name) => `${folder}/${name}`),
  )
  return [
    ...overlay(environment),
    ...cluster(environment),
    ...(environment === 'prod' ? canary() : []),
    ...loose.flatMap(fileObjects),
  ]
}
