// Who may do what: one table. The role is the key's.

/** `broker`: own quotes. `desk`: quotes for any broker. `auditor`: the records. `admin`: configuration and keys. `system`: service to service. */
export type Role = 'broker' | 'desk' | 'auditor' | 'admin' | 'system'
export const ROLES: readonly Role[] = ['broker', 'desk', 'auditor', 'admin', 'system']

export type Operation = 'quote' | 'rates' | 'config' | 'read_record'

const MAY: Readonly<Record<Operation, ReadonlySet<Role>>> = {
  quote: new Set<Role>(['broker', 'desk']),
  rates: new Set(ROLES),
  config: new Set(ROLES),
  read_record: new Set<Role>(['auditor', 'admin']),
}

export function mayPerform(role: Role, operation: Operation): boolean {
  return MAY[operation].has(role)
}
