// How bad a thing is: the worst comes first, and one sentence says what is not well.
import type { FeedLineAnswer, OperationsAnswer, ServiceLineAnswer } from '../../../client/index.ts'
import type { Tone } from '../../ui/badges.tsx'

/** Worst first. */
const STATES = [
  'away',
  'degraded',
  'draining',
  'unknown',
  'ok',
] as const satisfies readonly ServiceLineAnswer['state'][]

export const STATE_LOOKS: Readonly<
  Record<ServiceLineAnswer['state'], { readonly glyph: string; readonly tone: Tone }>
> = {
  away: { glyph: '◇', tone: 'bad' },
  degraded: { glyph: '◐', tone: 'warn' },
  draining: { glyph: '◐', tone: 'warn' },
  unknown: { glyph: '○', tone: 'quiet' },
  ok: { glyph: '●', tone: 'good' },
}

export interface NamedFeed extends FeedLineAnswer {
  readonly name: string
}

export function servicesWorstFirst(services: readonly ServiceLineAnswer[]): ServiceLineAnswer[] {
  return [...services].sort((one, other) => STATES.indexOf(one.state) - STATES.indexOf(other.state))
}

export function feedsWorstFirst(feeds: OperationsAnswer['feeds']): NamedFeed[] {
  const named = Object.entries(feeds ?? {}).map(([name, feed]) => ({ ...feed, name }))
  return named.sort((one, other) => badness(other) - badness(one) || placeOf(one.name) - placeOf(other.name))
}

const FEEDS = ['lender', 'volatility', 'events']

function placeOf(feed: string): number {
  const place = FEEDS.indexOf(feed)
  return place === -1 ? FEEDS.length : place
}

function badness(feed: FeedLineAnswer): number {
  if (isFeedDown(feed)) return 3
  if (breakerOf(feed) === 'half-open') return 2
  return feed.data === 'expired' || feed.data === 'stale' || feed.data === 'empty' ? 1 : 0
}

export function isFeedDown(feed: FeedLineAnswer): boolean {
  return feed.state !== 'up' || breakerOf(feed) === 'open'
}

/** Null: there is none, for what is read from files. */
export function breakerOf({ breaker }: FeedLineAnswer): string | null {
  return breaker?.state ?? null
}

/** `All services answer.`, `audit-service is away; the lender feed does not answer.` */
export function summaryOf({ services, feeds }: OperationsAnswer): string {
  const troubles = servicesWorstFirst(services).flatMap((line) => (line.state === 'ok' ? [] : [troubleOf(line)]))
  const feedTroubles =
    feeds === null
      ? ['the feeds are not known']
      : feedsWorstFirst(feeds)
          .filter(isFeedDown)
          .map(({ name }) => `the ${name} feed does not answer`)
  const well = services.length === 1 ? 'The engine answers' : 'All services answer'
  return `${[...(troubles.length === 0 ? [well] : troubles), ...feedTroubles].join('; ')}.`
}

function troubleOf({ service, state, components }: ServiceLineAnswer): string {
  if (state === 'away') return `${service} is away`
  if (state === 'draining') return `${service} is ending`
  if (state === 'unknown') return `where ${service} is, the settings do not say`
  const down = Object.entries(components).flatMap(([name, { state: of }]) => (of === 'up' ? [] : [wordsOf(name)]))
  return `${service} is degraded${down.length === 0 ? '' : `: ${down.join(', ')} down`}`
}

/** `audit_log`: audit log. */
export function wordsOf(name: string): string {
  return name.replaceAll('_', ' ')
}

/** What is to be said aloud of the time between two answers. */
export function newsBetween(before: readonly ServiceLineAnswer[], now: readonly ServiceLineAnswer[]): string[] {
  return now.flatMap(({ service, state }) => {
    const was = before.find((line) => line.service === service)?.state
    if (was === undefined || was === state) return []
    if (state === 'away') return [`${service} is away.`]
    if (was === 'away') return [`${service} is back${state === 'ok' ? '' : `, ${state}`}.`]
    return []
  })
}
