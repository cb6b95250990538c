// What the operators' pages tell people to type, typed: each page in a shell of its own, from the first block to the last, with the real
// kubectl on an API in memory, the real AWS command line on an emulated AWS, and a real engine. Production's words are typed; of
// development's what goes to its cluster, where the manifests differ. Blocks for Terraform and Docker are held against the lines that their
// own rehearsals run.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Block,
  type Environment,
  type Facility,
  needsOf,
  operatorBlocks,
  place,
} from '../../tools/doc-commands.ts'
import { shellCommands } from '../../tools/shell-commands.ts'
import { temporaryFolder } from '../postgres.ts'
import { howToGetPostgres, testBinaries } from '../postgres-found.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import { type EmulatedAws, startEmulatedAws, whyNoEmulatedAws } from './aws/emulated-aws.ts'
import { type Outcome, typeInto } from './document-shell.ts'
import { engineLine, poolerLine, VERSION } from './image/build-line.ts'
import { HOW_TO_GET_KUBECTL, kubectlFound } from './manifests.ts'
import { type RehearsedCluster, startRehearsedCluster } from './rehearsed-cluster.ts'

const blocks = operatorBlocks().filter((block) => needsOf(block).length > 0)
const GUIDE = 'docs/operations/deployment.md'
const PAGE_TIMEOUT_MS = 600_000

const hasKubectl = kubectlFound() !== null && testBinaries() !== null
const noAws = whyNoEmulatedAws()
if (kubectlFound() === null) console.warn(`\nCommands of the cluster are not run: ${HOW_TO_GET_KUBECTL}\n`)
else if (!hasKubectl) console.warn(`\nCommands of the cluster are not run: ${howToGetPostgres()}\n`)
if (noAws !== null) console.warn(`\nCommands of AWS are not run: ${noAws}\n`)

const RUNS: readonly (readonly [string, Environment])[] = [
  [GUIDE, 'dev'],
  ...[...new Set(blocks.map(({ document }) => document))].map((document) => [document, 'prod'] as const),
]

/** What has to be seen after a block that holds the first. */
const SEEN: readonly (readonly [RegExp, RegExp])[] = [
  [/rollout status deployment\/api-gateway -n borrow-rate-engine-\$\{ENV\}$/m, /(?:successfully rolled out[\s\S]*){5}/],
  [/get-parameter /, /^0\.1\.0$/m],
  [/patch hpa calculation-service-hpa[\s\S]*get hpa/, /calculation-service-hpa\s.*\s5\s+30\s/],
  [/--command status/, /0001_pricing_models\s+applied/],
  [/db-init\.yaml/, /job\.batch\/db-init condition met/],
  [/db_connections/, /database|connections/i],
  [/health\/external/, /"feeds"/],
  [/generate_api_key/, /bre_/],
  [/npm run cli -- quote/, /On the record as/],
  [/weight: 30/, /trafficsplit\S* configured/],
  [/put-secret-value/, /VersionId/],
]

/** What has happened before a block of the guide that tells what to do then: another release, of which the rollback is. */
const BEFORE: readonly (readonly [RegExp, string])[] = [
  [
    /rollout undo deployment\/api-gateway -n borrow-rate-engine-\$\{ENV\}$/m,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: for the shell
    'sed -i "s|borrow-rate-engine:${VERSION}|borrow-rate-engine:0.2.0|" infrastructure/kubernetes/overlays/${ENV}/kustomization.yaml && kubectl apply -k infrastructure/kubernetes/overlays/${ENV}',
  ],
]

const scratch = temporaryFolder('doc-commands')
let cluster: RehearsedCluster | null = null
let aws: EmulatedAws | null = null

beforeAll(async () => {
  if (hasKubectl) cluster = await startRehearsedCluster(['borrow-rate-engine-dev', 'borrow-rate-engine-prod'])
  if (noAws === null) {
    aws = await startEmulatedAws()
    const { status, output } = await aws.run(madeByTerraform('prod'))
    expect(status, output).toBe(0)
  }
}, 300_000)

afterAll(async () => {
  await cluster?.end()
  await aws?.close()
  rmSync(scratch, { recursive: true, force: true })
}, 60_000)

