// The quote as curl, JSON or CSV, and the name of its record.
import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { quoteBody } from '../../../client/quotes.ts'
import { usePerson } from '../../app/hooks.ts'
import { screensOf } from '../../app/screens.ts'
import { useShortcuts } from '../../app/shortcuts.ts'
import { useCopy } from '../../ui/copy.ts'
import classes from './answer.module.css'
import { csvText, curlText, exactJsonText } from './copies.ts'
import { requestOf } from './form-text.ts'
import type { PricedQuote } from './last-quotes.ts'

export function CopyButtons({ quote }: { readonly quote: PricedQuote }) {
  const { answer, form } = quote
  const { role } = usePerson()
  const { copied, refused, copy } = useCopy()
  const request = requestOf(form)
  const ways = [
    { what: 'curl', key: 'c', text: () => curlText(quoteBody(request), location.origin) },
    { what: 'JSON', key: 'j', text: () => exactJsonText(answer) },
    { what: 'CSV', key: 'v', text: () => csvText(answer, request) },
  ]
  useShortcuts(Object.fromEntries(ways.map(({ what, key, text }) => [key, () => copy(what, text())])))
  return (
    <div className={classes.copies}>
      {ways.map(({ what, key, text }, at) => (
        <Button
          key={what}
          onClick={() => copy(what, text())}
          rightSection={<kbd className="key">{key.toUpperCase()}</kbd>}
        >
          {copied === what ? (
            'Copied'
          ) : at === 0 ? (
            `Copy ${what}`
          ) : (
            <>
              <span className="only-read">Copy </span>
              {what}
            </>
          )}
        </Button>
      ))}
      {refused !== null && <span role="alert">{refused}</span>}
      <span className={classes.recorded}>
        Recorded as{' '}
        {screensOf(role).some(({ path }) => path === '/record') ? (
          <Link to="/record" search={{ id: answer.audit_id }} className="mono">
            {answer.audit_id}
          </Link>
        ) : (
          <span className="mono">{answer.audit_id}</span>
        )}
      </span>
    </div>
  )
}
