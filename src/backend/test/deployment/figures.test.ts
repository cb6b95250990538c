// The figures of the deployment guide, as it writes them, beside what the cluster is given. Production has all of them; staging has the same,
// and development asks for less.
import { beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { SERVICE_NAMES, type ServiceName } from '../../tools/local-cluster.ts'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  cluster,
  containersOf,
  type Deployment,
  deployments,
  ENVIRONMENTS,
  type Environment,
  fileObjects,
  ofKind,
  one,
  overlay,
  withoutKubectl,
} from './manifests.ts'

const PROBES = parse(`
livenessProbe:
  httpGet:
    path: /health
    port: 8000
  initialDelaySeconds: 15
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /health
    port: 8000
  initialDelaySeconds: 5
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 2
`)

const SCRAPED = parse(`
prometheus.io/scrape: "true"
prometheus.io/port: "8000"
prometheus.io/path: "/metrics"
`)

/** "CPU, memory": from what is asked for to what is the most. */
const RESOURCES: Readonly<Record<ServiceName, readonly [cpu: string, memory: string]>> = {
  'api-gateway': ['500m-2000m', '1Gi-4Gi'],
  'calculation-service': ['1000m-4000m', '2Gi-8Gi'],
  'data-service': ['500m-2000m', '1.5Gi-6Gi'],
  'cache-service': ['1000m-4000m', '4Gi-16Gi'],
  'audit-service': ['500m-1000m', '1Gi-2Gi'],
}

