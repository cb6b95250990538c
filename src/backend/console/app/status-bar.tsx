// One line below every screen: the stream, the three feeds, the model, the time. A dead feed is said here once.
import { ageText, dateText, spokenAge, timeText } from '../ui/formats.ts'
import { FEED_NAMES, FEED_TITLES, type FeedHealth, type FeedName, isDown } from './feed-health.ts'
import { useAnnouncedFailures, useFeeds } from './feeds.ts'
import { useNow, useStreamState } from './hooks.ts'
import { liveRates } from './live-rates.ts'
import classes from './status-bar.module.css'

export function StatusBar() {
  const now = useNow()
  const feeds = useFeeds()
  useAnnouncedFailures(feeds.data)
  const at = new Date(now)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: where it is too narrow it scrolls, by keys too
    <footer className={classes.bar} tabIndex={0}>
      <Stream now={now} />
      {FEED_NAMES.map((name) => (
        <Feed
          key={name}
          name={name}
          feed={feeds.data?.feeds[name]}
          sinceSeconds={feeds.data === undefined ? 0 : (now - feeds.data.atMs) / 1000}
          known={feeds.data !== undefined}
        />
      ))}
      <span className={classes.gap} />
      {liveRates.pricingModel !== null && <span className={classes.wide}>Model {liveRates.pricingModel}</span>}
      <span className={classes.wide}>
        {weekday(at)} {dateText(at)}
      </span>
      <span>
        <span className="strong">{timeText(at)}</span> UTC
      </span>
    </footer>
  )
}

function Stream({ now }: { readonly now: number }) {
  const state = useStreamState()
  if (state.kind === 'lost') {
    return (
      <span className={classes.item} data-warn>
        <span aria-hidden="true">◐</span>Stream lost, {ageText((now - state.sinceMs) / 1000)}; reconnecting
      </span>
    )
  }
  if (state.kind === 'failed') {
    return (
      <button type="button" className={classes.item} data-warn onClick={() => liveRates.restart()}>
        <span aria-hidden="true">◇</span>No stream; try again
      </button>
    )
  }
  if (state.kind === 'late') {
    return (
      <span className={classes.item} data-warn>
        <span aria-hidden="true">◐</span>Stream late: {state.because.map(reason).join(', ')}
      </span>
    )
  }
  const moves = liveRates.movesPerSecond(now)
  return (
    <span className={classes.item}>
      <span aria-hidden="true">{state.kind === 'loading' ? '○' : '●'}</span>
      <b>Stream</b> {state.kind === 'loading' ? 'loading' : `${moves} update${moves === 1 ? '' : 's'}/s`}
    </span>
  )
}

/** As the stream says them: `rates_away`. */
function reason(word: string): string {
  return word.replace('_', ' ')
}

function Feed({
  name,
  feed,
  sinceSeconds,
  known,
}: {
  readonly name: FeedName
  readonly feed: FeedHealth | undefined
  readonly sinceSeconds: number
  readonly known: boolean
}) {
  const title = FEED_TITLES[name]
  if (feed === undefined) {
    return (
      <span className={`${classes.item} ${classes.feed}`} data-warn={known || undefined}>
        <span aria-hidden="true">{known ? '◇' : '○'}</span>
        <b>{title}</b> {known ? 'no data' : ''}
      </span>
    )
  }
  const seconds = feed.age_seconds === null ? null : feed.age_seconds + sinceSeconds
  const down = isDown(feed)
  const old = feed.data === 'stale' || feed.data === 'expired'
  const words = [
    seconds === null ? 'no answer yet' : ageText(seconds),
    ...(feed.breaker !== undefined && feed.breaker.state !== 'closed' ? [`breaker ${feed.breaker.state}`] : []),
    ...(down && feed.breaker === undefined ? ['down'] : []),
    ...(feed.data === 'demo' ? ['demo data'] : []),
  ]
  return (
    <span
      className={`${classes.item} ${classes.feed}`}
      data-warn={down || old || undefined}
      title={[feed.provider, feed.last_success].filter((word) => word !== null).join(', ')}
    >
      <span aria-hidden="true">{down ? '◇' : old ? '◐' : '●'}</span>
      <b>{title}</b> <span aria-hidden="true">{words.join(', ')}</span>
      <span className="only-read">
        {down ? 'down, ' : ''}
        {seconds === null ? 'no answer yet' : spokenAge(seconds)}
        {words.slice(1).map((word) => `, ${word}`)}
      </span>
    </span>
  )
}

function weekday(at: Date): string {
  return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][at.getUTCDay()] ?? ''
}
