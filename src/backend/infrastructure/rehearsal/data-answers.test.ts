// What the data sources answer where others build on it: zones, passwords, and policy documents that are put together of several.
import { describe, expect, test } from 'vitest'
import { DATA_ANSWERS } from './data-answers.ts'
import type { ObjectValue } from './wire.ts'

function read(type: string, config: ObjectValue): ObjectValue {
  let drawn = 0
  return DATA_ANSWERS[type]!(config, {
    account: { id: '111122223333', region: 'us-east-1' },
    defaultTags: null,
    draw: () => drawn++,
  })
}

describe('availability zones', () => {
  test('are six, without those that are left out', () => {
    expect(read('aws_availability_zones', {}).names).toHaveLength(6)
    expect(read('aws_availability_zones', { exclude_names: ['us-east-1e'] }).names).not.toContain('us-east-1e')
  })
})

describe('a random password', () => {
  test('has the length that is asked for, and is another one at the next reading', () => {
    let drawn = 0
    const settings = { account: { id: '111122223333', region: 'us-east-1' }, defaultTags: null, draw: () => drawn++ }
    const [first, second] = [1, 2].map(
      () => DATA_ANSWERS.aws_secretsmanager_random_password!({ password_length: 40 }, settings).random_password,
    )
    expect(first).toHaveLength(40)
    expect(second).toHaveLength(40)
    expect(second).not.toBe(first)
  })
})

describe('a policy document', () => {
  const statement = (sid: string, action: string) => ({ sid, actions: [action], resources: ['*'] })
  const document = (config: ObjectValue) => JSON.parse(String(read('aws_iam_policy_document', config).json))

  test('takes statements from others, and lets others replace those of the same name', () => {
    const source = JSON.stringify(document({ statement: [statement('Read', 's3:GetObject')] }))
    const override = JSON.stringify(document({ statement: [statement('Write', 's3:PutObjectTagging')] }))
    const merged = document({
      source_policy_documents: [source],
      statement: [statement('Write', 's3:PutObject')],
      override_policy_documents: [override],
    })
    expect(merged.Statement.map(({ Sid, Action }: { Sid: string; Action: string }) => [Sid, Action])).toEqual([
      ['Read', 's3:GetObject'],
      ['Write', 's3:PutObjectTagging'],
    ])
  })

  test('says Deny, exceptions and everybody as they are written', () => {
    const { Statement } = document({
      statement: [
        {
          effect: 'Deny',
          not_actions: ['s3:Get*', 's3:List*'],
          resources: ['*'],
          principals: [{ type: '*', identifiers: ['*'] }],
        },
      ],
    })
    expect(Statement).toEqual([{ Effect: 'Deny', Principal: '*', NotAction: ['s3:Get*', 's3:List*'], Resource: '*' }])
  })
})
