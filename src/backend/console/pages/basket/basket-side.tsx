// Beside the lines: why some are refused, which names cost most, what the prices rest on.
import { SourceGlyph } from '../../ui/badges.tsx'
import { usdText } from '../../ui/formats.ts'
import type { Basket } from './basket.ts'
import { guessSentence } from './guess-words.ts'
import classes from './page.module.css'
import { count } from './totals-bar.tsx'

export interface BasketSideProps {
  readonly basket: Basket
  readonly reason: string | null
  readonly onReason: (reason: string | null) => void
}

export function BasketSide({ basket, reason, onReason }: BasketSideProps) {
  const { totals, reasons, dearest, guesses, pricing } = basket
  if (totals === null) {
    return (
      <p className={classes.sideNote}>
        Reasons of refusals and the dearest names stand here when the basket is priced.
      </p>
    )
  }
  return (
    <>
      <section>
        <h2>Refused lines, by reason</h2>
        {reasons.length === 0 ? (
          <p className={classes.sideNote}>No line is refused.</p>
        ) : (
          <ul className={classes.list}>
            {reasons.map((one) => (
              <li key={one.reason}>
                <button
                  type="button"
                  aria-pressed={reason === one.reason}
                  onClick={() => onReason(reason === one.reason ? null : one.reason)}
                >
                  <span>{one.reason}</span>
                  <span className={classes.refusal}>{count(one.lines)}</span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </section>
      {dearest.length > 0 && <Dearest names={dearest} />}
      {guesses.length > 0 && (
        <section>
          <h2>Guesses in this basket</h2>
          <ul className={classes.guessNotes}>
            {guesses.map((guess) => (
              <li key={guess.name}>
                <SourceGlyph source={guess.source} />
                <span>{guessSentence(guess, totals.priced)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {pricing.kind === 'done' && (
        <section>
          <h2>Batch</h2>
          <dl className={classes.facts}>
            <div>
              <dt>Batch id</dt>
              <dd className="mono">{pricing.batchId}</dd>
            </div>
            <div>
              <dt>Counts as</dt>
              <dd>{requestsOf(totals.priced + totals.refused)}</dd>
            </div>
          </dl>
        </section>
      )}
    </>
  )
}

function Dearest({ names }: { readonly names: Basket['dearest'] }) {
  // Pixels alone: the figure beside the bar is exact.
  const most = Number(names[0]?.total ?? 0)
  return (
    <section>
      <h2>Most expensive names, USD</h2>
      <ul className={classes.list}>
        {names.map(({ ticker, total, isGuess }) => (
          <li key={ticker} className={classes.dear}>
            <span className="strong">{ticker}</span>
            <span className={classes.dearBar} aria-hidden="true">
              <span
                data-guess={isGuess || undefined}
                style={{ width: `${most === 0 ? 0 : (Number(total) / most) * 100}%` }}
              />
            </span>
            <span>
              {usdText(total)}
              {isGuess && <span className="only-read">, rests on a guess</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

const LINES_PER_REQUEST = 100

/** What a basket takes of the rate limit. */
export function requestsOf(lines: number): string {
  const requests = requestCount(lines)
  return `${count(requests)} request${requests === 1 ? '' : 's'}`
}

export function requestCount(lines: number): number {
  return Math.ceil(lines / LINES_PER_REQUEST)
}
