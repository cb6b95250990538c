import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOCUMENT, policyDocument } from './document.ts'
import { RULES } from './rules.ts'

test('docs/operations/infrastructure-policy.md is what the rules say; npx tsx policy/document.ts writes it', () => {
  expect(existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '').toBe(policyDocument())
})

test('every rule has a row, and a guarantee that is one cell', () => {
  const rows = policyDocument().split('\n')
  for (const { id, title } of RULES) {
    const row = rows.find((line) => line.startsWith(`| ${id} `))
    expect(row?.split(/(?<!\\)\|/)).toHaveLength(5)
    expect(row).toContain(title)
  }
})
