// Secrets: where they are kept, how they change, and that none of them stands in a plan.
import type { PlannedEnvironment } from './planned-environment.ts'
import { isGiven, numberAt, textAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { POLICY_TYPES } from './policy-statements.ts'
import { every, type Fault, missing, type PolicyRule } from './rule.ts'

/** Names after `borrow-rate-engine/<environment>/`. */
const SECRETS = ['database-credentials', 'database-users', 'redis-credentials', 'engine-keys', 'feed-credentials']
/** Those that AWS can change by itself, on the server and in the secret at once. */
const ROTATED = ['database-credentials']
const ROTATION_DAYS_MAX = 30

const SECRET_ATTRIBUTE =
  /(^|_)(password|passwd|secret_string|secret_binary|auth_token|private_key|access_key|secret_key|api_key)$/
const SECRET_TEXTS: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/, what: 'an access key of AWS' },
  { pattern: /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, what: 'a private key' },
  { pattern: /\b(?:postgres(?:ql)?|rediss?):\/\/[^:/\s]*:[^@/\s$]+@/, what: 'an address with a password in it' },
  { pattern: /\b(?:ghp|gho|ghs)_[A-Za-z0-9]{30,}\b/, what: 'a token of GitHub' },
  { pattern: /\bxox[abp]-[A-Za-z0-9-]{10,}/, what: 'a token of Slack' },
]

export const SECRET_RULES: readonly PolicyRule[] = [
  {
    id: 'BRE-27',
    title: `The secrets of an environment are its own: ${SECRETS.join(', ')}`,
    remedy: 'Add aws_secretsmanager_secret named borrow-rate-engine/<environment>/<secret>.',
    appliesTo: ['aws_secretsmanager_secret'],
    check: (planned) =>
      SECRETS.filter((name) => secret(planned, name) === undefined).map((name) =>
        missing(`aws_secretsmanager_secret borrow-rate-engine/${planned.name}/${name}`),
      ),
  },
  {
    id: 'BRE-28',
    title: 'Secrets are encrypted with a key of ours, and can be brought back for a week or more',
    remedy: 'Set kms_key_id, and recovery_window_in_days to 7 or more.',
    appliesTo: ['aws_secretsmanager_secret'],
    check: (planned) =>
      every(planned.all('aws_secretsmanager_secret'), 'aws_secretsmanager_secret', (each) => {
        if (!isGiven(each, 'kms_key_id')) return 'it names no key'
        const days = numberAt(each, 'recovery_window_in_days')
        return days !== undefined && days < 7 && `it is gone after ${days} days`
      }),
  },
  {
    id: 'SecretsManager.1',
    alsoKnownAs: ['SecretsManager.4'],
    title: `The database's password changes by itself, every ${ROTATION_DAYS_MAX} days or sooner`,
    remedy:
      'Add aws_secretsmanager_secret_rotation with automatically_after_days, or let RDS keep the password of its administrator.',
    appliesTo: ['aws_secretsmanager_secret', 'aws_secretsmanager_secret_rotation'],
    check: (planned) =>
      every(
        ROTATED.flatMap((name) => secret(planned, name) ?? []),
        `aws_secretsmanager_secret ${ROTATED.join()}`,
        (each) => {
          const [rotation] = planned.leadingTo(each, 'aws_secretsmanager_secret_rotation', 'secret_id')
          if (rotation === undefined) return 'nothing changes it'
          const days = numberAt(rotation, 'rotation_rules.automatically_after_days')
          if (days === undefined) return 'the rotation has no number of days'
          return days > ROTATION_DAYS_MAX && `it changes after ${days} days`
        },
      ),
  },
  {
    id: 'BRE-29',
    title: 'In production each secret has a copy in a second region',
    remedy: 'Add a replica block with another region.',
    appliesTo: ['aws_secretsmanager_secret'],
    check: (planned) =>
      planned.isProduction
        ? every(planned.all('aws_secretsmanager_secret'), 'aws_secretsmanager_secret', (each) =>
            textAt(each, 'replica.region') === undefined ? 'it has no copy' : null,
          )
        : [],
  },
  {
    id: 'BRE-30',
    title: 'No secret stands in the plan, nor will it stand in the state',
    remedy:
      'Let AWS make it, give it by a write-only argument, or put it with the command line after the apply. A secret that was planned is known: change it.',
    appliesTo: ['every resource'],
    check: (planned) => planned.resources.flatMap(secretsIn),
  },
]

function secret(planned: PlannedEnvironment, name: string): PlannedResource | undefined {
  const wanted = `borrow-rate-engine/${planned.name}/${name}`
  return planned.all('aws_secretsmanager_secret').find((each) => textAt(each, 'name') === wanted)
}

/** Every text of a resource, looked at. What is empty or names another resource is no secret. */
function secretsIn(resource: PlannedResource): Fault[] {
  const faults: Fault[] = []
  const look = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const [index, each] of value.entries()) look(each, `${path}.${index}`)
    else if (value !== null && typeof value === 'object') {
      for (const [key, each] of Object.entries(value)) look(each, path === '' ? key : `${path}.${key}`)
    } else if (typeof value === 'string' && value !== '') {
      const what = SECRET_TEXTS.find(({ pattern }) => pattern.test(value))?.what
      const named = SECRET_ATTRIBUTE.test(path) && !value.startsWith('arn:') && !POLICY_TYPES.includes(resource.type)
      if (what !== undefined) faults.push({ address: resource.address, found: `${path} holds ${what}` })
      else if (named) faults.push({ address: resource.address, found: `${path} is written out` })
    }
  }
  look(resource.values, '')
  return faults
}
