// Who may do what in the account.
import type { PlannedEnvironment } from './planned-environment.ts'
import { numberAt, textAt } from './planned-environment.ts'
import type { PlannedResource } from './planned-resources.ts'
import { isWildcard, policies, rights, type Statement, trust } from './policy-statements.ts'
import { differs, every, type Fault, missing, type PolicyRule, whereThereIs } from './rule.ts'

const HOUR_SECONDS = 3600
/** How long a session may last: a deployment with its canary takes more than an hour, and who only looks may look all day. */
const SESSION_HOURS_MAX = { everything: 1, workflow: 2, looking: 8 }
const GITHUB = 'token.actions.githubusercontent.com'
/** How the environments are called at GitHub. */
const GITHUB_ENVIRONMENTS = { dev: ['dev', 'development'], staging: ['staging'], prod: ['prod', 'production'] }

/** Roles of those who only look, by name. */
const READERS = /read[-_]?only|viewer/

/** Managed policies of AWS that give more than anybody here needs. */
const TOO_MUCH = ['AdministratorAccess', 'PowerUserAccess', 'IAMFullAccess', 'AWSCloudShellFullAccess']

interface Exception {
  /** Fits the address of a policy. */
  readonly address: RegExp
  /** Actions that it may have on everything. */
  readonly actions: RegExp
  readonly why: string
}

/** Rights on everything that are allowed, and why. A test finds those that nothing needs any more. */
export const EXCEPTIONS: readonly Exception[] = [
  {
    address: /^aws_iam_role_policy\.load_balancer_controller$/,
    actions:
      /^(?:wafv2:(?:Associate|Disassociate)WebACL|ec2:CreateSecurityGroup|elasticloadbalancing:(?:(?:Create|Delete|Modify)(?:Listener|Rule)|ModifyListenerAttributes|(?:Add|Remove)ListenerCertificates|SetRulePriorities|SetWebAcl))$/,
    why: 'as the policy that its project publishes: listeners and rules bear no tag yet when they are made, and a web ACL is not of the cluster',
  },
]

/** The role that may hold a managed policy of AWS from the list above: who mends an emergency cannot know before what it takes. */
const TOO_MUCH_ALLOWED = /^aws_iam_role_policy_attachment\.break_glass_/

/** Actions that AWS itself knows no resource for: `*` is the only thing that can be written. */
const KNOW_NO_RESOURCE =
  /^(?:[\w-]+:(?:Describe|List|Get)\w*\*?|cloudwatch:PutMetricData|ssm:UpdateInstanceInformation|(?:ssmmessages|ec2messages):\w+|xray:Put\w+)$/

/** What lives longer than a session. */
const USERS_AND_KEYS = [
  'aws_iam_user',
  'aws_iam_access_key',
  'aws_iam_user_login_profile',
  'aws_iam_user_policy',
  'aws_iam_group',
]

/** Actions by which somebody gives himself more rights than he has. */
const CLIMBING = [
  'iam:PassRole',
  'iam:AttachRolePolicy',
  'iam:PutRolePolicy',
  'iam:CreatePolicyVersion',
  'iam:UpdateAssumeRolePolicy',
  'iam:CreateAccessKey',
  'sts:AssumeRole',
]

