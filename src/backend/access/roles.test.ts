import { expect, test } from 'vitest'
import { mayPerform, type Operation, ROLES } from './roles.ts'

test.each<[Operation, string]>([
  ['quote', 'broker desk'],
  ['rates', 'broker desk auditor admin system'],
  ['config', 'broker desk auditor admin system'],
  ['read_record', 'auditor admin'],
])('%s is for %s', (operation, roles) => {
  expect(ROLES.filter((role) => mayPerform(role, operation)).join(' ')).toBe(roles)
})
