// A change of something that several people change: the form, then old beside new, then it is sent. When somebody else was faster, theirs
// stands beside yours.
import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { BorrowRateError } from '../../../client/index.ts'
import { wordsOf } from '../../api.ts'
import { useStreamState } from '../../app/hooks.ts'
import { Changes } from '../../ui/changes.tsx'
import { FormDrawer, faultOf } from '../../ui/form-drawer.tsx'
import { changesBetween, type FormLine } from './form-lines.ts'

const PRECONDITION_FAILED = 412

/** What holds now, as it was read. */
export interface Live<Form> {
  readonly form: Form
  readonly etag: string
}

export interface ChangeDrawerProps<Form> {
  readonly title: string
  /** Null: there is none yet. */
  readonly live: Live<Form> | null
  readonly start: Form
  readonly lines: (form: Form) => readonly FormLine[]
  /** The contract's fields that the form shows. */
  readonly fields: readonly string[]
  /** What holds by now; null: nothing. */
  readonly read: (form: Form) => Promise<Live<Form> | null>
  readonly send: (form: Form, etag: string | null) => Promise<unknown>
  readonly onClose: () => void
  readonly children: (
    form: Form,
    change: (fields: Partial<Form>) => void,
    fault: (field: string) => string | undefined,
  ) => ReactNode
}

type Stage = 'form' | 'review' | 'overtaken'

export function ChangeDrawer<Form>(props: ChangeDrawerProps<Form>) {
  const { title, start, lines, fields, read, send, onClose, children } = props
  const [live, setLive] = useState(props.live)
  const [form, setForm] = useState(start)
  const [stage, setStage] = useState<Stage>('form')
  const stream = useStreamState()
  const offline = stream.kind === 'lost' || stream.kind === 'failed'

  const sending = useMutation({
    mutationFn: () => send(form, live?.etag ?? null),
    onSuccess: onClose,
    onError: async (error) => {
      if (!(error instanceof BorrowRateError) || error.status !== PRECONDITION_FAILED) return setStage('form')
      const theirs = await read(form).catch(() => null)
      setLive(theirs)
      setStage(theirs === null ? 'form' : 'overtaken')
    },
  })
  const changes = changesBetween(live === null ? null : lines(live.form), lines(form))
  const nothing = live !== null && changes.length === 0

  if (stage === 'overtaken' && live !== null) {
    return (
      <FormDrawer
        title={title}
        submit="Go on with mine"
        onSubmit={() => {
          sending.reset()
          setStage('form')
        }}
        also={
          <Button
            onClick={() => {
              setForm(live.form)
              sending.reset()
              setStage('form')
            }}
          >
            Take theirs
          </Button>
        }
        onClose={onClose}
        busy={false}
        error={null}
        fields={[]}
      >
        <div role="alert">
          <p className="strong">Somebody else changed it while you did.</p>
          <p className="quiet">{wordsOf(sending.error).sentence}</p>
        </div>
        {changes.length === 0 ? (
          <p>What they wrote is what you want.</p>
        ) : (
          <Changes changes={changes} titles={['Field', 'Theirs, in force', 'Yours']} />
        )}
      </FormDrawer>
    )
  }
  if (stage === 'review') {
    return (
      <FormDrawer
        title={title}
        submit={live === null ? 'Make it' : 'Change it'}
        onSubmit={() => sending.mutate()}
        also={
          <Button onClick={() => setStage('form')} disabled={sending.isPending}>
            Back
          </Button>
        }
        onClose={onClose}
        busy={sending.isPending}
        notNow={offline ? 'The engine does not answer now.' : null}
        error={null}
        fields={fields}
      >
        <p className="quiet">{live === null ? 'This is what would be new.' : 'This is what would change.'}</p>
        <Changes changes={changes} titles={['Field', 'Now', 'Then']} />
      </FormDrawer>
    )
  }
  return (
    <FormDrawer
      title={title}
      submit="Save"
      onSubmit={() => setStage('review')}
      onClose={onClose}
      busy={false}
      notNow={nothing ? 'Nothing is changed yet.' : null}
      error={sending.error}
      fields={fields}
    >
      {children(
        form,
        (change) => setForm((before) => ({ ...before, ...change })),
        (field) => faultOf(sending.error, field),
      )}
    </FormDrawer>
  )
}
