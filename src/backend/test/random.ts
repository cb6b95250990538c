// Chance that can be repeated: the same seed gives the same numbers on every machine.

/** Mulberry32: small, and good enough to pick with. @returns a function that gives numbers from 0 to below 1 */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** The same things in an order drawn by chance (Fisher and Yates). */
export function shuffled<T>(things: readonly T[], random: () => number): T[] {
  const order = [...things]
  for (let last = order.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1))
    const moved = order[last] as T
    order[last] = order[at] as T
    order[at] = moved
  }
  return order
}
