// The tokens' colours for what is drawn on a canvas, which knows no CSS variables: read from the page, and again when the theme changes.
import { useSyncExternalStore } from 'react'

const TOKENS = {
  canvas: '--canvas',
  surface: '--surface',
  raised: '--raised',
  line: '--line',
  gridLine: '--grid-line',
  ink: '--ink',
  ink2: '--ink-2',
  ink3: '--ink-3',
  accent: '--accent',
  warn: '--warn',
  warnHatch: '--warn-hatch',
  bad: '--bad',
  good: '--good',
  bar: '--bar',
  barUp: '--bar-up',
  barTotal: '--bar-total',
  /** The family of the text, not a colour. */
  font: '--font',
} as const

export type ChartColours = Readonly<Record<keyof typeof TOKENS, string>>

let current: ChartColours | null = null

export function chartColours(): ChartColours {
  current ??= read()
  return current
}

/** The same, anew with every change of the theme. */
export function useChartColours(): ChartColours {
  return useSyncExternalStore(onThemeChange, chartColours)
}

/** @returns how to stop listening */
export function onThemeChange(listener: () => void): () => void {
  const observer = new MutationObserver(() => {
    current = read()
    listener()
  })
  observer.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] })
  return () => observer.disconnect()
}

function read(): ChartColours {
  const style = getComputedStyle(document.documentElement)
  const read = Object.entries(TOKENS).map(([name, token]) => [name, style.getPropertyValue(token).trim()])
  return Object.fromEntries(read) as ChartColours
}
