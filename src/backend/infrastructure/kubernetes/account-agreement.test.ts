// What the manifests say of the account and what the account's program says of it are one: addresses, names, numbers. Neither can be changed
// alone.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ADDRESS_PLAN, type Tier, ZONES } from '../address_plan.ts'
import { DATABASE_PARAMETERS } from '../database_parameters.ts'
import { DATABASE_USERS } from '../secrets.ts'
import { built, ENVIRONMENTS, type Environment, hasKubectl, type KubernetesObject } from './built-objects.ts'

const at = (path: string) => new URL(`../${path}`, import.meta.url)

interface Program {
  readonly resource: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
}
const program = JSON.parse(readFileSync(at('main.tf.json'), 'utf8')) as Program

/** All of a kind of resource. */
function declared(kind: string): readonly Readonly<Record<string, unknown>>[] {
  return Object.values(program.resource[kind] ?? {})
}

/** An argument as it is in one environment. */
function inEnvironment(text: unknown, environment: Environment): string {
  return String(text)
    .replaceAll(/\$\{local\.name\}/g, `borrow-rate-engine-${environment}`)
    .replaceAll(/\$\{var\.environment\}/g, environment)
}

/** A variable of terraform.tfvars. */
function variable(environment: Environment, name: string): string {
  const text = readFileSync(at(`environments/${environment}/terraform.tfvars`), 'utf8')
  const [, value] = new RegExp(`^${name}\\s*=\\s*"?([^"\\n]*)"?$`, 'm').exec(text) ?? []
  if (value === undefined) throw new Error(`${environment} has no ${name}`)
  return value
}

/** The ranges of a tier within 10.0.0.0/16, one a zone. */
function ranges(tier: Tier): string[] {
  const { newBits, firstNumber } = ADDRESS_PLAN[tier]
  const size = 2 ** (16 - newBits)
  return Array.from({ length: ZONES }, (_, zone) => {
    const first = (firstNumber + zone) * size
    return `10.0.${first >> 8}.${first & 255}/${16 + newBits}`
  })
}

const objectsOf = (environment: Environment) => [
  ...built(`overlays/${environment}`),
  ...built(`cluster/${environment}`),
]

function one<Spec>(environment: Environment, kind: string, name: string): KubernetesObject & { readonly spec: Spec } {
  const found = objectsOf(environment).find((object) => object.kind === kind && object.metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found as KubernetesObject & { readonly spec: Spec }
}

interface Policy {
  readonly ingress?: readonly { readonly from: readonly { readonly ipBlock?: { readonly cidr: string } }[] }[]
  readonly egress?: readonly { readonly to: readonly { readonly ipBlock?: { readonly cidr: string } }[] }[]
}

function addressesOf(environment: Environment, policy: string): string[] {
  const { spec } = one<Policy>(environment, 'NetworkPolicy', policy)
  const peers = [...(spec.ingress ?? []).flatMap(({ from }) => from), ...(spec.egress ?? []).flatMap(({ to }) => to)]
  return peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock.cidr]))
}

test('the plan of addresses as ranges', () => {
  expect(ranges('app')).toEqual(['10.0.0.0/18', '10.0.64.0/18', '10.0.128.0/18'])
  expect(ranges('data')).toEqual(['10.0.208.0/24', '10.0.209.0/24', '10.0.210.0/24'])
})

