// Whether there is a browser to look at the console with.
import { foundOrInstalled, howToInstall, onPath } from './debian-package.ts'

const PACKAGE = 'chromium'

/** What to type where there is none. */
export const HOW_TO_GET_CHROMIUM = howToInstall(PACKAGE)

/** CHROMIUM names another browser of its kind. */
export function chromiumFound(): string | null {
  return process.env.CHROMIUM || onPath('chromium') || onPath('chromium-browser') || onPath('google-chrome')
}

/** Finds or installs it. */
export function chromiumFoundOrInstalled(): boolean {
  return foundOrInstalled(PACKAGE, () => chromiumFound() !== null)
}
