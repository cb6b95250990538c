import { describe, expect, test } from 'vitest'
import { SecretBoxError, secretBox } from './secret-box.ts'

const OLD = 'the first secret of this installation'
const NEW = 'the second secret of this installation'
const SECRET = 'whsec_c2VjcmV0IHRoYXQgaXMgc2lnbmVkIHdpdGg='

test('a secret opens for whom it was sealed, and does not stand in what is kept', () => {
  const box = secretBox([OLD])
  const sealed = box.seal(SECRET, 'webhook-1')
  expect(box.open(sealed, 'webhook-1')).toBe(SECRET)
  expect(sealed.includes(SECRET)).toBe(false)
  expect(sealed.includes(Buffer.from(SECRET.slice(6), 'base64'))).toBe(false)
})

test('the same secret is sealed otherwise each time', () => {
  const box = secretBox([OLD])
  expect(box.seal(SECRET, 'webhook-1').equals(box.seal(SECRET, 'webhook-1'))).toBe(false)
})

test('a new key seals while the old one still opens; without the old one nothing of it opens', () => {
  const sealed = secretBox([OLD]).seal(SECRET, 'webhook-1')
  const both = secretBox([NEW, OLD])
  expect(both.open(sealed, 'webhook-1')).toBe(SECRET)
  expect(secretBox([NEW]).open(both.seal(SECRET, 'webhook-1'), 'webhook-1')).toBe(SECRET)
  expect(() => secretBox([NEW]).open(sealed, 'webhook-1')).toThrow(SecretBoxError)
})

describe('nothing opens', () => {
  const box = secretBox([OLD])
  const sealed = box.seal(SECRET, 'webhook-1')
  test('for another webhook', () => {
    expect(() => box.open(sealed, 'webhook-2')).toThrow(SecretBoxError)
  })
  test.each(Array.from({ length: sealed.length }, (_, at) => at))('with byte %i altered', (at) => {
    const altered = Buffer.from(sealed)
    altered[at] = (altered[at] ?? 0) ^ 1
    expect(() => box.open(altered, 'webhook-1')).toThrow(SecretBoxError)
  })
  test.each([0, 1, 5, 17, 32])('of the first %i bytes', (length) => {
    expect(() => box.open(sealed.subarray(0, length), 'webhook-1')).toThrow(SecretBoxError)
  })
})
