// Plans of roles and what they may do.
import { but, type Examples, inEnvironment, planned, unknownArn, without } from './example.ts'

const text = (...statements: object[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (
  actions: string | string[],
  resources: string | string[] = 'arn:aws:s3:::bucket/*',
  more: object = {},
) => ({
  Sid: 'Test',
  Effect: 'Allow',
  Action: actions,
  Resource: resources,
  ...more,
})
const right = (...statements: object[]) => [planned('aws_iam_role_policy.service', { policy: text(...statements) })]

const GITHUB = 'token.actions.githubusercontent.com'
const workflowTrust = (condition: object) =>
  text({
    Effect: 'Allow',
    Principal: { Federated: 'arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com' },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: condition,
  })
const subject = (sub: string | string[], aud = 'sts.amazonaws.com') => ({
  StringEquals: { [`${GITHUB}:aud`]: aud, [`${GITHUB}:sub`]: sub },
})
const workflow = (condition: object, seconds = 7200) => [
  planned('aws_iam_openid_connect_provider.github'),
  planned('aws_iam_role.deploy', {
    name: 'borrow-rate-engine-prod-deploy',
    assume_role_policy: workflowTrust(condition),
    max_session_duration: seconds,
  }),
]
const OWN_SUBJECT = 'repo:desk/borrow-rate-engine:environment:production'

const person = (name: string, seconds: number | undefined, condition: object) =>
  planned(`aws_iam_role.${name}`, {
    name: `borrow-rate-engine-prod-${name.replace('_', '-')}`,
    max_session_duration: seconds,
    assume_role_policy: text({
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::123456789012:root' },
      Action: 'sts:AssumeRole',
      Condition: condition,
    }),
  })
const SECOND_FACTOR = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }

const secretsReader = (resource: string) => right(allow('secretsmanager:GetSecretValue', resource))
const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:borrow-rate-engine'

const READER = [
  person('read_only', 28_800, SECOND_FACTOR),
  planned(
    'aws_iam_role_policy.read_only',
    { policy: text(allow(['s3:ListBucket', 'rds:DescribeDBInstances'])) },
    { role: 'aws_iam_role.read_only.name' },
  ),
]

export const IDENTITY_EXAMPLES: Examples = {
  'IAM.1': {
    keeps: {
      'named actions': right(allow('s3:GetObject')),
      'break-glass': [
        ...right(allow('s3:GetObject')),
        planned('aws_iam_role_policy_attachment.break_glass_AdministratorAccess', {
          policy_arn: 'arn:aws:iam::aws:policy/AdministratorAccess',
        }),
      ],
    },
    breaks: {
      'everything on everything': right(allow('*', '*')),
      'everything but a list': right({ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }),
      'in a data source': [
        planned('aws_iam_policy.wide', {}, { policy: 'data.aws_iam_policy_document.wide.json' }),
        planned('data.aws_iam_policy_document.wide', { statement: [{ actions: ['*'], resources: ['*'] }] }),
      ],
      'a policy of AWS that gives it': [
        ...right(allow('s3:GetObject')),
        planned('aws_iam_role_policy_attachment.deploy', { policy_arn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
      ],
    },
  },
  'IAM.21': {
    keeps: { 'named actions': right(allow(['s3:GetObject', 's3:PutObject'])) },
    breaks: { 'a whole service': right(allow('s3:*')), 'one of two': right(allow('s3:GetObject'), allow('kms:*')) },
  },
  'BRE-32': {
    keeps: {
      'a named bucket': right(allow('s3:GetObject')),
      'what knows no resource': right(allow(['ecr:GetAuthorizationToken', 'ec2:DescribeInstances'], '*')),
      'by a tag': right(
        allow('autoscaling:SetDesiredCapacity', '*', { Condition: { StringEquals: { 'aws:ResourceTag/x': 'y' } } }),
      ),
    },
    breaks: {
      'objects of all buckets': right(allow('s3:PutObject', '*')),
      'a change beside a look': right(allow(['rds:DescribeDBInstances', 'rds:DeleteDBInstance'], '*')),
      "the controller's exception for another role": right(allow('elasticloadbalancing:CreateRule', '*')),
    },
  },
  'BRE-33': {
    keeps: { 'one role': right(allow('iam:PassRole', 'arn:aws:iam::123456789012:role/nodes')) },
    breaks: {
      'any role': right(allow('iam:PassRole', 'arn:aws:iam::123456789012:role/*')),
      'any role, by taking it': right(allow('sts:AssumeRole', '*')),
    },
  },
  'BRE-34': {
    keeps: {
      'a text': right(allow('s3:GetObject')),
      'a data source': [
        planned('aws_iam_policy.read', {}, { policy: 'data.aws_iam_policy_document.read.json' }),
        planned('data.aws_iam_policy_document.read', { statement: [{ actions: ['s3:GetObject'] }] }),
      ],
      'a text with ids that are not known yet': right(allow('s3:GetObject', unknownArn('aws_s3_bucket.audit', '/*'))),
    },
    breaks: {
      'an expression': [planned('aws_iam_role_policy.service', {}, { policy: 'aws_kms_key.storage.arn' })],
      'no JSON': [planned('aws_kms_key.main', { policy: 'jsonencode(...)' })],
    },
  },
  'BRE-35': {
    keeps: {
      'the environment of production': workflow(subject(OWN_SUBJECT)),
      development: inEnvironment('dev', workflow(subject('repo:desk/borrow-rate-engine:environment:development'))),
    },
    breaks: {
      'any branch': workflow({
        StringEquals: { [`${GITHUB}:aud`]: 'sts.amazonaws.com' },
        StringLike: { [`${GITHUB}:sub`]: 'repo:desk/borrow-rate-engine:*' },
      }),
      'a star in a text': workflow(subject('repo:desk/*:environment:production')),
      'another environment': workflow(subject('repo:desk/borrow-rate-engine:environment:staging')),
      'one of two': workflow(subject([OWN_SUBJECT, 'repo:desk/other:ref:refs/heads/main'])),
      'any audience': workflow({ StringEquals: { [`${GITHUB}:sub`]: OWN_SUBJECT } }),
      'no workflow at all': [],
    },
  },
  'BRE-36': {
    keeps: { 'a second factor': [person('break_glass', 3600, SECOND_FACTOR)] },
    breaks: {
      'no second factor': [person('break_glass', 3600, {})],
      'two hours': [person('break_glass', 7200, SECOND_FACTOR)],
      'no such role': [],
    },
  },
  'BRE-37': {
    keeps: {
      'one, two and eight hours': [
        ...workflow(subject(OWN_SUBJECT)),
        person('break_glass', 3600, SECOND_FACTOR),
        person('read_only', 28_800, SECOND_FACTOR),
      ],
      'a service of AWS takes its role anew': [
        planned('aws_iam_role.nodes', {
          assume_role_policy: text({
            Effect: 'Allow',
            Principal: { Service: 'ec2.amazonaws.com' },
            Action: 'sts:AssumeRole',
          }),
        }),
      ],
    },
    breaks: {
      'a workflow for half a day': workflow(subject(OWN_SUBJECT), 43_200),
      'break-glass for two': [person('break_glass', 7200, SECOND_FACTOR)],
      'whatever AWS thinks': [person('operators', undefined, SECOND_FACTOR)],
    },
  },
  'IAM.2': {
    keeps: { 'roles only': READER },
    breaks: {
      'a user': [planned('aws_iam_user.ci')],
      'a key': [planned('aws_iam_access_key.ci')],
    },
  },
  'BRE-38': {
    keeps: { 'one account': READER },
    breaks: {
      'a bucket for everybody': [
        planned('aws_s3_bucket_policy.open', {
          policy: text({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' }),
        }),
      ],
      'a role for everybody with a second factor': [
        planned('aws_iam_role.open', {
          assume_role_policy: text({
            Effect: 'Allow',
            Principal: { AWS: '*' },
            Action: 'sts:AssumeRole',
            Condition: SECOND_FACTOR,
          }),
        }),
      ],
    },
  },
  'BRE-39': {
    keeps: { "production's": secretsReader(`${SECRET}/prod/*`) },
    breaks: {
      'those of all environments': secretsReader(`${SECRET}/*`),
      "another environment's": inEnvironment('dev', secretsReader(`${SECRET}/prod/*`)),
      'nobody reads any': right(allow('s3:GetObject')),
    },
  },
  'IAM.28': {
    keeps: { 'of the account': [planned('aws_accessanalyzer_analyzer.main', { type: 'ACCOUNT' })] },
    breaks: {
      none: [],
      'of what nobody uses': [planned('aws_accessanalyzer_analyzer.main', { type: 'ACCOUNT_UNUSED_ACCESS' })],
    },
  },
  'BRE-40': {
    keeps: { 'lists and descriptions': READER },
    breaks: {
      'one change': but(READER, 'aws_iam_role_policy.read_only', {
        policy: text(allow(['s3:ListBucket', 's3:DeleteObject'])),
      }),
      'no such role': without(READER, 'aws_iam_role.read_only'),
    },
  },
}
