// The objects of each environment fit together, and are where they belong. Each rule is shown to be able to fail.
import { beforeAll, describe, expect, test } from 'vitest'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  canary,
  cluster,
  ENVIRONMENTS,
  fileObjects,
  jobs,
  type ManifestObject,
  overlay,
  type Workload,
  withoutKubectl,
  workloads,
} from './manifests.ts'
import { knownOf, objectFaults, workloadFaults } from './reference-rules.ts'

/** Of these Services the pods come with a canary and go with it. */
const OF_A_CANARY = ['api-gateway-canary']
/** What is no part of any namespace. */
const CLUSTER_WIDE = new Set(['Namespace'])

describe.skipIf(withoutKubectl())('the objects of', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  test.each(ENVIRONMENTS)('%s name nothing that is not there', (environment) => {
    const objects = overlay(environment)
    const known = knownOf([...objects, ...cluster(environment)])
    expect(objectFaults(objects, known, OF_A_CANARY)).toEqual([])
    const pods = [...workloads(objects), ...workloads(jobs())]
    expect(pods.length).toBeGreaterThan(8)
    expect(pods.flatMap((workload) => workloadFaults(workload, known))).toEqual([])
  })

  test('a canary name nothing that production does not have', () => {
    const objects = canary()
    const known = knownOf([...objects, ...overlay('prod'), ...cluster('prod')])
    expect(objectFaults(objects, known)).toEqual([])
    expect(workloads(objects).flatMap((workload) => workloadFaults(workload, known))).toEqual([])
    // And the Services that were without pods have them then.
    expect(objectFaults([...objects, ...overlay('prod')], known)).toEqual([])
  })

  test.each(ENVIRONMENTS)('%s are all in its namespace, of which there is one', (environment) => {
    const objects = overlay(environment)
    const inside = objects.filter(({ kind }) => !CLUSTER_WIDE.has(kind))
    const namespace = `borrow-rate-engine-${environment}`
    expect(inside.filter(({ metadata }) => metadata.namespace !== namespace)).toEqual([])
    expect(objects.filter(({ kind }) => kind === 'Namespace')).toEqual(
      fileObjects('base/namespace.yaml').filter(({ metadata }) => metadata.name === namespace),
    )
  })

  test.each(ENVIRONMENTS)('%s are named once, and say whose they are', (environment) => {
    const objects = [...overlay(environment), ...cluster(environment)]
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
    const strangers = objects.filter(
      ({ metadata }) => metadata.labels?.['app.kubernetes.io/part-of'] !== 'borrow-rate-engine',
    )
    expect(
      strangers.filter(({ kind }) => kind !== 'ConfigMap').map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ).toEqual([])
  })

  test('only production can have a canary, and only while there is one has it pods', () => {
    const names = (environment: 'dev' | 'staging' | 'prod') => overlay(environment).map(({ metadata }) => metadata.name)
    for (const environment of ['dev', 'staging'] as const) {
      expect(names(environment).filter((name) => /canary|stable|traffic-split/.test(name))).toEqual([])
    }
    expect(names('prod')).toEqual(
      expect.arrayContaining(['api-gateway-stable', 'api-gateway-canary', 'traffic-split-controller']),
    )
    const running = overlay('prod').filter(({ kind }) => kind === 'Deployment')
    expect(running.map(({ metadata }) => metadata.name)).not.toContain('api-gateway-canary')
  })
})

test('namespaces: one for each environment and one for monitoring, restricted where the engine runs', () => {
  const namespaces = fileObjects('base/namespace.yaml')
  expect(namespaces.map(({ metadata }) => metadata.name)).toEqual([
    'borrow-rate-engine-dev',
    'borrow-rate-engine-staging',
    'borrow-rate-engine-prod',
    'monitoring',
  ])
  for (const environment of ENVIRONMENTS) {
    const { labels } = namespaces.find(({ metadata }) => metadata.name.endsWith(environment))!.metadata
    expect(labels).toMatchObject({
      'borrow-rate-engine/environment': environment,
      'pod-security.kubernetes.io/enforce': 'restricted',
    })
  }
})

