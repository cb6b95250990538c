// Kinds of records, as people say them.
const KINDS: Readonly<Record<string, string>> = {
  quote: 'Quote',
  broker_changed: 'Terms changed',
  stock_changed: 'Stock changed',
  pricing_model_added: 'Model added',
  api_key_created: 'Key made',
  api_key_revoked: 'Key revoked',
  api_key_rotated: 'Key rotated',
  webhook_added: 'Webhook added',
  webhook_removed: 'Webhook removed',
  webhook_rotated: 'Webhook secret rotated',
  approval_asked: 'Approval asked',
  approval_decided: 'Approval decided',
  log_level_changed: 'Log level changed',
  legal_hold_placed: 'Legal hold placed',
  legal_hold_released: 'Legal hold released',
  refusals: 'Refusals at the door',
  audit_month_detached: 'Month left the log',
}

/** A kind that is not known here is said by its own name. */
export function kindText(recordType: string): string {
  return KINDS[recordType] ?? sentenceCase(recordType)
}

/** For a menu of filters. */
export const KIND_NAMES: readonly { readonly value: string; readonly label: string }[] = Object.entries(KINDS).map(
  ([value, label]) => ({ value, label }),
)

/** `last_used_at` as words: `Last used at`. */
export function sentenceCase(name: string): string {
  const words = name.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
