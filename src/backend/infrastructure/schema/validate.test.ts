// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${} is Terraform's own notation here
// Each kind of fault, once, in an example that is otherwise right: what the validation says and where. Then the infrastructure itself, which has none.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exampleConfiguration, exampleValues } from './example.ts'
import { awsProviderSchema } from './provider-schema.ts'
import { type Configuration, validate, validateTfvars } from './validate.ts'

const schema = awsProviderSchema()
const EXAMPLE_VALUES = exampleValues()

// biome-ignore lint/suspicious/noExplicitAny: the examples are spoilt at any depth
type Spoilt = any

const SPOILT: [kind: string, spoil: (it: Spoilt) => void, where: string, what: string][] = [
  [
    'a misspelt argument',
    ({
      resource: {
        aws_db_instance: { main },
      },
    }) => {
      main.instance_clas = main.instance_class
    },
    'resource.aws_db_instance.main.instance_clas',
    'no attribute or block "instance_clas"; is "instance_class" meant?',
  ],
  [
    'an argument that a block does not have',
    ({ resource }) => {
      resource.aws_eks_cluster.main.vpc_config.subnets = []
    },
    'resource.aws_eks_cluster.main.vpc_config.subnets',
    'no attribute or block "subnets"',
  ],
  [
    'an unknown block',
    ({ resource }) => {
      resource.aws_vpc.main.firewall = { name: 'x' }
    },
    'resource.aws_vpc.main.firewall',
    'no attribute or block "firewall"',
  ],
  [
    'a missing argument',
    ({ resource }) => {
      delete resource.aws_db_instance.main.instance_class
      resource.aws_db_instance.main.instance_class = null
    },
    'resource.aws_db_instance.main',
    '"instance_class" is required',
  ],
  [
    'a missing argument of a block',
    ({ resource }) => {
      delete resource.aws_eks_node_group.main.scaling_config[0].max_size
    },
    'resource.aws_eks_node_group.main.scaling_config',
    '"max_size" is required',
  ],
  [
    'a missing block',
    ({ resource }) => {
      delete resource.aws_eks_cluster.main.vpc_config
    },
    'resource.aws_eks_cluster.main',
    'a block "vpc_config" is required',
  ],
  [
    'two blocks where one is allowed',
    ({ resource }) => {
      resource.aws_eks_node_group.main.scaling_config.push({ desired_size: 1, min_size: 1, max_size: 1 })
    },
    'resource.aws_eks_node_group.main.scaling_config',
    'is there 2 times, one is allowed',
  ],
  [
    'a value for what AWS decides',
    ({ resource }) => {
      resource.aws_vpc.main.arn = 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1'
    },
    'resource.aws_vpc.main.arn',
    'is decided by AWS and cannot be set',
  ],
  [
    'a text where a number is needed',
    ({ resource }) => {
      resource.aws_db_instance.main.allocated_storage = 'twenty'
    },
    'resource.aws_db_instance.main.allocated_storage',
    'number needed, this is "twenty"',
  ],
  [
    'a text where a list is needed',
    ({ resource }) => {
      resource.aws_db_instance.main.vpc_security_group_ids = 'sg-1'
    },
    'resource.aws_db_instance.main.vpc_security_group_ids',
    'set(string) needed, this is "sg-1"',
  ],
  [
    'a list where a text is needed',
    ({ resource }) => {
      resource.aws_vpc.main.cidr_block = ['10.0.0.0/16']
    },
    'resource.aws_vpc.main.cidr_block',
    'string needed, this is a list',
  ],
  [
    'a reference to a list where a text is needed',
    ({ resource }) => {
      resource.aws_vpc.main.cidr_block = '${aws_subnet.data[*].cidr_block}'
    },
    'resource.aws_vpc.main.cidr_block',
    'string needed, ${aws_subnet.data[*].cidr_block} is list(string)',
  ],
  [
    'a variable of the wrong type',
    ({ resource }) => {
      resource.aws_vpc.main.cidr_block = '${var.nodes}'
    },
    'resource.aws_vpc.main.cidr_block',
    'string needed, ${var.nodes} is object({least = number, most = number})',
  ],
  [
    'an unknown type of resource',
    ({ resource }) => {
      resource.aws_database = { main: {} }
    },
    'resource.aws_database.main',
    'the provider has no resource of type aws_database',
  ],
  [
    'an unknown type of data source',
    ({ data }) => {
      data.aws_zones = { all: {} }
    },
    'data.aws_zones.all',
    'the provider has no data source of type aws_zones',
  ],
  [
    'an unknown argument of the provider',
    ({ provider }) => {
      provider.aws[0].regoin = 'us-east-1'
    },
    'provider.aws.regoin',
    'no attribute or block "regoin"; is "region" meant?',
  ],
  [
    'a reference to a resource that is not there',
    ({ resource }) => {
      resource.aws_subnet.data.vpc_id = '${aws_vpc.mian.id}'
    },
    'resource.aws_subnet.data.vpc_id',
    'there is no aws_vpc.mian; is "main" meant?',
  ],
  [
    'a reference to an attribute that is not there, in the middle of an expression',
    ({ resource }) => {
      resource.aws_subnet.data.cidr_block = '${cidrsubnet(aws_vpc.main.cidr, 8, count.index)}'
    },
    'resource.aws_subnet.data.cidr_block',
    'aws_vpc.main has no attribute or block "cidr"',
  ],
  [
    'a reference into a nested object that has no such member',
    ({ output }) => {
      output.issuer.value = '${aws_eks_cluster.main.identity[0].oidc[0].isuer}'
    },
    'output.issuer.value',
    'aws_eks_cluster.main.identity: has no "isuer"; is "issuer" meant?',
  ],
  [
    'a reference to a data source that is not there',
    ({ resource }) => {
      resource.aws_kms_key.data.policy = '${data.aws_iam_policy_document.other.json}'
    },
    'resource.aws_kms_key.data.policy',
    'there is no data.aws_iam_policy_document.other',
  ],
  [
    'a counted resource without a number',
    ({ resource }) => {
      resource.aws_db_subnet_group.main.subnet_ids = ['${aws_subnet.data.id}']
    },
    'resource.aws_db_subnet_group.main.subnet_ids[0]',
    'aws_subnet.data is counted: aws_subnet.data.id has to say which one',
  ],
  [
    'a number for what is one',
    ({ resource }) => {
      resource.aws_subnet.data.vpc_id = '${aws_vpc.main[0].id}'
    },
    'resource.aws_subnet.data.vpc_id',
    'aws_vpc.main is one: aws_vpc.main[0].id may not say which',
  ],
  [
    'count.index where nothing is counted',
    ({ resource }) => {
      resource.aws_vpc.main.tags.Name = 'network ${count.index}'
    },
    'resource.aws_vpc.main.tags.Name',
    'count.index is used where nothing is counted',
  ],
  [
    'each.key without for_each',
    ({ resource }) => {
      resource.aws_vpc.main.tags.Name = '${each.key}'
    },
    'resource.aws_vpc.main.tags.Name',
    'each.key is used without for_each',
  ],
  [
    'a dependency on nothing',
    ({ resource }) => {
      resource.aws_db_instance.main.depends_on = ['aws_iam_role.clutser']
    },
    'resource.aws_db_instance.main.depends_on',
    'there is no aws_iam_role.clutser',
  ],
  [
    'an ignored change of nothing',
    ({ resource }) => {
      resource.aws_db_instance.main.lifecycle.ignore_changes = ['engine_versoin']
    },
    'resource.aws_db_instance.main.lifecycle.ignore_changes',
    'no attribute or block "engine_versoin"; is "engine_version" meant?',
  ],
  [
    'an expression without an end',
    ({ resource }) => {
      resource.aws_vpc.main.cidr_block = '${var.region'
    },
    'resource.aws_vpc.main.cidr_block',
    'opens an expression that does not end',
  ],
  [
    'an undeclared variable',
    ({ locals }) => {
      locals.name = 'borrow-rate-engine-${var.enviroment}-${var.environment}'
    },
    'locals.name',
    'var.enviroment is not declared; is "environment" meant?',
  ],
  [
    'an unused variable, though its own validation speaks of it',
    ({ variable }) => {
      variable.colour = { type: 'string', default: 'blue', validation: [{ condition: '${var.colour != ""}' }] }
    },
    'variable.colour',
    'is declared and never used',
  ],
  [
    'a default of the wrong type',
    ({ variable }) => {
      variable.replicas.default = 'none'
    },
    'variable.replicas.default',
    'number needed, this is "none"',
  ],
  [
    'a type that is none',
    ({ variable }) => {
      variable.replicas.type = 'integer'
    },
    'variable.replicas.type',
    'is no type of a variable',
  ],
  [
    'an unset local value',
    ({ resource }) => {
      resource.aws_vpc.main.tags.Name = '${local.title}'
    },
    'resource.aws_vpc.main.tags.Name',
    'local.title is not set',
  ],
  [
    'an unused local value',
    ({ locals }) => {
      locals.spare = 1
    },
    'locals.spare',
    'is set and never used',
  ],
]

