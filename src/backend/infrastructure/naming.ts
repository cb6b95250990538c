// Names that the account's resources have, and facts about where they are. Every name holds the environment, so that two environments
// can stand in one account, and nobody takes one for the other.
import { DataAwsCallerIdentity } from '@cdktn/provider-aws/lib/data-aws-caller-identity/index.js'
import { TerraformLocal } from 'cdktn'
import { Construct } from 'constructs'
import { text } from './expressions.ts'
import { ENVIRONMENTS, type MaintenanceSchedule, maintenanceSchedule } from './maintenance_windows.ts'

export class Naming extends Construct {
  /** `borrow-rate-engine-dev` */
  readonly name: string
  readonly accountId: string

  constructor(scope: Construct) {
    super(scope, 'naming')
    this.name = new TerraformLocal(this, 'local.name', 'borrow-rate-engine-${var.environment}').asString
    this.accountId = new DataAwsCallerIdentity(this, 'data.aws_caller_identity.current').accountId
    new TerraformLocal(
      this,
      'local.maintenance',
      Object.fromEntries(ENVIRONMENTS.map((environment) => [environment, schedule(environment)])),
    )
  }

  /** `borrow-rate-engine-dev-audit` */
  named(purpose: string): string {
    return `${this.name}-${purpose}`
  }

  /** Names of buckets are shared by everybody in the world: the account's number makes ours our own. */
  bucket(purpose: string): string {
    return `${this.name}-${purpose}-${this.accountId}`
  }

  /** `borrow-rate-engine/dev/database-credentials` */
  secret(purpose: string): string {
    return `borrow-rate-engine/\${var.environment}/${purpose}`
  }

  /** `arn:aws:sns:us-east-1:123456789012:name` */
  arn(service: string, resource: string): string {
    return `arn:aws:${service}:\${var.aws_region}:${this.accountId}:${resource}`
  }

  get accountRoot(): string {
    return `arn:aws:iam::${this.accountId}:root`
  }

  /** The environment's hours, as maintenance_windows.ts computes them. */
  maintenance(what: keyof MaintenanceSchedule): string {
    return text(`local.maintenance[var.environment].${what}`)
  }
}

function schedule(environment: (typeof ENVIRONMENTS)[number]): Record<string, string | number> {
  return { ...maintenanceSchedule(environment) }
}
