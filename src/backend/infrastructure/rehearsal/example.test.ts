// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${} is Terraform's own notation here
// What a rehearsal can be trusted with, on the small example: that Terraform refuses through it what the real provider refuses, that a plan shows what
// is known before and what after, and what a change replaces.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE, exampleConfiguration } from '../schema/example.ts'
import { passwordsIn } from './data-answers.ts'
import { GUIDE, missingTerraform, openRehearsal, type Rehearsal, VALUES } from './rehearsal.ts'

const missing = missingTerraform()
if (missing !== undefined) console.log(missing)

// biome-ignore lint/suspicious/noExplicitAny: the example is spoilt, and plans are read, at any depth
type Any = any

async function onExample<T>(spoil: (it: Any) => void, look: (rehearsal: Rehearsal) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'terraform-example-'))
  cpSync(EXAMPLE, folder, { recursive: true })
  const configuration = exampleConfiguration()
  spoil(configuration)
  writeFileSync(join(folder, 'main.tf.json'), JSON.stringify(configuration, null, 2))
  const rehearsal = await openRehearsal('dev', folder)
  try {
    return await look(rehearsal)
  } finally {
    await rehearsal.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.skipIf(missing !== undefined)('terraform validate', () => {
  test.each<[string, (it: Any) => void, RegExp]>([
    [
      'a misspelt argument',
      ({ resource }) => {
        resource.aws_db_instance.main.instance_clas = 'db.t3.medium'
      },
      /No argument or block type is named "instance_clas"/,
    ],
    [
      'a missing argument of a block',
      ({ resource }) => {
        delete resource.aws_eks_node_group.main.scaling_config[0].max_size
      },
      /The argument "max_size" is required/,
    ],
    [
      'two blocks where one is allowed',
      ({ resource }) => {
        resource.aws_eks_node_group.main.scaling_config.push({ desired_size: 1, min_size: 1, max_size: 1 })
      },
      /No more than 1 "scaling_config" blocks are allowed/,
    ],
    [
      'a wrong type',
      ({ resource }) => {
        resource.aws_vpc.main.cidr_block = ['10.0.0.0/16']
      },
      /Inappropriate value for attribute "cidr_block": string required/,
    ],
    [
      'a value for what AWS decides',
      ({ resource }) => {
        resource.aws_vpc.main.arn = 'arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1'
      },
      /"arn" is decided by AWS and cannot be set/,
    ],
    [
      'an unknown type',
      ({ resource }) => {
        resource.aws_database = { main: {} }
      },
      /does not support resource type\s+"aws_database"/,
    ],
    [
      'a reference that leads nowhere',
      ({ output }) => {
        output.issuer.value = '${aws_eks_cluster.main.issuer}'
      },
      /no argument, nested block, or exported attribute named\s+"issuer"/,
    ],
  ])('refuses %s', async (_, spoil, words) => {
    await onExample(spoil, async (rehearsal) => {
      const line = 'terraform init -backend=false > init.log && terraform validate'
      const { status, output } = await rehearsal.run(line)
      expect(status).toBe(1)
      expect(output.replace(/^[│╷╵ ]+/gm, '')).toMatch(words)
    })
  })
})

describe.skipIf(missing !== undefined)('a password', () => {
  const planned = (spoil: (it: Any) => void) =>
    onExample(spoil, async (rehearsal) => {
      const { status, output } = await rehearsal.run(`${GUIDE.init} && ${GUIDE.plan} && terraform show -json tfplan`)
      expect(status, output).toBe(0)
      return output
    })

  test('that a data source draws stands in the plan, and is found there', async () => {
    const output = await planned(({ data, resource }) => {
      data.aws_secretsmanager_random_password = { database: { password_length: 32 } }
      resource.aws_db_instance.main.password_wo = '${data.aws_secretsmanager_random_password.database.random_password}'
    })
    expect(passwordsIn(output)).toHaveLength(1)
  })

  test('that an ephemeral resource draws stands nowhere', async () => {
    const output = await planned((it) => {
      it.ephemeral = { aws_secretsmanager_random_password: { database: { password_length: 32 } } }
      it.resource.aws_db_instance.main.password_wo =
        '${ephemeral.aws_secretsmanager_random_password.database.random_password}'
    })
    expect(passwordsIn(output)).toEqual([])
  })
})

describe.skipIf(missing !== undefined)('a plan of the example', () => {
  let rehearsal: Rehearsal
  let plan: Any
  const change = (address: string) => plan.resource_changes.find((it: Any) => it.address === address).change

  beforeAll(async () => {
    rehearsal = await openRehearsal('dev', EXAMPLE)
    for (const line of [GUIDE.init, GUIDE.plan]) {
      const { status, output } = await rehearsal.run(line)
      expect(status, output).toBe(0)
    }
    plan = JSON.parse((await rehearsal.run('terraform show -json tfplan')).output)
  })
  afterAll(() => rehearsal?.close())

  test('leaves unknown what AWS decides, and shows what is known before', () => {
    const { after, after_unknown } = change('aws_db_instance.main')
    expect(after).toMatchObject({
      identifier: 'borrow-rate-engine-dev',
      region: 'us-east-1',
      instance_class: 'db.t3.medium',
    })
    expect(after_unknown).toMatchObject({ id: true, arn: true, endpoint: true, kms_key_id: true })
  })

  test('shows a resource’s tags over those of the provider', () => {
    expect(change('aws_vpc.main').after.tags_all).toEqual({ environment: 'dev', Name: 'borrow-rate-engine-dev' })
    expect(change('aws_db_instance.main').after.tags_all).toEqual({ environment: 'dev' })
  })

  test('has one instance for each of those counted, in different zones', () => {
    const zones = [0, 1, 2].map((n) => change(`aws_subnet.data[${n}]`).after.availability_zone)
    expect(zones).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c'])
  })

  test('hides a secret, and writes none into the plan', () => {
    expect(change('aws_db_instance.main').after.password_wo).toBeNull()
    expect(JSON.stringify(plan.resource_changes)).not.toContain('not kept')
  })

  describe('when it is applied', () => {
    let state: string
    const attributes = (type: string, name: string): Any =>
      JSON.parse(state).resources.find((it: Any) => it.type === type && it.name === name).instances[0].attributes

    beforeAll(async () => {
      const { status, output } = await rehearsal.run(GUIDE.apply)
      expect(status, output).toBe(0)
      state = [...rehearsal.state.objects.values()][0]!.body.toString()
    })

    test('fills in what AWS would have decided, in the right form', () => {
      expect(attributes('aws_vpc', 'main').id).toMatch(/^vpc-[0-9a-f]{17}$/)
      expect(attributes('aws_iam_role', 'cluster').arn).toBe(
        'arn:aws:iam::111122223333:role/borrow-rate-engine-dev-cluster',
      )
      expect(attributes('aws_db_instance', 'main').arn).toBe(
        'arn:aws:rds:us-east-1:111122223333:db:borrow-rate-engine-dev',
      )
      expect(attributes('aws_db_instance', 'main').endpoint).toMatch(
        /^borrow-rate-engine-dev\..*\.rds\.amazonaws\.com:5432$/,
      )
      expect(attributes('aws_kms_key', 'data').arn).toMatch(/^arn:aws:kms:us-east-1:111122223333:key\/[0-9a-f-]{36}$/)
      expect(JSON.parse(state).outputs.issuer.value).toMatch(
        /^https:\/\/oidc\.eks\.us-east-1\.amazonaws\.com\/id\/[0-9A-F]{32}$/,
      )
    })

    test('puts policy documents together as the provider does', () => {
      expect(JSON.parse(attributes('aws_kms_key', 'data').policy)).toEqual({
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'Service',
            Effect: 'Allow',
            Principal: { Service: 'rds.amazonaws.com' },
            Action: 'kms:Decrypt',
            Resource: '*',
            Condition: { StringEquals: { 'aws:SourceAccount': '${aws:PrincipalAccount}' } },
          },
          {
            Effect: 'Allow',
            Action: ['kms:Describe*', 'kms:List*'],
            Resource: 'arn:aws:iam::111122223333:role/borrow-rate-engine-dev-cluster',
          },
        ],
      })
    })

    test('keeps no secret in the state', () => {
      expect(state).not.toContain('not kept')
    })

    test.each([
      [
        'in place',
        'allocated_storage',
        '"allocated_storage": 20',
        '"allocated_storage": 40',
        /aws_db_instance\.main will be updated in-place/,
      ],
      [
        'by another',
        'engine',
        '"engine": "postgres"',
        '"engine": "mysql"',
        /aws_db_instance\.main must be replaced[\s\S]*# forces replacement/,
      ],
    ])('changes %s when %s does', async (_, __, before, after, words) => {
      const path = join(rehearsal.folder, 'main.tf.json')
      const written = readFileSync(path, 'utf8')
      expect(written).toContain(before)
      writeFileSync(path, written.replace(before, after))
      const { output } = await rehearsal.run(`terraform plan ${VALUES}`)
      writeFileSync(path, written)
      expect(output).toMatch(words)
    })

    test('destroys nothing that is protected, until the protection is taken away', async () => {
      const refused = await rehearsal.run(`terraform destroy -auto-approve ${VALUES}`)
      expect(refused.status).toBe(1)
      expect(refused.output).toContain('AWS does not delete it while deletion_protection is true')
      const path = join(rehearsal.folder, 'main.tf.json')
      writeFileSync(
        path,
        readFileSync(path, 'utf8').replace('"deletion_protection": true', '"deletion_protection": false'),
      )
      const unprotected = await rehearsal.run(
        `terraform apply -auto-approve ${VALUES} && terraform destroy -auto-approve ${VALUES}`,
      )
      expect(unprotected.status, unprotected.output).toBe(0)
    })
  })
})
