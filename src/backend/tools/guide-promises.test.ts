// The table of promises is whole, and names tests that are there. What it says of a row is read here as a reader would: a test, or the
// words that there is none.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allTableRows } from '../test/tidy/tables.ts'
import { PROJECT_ROOT, projectFiles } from '../test/tidy/tree.ts'

const PROMISES = 210
const NOT_YET = /\bnot in this version\b/
/** What stands there where there is no test, and none is to come. */
const NO_TEST = /\b(?:nothing here can|a person's)\b/

/** Run by a person, who looks at the figures. */
const BENCHMARKS = 'src/backend/test/performance/bench.ts'

type Row = readonly string[]

const rows = allTableRows(readFileSync(join(PROJECT_ROOT, 'docs/operations/guide-promises.md'), 'utf8')).filter(
  ([number]) => /^\d+$/.test(number ?? ''),
)
const testsOf = (row: Row) => (row[3] ?? '').match(/src\/backend\/[\w./-]+\.ts\b/g) ?? []

describe('the promises of the guide', () => {
  test('are all there, in their order', () => {
    expect(rows.map(([number]) => Number(number))).toEqual(Array.from({ length: PROMISES }, (_, at) => at + 1))
  })

  test('each has a test that is there, or says that it has none', () => {
    expect(rows.flatMap(rowFaults)).toEqual([])
  })

  test('what is run for image, cluster and account is all named', () => {
    const named = new Set(rows.flatMap(testsOf))
    const there = projectFiles()
      .map(({ path }) => path)
      .filter((path) => path.endsWith('.infrastructure.test.ts'))
    expect(there.filter((path) => !named.has(path))).toEqual([])
  })

  test('counted by what proves them', () => {
    const counts = {
      'by tests': 0,
      'by tests, a part not in this version': 0,
      'not in this version': 0,
      'by no test': 0,
    }
    for (const row of rows) counts[stateOf(row)] += 1
    console.log(
      `Promises of the guide: ${Object.entries(counts)
        .map(([state, count]) => `${count} ${state}`)
        .join('; ')}`,
    )
    expect(counts['by tests']).toBeGreaterThan(PROMISES / 2)
  })

  test.each([
    [['7', 'a', 'b', ''], 'says nothing'],
    [['7', 'a', 'b', 'src/backend/tools/no.test.ts'], 'there is no src/backend/tools/no.test.ts'],
    [['7', 'a', 'b', 'src/backend/tools/doc-commands.ts'], 'is no test'],
    [['7', 'a', 'b', 'later'], 'names no test'],
    [['7', 'a', '', 'not in this version', 'more'], 'has 5 columns'],
  ])('%j is a fault', (row, fault) => {
    expect(rowFaults(row)).toEqual([expect.stringContaining(fault)])
  })
})

function rowFaults(row: Row): string[] {
  const [number, promise = '', , proof = ''] = row
  const say = (fault: string) => `${number}: ${fault}`
  if (row.length !== 4) return [say(`has ${row.length} columns`)]
  if (promise === '' || proof === '') return [say('says nothing')]
  const tests = testsOf(row)
  return [
    ...tests.flatMap((path) => {
      if (!path.endsWith('.test.ts')) return path === BENCHMARKS ? [] : [say(`${path} is no test`)]
      return existsSync(join(PROJECT_ROOT, path)) ? [] : [say(`there is no ${path}`)]
    }),
    ...(tests.length > 0 || NOT_YET.test(proof) || NO_TEST.test(proof)
      ? []
      : [say('names no test, and does not say why')]),
  ]
}

function stateOf(row: Row) {
  const isTested = testsOf(row).some((path) => path.endsWith('.test.ts'))
  const isPart = NOT_YET.test(row[3] ?? '')
  if (isTested) return isPart ? 'by tests, a part not in this version' : 'by tests'
  return isPart ? 'not in this version' : 'by no test'
}
