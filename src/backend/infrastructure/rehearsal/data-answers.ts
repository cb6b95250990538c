// What the data sources read in an account that does not exist: six availability zones, a caller, a partition, policy documents put together as the
// provider does it. A source without an answer of its own gets identifiers of the right form.
import { createHash } from 'node:crypto'
import type { Settings } from './planned-values.ts'
import { isObject, type ObjectValue, type Value } from './wire.ts'

const RANDOM_PASSWORD_LENGTH = 32
const PASSWORDS_LOOKED_FOR = 200

type Answer = (config: ObjectValue, settings: Settings) => ObjectValue

export const DATA_ANSWERS: Record<string, Answer> = {
  aws_availability_zones: (config, { account }) => {
    const excluded = new Set([...strings(config.exclude_names), ...strings(config.exclude_zone_ids)])
    const zones = [...'abcdef']
      .map((letter, index) => ({ name: `${account.region}${letter}`, id: `use1-az${index + 1}` }))
      .filter(({ name, id }) => !excluded.has(name) && !excluded.has(id))
    return {
      id: account.region,
      names: zones.map(({ name }) => name),
      zone_ids: zones.map(({ id }) => id),
      group_names: [`${account.region}-zg-1`],
    }
  },
  aws_caller_identity: (_, { account }) => ({
    id: account.id,
    account_id: account.id,
    arn: `arn:aws:sts::${account.id}:assumed-role/rehearsal/terraform`,
    user_id: 'AROAREHEARSAL:terraform',
  }),
  aws_partition: () => ({
    id: 'aws',
    partition: 'aws',
    dns_suffix: 'amazonaws.com',
    reverse_dns_prefix: 'com.amazonaws',
  }),
  aws_region: (_, { account }) => ({
    id: account.region,
    name: account.region,
    region: account.region,
    endpoint: `ec2.${account.region}.amazonaws.com`,
    description: 'US East (N. Virginia)',
  }),
  aws_ssm_parameter: (config, { account }) => {
    const name = String(config.name)
    const value = name.startsWith('/aws/service/')
      ? name.endsWith('version')
        ? '1.33.1-20260101'
        : 'ami-0123456789abcdef0'
      : `value of ${name}`
    return {
      id: name,
      arn: `arn:aws:ssm:${account.region}::parameter${name}`,
      type: 'String',
      value,
      insecure_value: value,
      version: 1,
    }
  },
  aws_iam_policy_document: (config) => {
    const json = JSON.stringify(policyDocument(config), null, 2)
    return {
      id: String(json.length),
      json,
      minified_json: JSON.stringify(JSON.parse(json)),
      version: config.version ?? '2012-10-17',
    }
  },
  // Another one at each reading, as the real one: what keeps it in an argument is never without a change.
  aws_secretsmanager_random_password: (config, settings) => {
    const length = typeof config.password_length === 'number' ? config.password_length : RANDOM_PASSWORD_LENGTH
    return { random_password: drawnPassword(settings.draw(), length) }
  },
  aws_elb_service_account: () => ({ id: '127311923021', arn: 'arn:aws:iam::127311923021:root' }),
  aws_eks_cluster_auth: (config) => ({ id: config.name ?? '', token: 'k8s-aws-v1.rehearsal' }),
  aws_ec2_managed_prefix_list: (config, { account }) => ({
    id: 'pl-0123456789abcdef0',
    arn: `arn:aws:ec2:${account.region}:aws:prefix-list/pl-0123456789abcdef0`,
    name: config.name ?? '',
    owner_id: 'AWS',
    address_family: 'IPv4',
    max_entries: 1,
    version: 1,
    entries: [{ cidr: '203.0.113.0/24', description: '' }],
  }),
  aws_prefix_list: (config) => ({
    id: 'pl-63a5400a',
    prefix_list_id: 'pl-63a5400a',
    name: config.name ?? '',
    cidr_blocks: ['203.0.113.0/24'],
  }),
  aws_kms_alias: (config, { account }) => ({
    id: config.name ?? '',
    arn: `arn:aws:kms:${account.region}:${account.id}:${String(config.name)}`,
    target_key_id: '11111111-1111-4111-a111-111111111111',
    target_key_arn: `arn:aws:kms:${account.region}:${account.id}:key/11111111-1111-4111-a111-111111111111`,
  }),
  aws_iam_policy: (config, { account }) => {
    const arn = typeof config.arn === 'string' ? config.arn : `arn:aws:iam::aws:policy/${String(config.name)}`
    return {
      id: arn,
      arn,
      name: arn.split('/').at(-1)!,
      path: '/',
      policy: '{}',
      policy_id: 'ANPAREHEARSAL',
      attachment_count: 0,
      description: account.id,
    }
  },
}

