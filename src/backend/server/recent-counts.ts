// How much counts that somebody else keeps since the start have grown in the last minutes: looked at now and then, a fixed number of looks
// is kept.

export interface RecentCounts<Name extends string> {
  /** Since the oldest look: about as long as is said, or since the start. */
  grown(): Readonly<Record<Name, number>>
  stop(): void
}

export function recentCounts<Name extends string>(
  read: () => Readonly<Record<Name, number>>,
  { seconds, lookEverySeconds = 10 }: { readonly seconds: number; readonly lookEverySeconds?: number },
): RecentCounts<Name> {
  const looksKept = Math.ceil(seconds / lookEverySeconds)
  const looks = [read()]
  const looking = setInterval(() => {
    looks.push(read())
    if (looks.length > looksKept) looks.shift()
  }, lookEverySeconds * 1000)
  looking.unref()
  return {
    grown() {
      const oldest = looks[0] as Readonly<Record<Name, number>>
      const entries = Object.entries(read()) as [Name, number][]
      return Object.fromEntries(entries.map(([name, count]) => [name, count - oldest[name]])) as Record<Name, number>
    },
    stop: () => clearInterval(looking),
  }
}
