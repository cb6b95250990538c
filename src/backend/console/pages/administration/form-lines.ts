// A form as lines of text, one a field, in the words in which a change is read: so that old and new can be put side by side.
import type { Change } from '../../ui/changes.tsx'

export interface FormLine {
  /** Of the contract. */
  readonly field: string
  readonly title: string
  /** With its unit; a word where there is nothing. */
  readonly text: string
}

/** What would be another, in the order of the form. @param before null: there is nothing yet, and everything is new */
export function changesBetween(before: readonly FormLine[] | null, after: readonly FormLine[]): Change[] {
  const old = new Map(before?.map(({ field, text }) => [field, text]))
  return after.flatMap(({ field, title, text }) =>
    old.get(field) === text ? [] : [{ field: title, before: old.get(field) ?? 'none', after: text }],
  )
}
