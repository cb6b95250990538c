// How a key is, in a word or two, and whether somebody should see to it.
import type { ApiKeyAnswer } from '../../../client/index.ts'
import { dateText } from '../../ui/formats.ts'

export interface KeyState {
  readonly tone: 'quiet' | 'warn' | 'bad'
  readonly words: string
}

const DAY_MS = 86_400_000
/** From then on a key's end is marked. */
const SOON_DAYS = 14

export function keyState(key: ApiKeyAnswer, nowMs: number): KeyState {
  const { active, expires_at, revoked_at, replaced_by } = key
  if (!active) {
    const revoked = revoked_at !== null && Date.parse(revoked_at) <= nowMs
    return { tone: 'quiet', words: revoked ? `revoked ${dateText(revoked_at)}` : `ended ${dateText(expires_at)}` }
  }
  const end = revoked_at ?? expires_at
  const days = Math.max(0, Math.ceil((Date.parse(end) - nowMs) / DAY_MS))
  const inDays = days === 1 ? 'within a day' : `in ${days} days`
  if (replaced_by !== null) return { tone: 'warn', words: `rotated, ends ${inDays}` }
  return days <= SOON_DAYS
    ? { tone: 'warn', words: `ends ${inDays}` }
    : { tone: 'quiet', words: `good until ${dateText(end)}` }
}
