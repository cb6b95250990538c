// Text to the clipboard, and that it is there: on the button for a moment, and aloud.
import { useEffect, useState } from 'react'
import { announce } from '../app/announce.tsx'

const SHOWN_MS = 2_000

/** @throws Error when the browser lets nothing onto the clipboard */
export async function copyText(text: string): Promise<void> {
  // A page that came over plain HTTP from another host has no clipboard of its own.
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  field.style.position = 'fixed'
  field.style.opacity = '0'
  document.body.append(field)
  const before = document.activeElement
  field.select()
  const copied = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  if (!copied) throw new Error('The browser lets nothing onto the clipboard.')
}

export interface Copying {
  /** What was copied last, for a moment; null: nothing, or it is long ago. */
  readonly copied: string | null
  /** The browser's refusal, until the next try. */
  readonly refused: string | null
  /** @param what as it is said: `curl`, `the secret` */
  copy(what: string, text: string): void
}

/** For buttons that copy: `copied` is the `what` that is on the clipboard. */
export function useCopy(): Copying {
  const [last, setLast] = useState<{ readonly what: string } | null>(null)
  const [refused, setRefused] = useState<string | null>(null)
  useEffect(() => {
    if (last === null) return
    const timer = setTimeout(() => setLast(null), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [last])
  return {
    copied: last?.what ?? null,
    refused,
    copy: (what, text) => {
      setRefused(null)
      copyText(text).then(
        () => {
          setLast({ what })
          announce(`Copied ${what}.`)
        },
        () => setRefused('The browser lets nothing onto the clipboard.'),
      )
    },
  }
}
