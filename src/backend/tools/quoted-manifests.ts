// Whether a piece of YAML or JSON in a document stands so in what is shipped: somewhere in the objects there is one that has all of it,
// and may have more.

/** @returns true when `quoted` is a part of one of the values, at any depth */
export function standsIn(quoted: unknown, values: readonly unknown[]): boolean {
  return values.some((value) => {
    if (isPartOf(quoted, value)) return true
    return typeof value === 'object' && value !== null && standsIn(quoted, Object.values(value))
  })
}

/** Every member is there and is the same; lists are as long. */
function isPartOf(quoted: unknown, value: unknown): boolean {
  if (typeof quoted !== 'object' || quoted === null) return sameText(quoted, value)
  if (typeof value !== 'object' || value === null || Array.isArray(quoted) !== Array.isArray(value)) return false
  if (Array.isArray(quoted)) {
    const others = value as unknown[]
    return quoted.length === others.length && quoted.every((member, at) => isPartOf(member, others[at]))
  }
  return Object.entries(quoted).every(([key, member]) => isPartOf(member, (value as Record<string, unknown>)[key]))
}

/** A text that is JSON may be laid out otherwise. */
function sameText(quoted: unknown, value: unknown): boolean {
  if (quoted === value) return true
  if (typeof quoted !== 'string' || typeof value !== 'string') return false
  return quoted.trim() === value.trim()
}
