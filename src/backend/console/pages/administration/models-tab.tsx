// The pricing models: added, never edited, so that a rate quoted under a name means the same for ever.
import { Button, UnstyledButton } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { DraftModel, PricingModel } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { Changes } from '../../ui/changes.tsx'
import { FormDrawer, faultOf, PanelDrawer } from '../../ui/form-drawer.tsx'
import { Loading } from '../../ui/states.tsx'
import { ChoiceField, NumberField, TextField } from './fields.tsx'
import { changesBetween } from './form-lines.ts'
import classes from './list-frame.module.css'
import { ListFrame, pageOf, pageSlice } from './list-frame.tsx'
import { type ModelForm, modelFields, modelForm, modelLines, SOURCE_WORDS } from './model-fields.ts'
import type { TabProps } from './page.tsx'
import { type Draft, draftOf } from './search.ts'
import { useModels } from './terms-tab.tsx'

const FIELDS = [
  'model',
  'volatility_weight',
  'volatility_threshold',
  'event_weight',
  'max_multiplier',
  'volatility_source',
]

export function ModelsTab({ address, go }: TabProps) {
  const models = useModels()
  const found = models.data?.filter(({ model }) => address.q === undefined || model.includes(address.q.toLowerCase()))
  const open = models.data?.find(({ model }) => model === address.edit)
  const make = (copy: string | undefined) => go({ make: '1', copy, edit: undefined })
  const close = () =>
    go({
      edit: undefined,
      make: undefined,
      copy: undefined,
      volatility_weight: undefined,
      volatility_threshold: undefined,
      event_weight: undefined,
      max_multiplier: undefined,
      volatility_source: undefined,
    })
  return (
    <>
      <ListFrame
        query={models}
        total={found?.length ?? null}
        address={address}
        go={go}
        search="Model"
        make={{ title: 'Add a model', onClick: () => make(found?.at(-1)?.model) }}
        empty="There is no model."
      >
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col" className="right">
                A volatility point adds, x lender rate
              </th>
              <th scope="col" className={`right ${classes.phoneless}`}>
                Points that add nothing
              </th>
              <th scope="col" className={`right ${classes.phoneless}`}>
                An event risk of 10 adds, x lender rate
              </th>
              <th scope="col" className="right">
                At the most, x lender rate
              </th>
              <th scope="col" className={classes.phoneless}>
                Volatility
              </th>
            </tr>
          </thead>
          <tbody>
            {pageSlice(found ?? [], pageOf(address.page)).map((model) => (
              <tr
                key={model.model}
                onClick={() => go({ edit: model.model })}
                data-open={model.model === address.edit || undefined}
              >
                <td>
                  <UnstyledButton className={classes.open}>{model.model}</UnstyledButton>
                </td>
                <td className="right">{model.volatility_weight}</td>
                <td className={`right ${classes.phoneless}`}>{model.volatility_threshold}</td>
                <td className={`right ${classes.phoneless}`}>{model.event_weight}</td>
                <td className="right">{model.max_multiplier}</td>
                <td className={classes.phoneless}>{SOURCE_WORDS[model.volatility_source]}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ListFrame>
      {address.make === '1' && models.data !== undefined ? (
        <AddModel
          key={address.copy}
          like={models.data.find(({ model }) => model === address.copy)}
          draft={draftOf(address)}
          onClose={close}
        />
      ) : address.edit !== undefined ? (
        <PanelDrawer title={address.edit} onClose={close}>
          {open === undefined ? (
            models.data === undefined ? (
              <Loading />
            ) : (
              <p className={classes.stack}>There is no model of this name.</p>
            )
          ) : (
            <ModelFacts model={open} onCopy={() => make(open.model)} />
          )}
        </PanelDrawer>
      ) : null}
    </>
  )
}

function ModelFacts({ model, onCopy }: { readonly model: PricingModel; readonly onCopy: () => void }) {
  return (
    <div className={classes.stack}>
      <dl className={classes.facts}>
        {modelLines(modelForm(model, {})).map(({ field, title, text }) => (
          <ModelFact key={field} title={title} text={text} />
        ))}
      </dl>
      <p className="quiet">
        A model is never edited: what was quoted under its name means the same for ever. A broker’s terms say which
        model prices it.
      </p>
      <div className={classes.buttons}>
        <Button onClick={onCopy}>Add one like it</Button>
      </div>
    </div>
  )
}

function ModelFact({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <>
      <dt>{title}</dt>
      <dd>{text}</dd>
    </>
  )
}

function AddModel({
  like,
  draft,
  onClose,
}: {
  readonly like: PricingModel | undefined
  readonly draft: Draft
  readonly onClose: () => void
}) {
  const queries = useQueryClient()
  const [form, setForm] = useState(() => modelForm(like, draft))
  const [isReview, setReview] = useState(false)
  const change = (fields: Partial<ModelForm>) => setForm({ ...form, ...fields })
  const add = useMutation({
    mutationFn: () => api.pricingModels.add(modelFields(form)),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['administration', 'models'] })
      announce('The model is added.')
      onClose()
    },
    onError: () => setReview(false),
  })
  const fault = (field: string) => faultOf(add.error, field)
  if (isReview) {
    const before = like === undefined ? null : modelLines(modelForm(like, {}))
    const name = { field: 'Name', before: like?.model ?? 'none', after: form.model }
    return (
      <FormDrawer
        title="Add a model"
        submit="Add it for good"
        onSubmit={() => add.mutate()}
        also={<Button onClick={() => setReview(false)}>Back</Button>}
        onClose={onClose}
        busy={add.isPending}
        error={null}
        fields={[]}
      >
        <p className="quiet">It can be neither edited nor taken away.</p>
        <Changes
          changes={[name, ...changesBetween(before, modelLines(form))]}
          titles={['Parameter', like?.model ?? 'Nothing', 'The new one']}
        />
      </FormDrawer>
    )
  }
  return (
    <FormDrawer
      title="Add a model"
      submit="Save"
      onSubmit={() => setReview(true)}
      onClose={onClose}
      busy={false}
      error={add.error}
      fields={FIELDS}
    >
      {like !== undefined && <p className="quiet">It begins as {like.model}.</p>}
      <TextField
        label="Name"
        description="With its version, as desk-v2. It stands for these parameters for ever."
        value={form.model}
        onChange={(model) => change({ model })}
        error={fault('model')}
      />
      <NumberField
        label="A volatility point above the threshold adds"
        unit="x lender rate"
        value={form.volatilityWeight}
        onChange={(volatilityWeight) => change({ volatilityWeight })}
        error={fault('volatility_weight')}
      />
      <NumberField
        label="Volatility that adds nothing"
        unit="points"
        value={form.volatilityThreshold}
        onChange={(volatilityThreshold) => change({ volatilityThreshold })}
        error={fault('volatility_threshold')}
      />
      <NumberField
        label="An event risk of 10 adds"
        unit="x lender rate"
        value={form.eventWeight}
        onChange={(eventWeight) => change({ eventWeight })}
        error={fault('event_weight')}
      />
      <NumberField
        label="At the most"
        unit="x lender rate"
        value={form.maxMultiplier}
        onChange={(maxMultiplier) => change({ maxMultiplier })}
        error={fault('max_multiplier')}
      />
      <ChoiceField
        label="Whose volatility"
        value={form.volatilitySource}
        choices={Object.entries(SOURCE_WORDS).map(([value, label]) => ({ value, label }))}
        onChange={(source) => change({ volatilitySource: source as DraftModel['volatility_source'] })}
        error={fault('volatility_source')}
      />
    </FormDrawer>
  )
}
