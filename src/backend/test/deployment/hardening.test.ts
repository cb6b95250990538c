// Pods of ours are as restricted as pods can be, wherever they come from, and are replaced without a gap. Each rule is shown to be able to
// fail on a pod with one fault.
import { beforeAll, describe, expect, test } from 'vitest'
import { podSecurityFaults } from './kubernetes-api/pod-security.ts'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  canary,
  cluster,
  type Deployment,
  deployments,
  ENVIRONMENTS,
  jobs,
  overlay,
  type Workload,
  withoutKubectl,
  workloads,
} from './manifests.ts'
import { deploymentFaults, podFaults } from './pod-rules.ts'

describe.skipIf(withoutKubectl())('pods of', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  test.each(ENVIRONMENTS)('%s', (environment) => {
    const objects = [...overlay(environment), ...cluster(environment)]
    expect(deployments(objects).length).toBeGreaterThanOrEqual(7)
    expect(workloads(objects).flatMap(podFaults)).toEqual([])
    expect(workloads(objects).flatMap(restrictedFaults)).toEqual([])
    const ours = deployments(objects).filter(({ metadata }) => metadata.namespace !== 'kube-system')
    expect(ours.flatMap(deploymentFaults)).toEqual([])
  })

  test('a canary', () => {
    expect(deployments(canary()).flatMap(deploymentFaults)).toEqual([])
    expect(workloads(canary()).flatMap((workload) => [...podFaults(workload), ...restrictedFaults(workload)])).toEqual(
      [],
    )
  })
})

test('pods beside the database', () => {
  expect(workloads(jobs()).map(({ metadata }) => metadata.name)).toEqual([
    'database-shell',
    'db-init',
    'db-migrate',
    'db-seed',
  ])
  expect(workloads(jobs()).flatMap((workload) => [...podFaults(workload), ...restrictedFaults(workload)])).toEqual([])
})

function restrictedFaults({ spec }: Workload): string[] {
  return podSecurityFaults('restricted', spec.template.spec as unknown as Record<string, unknown>)
}

// ---- the rules can fail

const container = {
  name: 'service',
  image: 'registry/borrow-rate-engine:1.2.3',
  imagePullPolicy: 'IfNotPresent',
  livenessProbe: {},
  readinessProbe: {},
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
}
const pod = {
  serviceAccountName: 'a',
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  priorityClassName: 'a',
  terminationGracePeriodSeconds: 40,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 1000,
    runAsGroup: 1000,
    fsGroup: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { app: 'a' } },
  })),
  containers: [container],
  volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '1Mi' } }],
}
const whole = {
  revisionHistoryLimit: 10,
  progressDeadlineSeconds: 600,
  minReadySeconds: 5,
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
  selector: { matchLabels: { app: 'a' } },
}
const deploymentOf = (more: object, spec: object = pod): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a' },
  spec: { ...whole, ...more, template: { metadata: { labels: { app: 'a' } }, spec } } as Deployment['spec'],
})
const withContainer = (more: object) => ({ ...pod, containers: [{ ...container, ...more }] })
const withSecurity = (more: object) => withContainer({ securityContext: { ...container.securityContext, ...more } })

test('a pod that is set up as it should be has no fault', () => {
  expect(podFaults(deploymentOf({}))).toEqual([])
  expect(deploymentFaults(deploymentOf({}))).toEqual([])
  expect(restrictedFaults(deploymentOf({}))).toEqual([])
})

