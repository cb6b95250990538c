// Keys that do something outside of fields. Each screen says its own while it is shown; the shell has those that go elsewhere.
import { useEffect, useRef } from 'react'
import { preferenceStore } from '../ui/theme.ts'

/** By the key's own name: `c`, `/`, `?`, `Escape`, `[`; after G by `g r`. `Ctrl+Enter` works in fields too. */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>

/** What keys do, for the list that `?` shows. */
export interface ShortcutHelp {
  readonly keys: string
  readonly does: string
}

const SECOND_KEY_MS = 1_200
let first: { readonly key: string; readonly atMs: number } | null = null

/** For as long as the component is shown. The newest component that takes a key has it. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts)
  current.current = shortcuts
  useEffect(() => {
    const layer: Layer = () => current.current
    layers.push(layer)
    return () => void layers.splice(layers.indexOf(layer), 1)
  }, [])
}

type Layer = () => Shortcuts
const layers: Layer[] = []

const FIELDS = 'input, textarea, select, [contenteditable]'
/** They take the space bar and the arrows, and no letters. */
const CHOICES = 'input[type="radio"], input[type="checkbox"]'

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.isComposing) return
  const { key, ctrlKey, metaKey, altKey } = event
  const isLetter = key.length === 1
  const takesKey = event.target instanceof Element && !(isLetter && key !== ' ' && event.target.matches(CHOICES))
  const inField = takesKey && event.target.closest(FIELDS) !== null
  const inDialog = event.target instanceof Element && event.target.closest('[role="dialog"]') !== null
  if ((ctrlKey || metaKey) && !altKey) return run(`Ctrl+${key}`, event)
  if (altKey) return
  if (key === 'Escape') return run(key, event)
  if (inField || inDialog || (isLetter && !preferenceStore.get().letterKeys)) return
  const word = key.length === 1 ? key.toLowerCase() : key
  const before = first
  first = null
  if (before !== null && Date.now() - before.atMs < SECOND_KEY_MS && run(`${before.key} ${word}`, event)) return
  if (word === 'g') first = { key: word, atMs: Date.now() }
  else run(word, event)
})

function run(word: string, event: KeyboardEvent): boolean {
  for (const layer of [...layers].reverse()) {
    const action = layer()[word]
    if (action === undefined) continue
    event.preventDefault()
    action(event)
    return true
  }
  return false
}
