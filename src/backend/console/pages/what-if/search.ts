// What the address of the screen holds: the draft, the range and whose quotes, each as it was typed. A draft that is proposed travels to
// its approval as the very same words.
import { DRAFT_FIELDS, type Draft } from './draft.ts'

export type WhatIfSearch = { readonly [Name in keyof Draft]?: string | undefined }

const TEXT_LENGTH_MAX = 500

export function whatIfSearch(raw: Record<string, unknown>): WhatIfSearch {
  return Object.fromEntries(
    DRAFT_FIELDS.flatMap((name) => {
      const text = raw[name]
      return typeof text === 'string' && text !== '' ? [[name, text.slice(0, TEXT_LENGTH_MAX)]] : []
    }),
  )
}
