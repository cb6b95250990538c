// By what a canary is judged. Figures are of the time that a look goes back over, not of the whole canary: what turned bad late is
// not hidden by what was good before.

export interface Rules {
  /** Per cent of the requests, rising. 100 is not among them: that is the release. */
  readonly stages: readonly number[]
  /** A stage is watched at least so long. */
  readonly stageMs: number
  readonly lookEveryMs: number
  /** A look goes back so far, and not behind the beginning of its stage. */
  readonly lookBackMs: number
  /** Fewer are no verdict, of either version. */
  readonly requestsMin: number
  /** So long beyond the stage for enough requests, and so long without any figures, before that is the verdict. */
  readonly waitMs: number
  /** Fractions of the requests that ended with a 5xx. */
  readonly errorRatioMax: number
  readonly errorRatioOverStableMax: number
  readonly p95MsMax: number
  readonly p95TimesStableMax: number
  /** Slower by less is noise: the buckets of the histogram are not finer. */
  readonly p95NoiseMs: number
  readonly restartsMax: number
  /** A pod of the canary may be unready so long. */
  readonly unreadyMsMax: number
  /** So many bad looks in a row end it: one may be a neighbour's trouble. */
  readonly badLooksMax: number
  /** With so many requests, and that part of them failed, one look is enough. */
  readonly floodRequestsMin: number
  readonly floodRatio: number
}

export const RULES: Rules = {
  stages: [10, 30, 60],
  stageMs: 600_000,
  lookEveryMs: 30_000,
  lookBackMs: 300_000,
  requestsMin: 200,
  waitMs: 900_000,
  errorRatioMax: 0.01,
  errorRatioOverStableMax: 0.005,
  p95MsMax: 100,
  p95TimesStableMax: 1.5,
  p95NoiseMs: 20,
  restartsMax: 0,
  unreadyMsMax: 90_000,
  badLooksMax: 2,
  floodRequestsMin: 20,
  floodRatio: 0.2,
}

/** What is wrong with the rules themselves, each a sentence. */
export function ruleFaults({ stages, stageMs, lookEveryMs, requestsMin, badLooksMax }: Rules): string[] {
  const rising = stages.every((percent, at) => at === 0 || percent > (stages[at - 1] ?? 0))
  return [
    ...(stages.length === 0 ? ['there is no stage'] : []),
    ...(rising ? [] : [`the stages ${stages.join(', ')} do not rise`]),
    ...stages
      .filter((percent) => !Number.isInteger(percent) || percent < 1 || percent > 99)
      .map((percent) => `a stage is a whole number from 1 to 99, not ${percent}`),
    ...(stageMs > 0 && lookEveryMs > 0 ? [] : ['a stage and the time between looks must be longer than nothing']),
    ...(requestsMin >= 1 && badLooksMax >= 1 ? [] : ['a verdict needs at least one request and one look']),
  ]
}