test.each([
  ['root', { ...pod, securityContext: { ...pod.securityContext, runAsUser: 0 } }, 'it does not run as 1000:1000'],
  [
    'any user',
    { ...pod, securityContext: { ...pod.securityContext, runAsNonRoot: false } },
    'runAsNonRoot is not set for the pod',
  ],
  ['no group', { ...pod, securityContext: { ...pod.securityContext, fsGroup: 1 } }, 'its volumes are not group 1000’s'],
  [
    'all system calls',
    { ...pod, securityContext: { ...pod.securityContext, seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile is not RuntimeDefault',
  ],
  ['a token', { ...pod, automountServiceAccountToken: true }, 'it has a token for an API it does not need'],
  ['the default account', { ...pod, serviceAccountName: undefined }, 'it runs as the default service account'],
  ['links', { ...pod, enableServiceLinks: true }, 'it is told of every Service in its environment'],
  [
    'escalation',
    withSecurity({ allowPrivilegeEscalation: true }),
    'container service: allowPrivilegeEscalation is not false',
  ],
  [
    'a root to write to',
    withSecurity({ readOnlyRootFilesystem: false }),
    'container service: its root can be written to',
  ],
  ['root in a container', withSecurity({ runAsNonRoot: undefined }), 'container service: runAsNonRoot is not set'],
  ['privileges', withSecurity({ privileged: true }), 'container service: it is privileged'],
  [
    'a capability',
    withSecurity({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }),
    'container service: it keeps capabilities',
  ],
  [
    'no limits',
    withContainer({ resources: { requests: { cpu: '1', memory: '1Gi' } } }),
    'container service: requests and limits do not both say cpu and memory',
  ],
  ['no tag', withContainer({ image: 'registry:5000/borrow-rate-engine' }), 'container service: its image has no tag'],
  [
    'a tag that moves',
    withContainer({ image: 'borrow-rate-engine:latest' }),
    'container service: its image is whatever is the latest',
  ],
  [
    'a folder to write to',
    withContainer({ volumeMounts: [{ name: 'tmp', mountPath: '/var' }] }),
    'container service: /var can be written to',
  ],
  [
    'a password',
    withContainer({ env: [{ name: 'DB_PASSWORD', value: 'x' }] }),
    'container service: a secret stands in its environment',
  ],
  ['a scratch folder without end', { ...pod, volumes: [{ name: 'tmp', emptyDir: {} }] }, 'volume tmp has no limit'],
  [
    'a secret for everybody',
    { ...pod, volumes: [{ name: 'k', secret: { secretName: 'k' } }] },
    'secret k is readable by others (0440)',
  ],
  [
    'a folder of the node',
    { ...pod, volumes: [{ name: 'n', hostPath: { path: '/' } }] },
    'volume n is neither a scratch folder nor configuration',
  ],
])('against a pod: %s', (_, spec, fault) => {
  expect(podFaults(deploymentOf({}, spec))).toEqual([`Deployment a: ${fault.replace('’', "'")}`])
})

test('against who needs the API: no token for it', () => {
  const controller = { ...deploymentOf({}), metadata: { name: 'traffic-split-controller' } }
  expect(podFaults(controller)).toEqual(['Deployment traffic-split-controller: it has no token for the API it needs'])
})

test.each([
  [
    'gaps',
    { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } },
    pod,
    'a rollout takes pods away before others are there',
  ],
  ['all revisions', { revisionHistoryLimit: undefined }, pod, 'how many revisions are kept is not said'],
  ['no end', { progressDeadlineSeconds: undefined }, pod, 'a rollout that does not get on has no end'],
  ['no look back', { minReadySeconds: 0 }, pod, 'a pod that is ready for a moment counts'],
  ['no priority', {}, { ...pod, priorityClassName: undefined }, 'it has no priority'],
  [
    'one zone',
    {},
    { ...pod, topologySpreadConstraints: pod.topologySpreadConstraints.slice(1) },
    'its pods are not spread over zones',
  ],
  [
    'one node',
    {},
    { ...pod, topologySpreadConstraints: pod.topologySpreadConstraints.slice(0, 1) },
    'its pods are not spread over nodes',
  ],
  [
    'too little time',
    {},
    { ...pod, terminationGracePeriodSeconds: 30 },
    '30 s are too few to drain in, which takes 30 s',
  ],
  [
    'nobody who looks',
    {},
    withContainer({ livenessProbe: undefined }),
    'container service: nobody looks whether it lives',
  ],
  [
    'nobody who waits',
    {},
    withContainer({ readinessProbe: undefined }),
    'container service: nobody looks whether it is ready',
  ],
  [
    'a sudden end',
    {},
    withContainer({ lifecycle: undefined }),
    'container service: it leaves before others know (5 s)',
  ],
  [
    'a needless fetch',
    {},
    withContainer({ imagePullPolicy: 'Always' }),
    'container service: an image that never changes is fetched again',
  ],
])('against a Deployment: %s', (_, more, spec, fault) => {
  expect(deploymentFaults(deploymentOf(more, spec))).toEqual([`Deployment a: ${fault}`])
})

test('spreading that is meant for other pods counts for nothing', () => {
  const others = pod.topologySpreadConstraints.map((one) => ({ ...one, labelSelector: { matchLabels: { app: 'b' } } }))
  expect(deploymentFaults(deploymentOf({}, { ...pod, topologySpreadConstraints: others }))).toHaveLength(2)
})
