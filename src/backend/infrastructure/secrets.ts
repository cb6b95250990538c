// What nobody but those it is for may read. The passwords that this program sets are made by Secrets Manager's generator while it runs
// (`ephemeral`), and go out in write-only arguments: no plan and no state holds one. What is made anew at every run is sent only when a
// secret is new. Keys of the engine and of feeds are put in by whoever has them.
import { EphemeralAwsSecretsmanagerRandomPassword } from '@cdktn/provider-aws/lib/ephemeral-aws-secretsmanager-random-password/index.js'
import { SecretsmanagerSecret } from '@cdktn/provider-aws/lib/secretsmanager-secret/index.js'
import { SecretsmanagerSecretPolicy } from '@cdktn/provider-aws/lib/secretsmanager-secret-policy/index.js'
import { SecretsmanagerSecretRotation } from '@cdktn/provider-aws/lib/secretsmanager-secret-rotation/index.js'
import { SecretsmanagerSecretVersion } from '@cdktn/provider-aws/lib/secretsmanager-secret-version/index.js'
import { ServerlessapplicationrepositoryCloudformationStack } from '@cdktn/provider-aws/lib/serverlessapplicationrepository-cloudformation-stack/index.js'
import { Construct } from 'constructs'
import { addressOf, text } from './expressions.ts'
import type { Keys } from './keys.ts'
import type { Naming } from './naming.ts'
import { policyDocument } from './policy_documents.ts'
import { DATABASE_ADMINISTRATOR, DATABASE_NAME, DATABASE_PORT, type Database } from './rds.ts'
import { CACHE_PORT, type Cache } from './redis.ts'
import type { SecurityGroups } from './security_groups.ts'
import type { DeclaredSettings } from './settings.ts'
import type { Network } from './vpc.ts'

/** Users that services and migrations log in as: scripts/create_service_users.ts makes each with its password from the secret. */
export const DATABASE_USERS = [
  'api_gateway_user',
  'calculation_service_user',
  'data_service_user',
  'audit_service_user',
  'migrator_user',
] as const

const PASSWORD_LENGTH = 40

export class InitialPasswords extends Construct {
  readonly database: string
  readonly cache: string
  readonly users: Readonly<Record<(typeof DATABASE_USERS)[number], string>>

  constructor(scope: Construct) {
    super(scope, 'initial_passwords')
    // Letters and digits alone: they mean the same in a URL, in PgBouncer's list and to Redis.
    const password = (name: string) =>
      new EphemeralAwsSecretsmanagerRandomPassword(this, `ephemeral.aws_secretsmanager_random_password.${name}`, {
        passwordLength: PASSWORD_LENGTH,
        excludePunctuation: true,
        includeSpace: false,
        requireEachIncludedType: true,
      }).randomPassword
    this.database = password('database')
    this.cache = password('cache')
    this.users = Object.fromEntries(DATABASE_USERS.map((user) => [user, password(user)])) as Record<
      (typeof DATABASE_USERS)[number],
      string
    >
  }
}

export type SecretName =
  | 'database_credentials'
  | 'database_users'
  | 'redis_credentials'
  | 'engine_keys'
  | 'feed_credentials'

const DESCRIPTIONS: Readonly<Record<SecretName, string>> = {
  database_credentials: 'Where the database is, and the password of its administrator',
  database_users: 'Passwords of the users that services and migrations log in as',
  redis_credentials: 'Where the cache is, and its password',
  engine_keys: 'Keys of sessions, of webhooks, and the signing key of the audit log',
  feed_credentials: 'Addresses and keys of market data feeds',
}

export class Secrets extends Construct {
  readonly #secrets: Readonly<Record<SecretName, SecretsmanagerSecret>>

