// Fields of the forms: a number with its unit inside, a choice, a text.
import { Select, Switch, TextInput } from '@mantine/core'
import classes from './fields.module.css'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly error?: string | undefined
  readonly description?: string | undefined
  readonly disabled?: boolean
}

export function TextField({ onChange, ...props }: FieldProps) {
  return (
    <TextInput
      {...props}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

export function NumberField({ unit, onChange, ...props }: FieldProps & { readonly unit: string }) {
  return (
    <TextInput
      {...props}
      inputMode="decimal"
      autoComplete="off"
      rightSection={<span className={classes.unit}>{unit}</span>}
      rightSectionWidth={unit.length * 7 + 18}
      rightSectionPointerEvents="none"
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}

export function ChoiceField({
  choices,
  onChange,
  ...props
}: FieldProps & { readonly choices: readonly { readonly value: string; readonly label: string }[] }) {
  return (
    <Select
      {...props}
      data={[...choices]}
      onChange={(value) => value !== null && onChange(value)}
      comboboxProps={{ withinPortal: true }}
    />
  )
}

export function YesNoField({
  label,
  description,
  value,
  onChange,
}: {
  readonly label: string
  readonly description: string
  readonly value: boolean
  readonly onChange: (value: boolean) => void
}) {
  return (
    <Switch
      label={label}
      description={description}
      checked={value}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  )
}

/** Words as they are sent, as choices. */
export function asChoices(words: readonly string[]): { value: string; label: string }[] {
  return words.map((word) => ({ value: word, label: word }))
}
