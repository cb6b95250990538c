import { expect, test } from 'vitest'
import { mayPerform, type Operation, ROLES, rolesOf } from './roles.ts'

test.each<[Operation, string]>([
  ['quote', 'broker desk'],
  ['rates', 'broker desk auditor admin system'],
  ['config', 'broker desk auditor admin system'],
  ['search_records', 'auditor admin'],
  ['read_record', 'auditor admin'],
  ['replay_records', 'auditor admin'],
  ['verify_records', 'auditor admin'],
  ['export_records', 'auditor admin'],
  ['read_legal_holds', 'auditor admin'],
  ['place_legal_hold', 'auditor admin'],
  ['release_legal_hold', 'auditor admin'],
  ['what_if', 'desk admin'],
  ['read_broker', 'broker desk auditor admin'],
  ['list_brokers', 'desk auditor admin'],
  ['change_broker', 'admin'],
])('%s is for %s', (operation, roles) => {
  expect(ROLES.filter((role) => mayPerform(role, operation)).join(' ')).toBe(roles)
  expect(rolesOf(operation).join(' ')).toBe(roles)
})
