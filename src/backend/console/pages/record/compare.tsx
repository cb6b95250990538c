// Two records side by side, line by line.
import { Button } from '@mantine/core'
import { Failure, Loading } from '../../ui/states.tsx'
import { comparedLines } from './compared-lines.ts'
import classes from './detail.module.css'
import { useRecord } from './detail.tsx'
import replayClasses from './replay-table.module.css'

export function CompareDetail({
  first,
  second,
  onClose,
}: {
  readonly first: string
  readonly second: string
  readonly onClose: () => void
}) {
  const records = [useRecord(first), useRecord(second)] as const
  const failed = records.find(({ error }) => error !== null)
  const [one, other] = records
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and nothing in it takes the focus */}
      <div className={classes.scroll} tabIndex={0}>
        <h2 className={classes.title}>Two records</h2>
        {failed !== undefined ? (
          <Failure error={failed.error} onRetry={() => void failed.refetch()} />
        ) : one.data === undefined || other.data === undefined ? (
          <Loading rows={12} label="Loading the records" />
        ) : (
          <table className={`table ${replayClasses.lines} ${replayClasses.compared}`}>
            <thead>
              <tr>
                <th scope="col">Line</th>
                <th scope="col" className="right">
                  This record
                </th>
                <th scope="col" className="right">
                  The other
                </th>
                <th scope="col" className={replayClasses.mark}>
                  <span className="only-read">Same</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {comparedLines(one.data, other.data).map(({ title, first: left, second: right, same }) => (
                <tr key={title} data-other={!same || undefined}>
                  <th scope="row">{title}</th>
                  <td className="right">{left}</td>
                  <td className="right">{right}</td>
                  <td className={replayClasses.mark}>
                    <span aria-hidden="true">{same ? '=' : '≠'}</span>
                    <span className="only-read">{same ? 'same' : 'differs'}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      <div className={classes.actions}>
        <Button onClick={onClose}>
          Back to the record&nbsp;<kbd className="key">Esc</kbd>
        </Button>
      </div>
    </>
  )
}