describe.skipIf(!hasKubectl())('manifests and account agree', () => {
  describe.each(ENVIRONMENTS)('in %s', (environment) => {
    test('on addresses', () => {
      expect(addressesOf(environment, 'load-balancer-to-api-gateway')).toEqual(ranges('public'))
      for (const policy of [
        'pgbouncer-to-database',
        'services-to-database',
        'services-to-redis',
        'database-jobs-to-database',
      ]) {
        expect(addressesOf(environment, policy), policy).toEqual(ranges('data'))
      }
      const { data = {} } = one(environment, 'ConfigMap', 'api-gateway-config')
      expect(data.TRUSTED_PROXIES?.split(',')).toEqual(ranges('public'))
      if (environment !== 'prod') return
      const [cluster] = declared('aws_eks_cluster') as { kubernetes_network_config: { service_ipv4_cidr: string } }[]
      // The API server is the first address of the services.
      const api = cluster!.kubernetes_network_config.service_ipv4_cidr.replace(/0\.0\/16$/, '0.1/32')
      expect(addressesOf(environment, 'traffic-split-controller-to-api-server')).toEqual([api, ...ranges('app')])
    })

    test('on how many nodes there are', () => {
      const { data = {} } = one(environment, 'ConfigMap', 'cluster-autoscaler-config')
      const configured = JSON.parse(data.config ?? '') as Record<string, unknown>
      expect([configured['min-nodes'], configured['max-nodes']]).toEqual(
        ['node_count_min', 'node_count_max'].map((name) => Number(variable(environment, name))),
      )
    })

    test('on the name of the engine and of the buckets', () => {
      const { spec } = one<{ listeners: { hostname: string }[] }>(environment, 'Gateway', 'borrow-rate-engine')
      expect(new Set(spec.listeners.map(({ hostname }) => hostname))).toEqual(
        new Set([variable(environment, 'domain_name')]),
      )
      const buckets = declared('aws_s3_bucket').map(({ bucket }) =>
        inEnvironment(bucket, environment).replace(/-\$\{.*$/, ''),
      )
      const { data = {} } = one(environment, 'ConfigMap', 'audit-service-config')
      const balancer = one<{ loadBalancerAttributes: { key: string; value: string }[] }>(
        environment,
        'LoadBalancerConfiguration',
        'borrow-rate-engine',
      )
      const logs = balancer.spec.loadBalancerAttributes.find(({ key }) => key === 'access_logs.s3.bucket')
      for (const bucket of [new URL(data.AUDIT_STORAGE_URL ?? '').host, logs?.value ?? '']) {
        expect(buckets).toContain(bucket.replace(/-\d{12}$/, ''))
      }
    })

    test('on the firewall before the load balancer, and its security group', () => {
      const { spec } = one<{ securityGroups: string[]; wafV2: { webACL: string } }>(
        environment,
        'LoadBalancerConfiguration',
        'borrow-rate-engine',
      )
      const groups = declared('aws_security_group').map(({ name }) => inEnvironment(name, environment))
      for (const name of spec.securityGroups) expect(groups).toContain(name)
      const [acl] = declared('aws_wafv2_web_acl')
      expect(spec.wafV2.webACL).toContain(`/webacl/${inEnvironment(acl!.name, environment)}/`)
    })

    test('on secrets: each that a pod asks for is one that the account has', () => {
      const names = declared('aws_secretsmanager_secret').map(({ name }) => inEnvironment(name, environment))
      const asked = objectsOf(environment)
        .filter(({ kind }) => kind === 'ExternalSecret')
        .flatMap(({ spec }) =>
          (spec as { dataFrom: { extract: { key: string } }[] }).dataFrom.map(({ extract }) => extract.key),
        )
      expect(asked.length).toBeGreaterThan(5)
      expect(asked.filter((key) => !names.includes(key))).toEqual([])
    })

    test('on what is in the secrets: each value that a template asks for is one that the program writes', () => {
      const written = new Map(
        Object.entries(program.resource.aws_secretsmanager_secret_version ?? {}).map(
          ([name, { secret_string_wo: value }]) => [
            `borrow-rate-engine/${environment}/${name.replaceAll('_', '-')}`,
            Object.keys(JSON.parse(String(value)) as object),
          ],
        ),
      )
      const secrets = objectsOf(environment).filter(({ kind }) => kind === 'ExternalSecret')
      const checked = secrets.flatMap(({ metadata, spec }) => {
        const { dataFrom, target } = spec as {
          dataFrom: { extract: { key: string } }[]
          target: { template: { data: Record<string, string> } }
        }
        const values = dataFrom.map(({ extract }) => written.get(extract.key))
        // Keys of the engine and of feeds are put in by whoever has them.
        if (values.includes(undefined)) return []
        const asked = Object.values(target.template.data).flatMap((text) =>
          [...text.matchAll(/\{\{-? ?(?:with )?(?:\$?\.(\w+)|index \. "([^"]+)")/g)].map(
            ([, dotted, indexed]) => dotted ?? indexed!,
          ),
        )
        expect(
          asked.filter((name) => !values.flat().includes(name)),
          metadata.name,
        ).toEqual([])
        return [metadata.name]
      })
      expect(checked).toEqual(expect.arrayContaining(['database-credentials', 'database-setup', 'redis-credentials']))
    })

    test('on the users of the database', () => {
      const secret = one<{ target: { template: { data: Record<string, string> } } }>(
        environment,
        'ExternalSecret',
        'database-credentials',
      )
      const listed = secret.spec.target.template.data['userlist.txt']!.match(/^"(\w+)"/gm)
      expect(listed).toEqual(DATABASE_USERS.map((user) => `"${user}"`))
    })

    test('on connections: those of the pooler, one pod more during a rollout, leave some for migrations', () => {
      const { spec } = one<{ replicas: number; strategy: { rollingUpdate: { maxSurge: number } } }>(
        environment,
        'Deployment',
        'pgbouncer',
      )
      const { data = {} } = one(environment, 'ConfigMap', 'pgbouncer-config')
      const [, perPod] = /^max_db_connections = (\d+)$/m.exec(data['limits.ini'] ?? '') ?? []
      const most = DATABASE_PARAMETERS.find(({ name }) => name === 'max_connections')
      const used = (spec.replicas + spec.strategy.rollingUpdate.maxSurge) * Number(perPod)
      expect(used).toBeLessThanOrEqual(Number(most?.value) * 0.8)
    })

    test('on who has a role in AWS, and what groups people are in', () => {
      const accounts = objectsOf(environment)
        .filter(({ kind }) => kind === 'ServiceAccount')
        .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      const ours = declared('aws_eks_pod_identity_association')
        .map(({ namespace, service_account: account }) => `${inEnvironment(namespace, environment)}/${account}`)
        .filter((name) => name.startsWith('borrow-rate-engine') || name.endsWith('/cluster-autoscaler'))
      expect(ours).toContain(`borrow-rate-engine-${environment}/audit-service`)
      expect(ours.filter((name) => !accounts.includes(name))).toEqual([])
      const mapped = declared('aws_eks_access_entry').flatMap(
        ({ kubernetes_groups: groups = [] }) => groups as string[],
      )
      const bound = objectsOf(environment)
        .filter(({ kind }) => kind === 'RoleBinding')
        .flatMap((binding) => (binding as unknown as { subjects: { kind: string; name: string }[] }).subjects)
        .filter(({ kind }) => kind === 'Group')
      expect([...new Set(bound.map(({ name }) => name))].sort()).toEqual([...new Set(mapped)].sort())
    })
  })
})
