// A form at the right edge: what it is about, its fields, what the server says of them, and the buttons that stay in sight.
import { Button, Drawer } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useRef } from 'react'
import { wordsOf } from '../api.ts'
import classes from './form-drawer.module.css'
import { Failure } from './states.tsx'

export interface FormDrawerProps {
  readonly title: string
  readonly onClose: () => void
  readonly onSubmit: () => void
  /** What the button does: `Save`, `Place the hold`. */
  readonly submit: string
  readonly busy: boolean
  /** Why it cannot be sent now; null: it can. */
  readonly notNow?: string | null
  /** What the server said to the last try; null: nothing. Faults of fields stand under the fields. */
  readonly error: unknown
  /** Which fields the form shows: a fault of another one stands below them all. */
  readonly fields: readonly string[]
  /** Beside the button, as what else can be done. */
  readonly also?: ReactNode
  readonly children: ReactNode
}

export function FormDrawer(props: FormDrawerProps) {
  const { title, onClose, onSubmit, submit, busy, notNow = null, error, fields, also, children } = props
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (error !== null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [error])
  const send = (event: FormEvent) => {
    event.preventDefault()
    if (!busy && notNow === null) onSubmit()
  }
  return (
    <PanelDrawer title={title} onClose={onClose}>
      <form ref={form} className={classes.form} onSubmit={send} noValidate>
        <div className={classes.fields}>
          {children}
          <FormFailure error={error} fields={fields} />
        </div>
        <div className={classes.foot}>
          {notNow !== null && (
            <p className="label" id="not-now">
              {notNow}
            </p>
          )}
          <div className={classes.buttons}>
            <Button
              type="submit"
              variant="filled"
              disabled={busy || notNow !== null}
              {...(notNow !== null && { 'aria-describedby': 'not-now' })}
            >
              {busy ? 'Sending' : submit}
            </Button>
            {also}
            <Button onClick={onClose}>Cancel</Button>
          </div>
        </div>
      </form>
    </PanelDrawer>
  )
}

/** The drawer alone: for what is read and not sent. */
export function PanelDrawer({
  title,
  onClose,
  mayClose = true,
  children,
}: {
  readonly title: string
  readonly onClose: () => void
  /** False: neither Escape nor a click beside it closes it. */
  readonly mayClose?: boolean
  readonly children: ReactNode
}) {
  return (
    <Drawer
      opened
      onClose={onClose}
      title={title}
      closeOnEscape={mayClose}
      closeOnClickOutside={mayClose}
      withCloseButton={mayClose}
      closeButtonProps={{ 'aria-label': 'Close' }}
      // Its header is not the page's.
      attributes={{ header: { role: 'presentation' } }}
      classNames={{ content: classes.drawer, body: classes.body, title: classes.title }}
    >
      {children}
    </Drawer>
  )
}

/** What the server said that no field of the form shows. */
function FormFailure({ error, fields }: { readonly error: unknown; readonly fields: readonly string[] }) {
  if (error === null) return null
  const words = wordsOf(error)
  const elsewhere = [...words.fields].filter(([field]) => !fields.some((shown) => isOf(shown, field)))
  if (words.fields.size > 0 && elsewhere.length === 0) {
    return (
      <p className={classes.refused} role="alert">
        {words.fields.size === 1 ? 'One field' : `${words.fields.size} fields`} must be corrected.
      </p>
    )
  }
  return (
    <>
      <Failure error={error} compact />
      {elsewhere.map(([field, sentence]) => (
        <p key={field} className={classes.refused}>
          {sentence}
        </p>
      ))}
    </>
  )
}

/** `markup_tiers[1].up_to` is of `markup_tiers`. */
function isOf(shown: string, field: string): boolean {
  return field === shown || field.startsWith(`${shown}[`) || field.startsWith(`${shown}.`)
}

/** The server's sentences by field; also for a field's parts. */
export function faultOf(error: unknown, field: string): string | undefined {
  if (error === null) return undefined
  for (const [named, sentence] of wordsOf(error).fields) if (isOf(field, named)) return sentence
  return undefined
}
