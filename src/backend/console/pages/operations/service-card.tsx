// One service: how it is, how fast it answers, and what it stands on.
import { UnstyledButton } from '@mantine/core'
import { useId } from 'react'
import type { ServiceLineAnswer } from '../../../client/index.ts'
import { WordBadge } from '../../ui/badges.tsx'
import { fixed, timeText } from '../../ui/formats.ts'
import classes from './cards.module.css'
import { type Fact, factsOf, msText, uptimeText } from './facts.ts'
import { STATE_LOOKS, wordsOf } from './states.ts'

export function ServiceCard({
  line,
  isOpen,
  onToggle,
}: {
  readonly line: ServiceLineAnswer
  readonly isOpen: boolean
  readonly onToggle: () => void
}) {
  const id = useId()
  const { service, state, components } = line
  const { glyph, tone } = STATE_LOOKS[state]
  const names = Object.keys(components)
  const down = names.filter((name) => components[name]?.state !== 'up')
  return (
    <article className={classes.card} data-tone={tone} aria-labelledby={`${id}-name`}>
      <header className={classes.head}>
        <h3 id={`${id}-name`}>{service}</h3>
        <WordBadge tone={tone}>
          <span aria-hidden="true">{glyph}&nbsp;</span>
          {state}
        </WordBadge>
      </header>
      <Facts facts={summaryFacts(line)} />
      {names.length === 0 ? (
        <p className={classes.none}>{state === 'away' ? 'It did not answer.' : 'No components are known.'}</p>
      ) : (
        <>
          <UnstyledButton
            className={classes.more}
            onClick={onToggle}
            aria-expanded={isOpen}
            aria-controls={`${id}-components`}
          >
            <span aria-hidden="true">{isOpen ? '▾' : '▸'} </span>
            {names.length} component{names.length === 1 ? '' : 's'}
            {down.length > 0 && <span className={classes.down}>, {down.map(wordsOf).join(', ')} down</span>}
          </UnstyledButton>
          <div id={`${id}-components`} hidden={!isOpen}>
            {names.map((name) => (
              <Component key={name} name={name} component={components[name] ?? { state: 'down' }} />
            ))}
          </div>
        </>
      )}
    </article>
  )
}

function summaryFacts(line: ServiceLineAnswer): Fact[] {
  const { state, version, uptime_seconds, latency, log_level, log_level_until } = line
  if (state === 'away' || state === 'unknown') return []
  return [
    { name: 'Version', text: version ?? 'unknown' },
    { name: 'Up for', text: uptime_seconds === null ? 'unknown' : uptimeText(uptime_seconds) },
    { name: 'p50', text: latency ? msText(latency.p50_ms) : 'not measured' },
    { name: 'p99', text: latency ? msText(latency.p99_ms) : 'not measured' },
    { name: 'Requests/s', text: latency ? fixed(latency.requests_per_second, 1) : 'not measured' },
    {
      name: 'Log',
      text: `${log_level ?? 'unknown'}${log_level_until === null ? '' : `, to ${timeText(log_level_until)}`}`,
    },
  ]
}

function Component({
  name,
  component,
}: {
  readonly name: string
  readonly component: ServiceLineAnswer['components'][string]
}) {
  const { glyph, tone } = STATE_LOOKS[component.state === 'up' ? 'ok' : 'away']
  return (
    <section className={classes.component}>
      <h4>
        <span data-tone={tone} aria-hidden="true">
          {glyph}{' '}
        </span>
        {wordsOf(name)}
        <span className={component.state === 'up' ? 'only-read' : classes.down}> {component.state}</span>
      </h4>
      <Facts facts={factsOf(component)} />
    </section>
  )
}

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  if (facts.length === 0) return null
  return (
    <dl className={classes.facts}>
      {facts.map(({ name, text }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  )
}
