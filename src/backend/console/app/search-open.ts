// Opens the search, whether it is loaded already or not.
const listeners = new Set<() => void>()
let wanted = false

export function openSearch(): void {
  wanted = listeners.size === 0
  for (const listener of listeners) listener()
}

/** @returns how to stop listening */
export function onOpenSearch(listener: () => void): () => void {
  listeners.add(listener)
  if (wanted) {
    wanted = false
    listener()
  }
  return () => listeners.delete(listener)
}
