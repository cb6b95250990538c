// What every rate limiter does, whoever counts.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type RateLimiter, type Taken, WINDOW_MS } from '../access/rate-limit.ts'

/** Short enough to wait for, long enough for a busy machine to ask some times within. */
const SHORT_WINDOW_MS = 1_500
/** Its last quarter is enough to ask in, also on a busy machine. */
const LONGER_WINDOW_MS = 3_000

let clients = 0
const newClient = () => {
  clients += 1
  return `client-${clients}`
}

/** Registers the tests. Limiters are asked for in each of them, so that they may be made in a beforeAll. */
export function rateLimitContract(limiter: (windowMs: number) => RateLimiter): void {
  const minutes = () => limiter(WINDOW_MS)

  test('lets exactly the limit through, and says how much is left and for how long', async () => {
    const client = newClient()
    expect(await minutes().take(client, 3, 1)).toMatchObject({
      allowed: true,
      limit: 3,
      remaining: 2,
      resetSeconds: 60,
    })
    expect(await minutes().take(client, 3, 1)).toMatchObject({ allowed: true, remaining: 1 })
    expect(await minutes().take(client, 3, 1)).toMatchObject({ allowed: true, remaining: 0 })
    const refused = await minutes().take(client, 3, 1)
    expect(refused).toMatchObject({ allowed: false, limit: 3, remaining: 0, cost: 0 })
    expect(refused.resetSeconds).toBeGreaterThan(50)
  })

  test('a hundred at once get exactly the limit', async () => {
    const client = newClient()
    const taken = await Promise.all(Array.from({ length: 100 }, () => minutes().take(client, 60, 1)))
    expect(taken.filter(({ allowed }) => allowed)).toHaveLength(60)
    expect(
      taken
        .map(({ remaining }) => remaining)
        .toSorted((a, b) => b - a)
        .slice(0, 60),
    ).toEqual(Array.from({ length: 60 }, (_, index) => 59 - index))
  })

  test('a window opens at the first request, ends its time later however often was knocked, and opens anew', async () => {
    const client = newClient()
    const short = limiter(SHORT_WINDOW_MS)
    const openedAt = performance.now()
    await short.take(client, 2, 2)
    let refused = 0
    let again: Taken
    for (;;) {
      again = await short.take(client, 2, 1)
      if (again.allowed) break
      refused += 1
      await sleep(20)
    }
    expect(refused).toBeGreaterThan(2)
    expect(performance.now() - openedAt).toBeGreaterThan(SHORT_WINDOW_MS - 50)
    expect(again).toMatchObject({ remaining: 1, resetSeconds: 2 })
  })

  test('what is refused consumes nothing', async () => {
    const client = newClient()
    await minutes().take(client, 10, 8)
    expect(await minutes().take(client, 10, 3)).toMatchObject({ allowed: false, remaining: 2 })
    expect(await minutes().take(client, 10, 3)).toMatchObject({ allowed: false, remaining: 2 })
    expect(await minutes().take(client, 10, 2)).toMatchObject({ allowed: true, remaining: 0, cost: 2 })
  })

  test('a cost above the limit is refused and opens no window', async () => {
    const client = newClient()
    expect(await minutes().take(client, 10, 11)).toMatchObject({ allowed: false, remaining: 10, leftMs: 0 })
    expect(await minutes().take(client, 10, 10)).toMatchObject({ allowed: true, remaining: 0, resetSeconds: 60 })
  })

  test('each client has its own window', async () => {
    const client = newClient()
    await minutes().take(client, 1, 1)
    expect((await minutes().take(client, 1, 1)).allowed).toBe(false)
    expect((await minutes().take(newClient(), 1, 1)).allowed).toBe(true)
  })

  test('a limit that was changed meanwhile holds at once', async () => {
    const client = newClient()
    await minutes().take(client, 1, 1)
    expect(await minutes().take(client, 2, 1)).toMatchObject({ allowed: true, limit: 2, remaining: 0 })
    expect(await minutes().take(client, 1, 1)).toMatchObject({ allowed: false, limit: 1, remaining: 0 })
  })

  test('what a request took earlier is counted into its whole cost, and given back when that does not fit', async () => {
    const client = newClient()
    const first = await minutes().take(client, 10, 1)
    expect(await minutes().take(client, 10, 4, first)).toMatchObject({ allowed: true, remaining: 6, cost: 4 })
    const second = await minutes().take(client, 10, 1)
    expect(second.remaining).toBe(5)
    expect(await minutes().take(client, 10, 7, second)).toMatchObject({ allowed: false, remaining: 6, cost: 0 })
    const third = await minutes().take(client, 10, 1)
    expect(await minutes().take(client, 10, 1, third)).toMatchObject({ allowed: true, remaining: 5, cost: 1 })
  })

  test('nothing is given back to a window that opened since', async () => {
    const client = newClient()
    const long = limiter(LONGER_WINDOW_MS)
    await long.take(client, 10, 1)
    await sleep(LONGER_WINDOW_MS * 0.75)
    const late = await long.take(client, 10, 1)
    await sleep(late.leftMs + 20)
    await long.take(client, 10, 1)
    expect(await long.take(client, 10, 10, late)).toMatchObject({ allowed: false, remaining: 9 })
    expect(await long.take(client, 10, 3, late)).toMatchObject({ allowed: true, remaining: 6 })
  })
}
