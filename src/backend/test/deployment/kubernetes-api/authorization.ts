// Who asks, and what they may: bearer tokens, of the administrator and of service accounts, and the roles that are bound to them.
import { randomBytes } from 'node:crypto'
import { ApiFailure, listAt, type Tree, treeAt } from './api-object.ts'
import { fixedKind, type Kind } from './kinds.ts'
import type { Store } from './store.ts'

export interface Ask {
  readonly verb: string
  readonly kind: Kind
  readonly subresource: string
  readonly namespace: string
  readonly name: string
}

export interface Authorization {
  readonly adminToken: string
  /** A token as a pod of the service account has it mounted. */
  issueToken(namespace: string, serviceAccount: string): string
  /** From here on it is refused with 401, as one that has expired. */
  expire(token: string): void
  /** The user behind the header. @throws ApiFailure Unauthorized */
  userOf(header: string | undefined): string
  /** @throws ApiFailure Forbidden, in the words of the API */
  require(user: string, ask: Ask): void
}

const ADMIN = 'kubernetes-admin'
const ROLES = fixedKind('roles')
const ROLE_BINDINGS = fixedKind('rolebindings')
const CLUSTER_ROLES = fixedKind('clusterroles')
const CLUSTER_ROLE_BINDINGS = fixedKind('clusterrolebindings')

export function createAuthorization(store: Store): Authorization {
  const adminToken = randomBytes(24).toString('base64url')
  const users = new Map([[adminToken, ADMIN]])

  const rulesFor = (user: string, namespace: string): Tree[] => {
    const bound = [
      ...store.list(CLUSTER_ROLE_BINDINGS),
      ...(namespace === '' ? [] : store.list(ROLE_BINDINGS, namespace)),
    ].filter((binding) =>
      listAt(binding, 'subjects').some((subject) => userName(subject, binding.metadata.namespace) === user),
    )
    return bound.flatMap((binding) => {
      const { kind, name } = treeAt(binding, 'roleRef')
      const role =
        kind === 'ClusterRole'
          ? store.find(CLUSTER_ROLES, '', String(name))
          : store.find(ROLES, binding.metadata.namespace ?? '', String(name))
      return role === null ? [] : listAt(role, 'rules')
    })
  }

  return {
    adminToken,
    issueToken(namespace, serviceAccount) {
      const token = randomBytes(24).toString('base64url')
      users.set(token, `system:serviceaccount:${namespace}:${serviceAccount}`)
      return token
    },
    expire: (token) => void users.delete(token),
    userOf(header) {
      const user = users.get(/^Bearer (.+)$/.exec(header ?? '')?.[1] ?? '')
      if (user === undefined) throw new ApiFailure('Unauthorized', 'Unauthorized')
      return user
    },
    require(user, ask) {
      if (user === ADMIN || rulesFor(user, ask.namespace).some((rule) => allows(rule, ask))) return
      const { verb, kind, subresource, namespace, name } = ask
      const resource = subresource === '' ? kind.plural : `${kind.plural}/${subresource}`
      const where = kind.namespaced && namespace !== '' ? `in the namespace "${namespace}"` : 'at the cluster scope'
      const what = `${kind.plural}${kind.group === '' ? '' : `.${kind.group}`}${name === '' ? '' : ` "${name}"`}`
      throw new ApiFailure(
        'Forbidden',
        `${what} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${where}`,
        { name, group: kind.group, kind: kind.plural },
      )
    },
  }
}

function userName({ kind, name, namespace }: Tree, bindingNamespace: string | undefined): string {
  return kind === 'ServiceAccount' ? `system:serviceaccount:${namespace ?? bindingNamespace}:${name}` : String(name)
}

function allows(rule: Tree, { verb, kind, subresource, name }: Ask): boolean {
  const has = (list: unknown, word: string) => Array.isArray(list) && (list.includes(word) || list.includes('*'))
  const resource = subresource === '' ? kind.plural : `${kind.plural}/${subresource}`
  const names = (rule.resourceNames ?? []) as string[]
  return (
    has(rule.verbs, verb) &&
    has(rule.apiGroups, kind.group) &&
    has(rule.resources, resource) &&
    (names.length === 0 || names.includes(name))
  )
}
