// A price: what is asked, the answer with its reasons, and what it stands on.
import { Button, UnstyledButton } from '@mantine/core'
import { useEffect, useState } from 'react'
import { announce } from '../../app/announce.tsx'
import { useBrokers } from '../../app/brokers.ts'
import { useConfig, usePerson, useStreamState, useWidth } from '../../app/hooks.ts'
import { NotForRole } from '../../app/router.tsx'
import { useShortcuts } from '../../app/shortcuts.ts'
import { copyText } from '../../ui/copy.ts'
import { Failure, Loading } from '../../ui/states.tsx'
import { loadWaterfall } from '../../ui/waterfall.tsx'
import { Answer, askedText } from './answer.tsx'
import { useQuoteDesk } from './desk.ts'
import { useExpired } from './expiry.tsx'
import { FORM_ID, fieldId, PriceButton, QuoteForm } from './form.tsx'
import { LastQuotes } from './last-list.tsx'
import classes from './page.module.css'
import { Side } from './side.tsx'
import { Terms, termsLine } from './terms.tsx'

export function QuotePage() {
  const { role } = usePerson()
  return role === 'broker' || role === 'desk' ? <Quote /> : <NotForRole path="/quote" />
}

function Quote() {
  const { role, clientId } = usePerson()
  const desk = useQuoteDesk()
  const { form, shown, because, isPricing } = desk
  const brokers = useBrokers()
  const config = useConfig()
  const width = useWidth()
  const stream = useStreamState()
  const expired = useExpired(shown)
  const isOffline = stream.kind === 'lost' || stream.kind === 'failed'
  const isPhone = width === 'phone'
  const [folded, setFolded] = useState(true)
  const isFolded = isPhone && folded && shown !== null && desk.refused.size === 0

  const brokerOf = (id: string) => brokers.list?.find(({ client_id }) => client_id === id) ?? null
  const answerOfBroker = shown !== null && shown.answer.client_id === form.clientId ? shown.answer : null
  const model =
    config.data?.pricing_models.find(({ model: name }) => name === shown?.answer.terms.pricing_model) ?? null

  useFirstFocus(isPhone)
  useEffect(loadWaterfall, [])
  // A newer answer folds the form away again.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer anew
  useEffect(() => setFolded(true), [shown])
  useShortcuts({
    'Ctrl+Enter': desk.price,
    Escape: leaveForm,
  })

  const button = (
    <PriceButton
      label={isPhone && shown !== null ? 'Price again' : 'Price'}
      primary={isPhone || desk.isNew || expired}
      busy={isPricing}
      because={because}
      isPhone={isPhone}
    />
  )
  const broker = shown === null ? null : brokerOf(shown.answer.client_id)
  return (
    <div className={classes.page} data-offline={isOffline || undefined}>
      <div className={classes.columns}>
        <div className={classes.left}>
          <h1>Quote</h1>
          {isFolded && (
            <FoldedForm
              asked={`${askedText(shown.form)}`}
              ticker={shown.answer.ticker}
              terms={[shown.answer.client_id, ...(broker === null ? [] : [termsLine(broker)])].join(', ')}
              onEdit={() => setFolded(false)}
            />
          )}
          <QuoteForm
            form={form}
            refused={desk.refused}
            brokers={brokers}
            ownClientId={role === 'broker' ? clientId : null}
            isPhone={isPhone}
            hidden={isFolded}
            button={isPhone ? null : button}
            onType={desk.type}
            onSettle={desk.settle}
            onSubmit={desk.price}
          />
          {!isPhone && (
            <>
              <Terms clientId={form.clientId} broker={brokerOf(form.clientId)} answer={answerOfBroker} />
              <LastQuotes onRestore={desk.restore} />
            </>
          )}
        </div>
        <div className={classes.middle}>
          {desk.failure !== null && (
            <Failure compact error={desk.failure} onRetry={isOffline ? undefined : desk.price} />
          )}
          {shown !== null ? (
            <Answer quote={shown} broker={broker} model={model} expired={expired} aged={isPricing} width={width} />
          ) : isPricing ? (
            <Loading rows={12} label="Pricing" />
          ) : (
            <p className={classes.empty}>
              A price comes with its whole arithmetic: say who, what, how much and how long, then Price.
            </p>
          )}
        </div>
        <div className={classes.right} hidden={shown === null && isPhone}>
          {shown !== null && <Side quote={shown} broker={broker} />}
          {isPhone && <LastQuotes onRestore={desk.restore} />}
        </div>
      </div>
      {isPhone && (
        <div className={classes.bottom}>
          {button}
          <ShareButton />
        </div>
      )}
    </div>
  )
}

function FoldedForm({
  asked,
  ticker,
  terms,
  onEdit,
}: {
  readonly asked: string
  readonly ticker: string
  readonly terms: string
  readonly onEdit: () => void
}) {
  return (
    <UnstyledButton className={classes.folded} onClick={onEdit}>
      <span>
        <b>{ticker}</b> {asked}
        <span className="label">{terms}</span>
      </span>
      <span className={classes.edit}>Edit</span>
    </UnstyledButton>
  )
}

function ShareButton() {
  const share = async () => {
    if (typeof navigator.share === 'function') await navigator.share({ url: location.href })
    else {
      await copyText(location.href)
      announce('Copied the link.')
    }
  }
  // A person who changes their mind has refused nothing.
  return <Button onClick={() => void share().catch(() => {})}>Share</Button>
}

/** From a field to the answer, where letters are keys. */
function leaveForm(): void {
  if (document.activeElement?.closest(`#${FORM_ID}`)) document.getElementById('quote-answer')?.focus()
}

/** The first field that wants something; on a phone the keyboard stays away until it is asked for. */
function useFirstFocus(isPhone: boolean): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: when the screen is opened
  useEffect(() => {
    if (isPhone) return
    const fields = ['client_id', 'ticker', 'position_value', 'quantity', 'loan_days', 'start_date'] as const
    const inputs = fields
      .map((name) => document.getElementById(fieldId(name)))
      .filter((field): field is HTMLInputElement => field instanceof HTMLInputElement && !field.readOnly)
    const first = inputs.find(({ value }) => value === '') ?? inputs.find(({ id }) => id === fieldId('ticker'))
    first?.focus()
  }, [])
}
