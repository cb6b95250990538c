// A what-if under way: its progress as the engine counts it, its result, and the one before, which stays until then.
import { useCallback, useEffect, useRef, useState } from 'react'
import type { WhatIfAnswer } from '../../../client/index.ts'
import { api } from '../../api.ts'
import { announce } from '../../app/announce.tsx'
import { signedUsd } from '../../ui/formats.ts'
import { type Draft, requestOf } from './draft.ts'
import { countText } from './effects.ts'

export interface WhatIf {
  /** Null: none is under way. */
  readonly progress: { readonly quotes: number; readonly at: string | null } | null
  readonly result: { readonly draft: Draft; readonly answer: WhatIfAnswer } | null
  readonly error: unknown
}

const NEWS_MS = 100

export function useWhatIf(): WhatIf & { readonly ask: (draft: Draft) => void; readonly cancel: () => void } {
  const [state, setState] = useState<WhatIf>({ progress: null, result: null, error: null })
  const running = useRef<AbortController | null>(null)
  useEffect(() => () => running.current?.abort(), [])

  const ask = useCallback((draft: Draft) => {
    running.current?.abort()
    const own = new AbortController()
    running.current = own
    setState((before) => ({ ...before, progress: { quotes: 0, at: null }, error: null }))
    const work = async () => {
      let toldAt = 0
      for await (const step of api.whatIf(requestOf(draft), { signal: own.signal })) {
        if (step.type === 'result') {
          setState({ progress: null, result: { draft, answer: step }, error: null })
          announce(
            `${countText(step.quotes)} quotes priced under the draft: ${signedUsd(step.delta.total_fees)} US dollars`,
          )
        } else if (Date.now() - toldAt >= NEWS_MS) {
          toldAt = Date.now()
          setState((before) => ({ ...before, progress: { quotes: step.quotes, at: step.at } }))
        }
      }
    }
    work().catch((error: unknown) => {
      if (running.current !== own) return
      setState((before) => ({ ...before, progress: null, error: own.signal.aborted ? null : error }))
    })
  }, [])
  const cancel = useCallback(() => running.current?.abort(), [])
  return { ...state, ask, cancel }
}
