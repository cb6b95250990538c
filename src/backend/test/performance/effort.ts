// How long is measured. A quick look shows that a part runs, and little more.

/** What was asked for on the command line. */
export interface BenchOptions {
  /** Shortest rounds, for who works on the harness. */
  readonly quick: boolean
  /** Of `search`, and the longest history of `growth`; null: each part's own. */
  readonly records: number | null
  /** Of `endurance`. */
  readonly minutes: number
  /** Of `open-loop`, requests a second; null: shares of what was found in a closed loop. */
  readonly rate: number | null
}

export interface Effort {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

const QUICK: Effort = { rounds: 1, seconds: 1, warmUpSeconds: 1 }

export function effortOf({ quick }: BenchOptions, whole: Effort): Effort {
  return quick ? QUICK : whole
}
