// What policies mean, case by case, and how it reads as a firewall. Whether a kernel does the same is tried between namespaces, in
// network-policies.infrastructure.test.ts.
import { describe, expect, test } from 'vitest'
import { firewallOf, OPEN_FIREWALL } from './firewall.ts'
import { type Cluster, type NetworkPolicy, openingsOf, type Pod, selects } from './network-policy.ts'

const pod = (app: string, address: string, namespace = 'ours'): Pod => ({
  namespace,
  labels: { app },
  address,
  namedPorts: { http: 8000 },
})
const web = pod('web', '10.0.0.1')
const db = pod('db', '10.0.0.2')
const foreign = pod('web', '10.0.0.3', 'theirs')

const policy = (name: string, spec: NetworkPolicy['spec']): NetworkPolicy => ({
  metadata: { name, namespace: 'ours' },
  spec,
})
const clusterOf = (...policies: NetworkPolicy[]): Cluster => ({
  pods: [web, db, foreign],
  namespaces: { ours: {}, theirs: { team: 'other' } },
  policies,
})
const DENY = policy('deny', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })

describe('a pod', () => {
  test('that no policy selects is open', () => {
    const cluster = clusterOf(policy('db', { podSelector: { matchLabels: { app: 'db' } } }))
    expect(openingsOf(web, 'ingress', cluster)).toBeNull()
    expect(openingsOf(foreign, 'ingress', clusterOf(DENY))).toBeNull()
    expect(firewallOf(foreign, clusterOf(DENY))).toBe(OPEN_FIREWALL)
  })

  test('that one selects is closed but for what it says, in the directions that it is about', () => {
    expect(openingsOf(web, 'ingress', clusterOf(DENY))).toEqual([])
    const ingressOnly = clusterOf(policy('in', { podSelector: {}, ingress: [] }))
    expect(openingsOf(web, 'ingress', ingressOnly)).toEqual([])
    expect(openingsOf(web, 'egress', ingressOnly)).toBeNull()
    const both = clusterOf(policy('both', { podSelector: {}, egress: [] }))
    expect(openingsOf(web, 'ingress', both)).toEqual([])
    expect(openingsOf(web, 'egress', both)).toEqual([])
  })
})

describe('peers', () => {
  const from = (...peers: object[]) =>
    openingsOf(db, 'ingress', clusterOf(policy('p', { podSelector: {}, ingress: [{ from: peers }] })))?.flatMap(
      (opening) => opening.peers.map(({ cidr }) => cidr),
    )

  test.each([
    ['pods of the same namespace', [{ podSelector: { matchLabels: { app: 'web' } } }], ['10.0.0.1/32']],
    ['everybody in a namespace', [{ namespaceSelector: { matchLabels: { team: 'other' } } }], ['10.0.0.3/32']],
    [
      'a namespace by its name',
      [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'theirs' } } }],
      ['10.0.0.3/32'],
    ],
    [
      'pods in every namespace',
      [{ namespaceSelector: {}, podSelector: { matchLabels: { app: 'web' } } }],
      ['10.0.0.1/32', '10.0.0.3/32'],
    ],
    [
      'either of two',
      [{ ipBlock: { cidr: '10.9.0.0/16' } }, { podSelector: {} }],
      ['10.9.0.0/16', '10.0.0.1/32', '10.0.0.2/32'],
    ],
    ['nobody who is there', [{ podSelector: { matchLabels: { app: 'gone' } } }], []],
    ['no word of who', [], ['0.0.0.0/0']],
  ])('%s', (_, peers, cidrs) => {
    expect(from(...peers)).toEqual(cidrs)
  })
})

test('a selector by expressions', () => {
  const by = (operator: string, values?: string[]) => ({
    matchExpressions: [{ key: 'app', operator, ...(values && { values }) }],
  })
  expect(selects(by('In', ['a', 'web']), web.labels)).toBe(true)
  expect(selects(by('In', ['a']), web.labels)).toBe(false)
  expect(selects(by('NotIn', ['a']), {})).toBe(true)
  expect(selects(by('Exists'), {})).toBe(false)
  expect(selects(by('DoesNotExist'), {})).toBe(true)
  expect(() => selects(by('Like'), web.labels)).toThrow('Like')
})

test('ports: numbers, ranges, names of the pod, all of a protocol', () => {
  const ports = [{ port: 8443 }, { protocol: 'UDP', port: 1024, endPort: 2048 }, { port: 'http' }, { protocol: 'UDP' }]
  const cluster = clusterOf(policy('p', { podSelector: {}, ingress: [{ ports }] }))
  expect(openingsOf(db, 'ingress', cluster)?.[0]?.ports).toEqual([
    { protocol: 'tcp', first: 8443, last: 8443 },
    { protocol: 'udp', first: 1024, last: 2048 },
    { protocol: 'tcp', first: 8000, last: 8000 },
    { protocol: 'udp', first: 1, last: 65_535 },
  ])
})

test('a firewall lets answers through, what is allowed, and rejects the rest; what is excepted goes on to the next rule', () => {
  const cluster = clusterOf(
    policy('out', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }], ports: [{ port: 443 }] }],
    }),
  )
  expect(firewallOf(web, cluster)).toBe(`*filter
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:egress-0 - [0:0]
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A egress-0 -d 10.0.0.0/8 -j RETURN
-A egress-0 -j ACCEPT
-A OUTPUT -d 0.0.0.0/0 -p tcp --dport 443:443 -m comment --comment "out" -j egress-0
-A OUTPUT -p tcp -j REJECT --reject-with tcp-reset
-A OUTPUT -j REJECT
COMMIT
`)
})
