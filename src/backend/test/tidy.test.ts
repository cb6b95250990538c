// The repository's rules about itself. Each rule is applied to the tree, and shown to be able to fail on a bad sample.
import { describe, expect, test } from 'vitest'
import { readQuoteRequest } from '../quotes/wire.ts'
import { commandLine } from '../scripts/commands.ts'
import { SETTINGS } from '../server/configuration.ts'
import { FAILURES, type Problem, problemBody } from '../server/problem.ts'
import { docstringFaults, nameFaults, purityFaults, sizeFaults, textFaults } from './tidy/code.ts'
import { documentFaults, type Known } from './tidy/documents.ts'
import { importFaults } from './tidy/imports.ts'
import { lockFileFaults } from './tidy/lock-file.ts'
import { allTableRows, differences, tableUnder } from './tidy/tables.ts'
import { projectFiles, sample } from './tidy/tree.ts'

const files = projectFiles()
const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? ''
const isDocument = (path: string) => path.endsWith('.md')

/** Documents that list what was, not what is. */
const HISTORY = ['CHANGELOG.md']

const program = commandLine({
  environment: {},
  dataDir: '',
  print: () => {},
  note: () => {},
  progress: () => ({ update: () => {}, done: () => {} }),
  setExitStatus: () => {},
  importFile: async () => {},
})
const known: Known = {
  paths: files.map((file) => file.path),
  npmScripts: new Set(
    ['package.json', 'src/backend/package.json', 'src/backend/infrastructure/package.json'].flatMap((path) =>
      Object.keys((JSON.parse(textOf(path)) as { scripts: object }).scripts),
    ),
  ),
  commands: new Set(program.commands.map((command) => command.name())),
  code: files
    .filter((file) => !isDocument(file.path) && !file.path.startsWith('src/backend/test/tidy'))
    .map((file) => file.text)
    // Some rows of the table of settings are made for several inputs: their names stand in no file.
    .concat(SETTINGS.map((setting) => setting.name))
    .join('\n'),
}

describe('imports follow the table', () => {
  test('in this tree', () => {
    expect(importFaults(files)).toEqual([])
  })

  test.each([
    ['pricing/a.ts', `import { Problem } from '../server/problem.ts'`],
    ['pricing/a.ts', `import { readFileSync } from 'node:fs'`],
    ['client/a.ts', `import type { Rate } from '../pricing/units.ts'`],
    ['server/a.ts', `import { price } from '../pricing/quote.ts'`],
    ['quotes/a.ts', `import { marketData } from '../market-data/market-data.ts'`],
    ['database/connect.ts', `import { importEvents } from '../market-data/import.ts'`],
    ['audit/a.ts', `const late = await import('../gateway/app.ts')`],
    ['gateway/a.ts', `export { auditLog } from '../audit/audit-log.ts'`],
    ['scripts/a.ts', `import { allInOne } from '../services/all-in-one.ts'`],
    ['tools/traffic-split/a.ts', `import { startKeeper } from '../keep.ts'`],
    ['surprise/a.ts', `import { price } from '../pricing/quote.ts'`],
  ])('%s may not: %s', (path, text) => {
    expect(importFaults([sample(`src/backend/${path}`, text)])).toHaveLength(1)
  })

  test.each([
    ['server/a.ts', `import type { PricedQuote } from '../pricing/quote.ts'`],
    ['quotes/a.ts', `import type { MarketData } from '../market-data/market-data.ts'`],
    ['pricing/a.test.ts', `import { decimalJsPrice } from '../test/decimal-js-price.ts'`],
    ['services/a.ts', `import { auditLog } from '../audit/audit-log.ts'`],
  ])('%s may: %s', (path, text) => {
    expect(importFaults([sample(`src/backend/${path}`, text)])).toEqual([])
  })
})

describe('pricing is pure and says its units', () => {
  test('in this tree', () => {
    expect(purityFaults(files)).toEqual([])
    expect(docstringFaults(files)).toEqual([])
  })

  test.each(['const now = new Date()', 'export async function a() {}', 'const seed = Math.random()'])(
    '%s is a fault',
    (text) => {
      expect(purityFaults([sample('src/backend/pricing/a.ts', text)])).toHaveLength(1)
    },
  )

  test('an exported function without a docstring is a fault', () => {
    const bare = sample('src/backend/pricing/a.ts', 'const x = 1\nexport function bare() {}\n')
    expect(docstringFaults([bare])).toEqual(['src/backend/pricing/a.ts: bare has no docstring'])
  })
})

