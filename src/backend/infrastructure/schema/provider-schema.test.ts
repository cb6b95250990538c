// What is read back from the bindings, against what the provider's documentation says of the same arguments.
import { describe, expect, test } from 'vitest'
import { awsProviderSchema } from './provider-schema.ts'

const schema = awsProviderSchema()

describe('the provider’s schema', () => {
  test('has the version of the bindings', () => {
    expect(schema.version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  test('knows what is required, what may be set and what AWS decides', () => {
    const { attributes } = schema.resource('aws_db_instance')!
    expect(attributes.instance_class).toEqual({ type: 'string', required: true, optional: false, computed: false })
    expect(attributes.engine_version).toEqual({ type: 'string', required: false, optional: true, computed: true })
    expect(attributes.endpoint).toEqual({ type: 'string', required: false, optional: false, computed: true })
    expect(attributes.vpc_security_group_ids!.type).toEqual(['set', 'string'])
    expect(attributes.tags!.type).toEqual(['map', 'string'])
    expect(attributes.multi_az!.type).toBe('bool')
  })

  test('tells a block that may be there once from one that may be repeated, and a list from a set', () => {
    const cluster = schema.resource('aws_eks_cluster')!.blocks
    expect(cluster.vpc_config).toMatchObject({ nesting: 'list', minItems: 1, maxItems: 1 })
    expect(cluster.encryption_config).toMatchObject({ nesting: 'list', minItems: 0, maxItems: 1 })
    expect(cluster.timeouts).toMatchObject({ nesting: 'single' })
    expect(schema.resource('aws_backup_plan')!.blocks.rule).toMatchObject({ nesting: 'set', minItems: 1, maxItems: 0 })
  })

  test('tells an attribute that holds objects from a block', () => {
    const group = schema.resource('aws_security_group')!
    expect(group.blocks.ingress).toBeUndefined()
    expect(group.attributes.ingress!.type).toEqual([
      'set',
      ['object', expect.objectContaining({ from_port: 'number', self: 'bool' })],
    ])
    const { identity } = schema.resource('aws_eks_cluster')!.attributes
    expect(identity!.type).toEqual(['list', ['object', { oidc: ['list', ['object', { issuer: 'string' }]] }]])
  })

  test('describes the statements of a firewall’s rules, which the bindings of the firewall leave open', () => {
    const rule = schema.resource('aws_wafv2_web_acl')!.blocks.rule!.block
    expect(
      rule.blocks.statement!.block.blocks.managed_rule_group_statement!.block.attributes.vendor_name,
    ).toMatchObject({ required: true })
  })

  test('has data sources, ephemeral resources and the provider’s own arguments', () => {
    expect(schema.data('aws_availability_zones')!.attributes.names!.type).toEqual(['list', 'string'])
    expect(schema.ephemeral('aws_secretsmanager_random_password')!.attributes.random_password).toBeDefined()
    expect(schema.provider().blocks.default_tags!.block.attributes.tags!.type).toEqual(['map', 'string'])
  })

  test('knows nothing of what the provider does not have', () => {
    expect(schema.resource('aws_database')).toBeUndefined()
    expect(schema.data('aws_db_instances_of_mine')).toBeUndefined()
  })
})
