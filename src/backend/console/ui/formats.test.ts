import { describe, expect, test } from 'vitest'
import { type BasisPoints, fraction, usd } from '../../client/units.ts'
import {
  ageText,
  basisPointsBetween,
  basisPointsText,
  fixed,
  gridAge,
  gridChange,
  gridRate,
  momentText,
  rateText,
  sharesText,
  signedUsd,
  spokenAge,
  typedDecimal,
  usdText,
} from './formats.ts'

describe('quantities', () => {
  test('are grouped, exact, with a true minus', () => {
    expect(usdText(usd('50000'))).toBe('50,000.00')
    expect(usdText(usd('999999999.005'))).toBe('999,999,999.01')
    expect(signedUsd('-4')).toBe('−4.00')
    expect(signedUsd('36.11')).toBe('+36.11')
    expect(signedUsd('0')).toBe('0.00')
    expect(fixed('-13.69605', 3)).toBe('−13.696')
  })

  test('rates are percents, rounded half up in a grid and exact elsewhere', () => {
    expect(gridRate(fraction('0.1757595'))).toBe('17.576')
    expect(gridRate(fraction('0.0000005'))).toBe('0.000')
    expect(gridRate(fraction('0.000005'))).toBe('0.001')
    expect(rateText(fraction('0.1757595'))).toBe('17.57595 %')
    expect(rateText(fraction('2.7683'))).toBe('276.83 %')
  })

  test('changes have a sign or an arrow, and none when there is none', () => {
    expect(basisPointsText('49.875' as BasisPoints)).toBe('+49.875 bp')
    expect(basisPointsText('-0.5' as BasisPoints)).toBe('−0.5 bp')
    expect(basisPointsBetween(fraction('0.1757595'), fraction('0.17987'))).toBe('41.105')
    expect(gridChange('41.25')).toBe('▲ 41.3')
    expect(gridChange('-18.6')).toBe('▼ 18.6')
    expect(gridChange('-0.04')).toBe('0.0')
  })

  test('shares are counted, capped, or unknown in a word', () => {
    expect(sharesText({ shares: 612_000, at_least: false })).toBe('612,000')
    expect(sharesText({ shares: 10_000_000, at_least: true })).toBe('>10,000,000')
    expect(sharesText({ shares: 0, at_least: false })).toBe('0')
    expect(sharesText({ shares: null, at_least: false })).toBe('unknown')
  })
})

describe('times', () => {
  test('ages are short on screens and words for who hears them', () => {
    expect([12, 240, 11_460, 10_800, 172_800].map(ageText)).toEqual(['12 s', '4 min', '3 h 11 min', '3 h', '2 d'])
    expect([12, 240, 11_460, 172_800].map(gridAge)).toEqual(['12 s', '4 m', '3 h', '2 d'])
    expect(spokenAge(11_460)).toBe('3 hours 11 minutes')
    expect(spokenAge(61)).toBe('1 minute')
  })

  test('moments are in UTC, those of records to the microsecond', () => {
    expect(momentText('2026-11-23T14:32:07.123456Z')).toBe('23 Nov 2026, 14:32:07 UTC')
    expect(momentText('2026-11-23T14:32:07.123456Z', 'whole')).toBe('23 Nov 2026, 14:32:07.123456 UTC')
  })
})

test('what a person types is read with its groups, or not at all', () => {
  expect(typedDecimal('50,000')).toBe('50000')
  expect(typedDecimal(' 1,250,000.50 ')).toBe('1250000.50')
  expect(typedDecimal('50 000')).toBe('50000')
  expect(typedDecimal('5,00')).toBeNull()
  expect(typedDecimal('12x')).toBeNull()
  expect(typedDecimal('')).toBeNull()
})
