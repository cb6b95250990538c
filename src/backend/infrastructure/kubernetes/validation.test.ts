// Every object is what its kind allows and nothing more: values by the validators of the published models, and of the schemas that stand in
// for them; fields by the compiler. Together it is what an API server with strict field validation says, without one.
import { beforeAll, describe, expect, test } from 'vitest'
import { everything, hasKubectl, type KubernetesObject, objectsIn } from './built-objects.ts'
import { modelPath, validateByModel } from './models.ts'
import { validateBySchema } from './own-schemas.ts'
import { typeFaults } from './strict-types.ts'

async function valueFaults(object: KubernetesObject): Promise<string[]> {
  const path = modelPath(object)
  try {
    if (path === null) validateBySchema(object)
    else await validateByModel(object, path)
    return []
  } catch (error) {
    return [`${object.kind} ${object.metadata.name}: ${(error as Error).message}`]
  }
}

describe.skipIf(!hasKubectl())('the manifests', () => {
  let objects: Readonly<Record<string, readonly KubernetesObject[]>> = {}
  beforeAll(() => {
    objects = everything()
  })

  test('have values that their kinds allow', async () => {
    const all = Object.values(objects).flat()
    expect(all.length).toBeGreaterThan(300)
    const faults = await Promise.all(all.map(valueFaults))
    expect(faults.flat()).toEqual([])
  })

  test('have no field that their kinds do not know', async () => {
    expect(await typeFaults(objects)).toEqual([])
  })
})

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: a }
spec:
  selector: { matchLabels: { app: a } }
  template:
    metadata: { labels: { app: a } }
    spec:
      containers:
        - name: a
          image: a:1
          ports: [{ name: http, containerPort: 8000, protocol: TCP }]
          livenessProbe: { httpGet: { path: /health, port: 8000 }, timeoutSeconds: 5 }`
const AUTOSCALER = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: a }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: a }
  minReplicas: 3
  maxReplicas: 10`
const POLICY = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: a }
spec: { podSelector: {}, policyTypes: [Ingress], ingress: [{ ports: [{ protocol: TCP, port: 1 }] }] }`
const ROUTE = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: a }
spec: { parentRefs: [{ name: a }], rules: [{ backendRefs: [{ name: a, port: 1, weight: 1 }] }] }`
const SECRET = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: a }
spec: { refreshInterval: 1m, secretStoreRef: { name: a, kind: SecretStore }, target: { name: a } }`
const CERTIFICATE = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: a }
spec: { secretName: a, renewBefore: 720h, issuerRef: { name: a } }`
const SPLIT = `
apiVersion: split.smi-spec.io/v1alpha1
kind: TrafficSplit
metadata: { name: a }
spec: { service: a, backends: [{ service: b, weight: 90 }, { service: c, weight: 10 }] }`
const LOAD_BALANCER = `
apiVersion: gateway.k8s.aws/v1
kind: LoadBalancerConfiguration
metadata: { name: a }
spec: { scheme: internal, loadBalancerAttributes: [{ key: a, value: b }] }`

describe('what a kind does not know is refused', () => {
  const whole = [DEPLOYMENT, AUTOSCALER, POLICY, ROUTE, SECRET, CERTIFICATE]
  const slips: readonly (readonly [text: string, right: string, wrong: string])[] = [
    [DEPLOYMENT, 'timeoutSeconds', 'timeoutSecs'],
    [DEPLOYMENT, 'containerPort', 'containerport'],
    [DEPLOYMENT, 'protocol', 'protocl'],
    [DEPLOYMENT, 'selector', 'selectors'],
    [AUTOSCALER, 'minReplicas', 'minReplica'],
    [POLICY, 'policyTypes', 'policyType'],
    [ROUTE, 'weight', 'wieght'],
    [SECRET, 'refreshInterval', 'refreshIntervall'],
    [CERTIFICATE, 'renewBefore', 'renewalBefore'],
  ]

  test('fields, by the compiler: each slip is one error, and without it there is none', async () => {
    const right = Object.fromEntries(whole.map((text, at) => [`right-${at}`, objectsIn(text)]))
    const wrong = Object.fromEntries(
      slips.map(([text, word, slip], at) => [`slip-${at}`, objectsIn(text.replace(word, slip))]),
    )
    const faults = await typeFaults({ ...right, ...wrong })
    expect(faults.filter((fault) => fault.startsWith('right-'))).toEqual([])
    for (const [at, [, , slip]] of slips.entries()) {
      expect(faults.filter((fault) => fault.startsWith(`slip-${at}.`)).join(), slip).toContain(`"${slip}"`)
    }
  })

  test.each([
    ['no selector', DEPLOYMENT.replace('selector: { matchLabels: { app: a } }', ''), 'selector'],
    ['a port that is no number', DEPLOYMENT.replace('containerPort: 8000', 'containerPort: http'), 'containerPort'],
    ['no target', AUTOSCALER.replace(/scaleTargetRef.*/, ''), 'scaleTargetRef'],
    ['a weight that is none', ROUTE.replace('weight: 1', 'weight: -1'), 'weight'],
    ['a split without backends', SPLIT.replace(/backends: .*\]/, 'backends: []'), 'backends'],
    ['a weight above 100', SPLIT.replace('weight: 90', 'weight: 190'), 'must be <= 100'],
    ['a field of a split', SPLIT.replace('service: a', 'service: a, services: a'), 'services'],
    ['a scheme that is none', LOAD_BALANCER.replace('internal', 'public'), 'scheme'],
    ['a field of a load balancer', LOAD_BALANCER.replace('scheme', 'schema'), 'schema'],
    [
      'a kind of another version',
      LOAD_BALANCER.replace('gateway.k8s.aws/v1', 'gateway.k8s.aws/v2'),
      'there is no schema',
    ],
  ])('values: %s', async (_, text, word) => {
    const faults = await Promise.all(objectsIn(text).map(valueFaults))
    expect(faults.flat().join()).toContain(word)
  })

  test('what is right is let through', async () => {
    const faults = await Promise.all([...whole, SPLIT, LOAD_BALANCER].flatMap(objectsIn).map(valueFaults))
    expect(faults.flat()).toEqual([])
  })
})
