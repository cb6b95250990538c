// Pages of the operators' own that a console leads to, as a setting has them: `Title=address` by commas, or a list in JSON.

export interface DashboardLink {
  readonly title: string
  readonly url: string
}

export const DASHBOARD_LINKS_MAX = 20
const TITLE_CHARACTERS_MAX = 60
const URL_CHARACTERS_MAX = 2_000

export const DASHBOARD_LINKS_FORM = `up to ${DASHBOARD_LINKS_MAX} links as Title=https://grafana.example.com/d/desk by commas, or as JSON [{"title": …, "url": …}], each to http or https and without a password`

/** @returns null for what is none */
export function readDashboardLinks(text: string): readonly DashboardLink[] | null {
  const links = text.startsWith('[') ? linksInJson(text) : text.split(',').map(linkInWords)
  return links !== null && links.length <= DASHBOARD_LINKS_MAX && links.every(isSound) ? links : null
}

function linkInWords(item: string): DashboardLink {
  const end = item.indexOf('=')
  return { title: item.slice(0, Math.max(end, 0)).trim(), url: item.slice(end + 1).trim() }
}

function linksInJson(text: string): DashboardLink[] | null {
  try {
    const items = JSON.parse(text) as Partial<Record<string, unknown>>[]
    return items.map((item) => ({ title: textOf(item.title), url: textOf(item.url) }))
  } catch {
    return null
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value.trim() : '')

function isSound({ title, url }: DashboardLink): boolean {
  if (title === '' || title.length > TITLE_CHARACTERS_MAX || url.length > URL_CHARACTERS_MAX) return false
  if (!URL.canParse(url)) return false
  const { protocol, username, password } = new URL(url)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}
