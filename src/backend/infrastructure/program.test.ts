// The program that is kept is the one that is written here, and says what the guide says.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SnsTopic } from '@cdktn/provider-aws/lib/sns-topic/index.js'
import { App } from 'cdktn'
import { describe, expect, test } from 'vitest'
import { synthesize } from './program.ts'
import { RootModule } from './stack.ts'

const kept = readFileSync(join(import.meta.dirname, 'main.tf.json'), 'utf8')
type Arguments = Readonly<Record<string, unknown>>
const { terraform, resource } = JSON.parse(kept) as {
  terraform: Arguments
  resource: Readonly<Record<string, Readonly<Record<string, Arguments>>>>
}

describe('main.tf.json', () => {
  test('is what npm run synth writes', () => {
    expect(synthesize() === kept, 'main.tf.json is older than the program: npm run synth').toBe(true)
  })

  test('is written the same every time', () => {
    expect(synthesize()).toBe(synthesize())
  })

  test('keeps its state in a bucket that the command line names, and pins the provider', () => {
    expect(terraform).toEqual({
      backend: { s3: {} },
      required_providers: { aws: { source: 'hashicorp/aws', version: '6.66.0' } },
      required_version: '>= 1.11.0',
    })
  })

  // Tokens of the library that were put into a text where it does not look for them.
  test('has every value in Terraform’s own words', () => {
    expect(kept).not.toMatch(/TfToken|-?\d\.\d+e\+\d{3}/)
  })

  test('has addresses that can be quoted', () => {
    const names = Object.values(resource).flatMap(Object.keys)
    expect(names.length).toBeGreaterThan(250)
    expect(names.filter((name) => !/^[a-z]\w*$/.test(name))).toEqual([])
    expect(names).not.toContainEqual(expect.stringMatching(/_[0-9A-F]{8}$/))
  })
})

test('a construct whose id is not its address is refused', () => {
  const root = new RootModule(new App({ skipValidation: true }), 'sample')
  new SnsTopic(root, 'aws_sqs_queue.main', { name: 'sample' })
  expect(() => root.toTerraform()).toThrow('is a aws_sns_topic: its id has to be its address')
})

/** Arguments that name a thing in AWS, where two with the same name cannot be. */
const NAMES = [
  'name',
  'bucket',
  'identifier',
  'replication_group_id',
  'alarm_name',
  'node_group_name',
  'analyzer_name',
  'final_snapshot_identifier',
]

/** Names that are the same in every environment, each of which has an account of its own, and why. */
const SAME_EVERYWHERE: Readonly<Record<string, string>> = {
  'aws_ecr_repository.borrow_rate_engine': 'image names are the same in each registry',
  'aws_ecr_repository.borrow_rate_engine_pgbouncer': 'image names are the same in each registry',
}
/** Their names are told apart by what they belong to. */
const PARTS_OF_SOMETHING =
  /^aws_(iam_role_policy|ssm_maintenance_window_target|ssm_maintenance_window_task|guardduty_detector_feature)\./

describe('names', () => {
  const named = Object.entries(resource).flatMap(([type, instances]) =>
    Object.entries(instances).flatMap(([name, values]) =>
      NAMES.filter((argument) => typeof values[argument] === 'string').map((argument) => ({
        address: `${type}.${name}`,
        argument,
        value: values[argument] as string,
      })),
    ),
  )
  const isOfAnEnvironment = (value: string) =>
    // By its own words, by those of what it belongs to, or because the domain is another in each.
    /\$\{(local\.name|var\.environment|var\.domain_name)\}|\$\{[^}]*\baws_\w+\./.test(value)

  test('hold the environment, so that no two environments share one', () => {
    expect(named.length).toBeGreaterThan(80)
    const shared = named.filter(({ address, value }) => !PARTS_OF_SOMETHING.test(address) && !isOfAnEnvironment(value))
    expect(shared.map(({ address }) => address).sort()).toEqual(Object.keys(SAME_EVERYWHERE).sort())
  })

  test('without the environment are found', () => {
    expect(isOfAnEnvironment('borrow-rate-engine')).toBe(false)
    expect(isOfAnEnvironment('borrow-rate-engine-${var.environment}')).toBe(true)
  })
})

describe('network access lists', () => {
  const lists = Object.entries(resource.aws_network_acl ?? {})

  // What an account may have without asking for more.
  test.each(lists)('of %s have at most 20 rules a direction, each with its own number', (_tier, list) => {
    for (const direction of ['ingress', 'egress']) {
      const rules = list[direction] as { rule_no: number }[]
      expect(rules.length).toBeLessThanOrEqual(20)
      expect(new Set(rules.map(({ rule_no }) => rule_no)).size).toBe(rules.length)
    }
  })
})

describe('roles of pods', () => {
  test('are taken by the five services, each by its own, and by three controllers', () => {
    const taken = Object.values(resource.aws_eks_pod_identity_association ?? {}).map(
      ({ namespace, service_account }) => `${namespace}/${service_account}`,
    )
    expect(taken.sort()).toEqual([
      '${local.name}/api-gateway',
      '${local.name}/audit-service',
      '${local.name}/cache-service',
      '${local.name}/calculation-service',
      '${local.name}/data-service',
      'external-secrets/external-secrets',
      'kube-system/aws-load-balancer-controller',
      'kube-system/cluster-autoscaler',
    ])
  })

  test('of the audit service cannot delete', () => {
    const policy = String(resource.aws_iam_role_policy?.audit_service?.policy)
    expect(policy).toContain('s3:PutObjectRetention')
    expect(policy).not.toMatch(/Delete|BypassGovernance|s3:\*/)
  })

  // docs/audit.md, "Locked storage and exports".
  test('of the audit service can do what its documentation asks for', () => {
    const policy = String(resource.aws_iam_role_policy?.audit_service?.policy)
    const wanted = /the service needs ([\s\S]*?) and\s+should/.exec(
      readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8'),
    )?.[1]
    const actions = [...(wanted ?? '').matchAll(/s3:\w+/g)].map(([action]) => action)
    expect(actions.length).toBeGreaterThanOrEqual(5)
    for (const action of actions) expect(policy).toContain(`"${action}"`)
  })
})
