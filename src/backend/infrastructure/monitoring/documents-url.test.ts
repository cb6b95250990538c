import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { documentsUrl } from './documents-url.ts'

const PRODUCTION = readFileSync(
  fileURLToPath(new URL('../environments/prod/terraform.tfvars', import.meta.url)),
  'utf8',
)

test('runbooks are read in the repository that may deploy to production', () => {
  const url = documentsUrl('{"documents_url":null}', PRODUCTION)
  expect(url).toBe('https://github.com/example/borrow-rate-engine/blob/main/docs/operations/')
  const moved = PRODUCTION.replace(/^github_repository .*$/m, 'github_repository = "acme/pricing"')
  expect(documentsUrl('{}', moved)).toBe('https://github.com/acme/pricing/blob/main/docs/operations/')
})

test('or where the settings say that they are published', () => {
  const url = 'https://wiki.acme.test/borrow-rates/'
  expect(documentsUrl(JSON.stringify({ documents_url: url }), PRODUCTION)).toBe(url)
})

test.each(['https://wiki.acme.test/pages', 'http://wiki.acme.test/', '/docs/', 7, '', 'https://a.test/?page='])(
  '%j is no such place',
  (url) => {
    expect(() => documentsUrl(JSON.stringify({ documents_url: url }), PRODUCTION)).toThrow(
      'documents_url in settings.json must be null, or an https address that ends in a slash',
    )
  },
)

test('without a repository there is no address', () => {
  expect(() => documentsUrl('{}', '')).toThrow('github_repository is not in terraform.tfvars of prod')
})
