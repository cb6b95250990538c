// Plans of secrets. What looks like one here is made up, and in pieces, so that nobody who searches finds it.
import { but, type Examples, inEnvironment, planned, without } from './example.ts'

const secret = (name: string) =>
  planned(
    `aws_secretsmanager_secret.${name.replace('-', '_')}`,
    {
      name: `borrow-rate-engine/prod/${name}`,
      recovery_window_in_days: 30,
      replica: [{ region: 'us-west-2' }],
    },
    { kms_key_id: 'aws_kms_key.secrets.arn' },
  )
const SECRETS = [
  ...['database-credentials', 'database-users', 'redis-credentials', 'engine-keys', 'feed-credentials'].map(secret),
  planned(
    'aws_secretsmanager_secret_rotation.database_credentials',
    { rotation_rules: [{ automatically_after_days: 30 }] },
    { secret_id: 'aws_secretsmanager_secret.database_credentials.id' },
  ),
]
const DATABASE = 'aws_secretsmanager_secret.database_credentials'
const ROTATION = 'aws_secretsmanager_secret_rotation.database_credentials'

export const SECRET_EXAMPLES: Examples = {
  'BRE-27': {
    keeps: { 'all five': SECRETS },
    breaks: {
      'one is missing': without(SECRETS, 'aws_secretsmanager_secret.engine_keys'),
      "another environment's": inEnvironment('dev', SECRETS),
    },
  },
  'BRE-28': {
    keeps: { 'a key of ours': SECRETS },
    breaks: {
      'the key of AWS': but(SECRETS, DATABASE, {}, { kms_key_id: undefined }),
      'gone at once': but(SECRETS, DATABASE, { recovery_window_in_days: 0 }),
    },
  },
  'SecretsManager.1': {
    keeps: { '30 days': SECRETS },
    breaks: {
      never: without(SECRETS, ROTATION),
      'once a quarter': but(SECRETS, ROTATION, { rotation_rules: [{ automatically_after_days: 90 }] }),
      'who knows when': but(SECRETS, ROTATION, { rotation_rules: undefined }),
    },
  },
  'BRE-29': {
    keeps: {
      'a copy of each': SECRETS,
      'none in development': inEnvironment('dev', [planned(DATABASE)]),
    },
    breaks: { 'one has none': but(SECRETS, DATABASE, { replica: undefined }) },
  },
  'BRE-30': {
    keeps: {
      'an ARN is none': [
        planned('aws_db_proxy.main', { secret_string: 'arn:aws:secretsmanager:us-east-1:1:secret:x' }),
      ],
      'nothing is written out': SECRETS,
    },
    breaks: {
      'a password of the database': [planned('aws_db_instance.main', { password: 'correct horse' })],
      'the value of a secret': [planned('aws_secretsmanager_secret_version.main', { secret_string: '{}' })],
      'a token of the cache': [planned('aws_elasticache_replication_group.main', { auth_token: 'a'.repeat(32) })],
      'an access key in user data': [
        planned('aws_launch_template.main', { user_data: `export KEY=${'AKIA'}${'ABCDEFGHIJKLMNOP'}` }),
      ],
      'a private key in a parameter': [
        planned('aws_ssm_parameter.main', { value: `-----BEGIN ${'RSA PRIVATE'} KEY-----` }),
      ],
      'an address with a password, deep in a block': [
        planned('aws_lambda_function.main', {
          environment: [{ variables: { DATABASE_URL: `postgresql://engine:${'pa55'}@db.example.com/engine` } }],
        }),
      ],
    },
  },
}
