// What the engine promises, beside what was measured.

export interface Target {
  readonly name: string
  /** `>= 0.40`, `< 10 ms`. */
  readonly target: string
  readonly measured: number
  readonly met: boolean
  /** By how much it is missed, in its unit; 0 when it is met. */
  readonly missed_by: number
}

export function atLeast(name: string, least: number, measured: number, unit = ''): Target {
  return told(name, `>= ${withUnit(least, unit)}`, measured, measured >= least, least - measured)
}

export function atMost(name: string, most: number, measured: number, unit = ''): Target {
  return told(name, `<= ${withUnit(most, unit)}`, measured, measured <= most, measured - most)
}

export function below(name: string, bound: number, measured: number, unit = ''): Target {
  return told(name, `< ${withUnit(bound, unit)}`, measured, measured < bound, measured - bound)
}

const withUnit = (value: number, unit: string) => (unit === '' ? String(value) : `${value} ${unit}`)

function told(name: string, target: string, measured: number, met: boolean, missedBy: number): Target {
  return { name, target, measured, met, missed_by: met ? 0 : missedBy }
}

/** Lines for a person. */
export function targetLines(targets: readonly Target[]): string[] {
  const width = Math.max(...targets.map(({ name }) => name.length))
  return targets.map(({ name, target, measured, met, missed_by }) => {
    const verdict = met ? 'met' : `missed by ${short(missed_by)}`
    return `  ${name.padEnd(width)}  ${target.padEnd(10)} ${short(measured).padStart(8)}  ${verdict}`
  })
}

/** Three digits that count. */
export function short(value: number): string {
  const digits = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1
  return value.toFixed(Math.min(3, Math.max(0, 3 - digits)))
}
