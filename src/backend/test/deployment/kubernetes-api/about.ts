// Versions, health, discovery and OpenAPI: what a client reads before it asks for anything.
import { ApiFailure } from './api-object.ts'
import {
  aggregatedDiscovery,
  groupList,
  type Kind,
  namedGroups,
  openApiOf,
  openApiRoot,
  resourceList,
} from './kinds.ts'
import type { Answer } from './request.ts'

const VERSION = { major: '1', minor: '32', gitVersion: 'v1.32.4', platform: 'linux/amd64' }
const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const OPENAPI = '/openapi/v3/'

/** @returns null when the path is about objects */
export function answerAbout(kinds: readonly Kind[], path: string, accept: string): Answer | null {
  if (path === '/version') return ok(VERSION)
  if (['/healthz', '/livez', '/readyz'].includes(path)) return { ...ok('ok'), type: 'text/plain' }
  if (path === '/openapi/v3') return ok(openApiRoot(kinds))
  if (path.startsWith(OPENAPI)) return ok(openApiOf(kinds, path.slice(OPENAPI.length)))
  if (path.startsWith('/openapi/')) throw new ApiFailure('NotFound', 'only the third version of OpenAPI is served')
  const [, root, group = '', version = '', more] = path.split('/')
  if (group === '') {
    if (accept.includes('APIGroupDiscoveryList')) {
      const groups = root === 'api' ? [''] : namedGroups(kinds)
      return { ...ok(aggregatedDiscovery(kinds, groups)), type: AGGREGATED }
    }
    return ok(root === 'api' ? { kind: 'APIVersions', versions: ['v1'] } : groupList(kinds))
  }
  if (root === 'api' && version === '') return ok(resourceList(kinds, '', group))
  return root === 'apis' && version !== '' && more === undefined ? ok(resourceList(kinds, group, version)) : null
}

function ok(body: unknown): Answer {
  return { code: 200, body }
}