describe('validate', () => {
  test('finds nothing in an example that is right', () => {
    expect(validate(exampleConfiguration(), schema)).toEqual([])
  })

  test.each(SPOILT)('finds %s', (_, spoil, where, what) => {
    const configuration = exampleConfiguration()
    spoil(configuration)
    const faults = validate(configuration, schema)
    expect(faults).toContainEqual({ where, what: expect.stringContaining(what) })
  })

  test('reads blocks that a variable repeats', () => {
    const configuration: Spoilt = exampleConfiguration()
    const node = configuration.resource.aws_eks_node_group.main
    node.dynamic = {
      taint: { for_each: '${[var.region]}', content: { key: '${taint.value}', effect: 'NO_SCHEDULE', valeu: '' } },
    }
    expect(validate(configuration, schema)).toEqual([
      {
        where: 'resource.aws_eks_node_group.main.taint.valeu',
        what: 'no attribute or block "valeu"; is "value" meant?',
      },
    ])
  })
})

describe('validateTfvars', () => {
  const faults = (text: string) => validateTfvars(exampleConfiguration(), text, 'terraform.tfvars')

  test('finds nothing in values that are right', () => {
    expect(faults(EXAMPLE_VALUES)).toEqual([])
  })

  test.each([
    ['an unknown variable', `${EXAMPLE_VALUES}replica = 1\n`, 'replica', 'no such variable is declared'],
    ['a missing value', EXAMPLE_VALUES.replace(/^environment.*$/m, ''), 'environment', 'has no default and is not set'],
    ['a value of the wrong type', EXAMPLE_VALUES.replace('= 2', '= "two"'), 'replicas', 'number needed, this is "two"'],
    ['an object without a member', EXAMPLE_VALUES.replace('most  = 5', ''), 'nodes', '"most" is missing'],
  ])('finds %s', (_, text, name, what) => {
    const found = faults(text)
    expect(found).toHaveLength(1)
    expect(found[0]).toEqual({ where: `terraform.tfvars: ${name}`, what: expect.stringContaining(what) })
  })

  test.each([
    ['a string that does not end', 'environment = "dev\n', 'line 1: a string does not end'],
    [
      'two values on a line',
      'environment = "dev" region = "x"\n',
      'line 1: nothing may follow the value of environment',
    ],
    ['a value set twice', 'environment = "dev"\nenvironment = "prod"\n', 'line 2: "environment" is set twice'],
    ['an expression', 'environment = var.name\n', 'line 1: "var" is no value'],
    ['an interpolation', 'environment = "${var.name}"\n', 'line 1: a value may not be computed here'],
  ])('says the line of %s', (_, text, what) => {
    expect(faults(text)).toEqual([{ where: 'terraform.tfvars', what: expect.stringContaining(what) }])
  })
})

describe('the infrastructure', () => {
  const folder = join(import.meta.dirname, '..')
  const read = () => JSON.parse(readFileSync(join(folder, 'main.tf.json'), 'utf8')) as Configuration

  test('has no fault', () => {
    expect(validate(read(), schema)).toEqual([])
  })

  test('was written for the version of the provider that the bindings describe', () => {
    const { required_providers } = read().terraform as { required_providers: { aws: { version: string } } }
    expect(required_providers.aws.version).toBe(schema.version)
  })

  test.each(['dev', 'staging', 'prod'])('gets the values it needs in %s, and no other', (environment) => {
    const file = join('environments', environment, 'terraform.tfvars')
    expect(existsSync(join(folder, file))).toBe(true)
    expect(validateTfvars(read(), readFileSync(join(folder, file), 'utf8'), file)).toEqual([])
  })
})
