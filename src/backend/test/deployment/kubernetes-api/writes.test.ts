// What the API in memory makes of writes, where a mistake of its own would hide one of a manifest or of a controller.
import { describe, expect, test } from 'vitest'
import { ApiFailure, type ApiObject, listAt, treeAt } from './api-object.ts'
import { ownersAfterUpdate, serverSideApply } from './field-ownership.ts'
import { fixedKind, kindsWith } from './kinds.ts'
import { jsonPatch, mergePatch, strategicPatch } from './patches.ts'
import { podSecurityFaults } from './pod-security.ts'
import { schemaFaults } from './schema-check.ts'
import { fieldSelector, labelSelector, matchesSelector } from './selectors.ts'

const DEPLOYMENTS = fixedKind('deployments')
const ROUTES = fixedKind('httproutes')
const CONFIG_MAPS = fixedKind('configmaps')

function configMap(data: Record<string, string>): ApiObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'n' }, data }
}

describe('server-side apply', () => {
  const applied = (live: ApiObject | null, data: Record<string, string>, manager: string, force = false) =>
    serverSideApply(CONFIG_MAPS, live, configMap(data), { manager, force })

  test('two managers share an object, field by field', () => {
    const both = applied(applied(null, { a: '1' }, 'one'), { b: '2' }, 'two')
    expect(both.data).toEqual({ a: '1', b: '2' })
    expect(both.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['one', 'two'])
  })

  test("another manager's field is a conflict, and is taken when one insists", () => {
    const live = applied(null, { a: '1' }, 'one')
    expect(() => applied(live, { a: '2' }, 'two')).toThrow('conflict with "one": .data.a')
    const taken = applied(live, { a: '2' }, 'two', true)
    expect(taken.data).toEqual({ a: '2' })
    expect(taken.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['two'])
  })

  test('what a manager applies no more goes, unless another has it too', () => {
    const live = applied(applied(null, { a: '1', b: '1' }, 'one'), { b: '1' }, 'two')
    expect(applied(live, {}, 'one').data).toEqual({ b: '1' })
  })

  test('the rules of a route are one value: whoever applies them owns them whole', () => {
    const route = (weight: number): ApiObject => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'r', namespace: 'n' },
      spec: { hostnames: ['a'], rules: [{ backendRefs: [{ name: 's', weight }] }] },
    })
    const live = route(100)
    live.metadata.managedFields = ownersAfterUpdate(ROUTES, null, live, 'kubectl')
    const { spec, ...rest } = route(90)
    const mine = { ...rest, spec: { rules: treeAt({ spec }, 'spec').rules } }
    expect(() => serverSideApply(ROUTES, live, mine, { manager: 'me', force: false })).toThrow('.spec.rules')
    const after = serverSideApply(ROUTES, live, mine, { manager: 'me', force: true })
    expect(after.spec).toEqual(route(90).spec)
  })
})

describe('patches', () => {
  const deployment = {
    spec: {
      template: {
        spec: { containers: [{ name: 'service', image: 'a:1', env: [{ name: 'A', value: '1' }] }, { name: 'side' }] },
      },
    },
  }
  const containers = (patch: unknown[]) => ({ spec: { template: { spec: { containers: patch } } } })
  const patchedContainers = (patch: unknown[]) =>
    listAt(strategicPatch(DEPLOYMENTS, deployment, containers(patch)), 'spec', 'template', 'spec', 'containers')

  test('a strategic one meets the container of that name, and its variables', () => {
    const patched = patchedContainers([{ name: 'service', image: 'a:2', env: [{ name: 'B', value: '2' }] }])
    expect(patched).toEqual([
      {
        name: 'service',
        image: 'a:2',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
      },
      { name: 'side' },
    ])
  })

  test('a strategic one removes by directive, and takes a list whole by another', () => {
    expect(patchedContainers([{ name: 'side', $patch: 'delete' }]).map(({ name }) => name)).toEqual(['service'])
    expect(patchedContainers([{ $patch: 'replace' }, { name: 'only' }])).toEqual([{ name: 'only' }])
  })

  test('a merge patch takes lists whole and removes by null', () => {
    expect(mergePatch({ a: 1, b: [1, 2] }, { a: null, b: [3] })).toEqual({ b: [3] })
  })

  test('a JSON patch adds, moves and tests', () => {
    const operations = [
      { op: 'test', path: '/a/b', value: 1 },
      { op: 'move', from: '/a/b', path: '/c~1d' },
      { op: 'add', path: '/list/-', value: 3 },
    ] as const
    expect(jsonPatch({ a: { b: 1 }, list: [1] }, operations)).toEqual({ a: {}, 'c/d': 1, list: [1, 3] })
    expect(() => jsonPatch({ a: 1 }, [{ op: 'test', path: '/a', value: 2 }])).toThrow(ApiFailure)
  })
})

describe('selectors', () => {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', labels: { app: 'a', env: 'dev' } },
    status: { phase: 'Running' },
  }

  test.each([
    ['app=a', true],
    ['app==a,env!=prod', true],
    ['env in (dev, staging)', true],
    ['env notin (dev)', false],
    ['!canary', true],
    ['canary', false],
    ['app=a,env=prod', false],
  ])('%s: %s', (text, holds) => {
    expect(labelSelector(text)(object)).toBe(holds)
  })

  test('fields and expressions', () => {
    expect(fieldSelector('metadata.name=p,status.phase!=Failed')(object)).toBe(true)
    expect(fieldSelector('metadata.name=q')(object)).toBe(false)
    const expression = (operator: string) => ({ matchExpressions: [{ key: 'env', operator, values: ['dev'] }] })
    expect(matchesSelector(expression('In'), { env: 'dev' })).toBe(true)
    expect(matchesSelector(expression('NotIn'), { env: 'dev' })).toBe(false)
  })
})

describe('refusals', () => {
  test('a bare pod breaks the restricted standard in four places, a hardened one in none', () => {
    expect(podSecurityFaults('restricted', { containers: [{ name: 'c' }] })).toHaveLength(4)
    const hardened = {
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        { name: 'c', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
      ],
    }
    expect(podSecurityFaults('restricted', hardened)).toEqual([])
    expect(podSecurityFaults('baseline', { ...hardened, hostNetwork: true })).toHaveLength(1)
  })

  test('what a definition does not know or allow is found, with its place', () => {
    const item = { type: 'object', required: ['weight'], properties: { weight: { type: 'integer', maximum: 100 } } }
    const schema = {
      type: 'object',
      properties: { spec: { type: 'object', properties: { backends: { type: 'array', minItems: 1, items: item } } } },
    }
    const object = { spec: { backends: [{ weight: 101 }, { wieght: 1 }], more: 1 } }
    expect(schemaFaults(schema, object)).toEqual({
      invalid: ['spec.backends[0].weight: must be at most 100', 'spec.backends[1].weight: Required value'],
      unknown: ['spec.backends[1].wieght', 'spec.more'],
    })
  })

  test('a definition adds its kind', () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1' }],
      },
    }
    expect(kindsWith([definition]).at(-1)).toMatchObject({ group: 'example.com', plural: 'things', namespaced: true })
  })
})