describe.each(RUNS)('%s, typed for %s', (document, environment) => {
  test(
    'every command that can be run here works',
    async () => {
      const page = blocksFor(document, environment)
      const can = page.filter((block) => needsOf(block).every(isThere))
      const left = page.filter((block) => !can.includes(block))
      const elsewhere = left.filter((block) => needsOf(block).some((need) => need === 'terraform' || need === 'docker'))
      if (left.length > elsewhere.length)
        console.warn(`${left.length - elsewhere.length} blocks of ${document} are not run on this machine`)
      const outcomes = await run(document, environment, can)
      expect(faults(can, outcomes)).toEqual([])
    },
    PAGE_TIMEOUT_MS,
  )
})

describe('what is run by other tests is what the pages say', () => {
  test('Terraform: the three lines that are rehearsed for each environment', () => {
    const rehearsed = readFileSync(join(PROJECT_ROOT, BACKEND, 'infrastructure/rehearsal/rehearsal.ts'), 'utf8')
    const typed = linesOf(['terraform']).filter((line) => line.startsWith('terraform'))
    expect(typed).toHaveLength(3)
    expect(
      typed.filter((line) => !rehearsed.includes(line.replaceAll('$', '\\$')) && !rehearsed.includes(line)),
    ).toEqual([])
  })

  test('Docker: the words that image.infrastructure.test.ts gives to a real engine', () => {
    const typed = linesOf(['docker']).filter((line) => line.startsWith('docker build'))
    const real = [engineLine('.'), poolerLine('.')].map((words) => `docker build ${words.join(' ')}`)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the page
    expect(typed.map((line) => line.replaceAll('${VERSION}', VERSION))).toEqual(
      real.map((line) => line.replaceAll('./', '')),
    )
    const others = linesOf(['docker'])
      .flatMap(shellCommands)
      .filter(([program]) => program === 'docker')
    expect([...new Set(others.map(([, verb]) => verb))].sort()).toEqual(['build', 'login', 'push', 'tag'])
  })
})

function blocksFor(document: string, environment: Environment): Block[] {
  const page = blocks.filter(
    ({ document: own, marks }) => own === document && (marks.env ?? environment) === environment,
  )
  if (environment === 'prod') return page
  return page.filter((block, at) => at === 0 || needsOf(block).every((need) => need === 'kubectl'))
}

function isThere(need: Facility): boolean {
  if (need === 'shell') return true
  if (need === 'local' || need === 'kubectl') return cluster !== null
  return need === 'aws' && aws !== null
}

function linesOf(needs: readonly Facility[]): string[] {
  return blocks
    .filter((block) => needs.every((need) => needsOf(block).includes(need)))
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line !== '' && !line.startsWith('#'))
}

/** The guide's first block before every other page, and what a page may take for granted: that the guide was followed. */
async function run(document: string, environment: Environment, can: readonly Block[]): Promise<Outcome[]> {
  const folder = join(scratch, `${environment}-${document.replaceAll('/', '-')}`)
  const root = copyOfTree(join(folder, 'tree'))
  const [first, ...typed] = document === GUIDE ? can : [blocksFor(GUIDE, environment)[0] as Block, ...can]
  const before = document === GUIDE ? [] : standing(environment)
  const outcomes = await typeInto(
    [
      { text: (first as Block).text.replace(/^export ENV=\w+/m, `export ENV=${environment}`), environment: {} },
      ...before.map((text) => ({ text, environment: environmentOf({ text, marks: { run: 'kubectl' } }, folder) })),
      ...typed.map((block) => ({ text: textFor(block), environment: environmentOf(block, folder) })),
    ],
    {
      root,
      folder: join(folder, 'log'),
      environment: ownEnvironment(folder),
      timeoutMs: PAGE_TIMEOUT_MS - 20_000,
    },
  )
  return document === GUIDE ? outcomes : outcomes.slice(1 + before.length)
}

function textFor({ text }: Block): string {
  return [...BEFORE.filter(([marker]) => marker.test(text)).map(([, commands]) => commands), text].join('\n')
}

function standing(environment: Environment): string[] {
  if (cluster === null) return []
  const kubernetes = 'infrastructure/kubernetes'
  return [
    `kubectl apply -f ${kubernetes}/base/namespace.yaml -f ${kubernetes}/crds/trafficsplit.yaml`,
    `kubectl apply -k ${kubernetes}/cluster/${environment}`,
    `kubectl apply -k ${kubernetes}/overlays/${environment}`,
    `kubectl rollout status deployment -n borrow-rate-engine-${environment} --timeout=60s`,
  ]
}

