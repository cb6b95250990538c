// Who may use a route, as its documentation says: made from the one table of roles, so that what is promised is what is checked.
import { type Operation, ROLES, type Role, rolesOf } from '../access/roles.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** The roles that may, for programs; the description names them for people. */
    'x-roles'?: readonly Role[]
  }
}

/** The part of a route's documentation that says whose credential it takes. */
export function forRoles(operation: Operation, description: string) {
  const roles = rolesOf(operation)
  return {
    security: [{ apiKey: [] }],
    'x-roles': roles,
    description: `${description} For ${inWords(roles)}.`,
  }
}

function inWords(roles: readonly Role[]): string {
  if (roles.length === ROLES.length) return 'any role'
  return `the ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(', ').replace(/, ([a-z]+)$/, ' and $1')}`
}
