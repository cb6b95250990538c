// A person at the console, for stories: Chromium without a window, signed in, at the size of a desk, a laptop or a phone.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'
import { chromiumFound } from '../../test/chromium-found.ts'

export const SIZES = {
  desk: { width: 1440, height: 900 },
  laptop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const

export interface Visit {
  /** Of the engine, without a slash at the end. */
  readonly url: string
  /** Null: the door. */
  readonly apiKey: string | null
  readonly path?: string
  readonly theme?: 'dark' | 'light'
  readonly size?: keyof typeof SIZES
  readonly reducedMotion?: boolean
  /** What this browser kept of an earlier visit. */
  readonly storage?: Readonly<Record<string, string>>
}

/** A page, and what it should not have done. */
export interface Visited {
  readonly page: Page
  /** Whatever the page asked of another host, and errors on its console. Empty is right. */
  readonly faults: readonly string[]
}

let browser: Browser | null = null

afterAll(async () => {
  await browser?.close()
  browser = null
})

/** Opens the console as somebody new. @throws Error when it cannot be signed in */
export async function visit({
  url,
  apiKey,
  path = '/',
  theme = 'dark',
  size = 'desk',
  reducedMotion = true,
  storage = {},
}: Visit): Promise<Visited> {
  const executablePath = chromiumFound()
  if (executablePath === null) throw new Error('there is no Chromium')
  browser ??= await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  const context = await browser.newContext({
    viewport: SIZES[size],
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  await context.addInitScript(
    (kept) => {
      for (const [name, value] of kept) localStorage.setItem(name, value)
    },
    Object.entries({ ...storage, 'borrow-desk-theme': theme }),
  )
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  const faults: string[] = []
  page.on('request', (request) => {
    const asked = request.url()
    if (!asked.startsWith(`${url}/`) && !/^(data|blob):/.test(asked)) faults.push(`asked ${asked}`)
  })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // The browser writes a line for every answer that is a refusal; refusals are part of stories.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  await page.goto(`${url}${path}`)
  if (apiKey !== null) {
    await page.getByLabel('API key', { exact: true }).fill(apiKey)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('navigation', { name: 'Screens' }).waitFor()
  }
  return { page, faults }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface AxeFinding {
  readonly id: string
  readonly help: string
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[]
}

/** WCAG 2.2 A and AA, as far as a program can see. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe)
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(context: Document, options: object): Promise<{ violations: AxeFinding[] }> }
    }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    return (await axe.run(document, { runOnly: { type: 'tag', values: tags } })).violations
  })
  expect(
    findings.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
  ).toEqual([])
}