export const IDENTITY_RULES: readonly PolicyRule[] = [
  {
    id: 'IAM.1',
    alsoKnownAs: ['CIS 1.15', 'CIS 1.21'],
    title: 'Nobody may do everything with everything',
    remedy: `Name the actions and the resources. Of AWS's managed policies attach none of ${TOO_MUCH.join(', ')}; only break-glass has one.`,
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy', 'aws_iam_role_policy_attachment'],
    check: (planned) => [
      ...rightsFaults(planned, (statement, address) => {
        const all = statement.actions.includes('*') && statement.resources.includes('*') && !isException(address, '*')
        return all || statement.notActions.length > 0
          ? `${statement.sid || 'a statement'} allows ${all ? 'everything' : 'everything but a list'}`
          : null
      }),
      ...whereThereIs(planned.all('aws_iam_role_policy_attachment'), (attachment) => {
        const name = textAt(attachment, 'policy_arn')?.split('/').at(-1) ?? ''
        return TOO_MUCH.includes(name) && !TOO_MUCH_ALLOWED.test(attachment.address) && `it attaches ${name}`
      }),
    ],
  },
  {
    id: 'IAM.21',
    title: 'Nobody may do all that a service can',
    remedy: 'Name the actions, `s3:GetObject` instead of `s3:*`.',
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy'],
    check: (planned) =>
      rightsFaults(planned, (statement, address) => {
        const whole = statement.actions.find((action) => isWildcard(action) && !isException(address, action))
        return whole !== undefined && `${statement.sid || 'a statement'} allows ${whole}`
      }),
  },
  {
    id: 'BRE-32',
    title: 'Rights are for named resources, where AWS knows any',
    remedy: 'Write the ARN, with the environment in it, or a condition; `*` is for actions that know no resource.',
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy'],
    check: (planned) =>
      rightsFaults(planned, (statement, address) => {
        if (!statement.resources.includes('*') || Object.keys(statement.conditions).length > 0) return null
        const wide = statement.actions.find((action) => !KNOW_NO_RESOURCE.test(action) && !isException(address, action))
        return wide !== undefined && `${statement.sid || 'a statement'} allows ${wide} on everything`
      }),
  },
  {
    id: 'BRE-33',
    title: 'Nobody can give himself more rights than he has',
    remedy: `Name the roles that ${CLIMBING.slice(0, 2).join(' or ')} may be used on, or leave the action out.`,
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy'],
    check: (planned) =>
      rightsFaults(planned, (statement, address) => {
        const climbs = statement.actions.find((action) => CLIMBING.includes(action) && !isException(address, action))
        const anyRole = statement.resources.some((arn) => arn === '*' || /:role\/\*$/.test(arn))
        return climbs !== undefined && anyRole && `${statement.sid || 'a statement'} allows ${climbs} on any role`
      }),
  },
  {
    id: 'BRE-34',
    title: 'The plan shows the text of every policy',
    remedy:
      'Write the policy as JSON or by aws_iam_policy_document: what nobody can read before the apply, nobody can approve.',
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy', 'aws_iam_role', 'aws_kms_key', 'aws_s3_bucket_policy'],
    check: (planned) =>
      policies(planned).flatMap(({ resource, attribute, statements }) =>
        statements === null ? [{ address: resource.address, found: `${attribute} cannot be read` }] : [],
      ),
  },
  {
    id: 'BRE-35',
    title: 'A workflow enters with the identity of its repository and environment, and of no other',
    remedy: `Trust ${GITHUB} with StringEquals on aud (sts.amazonaws.com) and on the whole sub, repo:<owner>/<name>:environment:<environment>.`,
    appliesTo: ['aws_iam_openid_connect_provider', 'aws_iam_role'],
    check: (planned) => {
      const roles = planned.all('aws_iam_role').filter((role) => federated(planned, role).length > 0)
      return [
        ...(planned.all('aws_iam_openid_connect_provider').length === 0
          ? [missing('aws_iam_openid_connect_provider')]
          : []),
        ...every(roles, 'aws_iam_role for workflows', (role) =>
          federated(planned, role)
            .map((statement) => {
              const exactly = statement.conditions.StringEquals ?? {}
              const audience = exactly[`${GITHUB}:aud`] ?? []
              const subjects = exactly[`${GITHUB}:sub`] ?? []
              if (audience.join() !== 'sts.amazonaws.com') return 'its audience is not sts.amazonaws.com'
              if (subjects.length === 0) return 'it names no subject exactly'
              const wrong = subjects.find((subject) => !isOwnSubject(planned, subject))
              return wrong === undefined ? null : `it lets in ${wrong}`
            })
            .find((fault) => fault !== null),
        ),
      ]
    },
  },
  {
    id: 'BRE-36',
    title: 'Break-glass needs a second factor, and lasts an hour',
    remedy: 'Trust with Bool aws:MultiFactorAuthPresent true, and set max_session_duration to 3600.',
    appliesTo: ['aws_iam_role'],
    check: (planned) =>
      every(
        planned.all('aws_iam_role').filter((role) => /break[-_]?glass/.test(textAt(role, 'name') ?? role.name)),
        'aws_iam_role of break-glass',
        (role) => {
          const open = trust(planned, role).find(
            ({ effect, conditions }) =>
              effect === 'Allow' && !conditions.Bool?.['aws:MultiFactorAuthPresent']?.includes('true'),
          )
          if (open !== undefined || trust(planned, role).length === 0) return 'it can be taken without a second factor'
          return differs('max_session_duration', numberAt(role, 'max_session_duration'), HOUR_SECONDS)
        },
      ),
  },
  {
    id: 'BRE-37',
    title:
      'Sessions end: after an hour for whoever may do everything, two for a workflow, eight for whoever only looks',
    remedy: 'Set max_session_duration.',
    appliesTo: ['aws_iam_role'],
    check: (planned) =>
      every(planned.all('aws_iam_role'), 'aws_iam_role', (role) => {
        const statements = trust(planned, role)
        const kind = statements.some(({ principals }) => principals.Federated)
          ? 'workflow'
          : READERS.test(textAt(role, 'name') ?? role.name)
            ? 'looking'
            : 'everything'
        const isTaken = statements.some(({ principals }) => principals.Federated || principals.AWS)
        const seconds = numberAt(role, 'max_session_duration')
        if (seconds === undefined) return isTaken && 'max_session_duration is not given'
        return seconds > SESSION_HOURS_MAX[kind] * HOUR_SECONDS && `a session lasts ${seconds / HOUR_SECONDS} h`
      }),
  },
  {
    id: 'IAM.2',
    alsoKnownAs: ['IAM.3', 'CIS 1.13', 'CIS 1.20'],
    title: 'There are no users and no keys: people and programs have roles',
    remedy: 'Remove it. People come by the identity provider, workflows by OIDC, pods by Pod Identity.',
    appliesTo: USERS_AND_KEYS,
    check: (planned) => whereThereIs(planned.all(...USERS_AND_KEYS), (resource) => `the plan makes ${resource.type}`),
  },
  {
    id: 'BRE-38',
    title: 'No role and no resource trusts everybody',
    remedy: 'Name who may take the role, or add a condition on the account or the organisation.',
    appliesTo: ['aws_iam_role', 'aws_s3_bucket_policy', 'aws_ecr_repository_policy', 'aws_sns_topic_policy'],
    check: (planned) =>
      policies(planned)
        .filter(({ resource }) => !['aws_kms_key', 'aws_kms_key_policy', 'aws_vpc_endpoint'].includes(resource.type))
        .flatMap(({ resource, statements }) => {
          const open = (statements ?? []).find(
            ({ effect, principals, conditions }) =>
              effect === 'Allow' &&
              Object.values(principals).flat().includes('*') &&
              !Object.values(conditions).some((keys) =>
                Object.keys(keys).some((key) =>
                  /^aws:(?:Principal(?:Account|OrgID|Arn)|SourceAccount|SourceVpce?)$/.test(key),
                ),
              ),
          )
          return open === undefined
            ? []
            : [{ address: resource.address, found: `${open.sid || 'a statement'} trusts everybody` }]
        }),
  },
  {
    id: 'BRE-39',
    title: 'Pods read the secrets of their own environment, and no others',
    remedy: 'Limit secretsmanager:GetSecretValue to borrow-rate-engine/<environment>/*.',
    appliesTo: ['aws_iam_policy', 'aws_iam_role_policy'],
    check: (planned) => {
      const readers = rights(planned).flatMap(({ resource, statements }) =>
        (statements ?? [])
          .filter(({ effect, actions }) => effect === 'Allow' && actions.includes('secretsmanager:GetSecretValue'))
          .map((statement) => ({ resource, statement })),
      )
      if (readers.length === 0) return [missing('aws_iam_role_policy that reads secrets')]
      const own = [`:secret:borrow-rate-engine/${planned.name}/`, '${aws_secretsmanager_secret.', '${aws_db_instance.']
      return readers.flatMap(({ resource, statement }) => {
        const other = statement.resources.find((arn) => !own.some((part) => arn.includes(part)))
        return other === undefined || isException(resource.address, 'secretsmanager:GetSecretValue')
          ? []
          : [{ address: resource.address, found: `it may read ${other}` }]
      })
    },
  },
  {
    id: 'IAM.28',
    alsoKnownAs: ['CIS 1.19'],
    title: 'What is shared with the outside is found by an analyzer',
    remedy: 'Add aws_accessanalyzer_analyzer of the type ACCOUNT.',
    appliesTo: ['aws_accessanalyzer_analyzer'],
    check: (planned) =>
      every(planned.all('aws_accessanalyzer_analyzer'), 'aws_accessanalyzer_analyzer', (analyzer) => {
        const type = textAt(analyzer, 'type') ?? 'ACCOUNT'
        return ['ACCOUNT', 'ORGANIZATION'].includes(type) ? null : `its type is ${type}`
      }),
  },
  {
    id: 'BRE-40',
    title: 'Those who only look cannot change: their role has no right that writes',
    remedy: 'Give the role of readers actions that begin with Get, List, Describe, or a ReadOnly policy of AWS.',
    appliesTo: ['aws_iam_role', 'aws_iam_role_policy', 'aws_iam_policy'],
    check: (planned) => {
      const readers = planned.all('aws_iam_role').filter((role) => READERS.test(textAt(role, 'name') ?? role.name))
      return every(readers, 'aws_iam_role of readers', (role) => {
        const own = rights(planned).filter(
          ({ resource }) =>
            planned.led(resource, 'role').includes(role) ||
            planned
              .leadingTo(role, 'aws_iam_role_policy_attachment', 'role')
              .some((attachment) => planned.led(attachment, 'policy_arn').includes(resource)),
        )
        const writes = own
          .flatMap(({ statements }) => statements ?? [])
          .filter(({ effect }) => effect === 'Allow')
          .flatMap(({ actions }) => actions)
          .find(
            (action) =>
              !/:(?:Get|List|Describe|View|Lookup|Search|BatchGet|Filter|StartQuery|StopQuery|Decrypt$)/.test(action),
          )
        return writes !== undefined && `it may ${writes}`
      })
    },
  },
]

