// What the keys do: `?`.
import { Modal } from '@mantine/core'
import { usePerson } from './hooks.ts'
import classes from './key-list.module.css'
import { screensOf } from './screens.ts'

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Everywhere',
    [
      ['/', 'search a ticker or a screen'],
      ['?', 'this list'],
      ['Esc', 'close'],
      ['Ctrl Enter', 'submit, from a field'],
    ],
  ],
  [
    'Lists',
    [
      ['F', 'filter'],
      ['↑ ↓', 'rows'],
      ['Home End', 'first and last row'],
      ['PgUp PgDn', 'a screenful'],
      ['[ ]', 'pages'],
      ['Enter', 'quote, or open'],
      ['Space', 'side panel'],
      ['H', 'history of the stock'],
      ['N', 'next refused line'],
    ],
  ],
  [
    'Quote and record',
    [
      ['C', 'copy as curl'],
      ['J', 'copy as JSON'],
      ['V', 'copy as CSV'],
      ['R', 'replay the record'],
      ['Esc', 'from the form to the answer'],
    ],
  ],
]

export default function KeyList({ onClose }: { readonly onClose: () => void }) {
  const { role } = usePerson()
  const go = screensOf(role).map(({ letter, title }) => [`G ${letter.toUpperCase()}`, title] as const)
  return (
    <Modal opened onClose={onClose} title="Keys" size="lg">
      <div className={classes.groups}>
        {[...KEYS, ['Go to', go] as const].map(([title, keys]) => (
          <section key={title}>
            <h2>{title}</h2>
            <dl className={classes.keys}>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt>
                    <kbd className="key">{key}</kbd>
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="quiet">Letters rest while you type in a field; they can be turned off under your name.</p>
    </Modal>
  )
}
