// The fields of a broker's terms.
import { Button, SegmentedControl } from '@mantine/core'
import type { PricingModel, Tier } from '../../../client/index.ts'
import { useConfig } from '../../app/hooks.ts'
import { grouped } from '../../ui/formats.ts'
import { asChoices, ChoiceField, NumberField, TextField, YesNoField } from './fields.tsx'
import classes from './list-frame.module.css'
import { BILLING_WORDS, type TermsForm, type TierForm } from './terms-fields.ts'

/** As the contract knows them: a pack may fix one. */
const DAY_COUNTS = ['ACT/360', 'ACT/365']
const TIERS = ['standard', 'premium', 'internal']

export function TermsFormFields({
  form,
  isNew,
  models,
  change,
  fault,
}: {
  readonly form: TermsForm
  readonly isNew: boolean
  readonly models: readonly PricingModel[]
  readonly change: (fields: Partial<TermsForm>) => void
  readonly fault: (field: string) => string | undefined
}) {
  const config = useConfig().data
  const packs = config?.convention_packs ?? []
  const pack = packs.find(({ convention_pack }) => convention_pack === form.pack)
  const limit = config?.rate_limits[form.tier]
  return (
    <>
      {isNew && (
        <TextField
          label="Broker"
          description="Its client_id, for good."
          value={form.clientId}
          onChange={(clientId) => change({ clientId })}
          error={fault('client_id')}
        />
      )}
      <TextField label="Name" value={form.name} onChange={(name) => change({ name })} error={fault('name')} />
      <NumberField
        label="Markup on the borrow cost"
        unit="%"
        value={form.markup}
        onChange={(markup) => change({ markup })}
        error={fault('markup_percentage')}
        description={form.tiers.length > 0 ? 'The steps below take its place.' : undefined}
      />
      <Tiers tiers={form.tiers} onChange={(tiers) => change({ tiers })} fault={fault} />
      <div>
        <SegmentedControl
          aria-label="Kind of transaction fee"
          value={form.feeType}
          onChange={(feeType) => change({ feeType: feeType as TermsForm['feeType'] })}
          data={[
            { value: 'FLAT', label: 'Flat fee' },
            { value: 'PERCENTAGE', label: 'Percent of the value' },
          ]}
        />
      </div>
      <NumberField
        label="Transaction fee, a request"
        unit={form.feeType === 'FLAT' ? 'USD' : '%'}
        value={form.feeAmount}
        onChange={(feeAmount) => change({ feeAmount })}
        error={fault('transaction_amount') ?? fault('transaction_fee_type')}
      />
      <ChoiceField
        label="Convention pack"
        value={form.pack}
        choices={asChoices(packs.length > 0 ? packs.map(({ convention_pack }) => convention_pack) : [form.pack])}
        onChange={(name) => {
          const fixed = packs.find(({ convention_pack }) => convention_pack === name)?.day_count ?? null
          change({ pack: name, ...(fixed !== null && { dayCount: fixed }) })
        }}
        error={fault('convention_pack')}
        description={pack?.description}
      />
      <div className={classes.pair}>
        <ChoiceField
          label="Day count"
          value={form.dayCount}
          choices={asChoices(DAY_COUNTS)}
          onChange={(dayCount) => change({ dayCount })}
          error={fault('day_count')}
        />
        <ChoiceField
          label="Billing"
          value={form.billing}
          choices={Object.entries(BILLING_WORDS).map(([value, label]) => ({ value, label }))}
          onChange={(billing) => change({ billing: billing as TermsForm['billing'] })}
          error={fault('billing')}
        />
      </div>
      <ChoiceField
        label="Pricing model"
        value={form.model}
        choices={asChoices(
          withOwn(
            models.map(({ model }) => model),
            form.model,
          ),
        )}
        onChange={(model) => change({ model })}
        error={fault('pricing_model')}
      />
      <div className={classes.pair}>
        <ChoiceField
          label="Tier"
          value={form.tier}
          choices={asChoices(TIERS)}
          onChange={(tier) => change({ tier: tier as Tier })}
          error={fault('tier')}
        />
        <NumberField
          label="Own limit"
          unit="a minute"
          value={form.requestsPerMinute}
          onChange={(requestsPerMinute) => change({ requestsPerMinute })}
          error={fault('requests_per_minute')}
        />
      </div>
      <p className="label">
        {limit === undefined
          ? 'Without its own limit it has that of its tier.'
          : `Its tier allows ${grouped(String(limit))} requests a minute.`}
      </p>
      <YesNoField
        label="Active"
        description="Switched off, nothing is priced for it and its keys open nothing."
        value={form.active}
        onChange={(active) => change({ active })}
      />
    </>
  )
}

/** A draft may name a model that is not there: the server says so. */
function withOwn(names: readonly string[], own: string): readonly string[] {
  return own === '' || names.includes(own) ? names : [own, ...names]
}

function Tiers({
  tiers,
  onChange,
  fault,
}: {
  readonly tiers: readonly TierForm[]
  readonly onChange: (tiers: readonly TierForm[]) => void
  readonly fault: (field: string) => string | undefined
}) {
  const put = (at: number, part: Partial<TierForm>) =>
    onChange(tiers.map((tier, index) => (index === at ? { ...tier, ...part } : tier)))
  // A new step goes before the open one.
  const add = () =>
    onChange(
      tiers.length === 0
        ? [
            { upTo: '100000', markup: '' },
            { upTo: '', markup: '' },
          ]
        : [...tiers.slice(0, -1), { upTo: '', markup: '' }, ...tiers.slice(-1)],
    )
  const remove = (at: number) => onChange(tiers.length <= 2 ? [] : tiers.filter((_, index) => index !== at))
  const ofSteps = tiers.some((_, at) => fault(`markup_tiers[${at}]`) !== undefined)
  const whole = ofSteps ? undefined : fault('markup_tiers')
  return (
    <fieldset className={classes.tiers}>
      <legend>Markup by charged value</legend>
      {tiers.map((tier, at) => {
        const isLast = at === tiers.length - 1
        const [upTo, markup] = [fault(`markup_tiers[${at}].up_to`), fault(`markup_tiers[${at}].markup_percentage`)]
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
          <div key={at} className={classes.tier}>
            <NumberField
              label={isLast ? 'Above, to any value' : 'Up to'}
              unit="USD"
              value={tier.upTo}
              disabled={isLast && tier.upTo === ''}
              onChange={(text) => put(at, { upTo: text })}
              error={upTo}
            />
            <NumberField
              label="Markup"
              unit="%"
              value={tier.markup}
              onChange={(text) => put(at, { markup: text })}
              error={markup}
            />
            <Button onClick={() => remove(at)} aria-label={`Take step ${at + 1} away`}>
              ✕
            </Button>
          </div>
        )
      })}
      {whole !== undefined && <p className={classes.fault}>{whole}</p>}
      <div>
        <Button onClick={add}>{tiers.length === 0 ? 'Use steps' : 'Another step'}</Button>
      </div>
    </fieldset>
  )
}
