// One feed: who gives it, whether it answers, how old what it gave is.
import { useId } from 'react'
import { WordBadge } from '../../ui/badges.tsx'
import { ageText, momentText } from '../../ui/formats.ts'
import classes from './cards.module.css'
import { Facts } from './service-card.tsx'
import { breakerOf, isFeedDown, type NamedFeed } from './states.ts'

export function FeedCard({ feed, sinceSeconds }: { readonly feed: NamedFeed; readonly sinceSeconds: number }) {
  const id = useId()
  const { name, provider, last_success, age_seconds, data } = feed
  const isDown = isFeedDown(feed)
  const isOld = data === 'stale' || data === 'expired' || data === 'empty'
  const tone = isDown ? 'bad' : isOld ? 'warn' : 'good'
  const breaker = breakerOf(feed)
  return (
    <article className={classes.card} data-tone={tone} aria-labelledby={id}>
      <header className={classes.head}>
        <h3 id={id}>{name.charAt(0).toUpperCase() + name.slice(1)}</h3>
        <WordBadge tone={tone}>
          <span aria-hidden="true">{isDown ? '◇' : isOld ? '◐' : '●'}&nbsp;</span>
          {isDown ? 'down' : isOld ? String(data) : 'up'}
        </WordBadge>
      </header>
      <Facts
        facts={[
          { name: 'Provider', text: provider ?? 'none yet' },
          { name: 'Breaker', text: breaker ?? 'none: read from files' },
          { name: 'Last success', text: last_success === null ? 'never' : momentText(last_success) },
          { name: 'Age', text: age_seconds === null ? 'unknown' : ageText(age_seconds + sinceSeconds) },
          ...(data === 'demo' ? [{ name: 'Data', text: 'of the demonstration' }] : []),
        ]}
      />
    </article>
  )
}