  constructor(
    scope: Construct,
    naming: Naming,
    keys: Keys,
    at: {
      readonly database: Database
      readonly cache: Cache
      readonly passwords: InitialPasswords
      readonly network: Network
      readonly groups: SecurityGroups
      readonly settings: DeclaredSettings
    },
  ) {
    super(scope, 'secrets')
    const names = Object.keys(DESCRIPTIONS) as SecretName[]
    this.#secrets = Object.fromEntries(names.map((name) => [name, this.#secret(name, naming, keys)])) as Record<
      SecretName,
      SecretsmanagerSecret
    >

    const generation = at.settings.password_generation
    const administrator = this.#firstValue('database_credentials', generation, {
      engine: 'postgres',
      username: DATABASE_ADMINISTRATOR,
      password: at.passwords.database,
      host: at.database.instance.address,
      port: DATABASE_PORT,
      database: DATABASE_NAME,
      dbname: DATABASE_NAME,
      // All of them, as the pooler reads it. Empty where there is none.
      replica_host: at.database.replicaHosts,
    })
    this.#firstValue('database_users', 1, at.passwords.users)
    this.#firstValue('redis_credentials', generation, {
      auth_token: at.passwords.cache,
      host: at.cache.address,
      port: CACHE_PORT,
    })
    this.#rotation(naming, keys, at, administrator)
  }

  arn(name: SecretName): string {
    return this.#secrets[name].arn
  }

  #secret(name: SecretName, naming: Naming, keys: Keys): SecretsmanagerSecret {
    const secret = new SecretsmanagerSecret(this, `aws_secretsmanager_secret.${name}`, {
      name: naming.secret(name.replace('_', '-')),
      description: DESCRIPTIONS[name],
      kmsKeyId: keys.secrets.arn,
      recoveryWindowInDays: 30,
    })
    secret.addOverride('dynamic.replica', {
      for_each: text('var.secret_replica_regions'),
      content: { region: text('replica.value') },
    })
    new SecretsmanagerSecretPolicy(this, `aws_secretsmanager_secret_policy.${name}`, {
      secretArn: secret.arn,
      blockPublicPolicy: true,
      policy: policyDocument({
        sid: 'RefuseOtherAccounts',
        effect: 'Deny',
        actions: ['secretsmanager:*'],
        resources: ['*'],
        principals: '*',
        conditions: { StringNotEquals: { 'aws:PrincipalAccount': naming.accountId } },
      }),
    })
    return secret
  }

  /**
   * Sent when the secret is made. What comes later, by rotation or by hand, is not undone, unless somebody asks for another generation of
   * what the database or the cache knows as well: a password that is drawn is another one in each run.
   */
  #firstValue(
    name: SecretName,
    generation: number,
    value: Readonly<Record<string, string | number>>,
  ): SecretsmanagerSecretVersion {
    return new SecretsmanagerSecretVersion(this, `aws_secretsmanager_secret_version.${name}`, {
      secretId: this.#secrets[name].id,
      secretStringWo: JSON.stringify(value),
      secretStringWoVersion: generation,
    })
  }

  /** The function that AWS publishes for it, in the network, with nothing but this one secret to work on. */
  #rotation(
    naming: Naming,
    keys: Keys,
    at: ConstructorParameters<typeof Secrets>[3],
    administrator: SecretsmanagerSecretVersion,
  ): void {
    const functionName = naming.named('rotate-database-password')
    const rotator = new ServerlessapplicationrepositoryCloudformationStack(
      this,
      'aws_serverlessapplicationrepository_cloudformation_stack.rotation',
      {
        name: functionName,
        applicationId:
          'arn:aws:serverlessrepo:us-east-1:297356227824:applications/SecretsManagerRDSPostgreSQLRotationSingleUser',
        capabilities: ['CAPABILITY_IAM', 'CAPABILITY_RESOURCE_POLICY'],
        parameters: {
          endpoint: 'https://secretsmanager.${var.aws_region}.amazonaws.com',
          functionName,
          vpcSubnetIds: text(`join(",", ${addressOf(at.network.appSubnets)}[*].id)`),
          vpcSecurityGroupIds: at.groups.id('rotation'),
          kmsKeyArn: keys.secrets.arn,
          excludeCharacters: ':/@"\'\\\\ %?#&+$`',
        },
      },
    )
    new SecretsmanagerSecretRotation(this, 'aws_secretsmanager_secret_rotation.database_credentials', {
      secretId: this.#secrets.database_credentials.id,
      rotationLambdaArn: naming.arn('lambda', `function:${functionName}`),
      rotateImmediately: true,
      rotationRules: { automaticallyAfterDays: at.settings.secret_rotation_days },
      dependsOn: [rotator, administrator],
    })
  }
}
