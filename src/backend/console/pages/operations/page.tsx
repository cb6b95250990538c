// How the services and feeds are, worst first.
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { OperationsAnswer, ServiceLineAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { useNow, usePerson } from '../../app/hooks.ts'
import { NotForRole } from '../../app/router.tsx'
import { ageText, grouped, timeText } from '../../ui/formats.ts'
import { Empty, Failure, Loading } from '../../ui/states.tsx'
import { secondsText, shareText } from './facts.ts'
import { FeedCard } from './feed-card.tsx'
import { ChangedLevels, LogLevelForm } from './log-level.tsx'
import classes from './page.module.css'
import { QuoteLatency } from './quote-latency.tsx'
import { openOf, toggled } from './search.ts'
import { ServiceCard } from './service-card.tsx'
import { feedsWorstFirst, newsBetween, servicesWorstFirst, summaryOf } from './states.ts'

const REFRESH_MS = 5_000
/** An answer that is older than this is not what is now. */
const OLD_SECONDS = 15

export function OperationsPage() {
  const { role } = usePerson()
  return role === 'broker' || role === 'system' ? <NotForRole path="/operations" /> : <Operations />
}

function Operations() {
  const { data, error, refetch, dataUpdatedAt } = useQuery({
    queryKey: ['operations'],
    queryFn: ({ signal }) => api.operations.read({ signal }),
    refetchInterval: REFRESH_MS,
    staleTime: 0,
  })
  const now = useNow()
  useAnnounced(data?.services)
  if (data === undefined) {
    return error === null ? (
      <Loading rows={10} label="Loading how the services are" />
    ) : (
      <Failure error={error} onRetry={() => void refetch()} />
    )
  }
  const sinceSeconds = Math.max(0, (now - dataUpdatedAt) / 1000)
  return (
    <div className={classes.page} data-old={sinceSeconds > OLD_SECONDS || undefined}>
      <header className={classes.tools}>
        <h1>Operations</h1>
        <p className={classes.summary}>{summaryOf(data)}</p>
        <span className={classes.gap} />
        <p className="label">
          As of {timeText(data.at)} UTC, {ageText(sinceSeconds)} ago
        </p>
      </header>
      {error !== null && <Failure error={error} onRetry={() => void refetch()} compact />}
      <Shown answer={data} sinceSeconds={sinceSeconds} now={now} />
    </div>
  )
}

function Shown({
  answer,
  sinceSeconds,
  now,
}: {
  readonly answer: OperationsAnswer
  readonly sinceSeconds: number
  readonly now: number
}) {
  const { role } = usePerson()
  const search = useSearch({ from: '/operations' })
  const navigate = useNavigate({ from: '/operations' })
  const open = openOf(search)
  const { services, feeds, links } = answer
  return (
    <>
      <section aria-labelledby="services">
        <h2 id="services">Services</h2>
        <div className={classes.services}>
          {servicesWorstFirst(services).map((line) => (
            <ServiceCard
              key={line.service}
              line={line}
              isOpen={open.includes(line.service)}
              onToggle={() => void navigate({ search: toggled(search, line.service), replace: true })}
            />
          ))}
        </div>
      </section>
      <section aria-labelledby="feeds">
        <h2 id="feeds">Feeds</h2>
        {feeds === null ? (
          <Empty>The feeds are not known now: the data service does not answer.</Empty>
        ) : (
          <div className={classes.feeds}>
            {feedsWorstFirst(feeds).map((feed) => (
              <FeedCard key={feed.name} feed={feed} sinceSeconds={sinceSeconds} />
            ))}
          </div>
        )}
      </section>
      <section aria-labelledby="figures">
        <h2 id="figures">Cache and record</h2>
        <Figures answer={answer} />
      </section>
      <section aria-labelledby="latency">
        <h2 id="latency">Quotes of the last hour</h2>
        {/* A gateway of an earlier version has no figures. */}
        <QuoteLatency minutes={(answer.quotes as OperationsAnswer['quotes'] | undefined)?.per_minute ?? null} />
      </section>
      <section aria-labelledby="levels">
        <h2 id="levels">Logs</h2>
        <ChangedLevels services={services} now={now} />
        {role === 'admin' && <LogLevelForm />}
      </section>
      <section aria-labelledby="links">
        <h2 id="links">Dashboards</h2>
        <Links links={(links as OperationsAnswer['links'] | undefined) ?? []} />
      </section>
    </>
  )
}

function Figures({ answer }: { readonly answer: OperationsAnswer }) {
  const cache = answer.cache ?? null
  const audit = answer.audit ?? null
  const none = 'not measured'
  return (
    <dl className={classes.figures}>
      <Figure
        name="Cache hit rate"
        value={cache === null ? none : shareText(cache.hit_rate)}
        note={
          cache === null
            ? 'Nothing was looked up, or it is not known.'
            : `${grouped(String(cache.hits))} hits, ${grouped(String(cache.misses))} misses in 5 minutes`
        }
      />
      <Figure
        name="Records that wait to be kept"
        value={audit === null ? none : grouped(String(audit.queue_length))}
        note="In the process that keeps them."
      />
      <Figure
        name="Kept and not sealed yet"
        value={audit === null ? none : grouped(String(audit.unsealed))}
        note="Not in the chain yet."
      />
      <Figure
        name="Seal lag"
        value={audit === null ? none : secondsText(audit.seal_lag_seconds)}
        note="How long the oldest of them has waited."
      />
    </dl>
  )
}

function Figure({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={/^[0-9]/.test(value) ? 'figure' : 'quiet'}>{value}</dd>
      <dd className="label">{note}</dd>
    </div>
  )
}

function Links({ links }: { readonly links: OperationsAnswer['links'] }) {
  if (links.length === 0) return <p className="quiet">The settings name no dashboards.</p>
  return (
    <ul className={classes.links}>
      {links.map(({ title, url }) => (
        <li key={url}>
          <a href={url} target="_blank" rel="noreferrer">
            {title}
          </a>
        </li>
      ))}
    </ul>
  )
}

/** A service that goes away, or comes back. */
function useAnnounced(services: readonly ServiceLineAnswer[] | undefined): void {
  const before = useRef<readonly ServiceLineAnswer[]>([])
  useEffect(() => {
    if (services === undefined) return
    const news = newsBetween(before.current, services)
    before.current = services
    if (news.length > 0) announce(news.join(' '))
  }, [services])
}