function faults(typed: readonly Block[], outcomes: readonly Outcome[]): string[] {
  return typed.flatMap((block, at) => {
    const { status, output } = outcomes[at] as Outcome
    if (status === null) return [`${place(block)}: was not come to`]
    if (status !== 0) return [`${place(block)}: failed\n${output.slice(-1500)}`]
    return SEEN.filter(([text, seen]) => text.test(block.text) && !seen.test(output)).map(
      ([, seen]) => `${place(block)}: ${seen} was not seen in\n${output.slice(-1500)}`,
    )
  })
}

/** The files that commands read and change. What is only read is shared. */
function copyOfTree(root: string): string {
  mkdirSync(join(root, 'src'), { recursive: true })
  cpSync(join(PROJECT_ROOT, 'infrastructure'), join(root, 'infrastructure'), { recursive: true })
  for (const name of ['package.json', 'src/backend', 'src/test'])
    symlinkSync(join(PROJECT_ROOT, name), join(root, name))
  return root
}

function ownEnvironment(folder: string): Record<string, string> {
  const names = ['DEV', 'STAGING', 'PROD'].map((name) => [`BASE_URL_${name}`, cluster?.engine.url ?? ''])
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    LANG: 'C.UTF-8',
    ...Object.fromEntries(names),
    ...(cluster !== null && {
      BORROW_RATE_URL: cluster.engine.url,
      BORROW_RATE_AUDITOR_KEY: cluster.engine.key('auditor'),
    }),
  }
}

/** What a person has set for it: where kubectl goes, which AWS, whose key. */
function environmentOf({ text, marks }: Pick<Block, 'text' | 'marks'>, folder: string): Record<string, string> {
  const needs = (marks.run ?? '').split(',')
  const kubeconfig = needs.includes('kubectl') ? cluster?.kubeconfig : join(folder, 'kubeconfig-of-aws')
  const key = /cli -- (?:brokers|approvals)/.test(text) ? 'admin' : 'desk'
  return {
    KUBECONFIG: kubeconfig ?? '',
    ...(needs.includes('aws') && aws !== null ? aws.environment : {}),
    ...(needs.includes('local') && cluster !== null ? { BORROW_RATE_API_KEY: cluster.engine.key(key) } : {}),
  }
}

/** What Terraform would have made of an environment, as far as the pages' commands need it. */
function madeByTerraform(environment: string): string {
  const name = `borrow-rate-engine-${environment}`
  const secrets = ['database-credentials', 'database-users', 'redis-credentials', 'engine-keys', 'feed-credentials']
  const credentials =
    '{"username":"borrow_rate_admin","password":"x","host":"db","port":5432,"database":"borrow_rate_engine"}'
  return [
    `subnets=$(aws ec2 describe-subnets --query 'Subnets[0:2].SubnetId' --output text)`,
    `aws eks create-cluster --name ${name} --role-arn arn:aws:iam::123456789012:role/x --resources-vpc-config subnetIds=subnet-1,subnet-2`,
    `aws rds create-db-subnet-group --db-subnet-group-name ${name} --db-subnet-group-description data --subnet-ids $subnets`,
    `aws rds create-db-parameter-group --db-parameter-group-name ${name} --db-parameter-group-family postgres15 --description ours`,
    `aws rds create-db-instance --db-instance-identifier ${name} --engine postgres --db-instance-class db.r5.xlarge --master-username borrow_rate_admin --master-user-password xxxxxxxx --allocated-storage 100 --db-subnet-group-name ${name} --db-parameter-group-name ${name}`,
    `aws ec2 create-launch-template --launch-template-name ${name} --launch-template-data '{"InstanceType":"m5.large"}'`,
    `aws autoscaling create-auto-scaling-group --auto-scaling-group-name eks-${name} --min-size 3 --max-size 20 --launch-template LaunchTemplateName=${name} --availability-zones us-east-1a --tags Key=eks:cluster-name,Value=${name}`,
    ...secrets.map(
      (secret) =>
        `aws secretsmanager create-secret --name borrow-rate-engine/${environment}/${secret} --secret-string '${credentials}'`,
    ),
  ].join('\n')
}
