// Policies as objects, written out as the JSON that AWS reads. Terraform's own data source for them would hide the text from whoever
// reads main.tf.json.

export interface Statement {
  readonly sid: string
  /** Allow, if nothing is said. */
  readonly effect?: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  /** Every resource, if nothing is said: for a policy that is attached to the resource itself, and for actions that know no resource. */
  readonly resources?: readonly string[]
  readonly notResources?: readonly string[]
  readonly principals?: Readonly<Record<string, readonly string[]>> | '*'
  /** By operator, then by key. */
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>
}

export function policyDocument(...statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements.map(written) })
}

function written(statement: Statement): object {
  const { sid, effect = 'Allow', actions, resources, notResources, principals, conditions } = statement
  return {
    Sid: sid,
    Effect: effect,
    ...(principals === undefined ? {} : { Principal: principals }),
    Action: actions,
    // A trust policy names no resource at all.
    ...(notResources !== undefined
      ? { NotResource: notResources }
      : resources !== undefined || principals === undefined
        ? { Resource: resources ?? ['*'] }
        : {}),
    ...(conditions === undefined ? {} : { Condition: conditions }),
  }
}

/** Who may take a role: a service of AWS. */
export function trustedService(service: string): string {
  return policyDocument({
    sid: 'Service',
    actions: ['sts:AssumeRole'],
    principals: { Service: [service] },
  })
}

/** Who may take a role: a pod of this account's clusters, by its service account. */
export function trustedPods(): string {
  return policyDocument({
    sid: 'PodIdentity',
    actions: ['sts:AssumeRole', 'sts:TagSession'],
    principals: { Service: ['pods.eks.amazonaws.com'] },
  })
}

/** A statement of a bucket's or a topic's policy that refuses whatever comes unencrypted. */
export function refuseUnencrypted(resources: readonly string[], actions: readonly string[]): Statement {
  return {
    sid: 'RefuseUnencrypted',
    effect: 'Deny',
    actions,
    resources,
    principals: '*',
    conditions: { Bool: { 'aws:SecureTransport': 'false' } },
  }
}
