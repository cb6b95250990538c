import { describe, expect, test } from 'vitest'
import { readFeedSource, safeAddress } from './feed-source.ts'

describe('an address of a feed', () => {
  test.each([
    ['https://lender.example.com', 'service'],
    ['http://lender.example.com:8080/prices/v2', 'service'],
    ['https://cdn.example.com/VIX_History.csv', 'file'],
    ['https://example.com/usa.txt?key=1', 'file'],
    ['https://example.com/usa.txt.gz', 'file'],
    ['ftp://shortstock@ftp.example.com/usa.txt', 'file'],
    ['ftps://me:secret@ftp.example.com/list', 'file'],
    ['file:///var/feeds/closes.csv', 'file'],
    ['https://example.com/query?function=EARNINGS_CALENDAR&apikey=1#form=file', 'file'],
    ['https://example.com/rates.csv#form=service', 'service'],
  ])('%s is a %s', (address, form) => {
    expect(readFeedSource(address)).toMatchObject({ form, provider: null })
  })

  test('may name its provider in a fragment, which is not part of the address', () => {
    expect(readFeedSource('https://a.example.com/x.csv#provider=vendor-two')).toEqual({
      url: 'https://a.example.com/x.csv',
      form: 'file',
      provider: 'vendor-two',
    })
  })

  test.each([
    'lender.example.com',
    'gopher://example.com/usa.txt',
    'ftp://example.com/usa.txt#form=service',
    'https://user@example.com/',
    'https://example.com/?key=1',
    'https://example.com#provider=A B',
    'https://example.com#colour=red',
    'https://example.com#form=stream',
  ])('%s is none', (address) => {
    expect(readFeedSource(address)).toBeNull()
  })

  test('is shown without what may be secret', () => {
    expect(safeAddress('ftp://me:secret@ftp.example.com:2121/usa.txt?key=1#x')).toBe(
      'ftp://ftp.example.com:2121/usa.txt',
    )
  })
})