const GATEWAY_AUTOSCALER = parse(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: api-gateway-hpa
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: api-gateway
  minReplicas: 3
  maxReplicas: 10
  metrics:
  - type: Resource
    resource:
      name: cpu
      target:
        type: Utilization
        averageUtilization: 70
`)

/** By what each is scaled, and between how few and how many pods. */
const SCALING: Readonly<Record<ServiceName, readonly [metrics: readonly string[], min: number, max: number]>> = {
  'api-gateway': [['cpu'], 3, 10],
  'calculation-service': [['http_requests_per_second', 'cpu'], 3, 20],
  'data-service': [['cpu'], 3, 10],
  'cache-service': [['memory'], 3, 5],
  'audit-service': [['cpu'], 2, 5],
}

const CLUSTER_AUTOSCALER = parse(`
apiVersion: v1
kind: ConfigMap
metadata:
  name: cluster-autoscaler-config
data:
  config: |
    {
      "min-nodes": 3,
      "max-nodes": 20,
      "scale-down-unneeded-time": "10m",
      "scale-down-delay-after-add": "10m",
      "scale-down-utilization-threshold": 0.5
    }
`)

const NODES: Readonly<Record<Environment, readonly [min: number, max: number]>> = {
  dev: [2, 5],
  staging: [3, 10],
  prod: [3, 20],
}

/** Log levels in the guide's words. */
const LOG_LEVELS: Readonly<Record<Environment, string>> = { dev: 'DEBUG', staging: 'INFO', prod: 'INFO' }

interface AutoscalerSpec {
  readonly scaleTargetRef: unknown
  readonly minReplicas: number
  readonly maxReplicas: number
  readonly metrics: readonly {
    readonly resource?: { readonly name: string }
    readonly pods?: { readonly metric: { readonly name: string } }
  }[]
}

const serviceOf = (environment: Environment, name: ServiceName) =>
  one(overlay(environment), 'Deployment', name) as unknown as Deployment
const containerOf = (environment: Environment, name: ServiceName) => {
  const [container, ...others] = containersOf(serviceOf(environment, name).spec.template.spec)
  expect(others, 'a service is one container').toEqual([])
  return container!
}
const autoscalerOf = (environment: Environment, name: ServiceName) =>
  one(overlay(environment), 'HorizontalPodAutoscaler', `${name}-hpa`)

describe.skipIf(withoutKubectl())('as the guide has it', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  describe.each(ENVIRONMENTS)('in %s', (environment) => {
    test('the five services are Deployments of one container `service`, run by their names', () => {
      const five = deployments(overlay(environment)).filter(
        ({ metadata }) => metadata.labels?.['app.kubernetes.io/component'] === 'service',
      )
      expect(five.map(({ metadata }) => metadata.name).sort()).toEqual([...SERVICE_NAMES].sort())
      for (const name of SERVICE_NAMES) {
        const { name: container, args, image } = containerOf(environment, name)
        expect([container, args]).toEqual(['service', [name]])
        expect(image).toMatch(/\.dkr\.ecr\.us-east-1\.amazonaws\.com\/borrow-rate-engine:/)
        expect(serviceOf(environment, name).spec.template.metadata.labels.app).toBe(name)
      }
    })

    test.each(SERVICE_NAMES)('%s: probes, port and scraping', (name) => {
      const { livenessProbe, readinessProbe, ports, env } = containerOf(environment, name)
      expect({ livenessProbe, readinessProbe }).toEqual(PROBES)
      expect(ports).toContainEqual({ name: 'http', containerPort: 8000 })
      expect(env).toContainEqual({ name: 'PORT', value: '8000' })
      expect(serviceOf(environment, name).spec.template.metadata.annotations).toMatchObject(SCRAPED)
    })

    test('logs are as talkative as they should be', () => {
      for (const name of SERVICE_NAMES) {
        const level = one(overlay(environment), 'ConfigMap', `${name}-config`).data?.LOG_LEVEL
        expect(level?.toUpperCase(), name).toBe(LOG_LEVELS[environment])
      }
    })

    test('certificates are renewed 30 days before their end', () => {
      const services = ofKind<{ isCA?: boolean; renewBefore: string; duration: string }>(
        overlay(environment),
        'Certificate',
      ).filter(({ spec }) => spec.isCA !== true)
      expect(services.map(({ metadata }) => metadata.name).sort()).toEqual(
        [...SERVICE_NAMES.map((name) => `${name}-internal-tls`), 'pgbouncer-tls'].sort(),
      )
      for (const { spec } of services) expect(spec).toMatchObject({ renewBefore: `${30 * 24}h`, duration: '2160h' })
    })

    test('the autoscaler of nodes: the ConfigMap as written, and the flags that the program reads', () => {
      const [min, max] = NODES[environment]
      const configured = JSON.parse(
        one(cluster(environment), 'ConfigMap', 'cluster-autoscaler-config').data?.config ?? '',
      )
      const guide = JSON.parse(CLUSTER_AUTOSCALER.data.config)
      expect(configured).toEqual({ ...guide, 'min-nodes': min, 'max-nodes': max })

      const program = deployments(cluster(environment)).find(({ metadata }) => metadata.name === 'cluster-autoscaler')
      const flags = program!.spec.template.spec.containers[0]!.args!
      expect(flagFaults(configured, flags)).toEqual([])
      expect(flags).toContain(
        `--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/borrow-rate-engine-${environment}`,
      )
    })

    test('the pooler stands in front of the database, with limits for each environment', () => {
      const pooler = one(overlay(environment), 'Deployment', 'pgbouncer') as unknown as Deployment
      const { data = {} } = one(overlay(environment), 'ConfigMap', 'pgbouncer-config')
      const ini = `${data['pgbouncer.ini']}${data['limits.ini']}`
      const setting = (name: string) => new RegExp(`^${name} = (.*)$`, 'm').exec(ini)?.[1]
      expect([pooler.spec.replicas, Number(setting('max_db_connections'))]).toEqual(
        { dev: [1, 40], staging: [2, 80], prod: [3, 80] }[environment],
      )
      expect(setting('pool_mode')).toBe('transaction')
      expect(setting('server_tls_sslmode')).toBe('verify-full')
      expect(setting('client_tls_sslmode')).toBe('require')
      expect(setting('server_login_retry')).toBe('1')
    })
  })

  describe.each(['staging', 'prod'] as const)('in %s, in full', (environment) => {
    test.each(SERVICE_NAMES)('%s: resources', (name) => {
      const [cpu, memory] = RESOURCES[name].map((range) => range.split('-'))
      expect(containerOf(environment, name).resources).toEqual({
        requests: { cpu: cpu![0], memory: memory![0] },
        limits: { cpu: cpu![1], memory: memory![1] },
      })
    })

    test('api-gateway-hpa is the guide’s own text', () => {
      const { apiVersion, kind, metadata, spec } = autoscalerOf(environment, 'api-gateway')
      expect({ apiVersion, kind, metadata: { name: metadata.name }, spec }).toEqual(GATEWAY_AUTOSCALER)
    })

    test.each(SERVICE_NAMES)('%s: by what it scales, and how far', (name) => {
      const [metrics, minReplicas, maxReplicas] = SCALING[name]
      const spec = autoscalerOf(environment, name).spec as AutoscalerSpec
      expect(spec.metrics.map(({ resource, pods }) => resource?.name ?? pods?.metric.name)).toEqual(metrics)
      expect(spec).toMatchObject({ minReplicas, maxReplicas })
    })
  })

  test.each(SERVICE_NAMES)('development asks for less: %s', (name) => {
    const less = containerOf('dev', name).resources!
    const guide = containerOf('prod', name).resources!
    for (const kind of ['requests', 'limits'] as const) {
      expect(cores(less[kind]!.cpu!)).toBeLessThanOrEqual(cores(guide[kind]!.cpu!))
      expect(bytes(less[kind]!.memory!)).toBeLessThan(bytes(guide[kind]!.memory!))
    }
    const [dev, prod] = [autoscalerOf('dev', name).spec, autoscalerOf('prod', name).spec] as [
      AutoscalerSpec,
      AutoscalerSpec,
    ]
    expect(dev.minReplicas).toBe(1)
    expect(dev.maxReplicas).toBeLessThan(prod.maxReplicas)
    expect(dev.metrics).toEqual(prod.metrics)
  })

  test('no Deployment says how many pods there are where an autoscaler does', () => {
    for (const environment of ENVIRONMENTS) {
      for (const name of SERVICE_NAMES) expect(serviceOf(environment, name).spec.replicas).toBeUndefined()
    }
  })

  test('KEDA, where it is put in place of the adapter, keeps name and figures', () => {
    const [scaled] = fileObjects('components/keda/scaled-object.yaml')
    const [, min, max] = SCALING['calculation-service']
    expect(scaled?.spec).toMatchObject({
      minReplicaCount: min,
      maxReplicaCount: max,
      advanced: { horizontalPodAutoscalerConfig: { name: 'calculation-service-hpa' } },
    })
  })
})

describe('the autoscaler’s flags and its ConfigMap', () => {
  const configured = JSON.parse(CLUSTER_AUTOSCALER.data.config)
  const flags = [
    '--max-nodes-total=20',
    '--scale-down-unneeded-time=10m',
    '--scale-down-delay-after-add=10m',
    '--scale-down-utilization-threshold=0.5',
  ]

  test('that agree', () => {
    expect(flagFaults(configured, flags)).toEqual([])
  })

  test.each([
    ['another figure', flags.with(1, '--scale-down-unneeded-time=5m'), 'scale-down-unneeded-time is 10m and 5m'],
    ['a flag that is missing', flags.slice(1), 'max-nodes is 20 and nothing'],
  ])('that do not: %s', (_, different, fault) => {
    expect(flagFaults(configured, different)).toEqual([fault])
  })

  test('that have a figure without a flag', () => {
    expect(flagFaults({ ...configured, 'scan-interval': '10s' }, flags)).toEqual(['scan-interval is 10s and nothing'])
  })
})

/** Each figure of the ConfigMap as a flag. The least number of nodes is the node group's. */
function flagFaults(configured: Readonly<Record<string, string | number>>, flags: readonly string[]): string[] {
  return Object.entries(configured)
    .filter(([figure]) => figure !== 'min-nodes')
    .flatMap(([figure, value]) => {
      const flag = figure === 'max-nodes' ? 'max-nodes-total' : figure
      const given = flags.find((one) => one.startsWith(`--${flag}=`))?.slice(flag.length + 3)
      return given === String(value) ? [] : [`${figure} is ${value} and ${given ?? 'nothing'}`]
    })
}

function cores(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity)
}

function bytes(quantity: string): number {
  const [, amount, unit = ''] = /^([0-9.]+)(Mi|Gi)$/.exec(quantity) ?? []
  return Number(amount) * { Mi: 2 ** 20, Gi: 2 ** 30 }[unit as 'Mi' | 'Gi']
}
