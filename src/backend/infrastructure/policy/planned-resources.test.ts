import { describe, expect, test } from 'vitest'
import { PlannedEnvironment } from './planned-environment.ts'
import { plannedResources, planVariables } from './planned-resources.ts'

interface Change {
  readonly address: string
  readonly after?: object
  readonly unknown?: object
  readonly actions?: readonly string[]
  readonly mode?: string
}

/** A plan as `terraform show -json` prints it, of resources that are created. */
function plan(changes: readonly Change[], configuration: object, more: object = {}): unknown {
  const described = changes.map(({ address, after = {}, unknown = {}, actions = ['create'], mode = 'managed' }) => {
    const [type, rest = ''] = address.replace(/^(?:module\.[\w-]+(?:\[[^\]]+\])?\.)*(?:data\.)?/, '').split('.')
    const name = rest.replace(/\[.*/, '')
    return { address, mode, type, name, change: { actions, after, after_unknown: unknown } }
  })
  const resources = described
    .filter(({ mode, change }) => mode === 'managed' && !change.actions.every((action) => action === 'delete'))
    .map(({ address, mode, type, name, change }) => ({ address, mode, type, name, values: change.after }))
  const inRoot = resources.filter(({ address }) => !address.startsWith('module.'))
  const inModules = resources.filter(({ address }) => address.startsWith('module.'))
  return {
    format_version: '1.2',
    planned_values: {
      root_module: { resources: inRoot, child_modules: [{ resources: [], child_modules: [{ resources: inModules }] }] },
    },
    resource_changes: described,
    configuration: { root_module: configuration },
    ...more,
  }
}
/** As it stands in a program. */
const expression = (text: string) => `\${${text}}`
const refers = (...references: string[]) => ({ references })
const one = (json: unknown, address: string, program = {}) => {
  const found = plannedResources(json, program).find((resource) => resource.address === address)
  if (found === undefined) throw new Error(`no ${address} was read`)
  return found
}

describe('a plan is read', () => {
  test('what is known, what is not known yet, and what an attribute names are kept apart', () => {
    const json = plan(
      [{ address: 'aws_db_instance.main', after: { multi_az: true }, unknown: { arn: true, kms_key_id: true } }],
      {
        resources: [
          {
            address: 'aws_db_instance.main',
            expressions: {
              multi_az: { constant_value: true },
              kms_key_id: refers('aws_kms_key.data.arn', 'aws_kms_key.data'),
            },
          },
        ],
      },
    )
    expect(one(json, 'aws_db_instance.main')).toEqual({
      address: 'aws_db_instance.main',
      type: 'aws_db_instance',
      name: 'main',
      values: { multi_az: true },
      unknown: { arn: true, kms_key_id: true },
      references: { kms_key_id: ['aws_kms_key.data.arn', 'aws_kms_key.data'] },
    })
  })

  test('instances of a count share the references of what is configured once', () => {
    const json = plan([{ address: 'aws_subnet.data[0]' }, { address: 'aws_subnet.data[1]' }], {
      resources: [{ address: 'aws_subnet.data', expressions: { vpc_id: refers('aws_vpc.main.id', 'aws_vpc.main') } }],
    })
    expect(one(json, 'aws_subnet.data[1]').references).toEqual({ vpc_id: ['aws_vpc.main.id', 'aws_vpc.main'] })
  })

  test('so do instances of a for_each whose key has brackets in it', () => {
    const json = plan([{ address: 'aws_subnet.data["a[0]"]' }], {
      resources: [{ address: 'aws_subnet.data', expressions: { vpc_id: refers('aws_vpc.main') } }],
    })
    expect(one(json, 'aws_subnet.data["a[0]"]').references).toEqual({ vpc_id: ['aws_vpc.main'] })
  })

  test('blocks are numbered, however deep', () => {
    const json = plan([{ address: 'aws_launch_template.nodes' }], {
      resources: [
        {
          address: 'aws_launch_template.nodes',
          expressions: {
            block_device_mappings: [{}, { ebs: [{ kms_key_id: refers('aws_kms_key.volumes.arn') }] }],
          },
        },
      ],
    })
    expect(one(json, 'aws_launch_template.nodes').references).toEqual({
      'block_device_mappings.1.ebs.0.kms_key_id': ['aws_kms_key.volumes.arn'],
    })
  })

  test('in a module two levels down a variable leads to what the root gave, an output to what is inside', () => {
    const inner = {
      resources: [
        {
          address: 'aws_route.out',
          expressions: { gateway_id: refers('var.gateway'), route_table_id: refers('aws_route_table.own.id') },
        },
      ],
      outputs: { table: { expression: refers('aws_route_table.own.id', 'aws_route_table.own') } },
    }
    const middle = {
      resources: [
        {
          address: 'aws_main_route_table_association.main',
          expressions: { route_table_id: refers('module.inner.table') },
        },
      ],
      module_calls: { inner: { expressions: { gateway: refers('var.way_out') }, module: inner } },
    }
    const json = plan(
      [
        { address: 'module.middle.module.inner[0].aws_route.out' },
        { address: 'module.middle.aws_main_route_table_association.main' },
      ],
      {
        module_calls: {
          middle: {
            expressions: { way_out: refers('aws_internet_gateway.main.id', 'aws_internet_gateway.main') },
            module: middle,
          },
        },
      },
    )
    expect(one(json, 'module.middle.module.inner[0].aws_route.out').references).toEqual({
      gateway_id: ['aws_internet_gateway.main.id', 'aws_internet_gateway.main'],
      route_table_id: ['module.middle.module.inner.aws_route_table.own.id'],
    })
    expect(one(json, 'module.middle.aws_main_route_table_association.main').references).toEqual({
      route_table_id: [
        'module.middle.module.inner.aws_route_table.own.id',
        'module.middle.module.inner.aws_route_table.own',
      ],
    })
  })

  test('what the plan destroys is not among its resources', () => {
    const json = plan([{ address: 'aws_iam_user.old', actions: ['delete'] }], {})
    expect(plannedResources(json)).toEqual([])
  })

  test('data that was read, and data that waits for the apply, carry their prefix', () => {
    const json = plan(
      [
        {
          address: 'data.aws_iam_policy_document.later',
          mode: 'data',
          actions: ['read'],
          after: { statement: [{ actions: ['s3:GetObject'] }] },
        },
      ],
      {},
      {
        prior_state: {
          values: {
            root_module: {
              resources: [
                {
                  address: 'data.aws_region.here',
                  mode: 'data',
                  type: 'aws_region',
                  name: 'here',
                  values: { id: 'us-east-1' },
                },
                { address: 'aws_vpc.kept', mode: 'managed', type: 'aws_vpc', name: 'kept', values: {} },
              ],
            },
          },
        },
      },
    )
    expect(plannedResources(json).map(({ type }) => type)).toEqual(['data.aws_iam_policy_document', 'data.aws_region'])
    expect(one(json, 'data.aws_iam_policy_document.later').values).toEqual({
      statement: [{ actions: ['s3:GetObject'] }],
    })
  })

  test('a policy with an id in it that is not known yet is taken as the program writes it, variables and locals put in', () => {
    const policy = (sid: string) =>
      JSON.stringify({ Statement: [{ Resource: `${expression('aws_s3_bucket.audit.arn')}/*`, Sid: sid }] })
    const json = plan(
      [{ address: 'aws_s3_bucket_policy.audit', unknown: { policy: true, id: true } }],
      {},
      { variables: { environment: { value: 'prod' } } },
    )
    const program = {
      locals: { name: `engine-${expression('var.environment')}` },
      resource: {
        aws_s3_bucket_policy: {
          audit: {
            policy: policy(`${expression('local.name')}-${expression('var.unheard')}`),
            bucket: expression('aws_s3_bucket.audit.id'),
          },
        },
      },
    }
    expect(one(json, 'aws_s3_bucket_policy.audit', program).values).toEqual({
      policy: policy(`engine-prod-${expression('var.unheard')}`),
    })
  })

  test("a provider's tags are there, from the program or as literals of the plan", () => {
    const configuration = {
      configuration: {
        root_module: {},
        provider_config: {
          aws: { name: 'aws', expressions: { default_tags: [{ tags: { constant_value: { Project: 'engine' } } }] } },
        },
      },
      variables: { environment: { value: 'dev' } },
    }
    const json = plan([], {}, configuration)
    expect(one(json, 'provider.aws').values).toEqual({ default_tags: [{ tags: { Project: 'engine' } }] })
    const program = {
      provider: { aws: [{ default_tags: [{ tags: { Environment: expression('var.environment') } }] }] },
    }
    expect(one(json, 'provider.aws', program).values).toEqual({ default_tags: [{ tags: { Environment: 'dev' } }] })
  })

  test('variables are read', () => {
    expect(planVariables(plan([], {}, { variables: { environment: { value: 'dev' } } })).get('environment')).toBe('dev')
  })

  test.each([[{}], [{ values: { root_module: {} } }], [null]])('%j is no plan', (json) => {
    expect(() => plannedResources(json)).toThrow('this is no plan')
  })
})

