import { expect, test } from 'vitest'
import { deadlines, type Waiting } from './deadlines.ts'

/** Waits so long, and notes when it is given up. */
function waitingFor(ms: number, note: (ms: number) => void): Waiting {
  return { deadlineMs: Date.now() + ms, giveUp: () => note(ms) }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('each is given up at its own time, the first first, whichever came first; not before, and not who waits no more', async () => {
  const all = deadlines()
  const givenUp: number[] = []
  const early: number[] = []
  const note = (ms: number) => givenUp.push(ms)
  const beganMs = Date.now()
  for (const ms of [120, 40, 80, -5, 10_000]) {
    all.add(
      waitingFor(ms, () => {
        if (Date.now() - beganMs < ms) early.push(ms)
        note(ms)
      }),
    )
  }
  const answered = waitingFor(60, note)
  all.add(answered)
  all.remove(answered)
  while (givenUp.length < 4) await sleep(5)
  expect(givenUp).toEqual([-5, 40, 80, 120])
  expect(early).toEqual([])
})

test('whoever is given up may begin to wait again', async () => {
  const all = deadlines()
  const givenUp: string[] = []
  all.add({
    deadlineMs: Date.now() + 5,
    giveUp: () => {
      givenUp.push('first')
      all.add({ deadlineMs: Date.now() + 5, giveUp: () => givenUp.push('second') })
    },
  })
  while (givenUp.length < 2) await sleep(5)
  expect(givenUp).toEqual(['first', 'second'])
})
