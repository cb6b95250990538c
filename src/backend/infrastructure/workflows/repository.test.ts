// What GitHub is told by files that are no workflows: who has to agree to a change, what is kept up to date, what a change says of itself.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Owned {
  readonly pattern: string
  readonly owners: readonly string[]
}

function ownersIn(text: string): Owned[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/))
    .map(([pattern = '', ...owners]) => ({ pattern, owners }))
}

/** Of a path, by the last line that fits, as GitHub reads the file. */
function ownersOf(path: string, owned: readonly Owned[]): readonly string[] {
  return owned.findLast(({ pattern }) => pattern === '*' || `/${path}`.startsWith(pattern))?.owners ?? []
}

describe('whoever owns what is touched has to agree', () => {
  const owned = ownersIn(textOf('.github/CODEOWNERS'))

  test('of paths that are there, and of everything', () => {
    expect(owned[0]).toMatchObject({ pattern: '*' })
    const missing = owned.slice(1).filter(({ pattern }) => !existsSync(join(ROOT, pattern)))
    expect(missing).toEqual([])
    for (const { pattern, owners } of owned) {
      expect(owners.length, pattern).toBeGreaterThan(0)
      for (const owner of owners) expect(owner, pattern).toMatch(/^@[\w-]+\/[\w-]+$/)
    }
  })

  test.each([
    'src/backend/pricing/borrow-rate.ts',
    'src/backend/audit/sealer.ts',
    'src/backend/access/roles.ts',
    'src/backend/database/migrations/0001_pricing_models.sql',
    '.github/workflows/deploy-prod.yml',
    'src/backend/infrastructure/iam.ts',
    'src/backend/tools/canary.ts',
    'src/backend/Dockerfile',
  ])('%s is the business of two teams', (path) => {
    expect(existsSync(join(ROOT, path))).toBe(true)
    expect(new Set(ownersOf(path, owned)).size).toBeGreaterThan(1)
  })

  test('the last line that fits decides', () => {
    const two = ownersIn('# a comment\n* @a/all\n/src/ @a/one @a/two\n')
    expect(ownersOf('src/x.ts', two)).toEqual(['@a/one', '@a/two'])
    expect(ownersOf('docs/x.md', two)).toEqual(['@a/all'])
  })
})

describe('what it is made of is kept up to date', () => {
  const { updates } = parse(textOf('.github/dependabot.yml')) as {
    updates: {
      'package-ecosystem': string
      directory?: string
      directories?: string[]
      schedule: { interval: string }
    }[]
  }

  test.each([
    ['npm', 'package-lock.json'],
    ['docker', 'Dockerfile'],
    ['terraform', 'main.tf.json'],
    ['github-actions', ''],
  ])('%s', (ecosystem, file) => {
    const own = updates.filter((update) => update['package-ecosystem'] === ecosystem)
    expect(own.length).toBeGreaterThan(0)
    for (const { directory, directories = [directory ?? ''], schedule } of own) {
      expect(schedule.interval).toMatch(/^(daily|weekly|monthly)$/)
      for (const each of directories) expect(existsSync(join(ROOT, each, file)), `${each}/${file}`).toBe(true)
    }
  })
})

test('a change says what it touches, what its risk is, how it is taken back, and what was looked at after it', () => {
  const template = textOf('.github/pull_request_template.md')
  const headings = [...template.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(['What and why', 'What it touches', 'Risk', 'Looked at after the deployment'])
  expect(template).toMatch(/migration leaves what the version before uses/)
  expect(template).toMatch(/How it is taken back/)
})

test('what is sensitive is told apart, with where it may be and where not', () => {
  const [, section = ''] = textOf('SECURITY.md').split('## What is sensitive')
  const classes = [...section.matchAll(/^\| (secret|confidential|internal|public) \| (.+) \| (.+) \|.*\|$/gm)]
  expect(classes.map(([, name]) => name)).toEqual(['secret', 'confidential', 'internal', 'public'])
})
