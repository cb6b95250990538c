// What a thing is, as a glyph and a word: never by colour alone.
import type { ReactNode } from 'react'
import type { BorrowStatus, ObservationSource } from '../../client/index.ts'
import classes from './badges.module.css'
import { ageText, spokenAge } from './formats.ts'

export const TIER_BARS: Readonly<Record<BorrowStatus, number>> = { EASY: 1, MEDIUM: 2, HARD: 3 }

/** One, two, three bars, and the word. */
export function TierBadge({ tier }: { readonly tier: BorrowStatus }) {
  return (
    <span className={classes.tier}>
      <svg width="12" height="10" viewBox="0 0 12 10" aria-hidden="true">
        {[0, 1, 2].map((at) => (
          <rect
            key={at}
            x={at * 4.5}
            y={7 - at * 3}
            width="3"
            height={3 + at * 3}
            fill={at < TIER_BARS[tier] ? 'var(--ink)' : 'var(--button-line)'}
          />
        ))}
      </svg>
      {tier}
    </span>
  )
}

export const SOURCE_GLYPHS: Readonly<Record<ObservationSource, string>> = {
  live: '●',
  cached: '○',
  stale: '◐',
  fallback: '◇',
}

/** A guess is amber; so is what stands on one. */
export function isGuess(source: ObservationSource): boolean {
  return source === 'stale' || source === 'fallback'
}

export function SourceGlyph({ source }: { readonly source: ObservationSource }) {
  return (
    <span className={classes.glyph} data-guess={isGuess(source) || undefined} aria-hidden="true">
      {SOURCE_GLYPHS[source]}
    </span>
  )
}

/** `● live, 12 s`; `◇ fallback` when nothing has an age. */
export function SourceBadge({
  source,
  ageSeconds,
  short = false,
}: {
  readonly source: ObservationSource
  readonly ageSeconds: number | null
  /** Without the word, where a column has it. */
  readonly short?: boolean
}) {
  const age = ageSeconds === null ? null : ageText(ageSeconds)
  const spoken = ageSeconds === null ? source : `${source}, ${spokenAge(ageSeconds)}`
  return (
    <span className={classes.source} data-guess={isGuess(source) || undefined}>
      <SourceGlyph source={source} />
      <span aria-hidden="true">{short ? (age ?? source) : age === null ? source : `${source}, ${age}`}</span>
      <span className="only-read">{spoken}</span>
    </span>
  )
}

const LOCKS = {
  sealed: { tone: 'good', path: 'M4 7V5a3 3 0 0 1 6 0v2 M3 7h8v6H3z' },
  unsealed: { tone: 'quiet', path: 'M4 7V5a3 3 0 0 1 5.8-1 M3 7h8v6H3z' },
  altered: { tone: 'bad', path: 'M6 4 4.5 5.5a3 3 0 0 0 0 4.2 M8 10l1.5-1.5a3 3 0 0 0 0-4.2 M2 2l10 10' },
} as const

export type SealState = keyof typeof LOCKS

export function SealBadge({ state, children }: { readonly state: SealState; readonly children?: ReactNode }) {
  const { tone, path } = LOCKS[state]
  return (
    <span className={classes.state} data-tone={tone}>
      <svg
        width="14"
        height="14"
        viewBox="0 0 14 14"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        aria-hidden="true"
      >
        <path d={path} />
      </svg>
      {children ?? state}
    </span>
  )
}

export type Tone = 'quiet' | 'good' | 'warn' | 'bad'

/** A word with a border: `Indicative`, `expired`, `identical`, `differs`. */
export function WordBadge({ tone = 'quiet', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return (
    <span className={classes.word} data-tone={tone}>
      {children}
    </span>
  )
}
