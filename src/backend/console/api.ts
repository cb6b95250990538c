// The console is a client and nothing more: one typed client, one cache of answers, and one function that turns a failure into words.
import { QueryClient } from '@tanstack/react-query'
import { BorrowRateClient, BorrowRateError } from '../client/index.ts'

export const api = new BorrowRateClient({ baseUrl: location.origin })

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The client itself repeats what is worth repeating.
      retry: false,
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // Failures are shown where they belong; the browser's own idea of being online says nothing of the engine.
      networkMode: 'always',
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})

/** What a person is told of a failure. */
export interface FailureWords {
  readonly sentence: string
  readonly code: string
  readonly requestId: string | null
  readonly retryAfterSeconds: number | null
  /** The sentences of the fields, by field. */
  readonly fields: ReadonlyMap<string, string>
}

/** The server's own sentence where there is one. */
export function wordsOf(error: unknown): FailureWords {
  if (error instanceof BorrowRateError) {
    const { sentence, code, requestId, retryAfterSeconds, validationErrors } = error
    return {
      sentence,
      code,
      requestId,
      retryAfterSeconds,
      fields: new Map(validationErrors.map(({ field, message }) => [field, message])),
    }
  }
  const sentence = error instanceof Error && error.message !== '' ? error.message : String(error)
  return { sentence, code: 'CONSOLE', requestId: null, retryAfterSeconds: null, fields: new Map() }
}
