// The same price made again from the record's own inputs, beside what was recorded.
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { QuoteRecordAnswer, ReplayAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { WordBadge } from '../../ui/badges.tsx'
import { Failure } from '../../ui/states.tsx'
import { replayLines } from './replay-lines.ts'
import classes from './replay-table.module.css'

/** Nothing is recorded by it, and the same record gives the same answer: a query. */
export function useReplay(auditId: string, isQuote: boolean): UseQueryResult<ReplayAnswer> {
  return useQuery({
    queryKey: ['record', 'replay', auditId],
    enabled: isQuote,
    queryFn: async ({ signal }) => {
      const answer = await api.records.replay(auditId, { signal })
      announce(answer.identical ? 'The replay is identical.' : 'The replay differs.')
      return answer
    },
  })
}

export function ReplayTable({
  quote,
  replay,
}: {
  readonly quote: QuoteRecordAnswer
  readonly replay: UseQueryResult<ReplayAnswer>
}) {
  const { data, error } = replay
  const { not_replayable: why = null } = data ?? {}
  return (
    <section aria-label="Replay">
      <div className={classes.head}>
        <h3>Replay under {quote.pricing_model}</h3>
        {data !== undefined && why === null && (
          <WordBadge tone={data.identical ? 'good' : 'bad'}>{data.identical ? '✓ Identical' : '✕ Differs'}</WordBadge>
        )}
      </div>
      {error !== null && <Failure error={error} compact onRetry={() => void replay.refetch()} />}
      {why !== null && <p role="alert">{why.sentence}</p>}
      <table className={`table ${classes.lines}`}>
        <thead>
          <tr>
            <th scope="col">Line</th>
            <th scope="col" className="right">
              Recorded
            </th>
            <th scope="col" className="right">
              Replayed
            </th>
            <th scope="col" className={classes.mark}>
              <span className="only-read">Same</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {replayLines(quote, data?.differences ?? []).map(({ title, recorded, replayed, same, isTotal }) => (
            <tr key={title} data-differs={!same || undefined} data-total={isTotal}>
              <th scope="row">{title}</th>
              <td className="right">{recorded}</td>
              <td className="right">{data === undefined || why !== null ? '' : replayed}</td>
              <td className={classes.mark}>
                {data !== undefined && why === null && (
                  <>
                    <span aria-hidden="true">{same ? '✓' : '✕'}</span>
                    <span className="only-read">{same ? 'same' : 'differs'}</span>
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
