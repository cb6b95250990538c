// Whether there is a PgBouncer to test through.
import { foundOrInstalled, howToInstall, onPath } from './debian-package.ts'

const PACKAGE = 'pgbouncer'

/** What to type where there is none. */
export const HOW_TO_GET_PGBOUNCER = howToInstall(PACKAGE)

/** The program, or null when there is none here. */
export function pgbouncerFound(): string | null {
  return onPath('pgbouncer')
}

/** Finds or installs it. */
export function pgbouncerFoundOrInstalled(): boolean {
  return foundOrInstalled(PACKAGE, () => pgbouncerFound() !== null)
}
