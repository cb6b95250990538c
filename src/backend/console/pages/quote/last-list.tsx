// The last quotes of this session: one click brings form and answer back.
import { usdText } from '../../ui/formats.ts'
import { type PricedQuote, useLastQuotes } from './last-quotes.ts'
import classes from './page.module.css'

export function LastQuotes({ onRestore }: { readonly onRestore: (quote: PricedQuote) => void }) {
  const quotes = useLastQuotes()
  if (quotes.length === 0) return null
  return (
    <section>
      <h2>Last quotes</h2>
      <ul className={classes.last}>
        {quotes.map((quote) => (
          <li key={quote.answer.quote_id}>
            <button type="button" onClick={() => onRestore(quote)}>
              <b>{quote.answer.ticker}</b>
              <span className="clip quiet">{askedText(quote)}</span>
              <span>{usdText(quote.answer.total_fee)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** `50,000 · 30 d` */
function askedText({ form, answer }: PricedQuote): string {
  const size = form.size === 'value' ? form.value.replace(/\.00$/, '') : `${form.shares} sh`
  return `${size} · ${answer.accrual?.days ?? form.days} d`
}
