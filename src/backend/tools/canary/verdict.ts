// What a look at a canary means: watch on, go to the next stage, or withdraw it. No clock and no connection: the time of the look is an
// argument, as is everything that was seen.
//
// What is not seen is not good: without figures, or with too few requests, a stage does not end well, however long it is watched.
import type { Rules } from './rules.ts'

export interface Figures {
  readonly requests: number
  /** Ended with a 5xx. */
  readonly errors: number
  /** Null: no request had a time. */
  readonly p95Ms: number | null
}

export interface Pods {
  readonly wanted: number
  readonly ready: number
  readonly restarts: number
}

export interface Look {
  /** Null: there were no figures. */
  readonly canary: Figures | null
  readonly stable: Figures | null
  /** Null: the cluster did not say. */
  readonly pods: Pods | null
}

export type Action = 'watch' | 'advance' | 'withdraw'

export interface Decision {
  readonly action: Action
  /** A sentence for a person. */
  readonly reason: string
}

/** A stage as it has gone so far. Times are milliseconds since 1970. */
export interface StageState {
  readonly percent: number
  readonly begunAt: number
  /** When everything was seen last. */
  readonly seenAt: number
  /** Since when a pod is not ready, null while all are. */
  readonly unreadySince: number | null
  readonly badLooks: number
}

export function beginStage(percent: number, now: number): StageState {
  return { percent, begunAt: now, seenAt: now, unreadySince: null, badLooks: 0 }
}

/** @returns what is to be done, and the stage as it is after this look */
export function decide(
  rules: Rules,
  before: StageState,
  look: Look,
  now: number,
): { readonly decision: Decision; readonly state: StageState } {
  const { canary, stable, pods } = look
  const seen = canary !== null && stable !== null && pods !== null
  const isUnready = pods === null ? before.unreadySince !== null : pods.ready < pods.wanted
  const unreadySince = isUnready ? (before.unreadySince ?? now) : null
  const faults = seen ? trafficFaults(rules, canary, stable) : []
  const enough = seen && Math.min(canary.requests, stable.requests) >= rules.requestsMin
  const badLooks = !seen ? before.badLooks : enough && faults.length > 0 ? before.badLooks + 1 : 0
  const state = { ...before, seenAt: seen ? now : before.seenAt, unreadySince, badLooks }
  const told = (action: Action, reason: string) => ({ decision: { action, reason }, state })

  if (pods !== null && pods.restarts > rules.restartsMax) {
    return told('withdraw', `its pods have been restarted ${times(pods.restarts)}`)
  }
  if (unreadySince !== null && now - unreadySince > rules.unreadyMsMax) {
    return told('withdraw', `not all its pods have been ready for ${seconds(now - unreadySince)}${podsText(pods)}`)
  }
  if (canary !== null && isFlood(rules, canary)) {
    return told('withdraw', `${percentText(ratio(canary))} of its ${canary.requests} requests failed`)
  }
  if (!seen) {
    const unseenMs = now - state.seenAt
    const what = [
      canary === null && 'of the canary',
      stable === null && 'of the stable version',
      pods === null && 'of its pods',
    ]
      .filter((word) => word !== false)
      .join(' and ')
    return unseenMs > rules.waitMs
      ? told('withdraw', `nothing has been seen ${what} for ${seconds(unseenMs)}`)
      : told('watch', `nothing is seen ${what}`)
  }
  const elapsedMs = now - state.begunAt
  if (!enough) {
    const had = `${canary.requests} requests of the canary and ${stable.requests} of the stable version`
    return elapsedMs > rules.stageMs + rules.waitMs
      ? told('withdraw', `${had} in ${seconds(elapsedMs)} are too few for a verdict, which takes ${rules.requestsMin}`)
      : told('watch', `${had} are no verdict yet, which takes ${rules.requestsMin}`)
  }
  if (faults.length > 0) {
    const said = faults.join('; ')
    return badLooks >= rules.badLooksMax
      ? told('withdraw', badLooks > 1 ? `${said}, ${times(badLooks)} in a row` : said)
      : told('watch', `${said}: once may be chance`)
  }
  if (isUnready) return told('watch', `good, but not all pods are ready${podsText(pods)}`)
  return elapsedMs >= rules.stageMs
    ? told('advance', `good for ${seconds(elapsedMs)}`)
    : told('watch', `good so far, ${seconds(rules.stageMs - elapsedMs)} to go`)
}

/** What the canary's figures break, each a sentence. */
function trafficFaults(rules: Rules, canary: Figures, stable: Figures): string[] {
  const [own, others] = [ratio(canary), ratio(stable)]
  const [p95, stableP95] = [canary.p95Ms, stable.p95Ms]
  const isSlower =
    p95 !== null &&
    stableP95 !== null &&
    p95 > stableP95 * rules.p95TimesStableMax &&
    p95 - stableP95 > rules.p95NoiseMs
  return [
    ...(own > rules.errorRatioMax
      ? [`${percentText(own)} of requests failed, more than ${percentText(rules.errorRatioMax)}`]
      : []),
    ...(own - others > rules.errorRatioOverStableMax
      ? [`${percentText(own)} of requests failed against ${percentText(others)} of the stable version`]
      : []),
    ...(p95 !== null && p95 > rules.p95MsMax ? [`p95 is ${msText(p95)}, more than ${msText(rules.p95MsMax)}`] : []),
    ...(isSlower ? [`p95 is ${msText(p95)} against ${msText(stableP95)} of the stable version`] : []),
  ]
}

/**
 * The same rules for a release that has everything, and nothing to be compared with.
 * @returns what its figures break
 */
export function releaseFaults(rules: Rules, figures: Figures): string[] {
  return trafficFaults(rules, figures, figures)
}

function isFlood(rules: Rules, figures: Figures): boolean {
  return figures.requests >= rules.floodRequestsMin && ratio(figures) >= rules.floodRatio
}

const ratio = ({ errors, requests }: Figures) => (requests === 0 ? 0 : errors / requests)

function podsText(pods: Pods | null): string {
  return pods === null ? '' : ` (${pods.ready} of ${pods.wanted})`
}

function percentText(fraction: number): string {
  return `${Number((fraction * 100).toFixed(2))} %`
}

function msText(ms: number): string {
  return `${Number(ms.toFixed(1))} ms`
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`
}
