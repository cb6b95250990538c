// The eight screens: who sees which, and the key that goes there.
import type { Role } from './session.ts'

export interface Screen {
  readonly path:
    | '/rates'
    | '/quote'
    | '/basket'
    | '/history'
    | '/record'
    | '/what-if'
    | '/administration'
    | '/operations'
  readonly title: string
  /** After G. */
  readonly letter: string
  readonly roles: readonly Role[]
}

export const SCREENS: readonly Screen[] = [
  { path: '/rates', title: 'Rates', letter: 'r', roles: ['broker', 'desk', 'auditor', 'admin', 'system'] },
  { path: '/quote', title: 'Quote', letter: 'q', roles: ['broker', 'desk'] },
  { path: '/basket', title: 'Basket', letter: 'b', roles: ['broker', 'desk'] },
  { path: '/history', title: 'History', letter: 'h', roles: ['broker', 'desk', 'auditor', 'admin', 'system'] },
  { path: '/record', title: 'Record', letter: 'c', roles: ['auditor', 'admin'] },
  { path: '/what-if', title: 'What-if', letter: 'w', roles: ['desk', 'admin'] },
  { path: '/administration', title: 'Administration', letter: 'a', roles: ['admin'] },
  { path: '/operations', title: 'Operations', letter: 'o', roles: ['desk', 'auditor', 'admin'] },
]

export function screensOf(role: Role): readonly Screen[] {
  return SCREENS.filter(({ roles }) => roles.includes(role))
}
