// What differs between two states, a line a field: old beside new.
import classes from './changes.module.css'

export interface Change {
  readonly field: string
  /** As it is shown; anything that is no text is shown as its JSON, and what is absent as `none`. */
  readonly before: unknown
  readonly after: unknown
}

export function Changes({
  changes,
  titles,
}: {
  readonly changes: readonly Change[]
  /** Of the three columns. */
  readonly titles: readonly [string, string, string]
}) {
  return (
    <table className={`table ${classes.changes}`}>
      <thead>
        <tr>
          {titles.map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {changes.map(({ field, before, after }) => (
          <tr key={field}>
            <th scope="row">{field.replaceAll('_', ' ')}</th>
            <td className={classes.before}>{wordOf(before)}</td>
            <td className={classes.after}>{wordOf(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function wordOf(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  // A number and its unit stay on one line.
  return text.replace(/ (?=%|USD\b)/g, '\u00a0')
}