function rightsFaults(
  planned: PlannedEnvironment,
  verdict: (statement: Statement, address: string) => string | null | false | undefined,
): Fault[] {
  const all = rights(planned)
  if (all.length === 0) return [missing('aws_iam_role_policy')]
  return all.flatMap(({ resource, statements }) =>
    (statements ?? [])
      .filter(({ effect }) => effect === 'Allow')
      .flatMap((statement) => {
        const found = verdict(statement, resource.address)
        return found ? [{ address: resource.address, found }] : []
      }),
  )
}

function isException(address: string, action: string): boolean {
  return EXCEPTIONS.some((exception) => exception.address.test(address) && exception.actions.test(action))
}

function federated(planned: PlannedEnvironment, role: PlannedResource): Statement[] {
  return trust(planned, role).filter(({ actions }) => actions.includes('sts:AssumeRoleWithWebIdentity'))
}

function isOwnSubject(planned: PlannedEnvironment, subject: string): boolean {
  const match = /^repo:[\w.-]+\/[\w.-]+:(?:environment:([\w-]+)|pull_request)$/.exec(subject)
  if (match === null) return false
  return match[1] === undefined || GITHUB_ENVIRONMENTS[planned.name].includes(match[1])
}

/** Exceptions that no policy of the plan needs. */
export function unusedExceptions(planned: PlannedEnvironment): readonly Exception[] {
  return EXCEPTIONS.filter(
    ({ address, actions }) =>
      !rights(planned).some(
        ({ resource, statements }) =>
          address.test(resource.address) &&
          (statements ?? []).some(
            (statement) =>
              statement.resources.includes('*') && statement.actions.some((action) => actions.test(action)),
          ),
      ),
  )
}
