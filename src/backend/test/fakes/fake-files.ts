// Feed files that are of today, made from the demonstration's excerpts: an engine refuses nothing about them, and finds them fresh.

/** @param read gives the text of a file of the demonstration data */
export function freshDemoFiles(now: Date, read: (name: string) => string): { usa: string; vix: string } {
  const usa = read('ibkr-usa-20251228-excerpt.txt').replace(/^#BOF\|[^\n]*/, `#BOF|${newYorkStamp(now)}`)
  const vix = `${read('vix-daily.csv').trimEnd()}\n${newYorkStamp(now).slice(0, 10).replaceAll('.', '-')},20.00,21.00,19.50,20.50\n`
  return { usa, vix }
}

/** `2026.11.24|10:30:00`, the wall time in New York. */
export function newYorkStamp(now: Date): string {
  const parts = new Intl.DateTimeFormat('sv-SE', {
    timeZone: 'America/New_York',
    dateStyle: 'short',
    timeStyle: 'medium',
  }).format(now)
  return parts.replaceAll('-', '.').replace(' ', '|')
}