describe('an attribute leads to resources', () => {
  const environment = (references: readonly string[], count = 2) =>
    new PlannedEnvironment(
      'prod',
      plannedResources(
        plan(
          [
            { address: 'aws_route.out[1]' },
            ...Array.from({ length: count }, (_, index) => ({ address: `aws_nat_gateway.main[${index}]` })),
          ],
          { resources: [{ address: 'aws_route.out', expressions: { nat_gateway_id: refers(...references) } }] },
        ),
      ),
    )
  const led = (planned: PlannedEnvironment) => {
    const [route] = planned.all('aws_route')
    return route === undefined ? [] : planned.led(route, 'nat_gateway_id').map(({ address }) => address)
  }

  test('to the one that is named', () => {
    const named = ['aws_nat_gateway.main[0].id', 'aws_nat_gateway.main[0]', 'aws_nat_gateway.main']
    expect(led(environment(named))).toEqual(['aws_nat_gateway.main[0]'])
  })

  test('to the one with the same number where the number is counted', () => {
    expect(led(environment(['aws_nat_gateway.main', 'count.index']))).toEqual(['aws_nat_gateway.main[1]'])
  })

  test('to all of them where only Terraform can say which', () => {
    const all = ['aws_nat_gateway.main[0]', 'aws_nat_gateway.main[1]']
    expect(led(environment(['aws_nat_gateway.main', 'var.zone']))).toEqual(all)
    expect(led(environment(['aws_nat_gateway.main', 'count.index'], 1))).toEqual(['aws_nat_gateway.main[0]'])
  })

  test('by its id, where the resource is there already', () => {
    const planned = new PlannedEnvironment('prod', [
      { address: 'aws_vpc.main', type: 'aws_vpc', name: 'main', values: { id: 'vpc-1' }, unknown: {}, references: {} },
      {
        address: 'aws_flow_log.main',
        type: 'aws_flow_log',
        name: 'main',
        values: { vpc_id: 'vpc-1' },
        unknown: {},
        references: {},
      },
    ])
    const [vpc] = planned.all('aws_vpc')
    expect(vpc && planned.leadingTo(vpc, 'aws_flow_log', 'vpc_id').map(({ name }) => name)).toEqual(['main'])
  })
})
