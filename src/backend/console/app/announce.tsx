// What is said aloud, politely, to who does not see the screen: a finished quote, a failed feed, progress of a basket, expiry. Never ticks.
import { useSyncExternalStore } from 'react'

let said = ''
const listeners = new Set<() => void>()

export function announce(sentence: string): void {
  // The same sentence twice is said twice.
  said = said === sentence ? `${sentence} ` : sentence
  for (const listener of listeners) listener()
}

export function Announcer() {
  const sentence = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => said,
  )
  return (
    <div className="only-read" role="status" aria-live="polite">
      {sentence}
    </div>
  )
}
