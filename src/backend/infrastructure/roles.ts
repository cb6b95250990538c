// A role and what it may do, in one call: its name, who may take it, its own policy, and policies of AWS it has besides.
import { IamRole } from '@cdktn/provider-aws/lib/iam-role/index.js'
import { IamRolePolicy } from '@cdktn/provider-aws/lib/iam-role-policy/index.js'
import { IamRolePolicyAttachment } from '@cdktn/provider-aws/lib/iam-role-policy-attachment/index.js'
import type { Construct } from 'constructs'
import type { Naming } from './naming.ts'
import { policyDocument, type Statement } from './policy_documents.ts'

export interface RoleRequest {
  readonly description: string
  /** A policy document: who may take the role. */
  readonly trust: string
  readonly statements?: readonly Statement[]
  /** Names of AWS's own policies, such as `service-role/AmazonEC2ContainerServiceRole`. */
  readonly managedPolicies?: readonly string[]
  readonly sessionHoursMax?: number
}

/** @param purpose what the role is for, in words joined by hyphens */
export function role(scope: Construct, naming: Naming, purpose: string, request: RoleRequest): IamRole {
  const name = purpose.replaceAll('-', '_')
  const made = new IamRole(scope, `aws_iam_role.${name}`, {
    name: naming.named(purpose),
    description: request.description,
    assumeRolePolicy: request.trust,
    maxSessionDuration: (request.sessionHoursMax ?? 1) * 3600,
  })
  if (request.statements !== undefined) {
    new IamRolePolicy(scope, `aws_iam_role_policy.${name}`, {
      name: purpose,
      role: made.name,
      policy: policyDocument(...request.statements),
    })
  }
  for (const policy of request.managedPolicies ?? []) {
    const words = (policy.split('/').at(-1) ?? policy).replaceAll(/[^A-Za-z0-9]+/g, '_')
    new IamRolePolicyAttachment(scope, `aws_iam_role_policy_attachment.${name}_${words}`, {
      role: made.name,
      policyArn: `arn:aws:iam::aws:policy/${policy}`,
    })
  }
  return made
}
