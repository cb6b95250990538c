// Interleaved rounds: every contender runs once a round, so that a busy minute of the machine falls on all of them alike. Medians
// and the whole spread are reported; a ratio is only ever taken within one run.

/** One figure of a contender over its rounds. */
export interface Figure {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** Runs `rounds` rounds after one unmeasured; each contender gives one number a round. */
export async function interleaved<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => number | Promise<number>>>,
): Promise<Record<Name, Figure>> {
  const names = Object.keys(contenders) as Name[]
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let round = -1; round < rounds; round += 1) {
    for (const name of names) {
      const value = await contenders[name]()
      if (round >= 0) measured[name].push(value)
    }
  }
  return Object.fromEntries(names.map((name) => [name, figure(measured[name])])) as Record<Name, Figure>
}

/** Median and spread of some measurements, at least one. */
export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]!
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]!
  const median = (lower + upper) / 2
  return { median, min: sorted[0]!, max: sorted.at(-1)!, rounds: sorted.length }
}

/** A figure as a line of a report: `1 234 (1 200 to 1 300)`. */
export function printed(value: Figure, decimals = 0): string {
  const number = (n: number): string =>
    n.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replaceAll(',', ' ')
  return `${number(value.median)} (${number(value.min)} to ${number(value.max)})`
}