/** The nth password that a rehearsal hands out: whoever looks whether one has leaked knows them all. */
export function drawnPassword(nth: number, length = RANDOM_PASSWORD_LENGTH): string {
  const drawn = createHash('sha512').update(`password ${nth}`).digest('hex')
  return drawn.repeat(Math.ceil(length / drawn.length)).slice(0, length)
}

/** Which of the first passwords stand in a text. */
export function passwordsIn(text: string): string[] {
  return Array.from({ length: PASSWORDS_LOOKED_FOR }, (_, nth) => drawnPassword(nth)).filter((password) =>
    text.includes(password),
  )
}

/** The document in the provider's words: what stands in several statements under one sid is one statement, single values are not lists. */
function policyDocument(config: ObjectValue): ObjectValue {
  const statements = new Map<string, ObjectValue>()
  const add = (statement: ObjectValue) =>
    statements.set(
      typeof statement.Sid === 'string' && statement.Sid !== '' ? statement.Sid : `#${statements.size}`,
      statement,
    )
  for (const source of strings(config.source_policy_documents))
    for (const statement of statementsOf(source)) add(statement)
  for (const written of objects(config.statement)) add(statementOf(written))
  for (const source of strings(config.override_policy_documents))
    for (const statement of statementsOf(source)) add(statement)
  return {
    Version: config.version ?? '2012-10-17',
    ...(typeof config.policy_id === 'string' && config.policy_id !== '' ? { Id: config.policy_id } : {}),
    Statement: [...statements.values()],
  }
}

function statementOf(written: ObjectValue): ObjectValue {
  const statement: ObjectValue = {}
  if (typeof written.sid === 'string' && written.sid !== '') statement.Sid = written.sid
  statement.Effect = written.effect ?? 'Allow'
  put(statement, 'Principal', principalsOf(written.principals))
  put(statement, 'NotPrincipal', principalsOf(written.not_principals))
  put(statement, 'Action', oneOrMany(strings(written.actions)))
  put(statement, 'NotAction', oneOrMany(strings(written.not_actions)))
  put(statement, 'Resource', oneOrMany(strings(written.resources)))
  put(statement, 'NotResource', oneOrMany(strings(written.not_resources)))
  const conditions: Record<string, ObjectValue> = {}
  for (const condition of objects(written.condition)) {
    const test = String(condition.test)
    conditions[test] = { ...conditions[test], [String(condition.variable)]: oneOrMany(strings(condition.values)) ?? [] }
  }
  if (Object.keys(conditions).length > 0) statement.Condition = conditions
  return statement
}

function principalsOf(written: Value | undefined): Value | undefined {
  const principals: ObjectValue = {}
  for (const principal of objects(written)) {
    const type = String(principal.type)
    const identifiers = strings(principal.identifiers)
    if (type === '*') return '*'
    principals[type] = oneOrMany(identifiers) ?? []
  }
  return Object.keys(principals).length === 0 ? undefined : principals
}

function statementsOf(json: string): ObjectValue[] {
  const document = JSON.parse(json) as ObjectValue
  return Array.isArray(document.Statement)
    ? objects(document.Statement)
    : isObject(document.Statement)
      ? [document.Statement]
      : []
}

function put(statement: ObjectValue, name: string, value: Value | undefined): void {
  if (value !== undefined) statement[name] = value
}

/** `&{aws:username}` stands for `${aws:username}`, which Terraform would have read itself. */
function oneOrMany(values: string[]): Value | undefined {
  const written = values.map((value) => value.replace(/&\{/g, '${'))
  return written.length === 0 ? undefined : written.length === 1 ? written[0]! : written
}

function strings(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function objects(value: Value | undefined): ObjectValue[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