describe('names, sizes and texts', () => {
  test('in this tree', () => {
    expect(nameFaults(files)).toEqual([])
    expect(sizeFaults(files)).toEqual([])
    expect(textFaults(files)).toEqual([])
  })

  test.each(['src/backend/pricing/utils.ts', 'src/backend/common/a.ts', 'src/backend/quotes/types.ts'])(
    '%s is no name',
    (path) => {
      expect(nameFaults([sample(path, '')])).toEqual([path])
    },
  )

  test('1.5 MB is the limit of a file', () => {
    expect(sizeFaults([sample('a.csv', '', 1_500_001)])).toHaveLength(1)
  })

  // In pieces, so that this file does not break the rules it shows.
  test.each([
    ['src/backend/a.test.ts', `test.${'skip'}('later', () => {})`, 'a test that does not run'],
    ['src/backend/a.ts', `// ${'TO'}DO: later`, 'a mark for later work'],
    ['docs/a.md', `see /${'home'}/anna/engine`, 'an absolute path of some machine'],
    ['package-lock.json', `"https://registry.${'npmjs'}.org/x"`, 'the name of a package registry'],
  ])('%s must not hold %s', (path, text, why) => {
    expect(textFaults([sample(path, text)])).toEqual([`${path}:1: ${why}`])
  })
})

describe('lock files install on every platform', () => {
  const lockFiles = files.filter((file) => file.path.endsWith('package-lock.json'))

  test('in this tree', () => {
    expect(lockFiles.length).toBeGreaterThan(0)
    expect(lockFiles.flatMap((file) => lockFileFaults(file.path, file.text))).toEqual([])
  })

  test('a missing platform and a download address are faults', () => {
    const lock = JSON.parse(textOf('src/backend/package-lock.json')) as { packages: Record<string, object> }
    const { 'node_modules/@esbuild/darwin-arm64': _, ...others } = lock.packages
    const packages = { ...others, 'node_modules/pg': { resolved: 'https://somewhere/pg.tgz' } }
    expect(lockFileFaults('lock', JSON.stringify({ packages }))).toEqual([
      'lock: 1 packages have a download address (resolved)',
      'lock: no package matches \\/@esbuild\\/darwin-arm64$',
    ])
  })
})

describe('documents name what exists', () => {
  test('in this tree', () => {
    const documents = files.filter((file) => isDocument(file.path) && !HISTORY.includes(file.path))
    expect(documents.length).toBeGreaterThan(0)
    expect(documentFaults(documents, known)).toEqual([])
  })

  test.each([
    ['see [there](nowhere.md)', 'leads nowhere'],
    ['# One\n\nsee [two](#two)', 'no heading'],
    ['in `pricing/no-such-file.ts`', 'there is no pricing/no-such-file.ts'],
    ['in `no-such-file.sql`', 'there is no file no-such-file.sql'],
    ['in `docs/nowhere/`', 'there is no docs/nowhere/'],
    ['set `NO_SUCH_SETTING`', 'no code knows NO_SUCH_SETTING'],
    ['```\nnpm run no-such-script\n```', 'no npm script no-such-script'],
    ['run `npm run cli -- no-such-command`', 'the command line has no no-such-command'],
  ])('%s is a fault', (text, fault) => {
    expect(documentFaults([sample('docs/a.md', text)], known)).toEqual([expect.stringContaining(fault)])
  })

  test.each([
    '`ACT/365` of `text/csv`',
    '`npm test` and `npm run check`',
    '`pricing/quote.ts`',
    'GET `/api/v1/config`',
  ])('%s is none', (text) => {
    expect(documentFaults([sample('docs/a.md', text)], known)).toEqual([])
  })
})

describe('docs/errors.md and the table of failures are one', () => {
  const documented = () => allTableRows(textOf('docs/errors.md')).map((row) => `${row[0]} ${row[1]}`)
  const real = Object.entries(FAILURES).map(([code, { status }]) => `${code} ${status}`)

  test('both ways', () => {
    expect(differences(documented(), real)).toEqual([])
  })

  test('the example is what the engine says', () => {
    const example = /```json\n([\s\S]*?)```/.exec(textOf('docs/errors.md'))?.[1] ?? ''
    const asked = { ticker: 'GME', position_value: '50000', loan_days: 400, client_id: 'demo-classic' }
    expect(refusalOf(() => readQuoteRequest(asked, 'body'))).toEqual(JSON.parse(example))
  })

  test('a code too many on either side, or another status, is found', () => {
    expect(differences(['A 400', 'B 404'], ['A 400', 'B 410'])).toEqual([
      'documented, not in the code: B 404',
      'in the code, not documented: B 410',
    ])
  })
})

describe('docs/configuration.md and the table of settings are one', () => {
  test('both ways, row by row', () => {
    const documented = tableUnder(textOf('docs/configuration.md'), 'Configuration').map((row) => row.join(' | '))
    const real = SETTINGS.map(({ name, defaultText, defaultMeaning, unit, meaning }) =>
      [name, defaultMeaning ?? defaultText ?? '', unit ?? '', meaning].join(' | '),
    )
    expect(differences(documented, real)).toEqual([])
  })
})

function refusalOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return problemBody(error as Problem)
  }
}
