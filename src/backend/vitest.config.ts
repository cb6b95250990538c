// Two kinds of tests. `pure`: no database, shared threads, milliseconds. `database` (`*.pg.test.ts`): each file has a database of
// its own on one PostgreSQL that is started for the run. TEST_POSTGRES=15 runs them on Debian's PostgreSQL 15.
import { readdirSync } from 'node:fs'
import { configDefaults, defineConfig } from 'vitest/config'
import { howToGetPostgres, testBinaries } from './test/postgres-found.ts'

const DATABASE_TESTS = '**/*.pg.test.ts'

const exclude = [...configDefaults.exclude, '**/dist/**']
const hasPostgres = testBinaries() !== null
if (!hasPostgres) {
  console.warn(
    `\n${databaseTestFiles()} database test files are skipped: there is no PostgreSQL to test on. To get one: ${howToGetPostgres()}\n`,
  )
}

function databaseTestFiles(): number {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.pg.test.ts') && !/(^|\/)(node_modules|dist)\//.test(file)).length
}

export default defineConfig({
  test: {
    passWithNoTests: !hasPostgres,
    projects: [
      {
        test: {
          name: 'pure',
          include: ['**/*.test.ts'],
          exclude: [...exclude, DATABASE_TESTS],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'database',
          include: hasPostgres ? [DATABASE_TESTS] : [],
          exclude,
          pool: 'forks',
          globalSetup: ['./test/postgres-server.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
