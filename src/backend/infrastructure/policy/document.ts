// docs/operations/infrastructure-policy.md, written from the rules: `npx tsx policy/document.ts` in src/backend/infrastructure. A test
// compares it with what is there.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EXCEPTIONS } from './identity.ts'
import { GUIDE_WINDOWS } from './maintenance-windows.ts'
import { ENVIRONMENTS } from './planned-environment.ts'
import type { PolicyRule } from './rule.ts'
import { RULES, RULES_BY_SUBJECT } from './rules.ts'
import { SIZES } from './sizing.ts'

export const DOCUMENT = fileURLToPath(new URL('../../../../docs/operations/infrastructure-policy.md', import.meta.url))

export function policyDocument(): string {
  const sections = RULES_BY_SUBJECT.flatMap(({ subject, rules }) => [`## ${subject}`, '', ...ruleTable(rules), ''])
  return [
    '# What an environment is held to before it is applied',
    '',
    `${RULES.length} rules look at the plan of an environment, and at the manifests of which the cluster's controller makes the load balancer. Where one is`,
    'broken the report says where, what, and what to do; nothing is to be applied before. In `src/backend/infrastructure`,',
    '`npx tsx policy/check-plan.ts prod` plans an environment on a machine without a cloud and holds it against them, and',
    '`npx tsx policy/check-plan.ts plan.json` takes a plan that was made with one, as `terraform show -json tfplan` prints it.',
    '',
    'The exit status is 0 when all rules are kept, 1 when one is broken, 2 when there was no plan to read. A name such as RDS.3 is that of a control of',
    'AWS Foundational Security Best Practices; names of further controls and of recommendations of the CIS AWS Foundations Benchmark 5.0 that ask for',
    'the same stand behind it. BRE is our own: figures of the deployment guide, and what no standard asks for.',
    '',
    '## Sizes',
    '',
    ...sizeTable(),
    '',
    ...sections,
    '## Rights on everything that are allowed',
    '',
    '| policy | why |',
    '|---|---|',
    ...EXCEPTIONS.map(({ address, why }) => `| \`${plainAddress(address)}\` | ${why} |`),
    '',
    '## What these rules do not see',
    '',
    'A plan says what will be asked of AWS, not what AWS answers: an instance class that a zone does not have, a quota, a right that another policy takes',
    'away. What was changed by hand afterwards is found by the next plan. What happens inside the cluster is held by the rules for the manifests.',
    '',
  ].join('\n')
}

function ruleTable(rules: readonly PolicyRule[]): string[] {
  return [
    '| id | guarantee | applies to |',
    '|---|---|---|',
    ...rules.map(({ id, alsoKnownAs = [], title, appliesTo }) => {
      const names = alsoKnownAs.length === 0 ? id : `${id} (${alsoKnownAs.join(', ')})`
      return `| ${names} | ${title} | ${appliesTo.map(inWords).join(', ')} |`
    }),
  ]
}

function sizeTable(): string[] {
  const rows: readonly (readonly [string, (environment: (typeof ENVIRONMENTS)[number]) => string])[] = [
    ['nodes', (name) => range(SIZES[name].nodes)],
    ['NAT gateways', (name) => range(SIZES[name].natGateways)],
    ['database', (name) => SIZES[name].databaseClass],
    ['standby in another zone', (name) => (SIZES[name].databaseMultiAz ? 'yes' : 'no')],
    ['read replicas', (name) => String(SIZES[name].databaseReplicas)],
    ['cache', (name) => SIZES[name].cacheClass],
    ['shards of the cache', (name) => String(SIZES[name].cacheShards)],
    ['replicas of a shard', (name) => String(SIZES[name].cacheReplicas)],
    ['worked on', (name) => GUIDE_WINDOWS[name].words],
  ]
  return [
    `| | ${ENVIRONMENTS.join(' | ')} |`,
    `|---|${ENVIRONMENTS.map(() => '---|').join('')}`,
    ...rows.map(([what, cell]) => `| ${what} | ${ENVIRONMENTS.map(cell).join(' | ')} |`),
  ]
}

function range({ min, max }: { readonly min: number; readonly max: number }): string {
  return min === max ? String(min) : `${min} to ${max}`
}

/** Types are code; `every resource` is not. */
function inWords(type: string): string {
  return type.includes(' ') ? type : `\`${type}\``
}

function plainAddress(address: RegExp): string {
  return address.source.replace(/[\^$\\]/g, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, policyDocument())
  console.log(DOCUMENT)
}
