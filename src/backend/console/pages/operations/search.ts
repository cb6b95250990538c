// What the address of the screen holds: the services whose components are shown.
export interface OperationsSearch {
  /** With commas between them. */
  readonly open?: string
}

const OPEN_MAX = 5

export function operationsSearch(raw: Record<string, unknown>): OperationsSearch {
  const open = openOf({ ...(typeof raw.open === 'string' && { open: raw.open }) })
  return open.length === 0 ? {} : { open: open.join() }
}

export function openOf({ open = '' }: OperationsSearch): string[] {
  const names = open.split(',').filter((name) => /^[a-z][a-z-]{0,39}$/.test(name))
  return [...new Set(names)].slice(0, OPEN_MAX)
}

/** With the service shown, or shown no more. */
export function toggled(search: OperationsSearch, service: string): OperationsSearch {
  const open = openOf(search)
  return operationsSearch({
    open: (open.includes(service) ? open.filter((name) => name !== service) : [...open, service]).join(),
  })
}
