// Where pages of docs/operations are read from a pager, where relative links lead nowhere: in the repository that deploys, as the
// settings of production name it, unless settings.json says that they are published elsewhere.
import { readFileSync } from 'node:fs'

const ENDS_IN_SLASH = /^https:\/\/[^\s?#]+\/$/

/**
 * @param settings the text of settings.json
 * @param production the text of production's terraform.tfvars
 * @throws Error with the name of the setting that cannot be used, and the rule
 */
export function documentsUrl(settings: string, production: string): string {
  const { documents_url: elsewhere = null } = JSON.parse(settings) as { documents_url?: unknown }
  if (elsewhere !== null) {
    if (typeof elsewhere === 'string' && ENDS_IN_SLASH.test(elsewhere)) return elsewhere
    throw new Error('documents_url in settings.json must be null, or an https address that ends in a slash')
  }
  const [, repository] = /^github_repository\s*=\s*"([^"]+)"$/m.exec(production) ?? []
  if (repository === undefined)
    throw new Error('github_repository is not in terraform.tfvars of prod: there is no address of documents')
  return `https://github.com/${repository}/blob/main/docs/operations/`
}

const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')

export const DOCUMENTS_URL = documentsUrl(textOf('settings.json'), textOf('../environments/prod/terraform.tfvars'))
