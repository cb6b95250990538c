// Who may do what in a cluster: people and pipelines by three groups, programs by their service accounts. Nobody may everything, and
// deployers may exactly what the deployments need.
import { beforeAll, describe, expect, test } from 'vitest'
import {
  BUILD_TIMEOUT_MS,
  buildEverything,
  canary,
  cluster,
  ENVIRONMENTS,
  type Environment,
  jobs,
  type ManifestObject,
  overlay,
  withoutKubectl,
} from './manifests.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

type Role = ManifestObject & { readonly rules: readonly Rule[] }
type Binding = ManifestObject & {
  readonly roleRef: { readonly kind: string; readonly name: string }
  readonly subjects: readonly { readonly kind: string; readonly name: string }[]
}

const rolesOf = (environment: Environment) =>
  cluster(environment).filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole') as Role[]
const bindingsOf = (environment: Environment) =>
  cluster(environment).filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding') as Binding[]

/** The rules that whoever is named gets, of all roles. */
function rulesOf(environment: Environment, subject: string): readonly Rule[] {
  const roles = bindingsOf(environment)
    .filter(({ subjects }) => subjects.some(({ name }) => name === subject))
    .map(({ roleRef }) => roleRef.name)
  return rolesOf(environment)
    .filter(({ metadata }) => roles.includes(metadata.name))
    .flatMap(({ rules }) => rules)
}

function may(rules: readonly Rule[], verb: string, group: string, resource: string): boolean {
  return rules.some(
    ({ apiGroups, resources, verbs, resourceNames }) =>
      resourceNames === undefined && apiGroups.includes(group) && resources.includes(resource) && verbs.includes(verb),
  )
}

/** `apps/v1, Deployment`: the group and the name in the API. */
function resourceOf({ apiVersion, kind }: ManifestObject): readonly [group: string, resource: string] {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
  const word = kind.toLowerCase()
  return [group, word.endsWith('cy') ? `${word.slice(0, -1)}ies` : `${word}s`]
}

/** Rules that give more than anybody should have. */
function rightFaults(roles: readonly Role[]): string[] {
  return roles.flatMap(({ kind, metadata, rules }) =>
    rules.flatMap((rule) => {
      const wild = [...rule.apiGroups, ...rule.resources, ...rule.verbs].includes('*')
      const climbs = rule.verbs.some((verb) => ['escalate', 'bind', 'impersonate'].includes(verb))
      return [
        ...(wild ? [`${kind} ${metadata.name} allows everything of something`] : []),
        ...(climbs ? [`${kind} ${metadata.name} may give itself more`] : []),
      ]
    }),
  )
}

describe.skipIf(withoutKubectl())('the rights in', () => {
  beforeAll(buildEverything, BUILD_TIMEOUT_MS)

  describe.each(ENVIRONMENTS)('%s', (environment) => {
    const [viewers, deployers, admins] = ['viewers', 'deployers', 'admins'].map((name) => `borrow-rate-engine:${name}`)

    test('are nobody’s without end', () => {
      expect(rolesOf(environment).length).toBeGreaterThanOrEqual(5)
      expect(rightFaults(rolesOf(environment))).toEqual([])
    })

    test('are given to three groups and to programs, in the namespace of the environment', () => {
      const groups = bindingsOf(environment).flatMap(({ subjects }) => subjects.filter(({ kind }) => kind === 'Group'))
      expect([...new Set(groups.map(({ name }) => name))].sort()).toEqual([admins, deployers, viewers])
      const programs = bindingsOf(environment).flatMap(({ subjects }) =>
        subjects.filter(({ kind }) => kind === 'ServiceAccount'),
      )
      expect([...new Set(programs.map(({ name }) => name))].sort()).toEqual(
        environment === 'prod' ? ['cluster-autoscaler', 'traffic-split-controller'] : ['cluster-autoscaler'],
      )
      for (const role of [...rolesOf(environment), ...bindingsOf(environment)].filter(({ kind }) =>
        kind.startsWith('Role'),
      )) {
        const own = role.metadata.name === 'deployment-watcher' ? 'monitoring' : `borrow-rate-engine-${environment}`
        expect(['kube-system', own]).toContain(role.metadata.namespace)
      }
    })

    test('of whoever deploys in monitoring are to look through one door', () => {
      const [role] = rolesOf(environment).filter(({ metadata }) => metadata.namespace === 'monitoring')
      const rights = role?.rules.flatMap(({ resources, verbs }) =>
        resources.map((each) => `${verbs.join(' ')} ${each}`),
      )
      expect(rights).toEqual(['get services', 'get list pods', 'create pods/portforward'])
    })

    test('of whoever deploys are what a deployment needs: every object of the overlay, a canary, the jobs', () => {
      const rules = rulesOf(environment, deployers!)
      const objects = [...overlay(environment), ...(environment === 'prod' ? canary() : []), ...jobs()]
      const missing = objects.flatMap((object) => {
        // The namespace is there, and stays as it is.
        const verbs = object.kind === 'Namespace' ? ['get'] : ['get', 'create', 'patch', 'delete']
        const [group, resource] = resourceOf(object)
        return verbs.filter((verb) => !may(rules, verb, group, resource)).map((verb) => `${verb} ${resource}`)
      })
      expect([...new Set(missing)]).toEqual([])
      for (const [verb, group, resource] of [
        ['patch', 'split.smi-spec.io', 'trafficsplits'],
        ['create', '', 'pods/exec'],
        ['create', '', 'pods'],
        ['get', '', 'pods/log'],
        ['patch', 'apps', 'deployments/scale'],
      ] as const) {
        expect(may(rules, verb, group, resource), `${verb} ${resource}`).toBe(true)
      }
    })

    test('of whoever deploys end at secrets and at rights', () => {
      const rules = rulesOf(environment, deployers!)
      for (const verb of ['get', 'list', 'create', 'patch']) {
        expect(may(rules, verb, '', 'secrets')).toBe(false)
        expect(may(rules, verb, 'rbac.authorization.k8s.io', 'roles')).toBe(false)
        expect(may(rules, verb, 'rbac.authorization.k8s.io', 'rolebindings')).toBe(false)
      }
      expect(may(rules, 'patch', '', 'namespaces')).toBe(false)
      expect(may(rulesOf(environment, admins!), 'patch', '', 'secrets')).toBe(true)
    })

    test('of whoever looks are to look', () => {
      const verbs = rulesOf(environment, viewers!).flatMap((rule) => rule.verbs)
      expect([...new Set(verbs)].sort()).toEqual(['get', 'list', 'watch'])
      expect(may(rulesOf(environment, viewers!), 'get', '', 'secrets')).toBe(false)
    })
  })
})

test.each([
  ['everything', { apiGroups: ['*'], resources: ['pods'], verbs: ['get'] }, 'Role r allows everything of something'],
  ['every verb', { apiGroups: [''], resources: ['pods'], verbs: ['*'] }, 'Role r allows everything of something'],
  [
    'more',
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['escalate'] },
    'Role r may give itself more',
  ],
])('a role that may %s is noticed', (_, rule, fault) => {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'r' }, rules: [rule] }
  expect(rightFaults([role])).toEqual([fault])
})
