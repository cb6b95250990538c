// Plans that are a little worse than a real one, for the test that every rule would notice: one value of a resource changed, one of its
// references cut, one of its policies wider or narrower.
import type { PlannedResource } from './planned-resources.ts'

/** What a resource may be replaced by, each a small fault somebody could make. */
export function worseResources(resource: PlannedResource): readonly PlannedResource[] {
  const values = [...worseValues(resource.values)].filter((changed) => changed !== undefined)
  const cuts = Object.keys(resource.references).map((attribute) => ({ ...resource.references, [attribute]: [] }))
  return [
    ...values.map((changed) => ({ ...resource, values: changed as Record<string, unknown> })),
    ...cuts.map((references) => ({ ...resource, references })),
  ]
}

function* worseValues(value: unknown): Generator<unknown> {
  yield undefined
  if (typeof value === 'boolean') yield !value
  else if (typeof value === 'number') yield* [value + 1, 0, value + 1000]
  else if (typeof value === 'string' && value.includes('"Statement"')) yield* widerPolicies(value)
  else if (value === null || typeof value === 'string') yield* ['0.0.0.0/0', 'something else', true]
  else if (Array.isArray(value)) {
    yield [...value, {}]
    for (const [index, each] of value.entries()) for (const other of worseValues(each)) yield value.with(index, other)
  } else if (typeof value === 'object') {
    for (const [key, each] of Object.entries(value)) {
      for (const other of worseValues(each)) yield { ...value, [key]: other }
    }
  }
}

/** The policy with one more statement that allows too much. */
function widerPolicies(text: string): string[] {
  const policy = JSON.parse(text) as { Statement: object[] }
  const statements = [
    { Action: '*', Resource: '*' },
    { Action: 's3:*', Resource: 'arn:aws:s3:::bucket' },
    { Action: 's3:PutObject', Resource: '*' },
    { Action: 'iam:PassRole', Resource: '*' },
    { Action: 'secretsmanager:GetSecretValue', Resource: 'arn:aws:secretsmanager:us-east-1:1:secret:other' },
    { Action: 'sts:AssumeRole', Principal: '*' },
    { Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: 'anybody' } },
  ]
  const wider = statements.map((statement) => [...policy.Statement, { Effect: 'Allow', ...statement }])
  const narrower = policy.Statement.map((_, index) => policy.Statement.toSpliced(index, 1))
  return [...wider, ...narrower].map((each) => JSON.stringify({ ...policy, Statement: each }))
}
