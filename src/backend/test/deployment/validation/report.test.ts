// What a run says to a person and to a pipeline.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Outcome, Result } from './check.ts'
import { resultText, totalText, writeReport } from './report.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-'))
afterAll(() => rmSync(folder, { recursive: true }))

const result = (outcome: Outcome, seen = ''): Result => ({
  group: 'quotes',
  name: `a price is ${outcome}`,
  expected: 'a <price> & "more"',
  outcome,
  seen,
  ms: 12,
})
const RUN = {
  what: 'smoke tests',
  environment: 'dev',
  baseUrl: 'http://127.0.0.1:8000',
  startedAt: new Date('2026-11-29T12:00:00Z'),
  ms: 1500,
  results: [
    result('ok', '456.51 USD'),
    result('failed', 'HTTP 500'),
    result('warning', 'late'),
    result('skipped', 'no key'),
  ],
}

test('what is as it should be is a line; what is not says what was expected and what was seen', () => {
  expect(resultText(result('ok', '456.51 USD'))).toMatch(/^ {2}ok {7}a price is ok +12 ms {2}456\.51 USD$/)
  expect(
    resultText(result('failed', 'HTTP 500'))
      .split('\n')
      .map((line) => line.trim().replaceAll(/ +/g, ' ')),
  ).toEqual(['FAILED a price is failed 12 ms', 'expected: a <price> & "more"', 'seen: HTTP 500'])
  expect(resultText(result('skipped', 'no key'))).toBe('  skipped  a price is skipped: no key')
  expect(totalText(RUN)).toBe('1 passed, 1 failed, 1 with a warning, 1 skipped, in 1.5 s')
})

test('a file that ends in .xml is JUnit, any other JSON', () => {
  const [xml, json] = [join(folder, 'report.xml'), join(folder, 'report.json')]
  writeReport(xml, RUN)
  writeReport(json, RUN)
  expect(readFileSync(xml, 'utf8')).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="smoke tests of dev" tests="4" failures="1" skipped="1" time="1.5" timestamp="2026-11-29T12:00:00.000Z">
    <testcase classname="quotes" name="a price is ok" time="0.012"/>
    <testcase classname="quotes" name="a price is failed" time="0.012"><failure message="expected a &lt;price&gt; &amp; &quot;more&quot;; seen: HTTP 500"/></testcase>
    <testcase classname="quotes" name="a price is warning" time="0.012"><system-out>warning: expected a &lt;price&gt; &amp; &quot;more&quot;; seen: late</system-out></testcase>
    <testcase classname="quotes" name="a price is skipped" time="0.012"><skipped message="no key"/></testcase>
  </testsuite>
</testsuites>
`)
  expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ environment: 'dev', results: RUN.results })
})
