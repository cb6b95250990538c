// What components read of the things that live as long as the console does.

import { useQuery } from '@tanstack/react-query'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { api } from '../api.ts'
import { preferenceStore } from '../ui/theme.ts'
import { liveRates } from './live-rates.ts'
import { type Person, session } from './session.ts'

export function useSession() {
  return useSyncExternalStore(session.subscribe, session.get)
}

/** Who is signed in. Only below the shell, which shows nothing without. */
export function usePerson(): Person {
  const state = useSession()
  if (state.kind !== 'in') throw new Error('nobody is signed in')
  return state.person
}

export function usePreferences() {
  return useSyncExternalStore(preferenceStore.subscribe, preferenceStore.get)
}

export function useStreamState() {
  return useSyncExternalStore(liveRates.onState, liveRates.state)
}

/** Counts up, at most ten times a second, when rows moved; for screens that read `liveRates.rows` themselves. */
export function useRowsVersion(): number {
  const [version, setVersion] = useState(0)
  useEffect(() => liveRates.onRows(() => setVersion((before) => before + 1)), [])
  return version
}

/** Milliseconds, anew every so often: for ages. */
export function useNow(everyMs = 1_000): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return now
}

/** Features, limits, models and packs of this deployment. */
export function useConfig() {
  return useQuery({ queryKey: ['config'], queryFn: ({ signal }) => api.config({ signal }), staleTime: 300_000 })
}

/** A media query, as `(min-width: 1440px)`. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => matchMedia(query).matches,
  )
}

/** As the screens' layouts are cut: a phone, a laptop, a desk. */
export function useWidth(): 'phone' | 'laptop' | 'desk' {
  const isPhone = useMedia('(max-width: 719px)')
  const isDesk = useMedia('(min-width: 1360px)')
  return isPhone ? 'phone' : isDesk ? 'desk' : 'laptop'
}
