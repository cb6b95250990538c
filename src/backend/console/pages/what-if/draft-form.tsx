// The draft as it is typed: whose quotes of which days, and under which terms and model. What holds today stands beside each field; a
// field that is left empty stays, for each quote, as it was when it was priced.
import { Button, Select, TextInput } from '@mantine/core'
import type { BrokerAnswer, ConfigAnswer, DraftModel } from '../../../client/index.ts'
import { grouped, percentText, usdText } from '../../ui/formats.ts'
import { DRAFT_MODEL, type Draft, sentenceFor, tiersText } from './draft.ts'
import classes from './page.module.css'

export interface DraftFormProps {
  readonly draft: Draft
  readonly onChange: (change: Partial<Draft>) => void
  readonly onSubmit: () => void
  /** Why it cannot be asked now; null: it can. */
  readonly cannot: string | null
  readonly brokers: readonly BrokerAnswer[]
  readonly config: ConfigAnswer | undefined
  /** The engine's, by its own names of fields. */
  readonly sentences: ReadonlyMap<string, string>
  /** Beside the button. */
  readonly propose: React.ReactNode
}

export function DraftForm(props: DraftFormProps) {
  const { draft, onChange, onSubmit, cannot, brokers, config, sentences, propose } = props
  const broker = brokers.find(({ client_id }) => client_id === draft.client) ?? null
  const now = (text: string | null | undefined) => (text == null ? 'as recorded' : `now ${text}`)
  const field = (name: keyof Draft) => ({
    name,
    value: draft[name],
    error: sentenceFor(name, sentences),
    autoComplete: 'off' as const,
  })
  const typed = (name: keyof Draft) => ({
    ...field(name),
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => onChange({ [name]: event.currentTarget.value }),
  })
  const chosen = (name: keyof Draft) => ({
    ...field(name),
    value: draft[name] === '' ? null : draft[name],
    onChange: (value: string | null) => onChange({ [name]: value ?? '' }),
    clearable: true,
    placeholder: 'as it was',
  })
  const models = config?.pricing_models ?? []
  const current = models.find(({ model }) => model === broker?.pricing_model)
  const packs = config?.convention_packs ?? []

  return (
    <form
      className={classes.form}
      aria-label="Draft"
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      <fieldset>
        <legend>Quotes</legend>
        <div className={classes.pair}>
          <TextInput label="From" type="date" {...typed('from')} />
          <TextInput label="To" type="date" {...typed('to')} />
        </div>
        {brokers.length > 0 ? (
          <Select
            label="Client"
            data={brokers.map(({ client_id }) => client_id)}
            searchable
            {...chosen('client')}
            placeholder="all clients"
          />
        ) : (
          <TextInput label="Client" placeholder="all clients" {...typed('client')} />
        )}
      </fieldset>
      <fieldset>
        <legend>Terms</legend>
        <TextInput
          label="Markup"
          description={now(broker && markupText(broker))}
          rightSection="%"
          placeholder="as it was"
          inputMode="decimal"
          {...typed('markup')}
        />
        <TextInput
          label="Markup by charged value"
          description="Up to USD: percent; the last one open, as 100,000: 5; 1,000,000: 4; 3"
          placeholder="as it was"
          {...typed('tiers')}
        />
        <div className={classes.pair}>
          <Select
            label="Fee type"
            description={now(broker?.transaction_fee_type.toLowerCase())}
            data={[
              { value: 'FLAT', label: 'Flat' },
              { value: 'PERCENTAGE', label: 'Percentage' },
            ]}
            {...chosen('fee_type')}
          />
          <TextInput
            label="Fee"
            description={now(broker && feeText(broker))}
            rightSection={draft.fee_type === 'PERCENTAGE' ? '%' : draft.fee_type === 'FLAT' ? 'USD' : undefined}
            placeholder="as it was"
            inputMode="decimal"
            {...typed('fee')}
          />
        </div>
        <div className={classes.pair}>
          <Select
            label="Day count"
            description={now(broker?.day_count)}
            data={['ACT/360', 'ACT/365']}
            {...chosen('day_count')}
          />
          <Select
            label="Billing"
            description={now(broker?.billing)}
            data={[
              { value: 'term', label: 'Term' },
              { value: 'daily', label: 'Daily' },
            ]}
            {...chosen('billing')}
          />
        </div>
        <Select
          label="Convention pack"
          description={now(broker?.convention_pack)}
          data={packs.map(({ convention_pack }) => convention_pack)}
          {...chosen('pack')}
        />
      </fieldset>
      <fieldset>
        <legend>Model</legend>
        <Select
          label="Pricing model"
          description={now(broker?.pricing_model)}
          data={[
            ...models.map(({ model }) => ({ value: model, label: model })),
            { value: DRAFT_MODEL, label: 'Draft parameters' },
          ]}
          {...chosen('model')}
        />
        {draft.model === DRAFT_MODEL && (
          <>
            <div className={classes.pair}>
              <TextInput
                label="Volatility weight"
                description={now(modelText(current, 'volatility_weight'))}
                inputMode="decimal"
                {...typed('volatility_weight')}
              />
              <TextInput
                label="Volatility threshold"
                description={now(modelText(current, 'volatility_threshold'))}
                inputMode="decimal"
                {...typed('volatility_threshold')}
              />
            </div>
            <div className={classes.pair}>
              <TextInput
                label="Event weight"
                description={now(modelText(current, 'event_weight'))}
                inputMode="decimal"
                {...typed('event_weight')}
              />
              <TextInput
                label="Largest multiplier"
                description={now(modelText(current, 'max_multiplier'))}
                inputMode="decimal"
                {...typed('max_multiplier')}
              />
            </div>
            <Select
              label="Volatility of"
              description={now(modelText(current, 'volatility_source'))}
              data={[
                { value: 'stock-or-index', label: 'The stock, else the index' },
                { value: 'index', label: 'The index' },
              ]}
              {...chosen('volatility_source')}
              placeholder="choose one"
            />
          </>
        )}
      </fieldset>
      <div className={classes.submit}>
        <Button
          type="submit"
          variant="filled"
          disabled={cannot !== null}
          aria-describedby={cannot === null ? undefined : 'what-if-cannot'}
          rightSection={<kbd className="key">Ctrl Enter</kbd>}
        >
          Try the draft
        </Button>
        {propose}
        {cannot !== null && (
          <p id="what-if-cannot" className={classes.reason}>
            {cannot}
          </p>
        )}
      </div>
    </form>
  )
}

function markupText(broker: BrokerAnswer): string {
  return broker.markup_tiers === null ? percentText(broker.markup_percentage) : tiersText(broker.markup_tiers)
}

function feeText(broker: BrokerAnswer): string {
  return broker.transaction_fee_type === 'FLAT'
    ? `${usdText(broker.transaction_amount)} USD`
    : percentText(broker.transaction_amount)
}

function modelText(model: DraftModel | undefined, name: keyof DraftModel): string | null {
  const value = model?.[name]
  return value === undefined ? null : /^[0-9.]+$/.test(value) ? grouped(value) : value
}
