// Text as a file of the person's own: nothing is asked of anybody for it.

const TYPES = {
  csv: 'text/csv;charset=utf-8',
  json: 'application/json',
  ndjson: 'application/x-ndjson',
} as const

/** @param name with its ending: `basket-refused.csv` */
export function download(name: string, text: string): void {
  const ending = name.slice(name.lastIndexOf('.') + 1)
  const type = TYPES[ending as keyof typeof TYPES] ?? 'text/plain;charset=utf-8'
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has taken the text by the time of the next task.
  setTimeout(() => URL.revokeObjectURL(url))
}

/** `northbridge week 47.csv` is northbridge-week-47: a name that every file system takes. */
export function fileStem(name: string): string {
  const stem = name
    .replace(/\.[A-Za-z0-9]{1,5}$/, '')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return stem === '' ? 'basket' : stem.slice(0, 80)
}
