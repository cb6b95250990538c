// The ranges that the expressions in main.tf.json come to, computed here by themselves.
import { expect, test } from 'vitest'
import { ADDRESS_PLAN, type Tier, ZONES } from './address_plan.ts'

const NETWORK_BITS = 16
const NETWORK_SIZE = 2 ** (32 - NETWORK_BITS)

interface Subnet {
  readonly tier: Tier
  readonly first: number
  readonly last: number
}

/** Offsets from the network's first address. */
function subnets(plan: typeof ADDRESS_PLAN): Subnet[] {
  return (Object.keys(plan) as Tier[]).flatMap((tier) =>
    Array.from({ length: ZONES }, (_, zone) => {
      const size = NETWORK_SIZE / 2 ** plan[tier].newBits
      const first = (plan[tier].firstNumber + zone) * size
      return { tier, first, last: first + size - 1 }
    }),
  )
}

function overlapping(all: readonly Subnet[]): string[] {
  return all.flatMap((one, index) =>
    all
      .slice(index + 1)
      .filter((other) => one.first <= other.last && other.first <= one.last)
      .map((other) => `${one.tier} and ${other.tier}`),
  )
}

test('no two subnets overlap, and all lie in the network', () => {
  const all = subnets(ADDRESS_PLAN)
  expect(all).toHaveLength(5 * ZONES)
  expect(overlapping(all)).toEqual([])
  expect(Math.max(...all.map(({ last }) => last))).toBeLessThan(NETWORK_SIZE)
})

test('an overlap is found', () => {
  const plan = { ...ADDRESS_PLAN, public: { newBits: 6, firstNumber: 47 } }
  expect(overlapping(subnets(plan))).toEqual(['app and public'])
})

test('a zone of the application tier has room for 16,000 pods and nodes', () => {
  const sizes = subnets(ADDRESS_PLAN).filter(({ tier }) => tier === 'app')
  expect(sizes.map(({ first, last }) => last - first + 1)).toEqual([16_384, 16_384, 16_384])
})
