// Who may do what: one table. The role is the key's.

/** `broker`: own quotes. `desk`: quotes for any broker. `auditor`: the records. `admin`: configuration and keys. `system`: service to service. */
export type Role = 'broker' | 'desk' | 'auditor' | 'admin' | 'system'
export const ROLES: readonly Role[] = ['broker', 'desk', 'auditor', 'admin', 'system']

/** Who keeps and proves the record: not the desk whose prices stand on it. */
const RECORD_KEEPERS: readonly Role[] = ['auditor', 'admin']

const MAY = {
  quote: ['broker', 'desk'],
  rates: ROLES,
  compare_packs: ROLES,
  stream_rates: ROLES,
  config: ROLES,
  who_am_i: ROLES,
  read_operations: ['desk', 'auditor', 'admin'],
  change_log_level: ['admin'],
  search_records: RECORD_KEEPERS,
  read_record: RECORD_KEEPERS,
  replay_records: RECORD_KEEPERS,
  verify_records: RECORD_KEEPERS,
  export_records: RECORD_KEEPERS,
  read_legal_holds: RECORD_KEEPERS,
  place_legal_hold: RECORD_KEEPERS,
  release_legal_hold: RECORD_KEEPERS,
  what_if: ['desk', 'admin'],
  // Who prices for any broker sees for whom and under which terms; who keeps the record reads records that have them.
  read_broker: ['broker', 'desk', 'auditor', 'admin'],
  list_brokers: ['desk', 'auditor', 'admin'],
  change_broker: ['admin'],
  read_stocks: ROLES,
  change_stock: ['admin'],
  read_pricing_models: ['admin'],
  add_pricing_model: ['admin'],
  read_approvals: ['admin'],
  decide_approval: ['admin'],
  read_api_keys: ['admin'],
  create_api_key: ['admin'],
  revoke_api_key: ['admin'],
  rotate_api_key: ['admin'],
  use_webhooks: ['broker', 'desk', 'admin'],
} as const satisfies Readonly<Record<string, readonly Role[]>>

/** What a route does, as a credential's role may or may not. */
export type Operation = keyof typeof MAY

/** All that a route may ask for. */
export const OPERATIONS = Object.keys(MAY) as readonly Operation[]

/** The roles that may, in the order of {@link ROLES}. */
export function rolesOf(operation: Operation): readonly Role[] {
  return ROLES.filter((role) => mayPerform(role, operation))
}

export function mayPerform(role: Role, operation: Operation): boolean {
  return (MAY[operation] as readonly Role[]).includes(role)
}
