// What is to be priced. Every complaint of the engine stands under its field, in its words.
import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useId } from 'react'
import type { BrokerAnswer } from '../../../client/index.ts'
import type { Brokers } from '../../app/brokers.ts'
import classes from './form.module.css'
import type { FieldName, FormText } from './form-text.ts'
import { TickerField } from './ticker-field.tsx'

export const FORM_ID = 'quote-form'

export interface FormProps {
  readonly form: FormText
  readonly refused: ReadonlyMap<FieldName, string>
  readonly brokers: Brokers
  /** A broker prices for itself alone. */
  readonly ownClientId: string | null
  readonly isPhone: boolean
  readonly hidden: boolean
  readonly button: ReactNode
  /** As it is typed. */
  readonly onType: (change: Partial<FormText>) => void
  /** A field is left, or something is chosen: the address has it from now on. */
  readonly onSettle: (change?: Partial<FormText>) => void
  readonly onSubmit: () => void
}

export function QuoteForm(props: FormProps) {
  const { form, refused, onType, onSettle, onSubmit } = props
  const field = (name: FieldName, member: keyof FormText) => ({
    id: fieldId(name),
    value: form[member],
    error: refused.get(name),
    onChange: (event: { currentTarget: { value: string } }) => onType({ [member]: event.currentTarget.value }),
    onBlur: () => onSettle(),
    autoComplete: 'off',
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <form id={FORM_ID} className={classes.form} onSubmit={submit} noValidate hidden={props.hidden}>
      <Broker {...props} />
      <TickerField
        value={form.ticker}
        error={refused.get('ticker')}
        onChange={(ticker) => onType({ ticker })}
        onLeave={() => onSettle()}
      />
      <Chosen
        label="Size"
        htmlFor={fieldId(form.size === 'value' ? 'position_value' : 'quantity')}
        value={form.size}
        ways={[
          { value: 'value', label: 'Value' },
          { value: 'shares', label: 'Shares' },
        ]}
        onChange={(size) => onSettle({ size: size as FormText['size'] })}
      >
        {form.size === 'value' ? (
          <TextInput
            {...field('position_value', 'value')}
            aria-label="Value"
            inputMode="decimal"
            rightSection="USD"
            rightSectionWidth={48}
          />
        ) : (
          <div className={classes.pair}>
            <TextInput {...field('quantity', 'shares')} aria-label="Shares" inputMode="numeric" placeholder="shares" />
            <TextInput
              {...field('price', 'price')}
              aria-label="Price a share, or the last close"
              placeholder="last close"
              inputMode="decimal"
              rightSection="USD"
              rightSectionWidth={42}
            />
          </div>
        )}
      </Chosen>
      <Chosen
        label="Stay"
        htmlFor={fieldId(form.stay === 'days' ? 'loan_days' : 'start_date')}
        value={form.stay}
        ways={[
          { value: 'days', label: 'Days' },
          { value: 'dates', label: 'Dates' },
        ]}
        onChange={(stay) => onSettle({ stay: stay as FormText['stay'] })}
      >
        {form.stay === 'days' ? (
          <TextInput
            {...field('loan_days', 'days')}
            aria-label="Days"
            inputMode="numeric"
            rightSection="calendar days"
            rightSectionWidth={100}
          />
        ) : (
          <div className={classes.dates}>
            <TextInput {...field('start_date', 'start')} label="Short sold on" type="date" />
            <TextInput {...field('end_date', 'end')} label="Covered on" type="date" />
          </div>
        )}
      </Chosen>
      {props.button}
    </form>
  )
}

export function fieldId(name: FieldName): string {
  return `quote-${name}`
}

/** Primary when there is something new to price; with a reason when there can be no price. */
export function PriceButton({
  label,
  primary,
  busy,
  because,
  isPhone,
}: {
  readonly label: string
  readonly primary: boolean
  readonly busy: boolean
  /** Why nothing can be priced; null: it can. */
  readonly because: string | null
  readonly isPhone: boolean
}) {
  const reasonId = useId()
  return (
    <div className={classes.price} data-primary={primary || undefined}>
      <Button
        type="submit"
        form={FORM_ID}
        fullWidth
        variant={primary ? 'filled' : 'default'}
        disabled={because !== null}
        aria-busy={busy}
        aria-describedby={because === null ? undefined : reasonId}
        rightSection={isPhone ? undefined : <kbd className="key">Enter</kbd>}
      >
        {busy ? 'Pricing' : label}
      </Button>
      {because !== null && (
        <p id={reasonId} className="label">
          {because}
        </p>
      )}
    </div>
  )
}

function Broker({ form, refused, brokers, ownClientId, onType, onSettle }: FormProps) {
  const about = { id: fieldId('client_id'), label: 'Broker', error: refused.get('client_id') }
  if (ownClientId !== null) return <TextInput {...about} value={ownClientId} readOnly />
  if (brokers.list === null && !brokers.isLoading) {
    return (
      <TextInput
        {...about}
        value={form.clientId}
        placeholder="client_id"
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onType({ clientId: event.currentTarget.value })}
        onBlur={() => onSettle()}
      />
    )
  }
  return (
    <Select
      {...about}
      searchable
      limit={100}
      data={choices(brokers.list ?? [], form.clientId)}
      value={form.clientId === '' ? null : form.clientId}
      onChange={(clientId) => clientId !== null && onSettle({ clientId })}
      placeholder="whose terms"
      nothingFoundMessage="No active broker of this name"
      renderOption={({ option }) => {
        const name = brokers.list?.find(({ client_id }) => client_id === option.value)?.name
        return (
          <span className={classes.broker}>
            <span>{option.value}</span>
            {name != null && <span className="label clip">{name}</span>}
          </span>
        )
      }}
    />
  )
}

/** One that the address names stays, known or not: the engine says what is wrong with it. */
function choices(list: readonly BrokerAnswer[], chosen: string): string[] {
  const ids = list.map(({ client_id }) => client_id)
  return chosen === '' || ids.includes(chosen) ? ids : [chosen, ...ids]
}

/** A label with two ways to say the thing, and the fields of the way that is chosen. */
function Chosen({
  label,
  htmlFor,
  value,
  ways,
  onChange,
  children,
}: {
  readonly label: string
  readonly htmlFor: string
  readonly value: string
  readonly ways: { value: string; label: string }[]
  readonly onChange: (value: string) => void
  readonly children: ReactNode
}) {
  return (
    <div>
      <div className={classes.ways}>
        <label className={classes.label} htmlFor={htmlFor}>
          {label}
        </label>
        <SegmentedControl aria-label={`${label} as`} value={value} data={ways} onChange={onChange} />
      </div>
      {children}
    </div>
  )
}
