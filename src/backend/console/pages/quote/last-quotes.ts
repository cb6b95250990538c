// The quotes of this browser session, newest first: kept in the tab for whoever is signed in, and gone when they sign out.
import { useSyncExternalStore } from 'react'
import type { QuoteAnswer } from '../../../client/index.ts'
import { session } from '../../app/session.ts'
import { asksTheSame, type FormText } from './form-text.ts'

/** A price with what was asked for it. */
export interface PricedQuote {
  readonly form: FormText
  readonly answer: QuoteAnswer
  /** By this browser's clock, which alone measures how much of a minute is left. */
  readonly receivedMs: number
}

const KEY = 'borrow-desk-quotes'
const KEPT_MAX = 8

let quotes: readonly PricedQuote[] | null = null
const listeners = new Set<() => void>()

session.subscribe(() => {
  if (session.get().kind === 'out') become([])
})

export function lastQuotes(): readonly PricedQuote[] {
  quotes ??= read()
  return quotes
}

export function useLastQuotes(): readonly PricedQuote[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, lastQuotes)
}

/** One line for each question: the newest answer to it. */
export function keepQuote(quote: PricedQuote): void {
  const others = lastQuotes().filter(({ form }) => !asksTheSame(form, quote.form))
  become([quote, ...others].slice(0, KEPT_MAX))
}

export function quoteOf(form: FormText): PricedQuote | null {
  return lastQuotes().find((quote) => asksTheSame(quote.form, form)) ?? null
}

/** When its minute is over, by this browser's clock. */
export function expiresMs({ answer, receivedMs }: PricedQuote): number {
  return receivedMs + Date.parse(answer.expires_at) - Date.parse(answer.quoted_at)
}

function become(next: readonly PricedQuote[]): void {
  quotes = next
  if (next.length === 0) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, JSON.stringify({ whose: whose(), quotes: next }))
  for (const listener of listeners) listener()
}

function read(): readonly PricedQuote[] {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as { whose?: string; quotes?: readonly PricedQuote[] }
    return kept.whose === whose() && Array.isArray(kept.quotes) ? kept.quotes : []
  } catch {
    return []
  }
}

function whose(): string | null {
  const state = session.get()
  return state.kind === 'in' ? JSON.stringify(state.person) : null
}
