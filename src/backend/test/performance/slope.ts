// How a figure moves with another one.

/** The slope of the line of least squares through points of x and y; 0 of fewer than two. */
export function drift(points: readonly (readonly [number, number])[]): number {
  const count = points.length
  const [meanX, meanY] = [0, 1].map((at) => points.reduce((sum, point) => sum + (point[at] as number), 0) / count) as [
    number,
    number,
  ]
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  if (count < 2 || spread === 0) return 0
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
}

/** The sample with the least of something in each of so many slices, in order. */
export function least<Sample>(samples: readonly Sample[], what: keyof Sample, slices: number): Sample[] {
  const length = Math.max(1, Math.ceil(samples.length / slices))
  return Array.from({ length: Math.ceil(samples.length / length) }, (_, index) =>
    samples
      .slice(index * length, (index + 1) * length)
      .reduce((lowest, sample) => (Number(sample[what]) < Number(lowest[what]) ? sample : lowest)),
  )
}

export type Growth = 'flat' | 'logarithmic' | 'linear' | 'super-linear'

export interface GrowthVerdict {
  /** What the cost of one is multiplied by when there are ten times as many. */
  readonly per_tenfold: number
  /** Between the two neighbours where it rises most. */
  readonly steepest_per_tenfold: number
  readonly verdict: Growth
}

/**
 * How the cost of one grows with how many there are, from pairs of size (above 0) and cost. `cost ~ size^e`, by least squares over the
 * logarithms: up to 1.15 for ten times as many is flat, up to 2 logarithmic, up to 12 linear (ten and what measuring adds), more is
 * super-linear.
 */
export function growthOf(points: readonly (readonly [number, number])[]): GrowthVerdict {
  const logs = points.map(([size, cost]) => [Math.log10(size), Math.log10(cost)] as const)
  const perTenfold = 10 ** drift(logs)
  const steps = logs.slice(1).map(([x, y], index) => (y - logs[index]![1]) / (x - logs[index]![0]))
  const verdict =
    perTenfold <= 1.15 ? 'flat' : perTenfold <= 2 ? 'logarithmic' : perTenfold <= 12 ? 'linear' : 'super-linear'
  return { per_tenfold: perTenfold, steepest_per_tenfold: 10 ** Math.max(...steps), verdict }
}
