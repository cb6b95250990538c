// What the address of the screen holds: which lines are shown, and the broker of those that name none. The lines themselves are never
// in an address: they are the person's.
export const SHOWN = ['all', 'refused', 'guesses'] as const
export type Shown = (typeof SHOWN)[number]

export interface BasketSearch {
  /** Left out: all. */
  readonly show?: Exclude<Shown, 'all'> | undefined
  /** Refused lines of this reason alone. */
  readonly reason?: string | undefined
  /** Prices the lines that name no broker. */
  readonly client?: string | undefined
}

const REASON_LENGTH_MAX = 200

export function basketSearch(raw: Record<string, unknown>): BasketSearch {
  const { show, reason, client } = raw
  return {
    ...((show === 'refused' || show === 'guesses') && { show }),
    ...(typeof reason === 'string' && reason !== '' && { reason: reason.slice(0, REASON_LENGTH_MAX) }),
    ...(typeof client === 'string' && client !== '' && { client }),
  }
}
