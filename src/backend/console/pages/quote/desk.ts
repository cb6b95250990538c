// What the screen does: the form follows the address and the address the form; Price asks the engine, and what it answers is shown
// until another answer takes its place.
import { useMutation } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { api, wordsOf } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { usePerson, useStreamState } from '../../app/hooks.ts'
import { rateText, usdText } from '../../ui/formats.ts'
import { useCountdown } from '../../ui/states.tsx'
import { fieldId } from './form.tsx'
import {
  asksTheSame,
  type FieldName,
  type FormText,
  formOf,
  refusedFields,
  requestOf,
  searchOf,
  tidy,
} from './form-text.ts'
import { keepQuote, lastQuotes, type PricedQuote, quoteOf } from './last-quotes.ts'

const route = getRouteApi('/quote')
const NOTHING_REFUSED: ReadonlyMap<FieldName, string> = new Map()

export interface QuoteDesk {
  readonly form: FormText
  readonly shown: PricedQuote | null
  readonly refused: ReadonlyMap<FieldName, string>
  /** What could not be put under a field. */
  readonly failure: unknown
  readonly isPricing: boolean
  /** Why there can be no price now; null: there can. */
  readonly because: string | null
  /** Something is asked that the answer does not say. */
  readonly isNew: boolean
  type(change: Partial<FormText>): void
  settle(change?: Partial<FormText>): void
  price(): void
  restore(quote: PricedQuote): void
}

export function useQuoteDesk(): QuoteDesk {
  const { role, clientId } = usePerson()
  const ownClientId = role === 'broker' ? clientId : null
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const address = JSON.stringify(search)
  const [form, setForm] = useState(() => formOf(search, { ownClientId, last: lastQuotes()[0]?.form ?? null }))
  const [shown, setShown] = useState<PricedQuote | null>(() => quoteOf(form))
  const [refused, setRefused] = useState(NOTHING_REFUSED)
  const [failure, setFailure] = useState<unknown>(null)
  const written = useRef(address)
  const wait = useCountdown(failure === null ? null : wordsOf(failure).retryAfterSeconds, failure)
  const stream = useStreamState()

  const pricing = useMutation({
    mutationKey: ['quote', 'price'],
    mutationFn: async (asked: FormText): Promise<PricedQuote> => {
      const answer = await api.quotes.price(requestOf(asked))
      return { form: asked, answer, receivedMs: Date.now() }
    },
    onSuccess: (quote) => {
      setRefused(NOTHING_REFUSED)
      setFailure(null)
      setShown(quote)
      keepQuote(quote)
      const { ticker, total_fee, borrow_rate_used } = quote.answer
      announce(`${ticker}: total ${usdText(total_fee)} USD, borrow rate ${rateText(borrow_rate_used)}.`)
    },
    onError: (error, asked) => {
      const fields = refusedFields(wordsOf(error), asked)
      setRefused(fields)
      setFailure(fields.size > 0 ? null : error)
    },
  })

  // The address became another one, and not by this form: back and forward, the search, a link.
  useEffect(() => {
    if (address === written.current) return
    written.current = address
    const next = formOf(search, { ownClientId, last: lastQuotes()[0]?.form ?? null })
    setForm(next)
    setShown((before) => quoteOf(next) ?? before)
    setRefused(NOTHING_REFUSED)
    setFailure(null)
  }, [address, search, ownClientId])

  useEffect(() => {
    const first = [...refused.keys()].map((name) => document.getElementById(fieldId(name))).find((field) => field)
    first?.focus()
  }, [refused])

  const write = (next: FormText) => {
    const to = searchOf(next)
    const text = JSON.stringify(to)
    if (text === written.current) return
    written.current = text
    void navigate({ search: to, replace: true })
  }
  const because =
    stream.kind === 'lost'
      ? 'The stream is lost: nothing is priced until the engine is reached again.'
      : stream.kind === 'failed'
        ? 'The engine is not reached: nothing is priced until it is.'
        : wait > 0
          ? `The engine asks to wait ${wait} s.`
          : null

  return {
    form,
    shown,
    refused,
    failure,
    isPricing: pricing.isPending,
    because,
    isNew: shown === null || !asksTheSame(form, shown.form),
    type: (change) => setForm({ ...form, ...change }),
    settle: (change) => {
      const next = tidy({ ...form, ...change })
      setForm(next)
      write(next)
    },
    price: () => {
      if (pricing.isPending || because !== null) return
      const asked = tidy(form)
      setForm(asked)
      write(asked)
      pricing.mutate(asked)
    },
    restore: (quote) => {
      setForm(quote.form)
      write(quote.form)
      setShown(quote)
      setRefused(NOTHING_REFUSED)
      setFailure(null)
    },
  }
}