describe('what is not there is named', () => {
  const object = (kind: string, name: string, spec: unknown, data?: Record<string, string>): ManifestObject => ({
    apiVersion: 'v1',
    kind,
    metadata: { name },
    spec,
    ...(data && { data }),
  })
  const podOf = (spec: object): Workload =>
    object('Deployment', 'a', {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata: { labels: { app: 'a' } }, spec },
    }) as Workload
  const container = (more: object) => ({ containers: [{ name: 'service', image: 'a:1', ...more }] })
  const secretVolume = (secret: object) => ({ name: 'keys', secret: { secretName: 'keys', ...secret } })
  const keys = object('ExternalSecret', 'keys', {
    target: { name: 'keys', template: { data: { one: '' } } },
    secretStoreRef: { name: 'store' },
  })
  const credentials = object('ExternalSecret', 'database-credentials', {
    target: { name: 'database-credentials', template: { data: { 'a-url': '' } } },
    secretStoreRef: { name: 'store' },
  })
  const known = knownOf([keys, credentials, object('ConfigMap', 'a-config', undefined, { LOG_LEVEL: 'info' })])
  const mounted = { volumeMounts: [{ name: 'keys', mountPath: '/etc/keys' }] }

  test.each([
    ['a service account', { serviceAccountName: 'b', ...container({}) }, 'there is no ServiceAccount b'],
    ['a priority', { priorityClassName: 'b', ...container({}) }, 'there is no PriorityClass b'],
    ['a ConfigMap', container({ envFrom: [{ configMapRef: { name: 'b-config' } }] }), 'there is no ConfigMap b-config'],
    ['a Secret', container({ envFrom: [{ secretRef: { name: 'b' } }] }), 'there is no Secret b'],
    [
      'a key of a Secret',
      container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'keys', key: 'two' } } }] }),
      'keys has no key two',
    ],
    [
      'a key of a ConfigMap',
      container({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a-config', key: 'B' } } }] }),
      'a-config has no key B',
    ],
    [
      'a key that is mounted',
      { ...container(mounted), volumes: [secretVolume({ items: [{ key: 'two', path: 'two' }] })] },
      'keys has no key two',
    ],
    [
      'a key that only a Secret made by hand has, and must be there',
      {
        ...container(mounted),
        volumes: [
          { name: 'keys', secret: { secretName: 'database-credentials', items: [{ key: 'url', path: 'url' }] } },
        ],
      },
      'database-credentials has no key url',
    ],
    ['a volume', container(mounted), 'there is no volume keys'],
    ['a mount', { ...container({}), volumes: [secretVolume({})] }, 'volume keys is mounted nowhere'],
    [
      'a file',
      {
        ...container({ ...mounted, env: [{ name: 'KEY_FILE', value: '/etc/keys/two' }] }),
        volumes: [secretVolume({ items: [{ key: 'one', path: 'one' }] })],
      },
      'KEY_FILE names /etc/keys/two, where nothing is mounted',
    ],
  ])('%s', (_, spec, fault) => {
    expect(workloadFaults(podOf(spec), known)).toEqual([`Deployment a: ${fault}`])
  })

  const pods = podOf(container({ ports: [{ name: 'http', containerPort: 8000 }] })) as ManifestObject
  const service = (selector: object, targetPort: string) =>
    object('Service', 'a', { selector, ports: [{ name: 'http', port: 80, targetPort }] })
  const gateway = object('Gateway', 'door', {
    gatewayClassName: 'alb',
    infrastructure: { parametersRef: { kind: 'LoadBalancerConfiguration', name: 'door' } },
    listeners: [{ name: 'https' }],
  })
  const route = (sectionName: string, port: number) =>
    object('HTTPRoute', 'r', {
      parentRefs: [{ name: 'door', sectionName }],
      rules: [{ backendRefs: [{ name: 'a', port }] }],
    })
  const doorParts = [
    object('GatewayClass', 'alb', {}),
    object('LoadBalancerConfiguration', 'door', {}),
    service({ app: 'a' }, 'http'),
    pods,
  ]
  test.each([
    ['pods of a Service', [service({ app: 'b' }, 'http'), pods], 'Service a: no pod has its labels'],
    ['a port of a Service', [service({ app: 'a' }, 'grpc'), pods], 'Service a: its pods have no port grpc'],
    [
      'a target of an autoscaler',
      [object('HorizontalPodAutoscaler', 'h', { scaleTargetRef: { kind: 'Deployment', name: 'b' } }), pods],
      'HorizontalPodAutoscaler h: there is no Deployment b',
    ],
    [
      'pods of a disruption budget',
      [object('PodDisruptionBudget', 'p', { selector: { matchLabels: { app: 'b' } } }), pods],
      'PodDisruptionBudget p: no pod has its labels',
    ],
    ['a listener', [...doorParts, gateway, route('http', 80)], 'HTTPRoute r: no Gateway door has a listener http'],
    ['a port of a route', [...doorParts, gateway, route('https', 81)], 'HTTPRoute r: no Service a has a port 81'],
    ['a class of a Gateway', [...doorParts.slice(1), gateway], 'Gateway door: there is no GatewayClass alb'],
    [
      'a Service of a target group',
      [object('TargetGroupConfiguration', 't', { targetReference: { name: 'b' } })],
      'TargetGroupConfiguration t: there is no Service b',
    ],
    ['a store', [keys], 'ExternalSecret keys: there is no SecretStore store'],
    [
      'an issuer',
      [object('Certificate', 'c', { secretName: 's', issuerRef: { name: 'i' } })],
      'Certificate c: there is no Issuer i',
    ],
    [
      'pods of its own',
      [
        object('Deployment', 'b', {
          selector: { matchLabels: { app: 'b' } },
          template: { metadata: { labels: { app: 'c' } }, spec: container({}) },
        }),
      ],
      'Deployment b: its own pods do not have the labels it looks for',
    ],
    [
      'one whose pods they are',
      [
        pods,
        object('Deployment', 'b', {
          selector: { matchLabels: {} },
          template: { metadata: { labels: { app: 'b' } }, spec: container({}) },
        }),
      ],
      'Deployment b: takes pods of Deployment a for its own',
    ],
  ])('%s', (_, objects, fault) => {
    expect(objectFaults(objects, knownOf(objects))).toEqual([fault])
  })
})
