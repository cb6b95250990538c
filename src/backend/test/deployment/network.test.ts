// Nobody talks to anybody without being named on both sides, and those who are named are those who call: the table is read off the
// services' own sources. Each rule is shown to be able to fail.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { SERVICE_NAMES } from '../../tools/local-cluster.ts'
import { BACKEND, PROJECT_ROOT } from '../tidy/tree.ts'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  canary,
  ENVIRONMENTS,
  jobs,
  type ManifestObject,
  objectsIn,
  overlay,
  withoutKubectl,
} from './manifests.ts'
import { allowedPairs, networkFaults } from './network-rules.ts'

/** Whom a service calls at its private door: every `internalClient` in its source. */
function calls(service: string): string[] {
  const source = readFileSync(join(PROJECT_ROOT, BACKEND, 'services', `${service.replace('-service', '')}.ts`), 'utf8')
  const clients = [...source.matchAll(/internalClient\(\{[^}]*service: '(\w+)'/g)].map(([, name]) => `${name}-service`)
  return clients.map((called) => `${service} -> ${called} 8443`)
}

const hasDatabase = (service: string) => service !== 'cache-service'

describe.skipIf(withoutKubectl())('the network of', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  test.each(ENVIRONMENTS)('%s: the calls that the services make, the pooler, and no other pair', (environment) => {
    const objects = [...overlay(environment), ...jobs()]
    expect(networkFaults(objects)).toEqual([])
    const expected = [
      ...SERVICE_NAMES.flatMap(calls),
      ...SERVICE_NAMES.filter(hasDatabase).map((service) => `${service} -> pgbouncer 6432`),
    ]
    expect(expected).toHaveLength(11)
    expect(allowedPairs(objects)).toEqual(expected.sort())
  })

  test('a canary may what the gateway may', () => {
    const pairs = allowedPairs([...overlay('prod'), ...canary()])
    const of = (name: string) =>
      pairs.filter((pair) => pair.startsWith(`${name} ->`)).map((pair) => pair.split('-> ')[1])
    expect(of('api-gateway-canary')).toEqual(of('api-gateway'))
    expect(of('api-gateway')).toHaveLength(5)
  })
})

describe('the rules can fail', () => {
  const pods = ['a', 'b']
    .map(
      (name) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec: { template: { metadata: { labels: { app: ${name} } }, spec: { containers: [] } } }`,
    )
    .join('\n---')
  const policy = (name: string, spec: string) => `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${name} }
spec: ${spec}`
  const denied = policy('deny', '{ podSelector: {}, policyTypes: [Ingress, Egress] }')
  const selector = (app: string) => `podSelector: { matchLabels: { app: ${app} } }`
  const out = policy(
    'out',
    `{ ${selector('a')}, policyTypes: [Egress], egress: [{ to: [{ ${selector('b')} }], ports: [{ protocol: TCP, port: 1 }] }] }`,
  )
  const letIn = policy(
    'in',
    `{ ${selector('b')}, policyTypes: [Ingress], ingress: [{ from: [{ ${selector('a')} }], ports: [{ protocol: TCP, port: 1 }] }] }`,
  )
  const objects = (...texts: string[]): readonly ManifestObject[] => objectsIn([pods, ...texts].join('\n---'))

  test('a pair that both sides name is allowed', () => {
    expect(networkFaults(objects(denied, out, letIn))).toEqual([])
    expect(allowedPairs(objects(denied, out, letIn))).toEqual(['a -> b 1'])
  })

  test.each([
    ['an open namespace', [out, letIn], ['Ingress is not denied to all pods', 'Egress is not denied to all pods']],
    ['a call nobody lets in', [denied, out], ['a -> b 1: may call and is not let in']],
    ['a caller who may not call', [denied, letIn], ['a -> b 1: is let in and may not call']],
    [
      'everybody',
      [
        denied,
        policy('all', `{ ${selector('a')}, policyTypes: [Egress], egress: [{ ports: [{ protocol: TCP, port: 1 }] }] }`),
      ],
      ['NetworkPolicy all: allows everybody'],
    ],
    [
      'every port',
      [
        denied,
        policy(
          'all',
          `{ ${selector('a')}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/24 } }] }] }`,
        ),
      ],
      ['NetworkPolicy all: allows every port'],
    ],
    [
      'rules that are not in force',
      [
        denied,
        policy(
          'idle',
          `{ ${selector('a')}, policyTypes: [Ingress], egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/24 } }], ports: [{ protocol: TCP, port: 1 }] }] }`,
        ),
      ],
      ['NetworkPolicy idle: has rules of Egress that are not in force'],
    ],
    [
      'the internet and us',
      [
        denied,
        policy(
          'wide',
          `{ ${selector('a')}, policyTypes: [Egress], egress: [{ to: [{ ipBlock: { cidr: 0.0.0.0/0 } }], ports: [{ protocol: TCP, port: 443 }] }] }`,
        ),
      ],
      ['NetworkPolicy wide: means the internet and allows our own network with it'],
    ],
    [
      'nobody',
      [denied, policy('nobody', `{ ${selector('c')}, policyTypes: [Ingress] }`)],
      ['NetworkPolicy nobody: is meant for no pod'],
    ],
  ])('%s', (_, policies, faults) => {
    expect(networkFaults(objects(...policies))).toEqual(faults)
  })
})
