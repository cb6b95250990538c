// A canary's story is a text, one line a look:
//
//     at  pods (ready/wanted, restarts)  canary (requests errors p95)  stable  ->  what is decided: why
import { describe, expect, test } from 'vitest'
import { RULES, type Rules, ruleFaults } from './rules.ts'
import { beginStage, decide, type Figures, type Look } from './verdict.ts'

const STORIES: readonly (readonly [string, string])[] = [
  [
    'good figures for the whole stage, and on',
    `
     30s  2/2 0  |  60 0 41    |  540 0 40    -> watch: 60 requests of the canary and 540 of the stable version are no verdict yet, which takes 200
    300s  2/2 0  |  600 1 42   |  5400 9 40   -> watch: good so far, 300 s to go
    600s  2/2 0  |  600 0 41   |  5400 8 40   -> advance: good for 600 s`,
  ],
  [
    'one bad look is chance, two are a reason',
    `
    300s  2/2 0  |  600 12 41  |  5400 9 40   -> watch: 2 % of requests failed, more than 1 %; 2 % of requests failed against 0.17 % of the stable version: once may be chance
    330s  2/2 0  |  600 0 41   |  5400 9 40   -> watch: good so far, 270 s to go
    360s  2/2 0  |  600 5 41   |  5400 9 40   -> watch: 0.83 % of requests failed against 0.17 % of the stable version: once may be chance
    390s  2/2 0  |  600 5 41   |  5400 9 40   -> withdraw: 0.83 % of requests failed against 0.17 % of the stable version, 2 times in a row`,
  ],
  [
    'a flood of errors ends it at the first look, before there are enough requests',
    `
     30s  2/2 0  |  19 19 5    |  540 0 40    -> watch: 19 requests of the canary and 540 of the stable version are no verdict yet, which takes 200
     60s  2/2 0  |  40 8 5     |  540 0 40    -> withdraw: 20 % of its 40 requests failed`,
  ],
  [
    'a flood is seen even where nothing is known of the stable version',
    `
     30s  2/2 0  |  40 40 5    |  -           -> withdraw: 100 % of its 40 requests failed`,
  ],
  [
    'as bad as the stable version is still too bad',
    `
    300s  2/2 0  |  600 30 41  |  5400 270 40 -> watch: 5 % of requests failed, more than 1 %: once may be chance
    330s  2/2 0  |  600 30 41  |  5400 270 40 -> withdraw: 5 % of requests failed, more than 1 %, 2 times in a row`,
  ],
  [
    'slow, and slower than the other',
    `
    300s  2/2 0  |  600 0 101  |  5400 0 99   -> watch: p95 is 101 ms, more than 100 ms: once may be chance
    330s  2/2 0  |  600 0 75   |  5400 0 40   -> withdraw: p95 is 75 ms against 40 ms of the stable version, 2 times in a row`,
  ],
  [
    'a few milliseconds are noise, whatever they are in per cent',
    `
    600s  2/2 0  |  600 0 9    |  5400 0 3    -> advance: good for 600 s`,
  ],
  [
    'no figures are not good figures',
    `
     30s  2/2 0  |  -          |  -           -> watch: nothing is seen of the canary and of the stable version
    600s  2/2 0  |  -          |  5400 0 40   -> watch: nothing is seen of the canary
    900s  2/2 0  |  600 0 40   |  -           -> watch: nothing is seen of the stable version
    901s  2/2 0  |  600 0 40   |  -           -> withdraw: nothing has been seen of the stable version for 901 s`,
  ],
  [
    'figures that come late are enough',
    `
    890s  2/2 0  |  -          |  -           -> watch: nothing is seen of the canary and of the stable version
    899s  2/2 0  |  600 0 40   |  5400 0 40   -> advance: good for 899 s`,
  ],
  [
    'what is not seen in between does not make two bad looks of one, nor forget one',
    `
    300s  2/2 0  |  600 30 41  |  5400 0 40   -> watch: 5 % of requests failed, more than 1 %; 5 % of requests failed against 0 % of the stable version: once may be chance
    330s  2/2 0  |  -          |  -           -> watch: nothing is seen of the canary and of the stable version
    360s  2/2 0  |  600 30 41  |  5400 0 40   -> withdraw: 5 % of requests failed, more than 1 %; 5 % of requests failed against 0 % of the stable version, 2 times in a row`,
  ],
  [
    'a night without requests is no verdict, and in the end a reason',
    `
    600s  2/2 0  |  3 0 40     |  30 0 40     -> watch: 3 requests of the canary and 30 of the stable version are no verdict yet, which takes 200
   1501s  2/2 0  |  3 0 40     |  30 0 40     -> withdraw: 3 requests of the canary and 30 of the stable version in 1501 s are too few for a verdict, which takes 200`,
  ],
  [
    'one restart is one too many',
    `
     30s  2/2 1  |  600 0 40   |  5400 0 40   -> withdraw: its pods have been restarted once`,
  ],
  [
    'a pod that is not ready may come back, and keeps the stage from ending',
    `
    570s  1/2 0  |  600 0 40   |  5400 0 40   -> watch: good, but not all pods are ready (1 of 2)
    600s  1/2 0  |  600 0 40   |  5400 0 40   -> watch: good, but not all pods are ready (1 of 2)
    630s  2/2 0  |  600 0 40   |  5400 0 40   -> advance: good for 630 s`,
  ],
  [
    'a pod that is not ready for a minute and a half is a reason, also when the cluster is silent in between',
    `
     30s  1/2 0  |  600 0 40   |  5400 0 40   -> watch: good, but not all pods are ready (1 of 2)
     60s  -      |  600 0 40   |  5400 0 40   -> watch: nothing is seen of its pods
    121s  1/2 0  |  600 0 40   |  5400 0 40   -> withdraw: not all its pods have been ready for 91 s (1 of 2)`,
  ],
  [
    'no pod at all is not ready either',
    `
     30s  0/1 0  |  600 0 40   |  5400 0 40   -> watch: good, but not all pods are ready (0 of 1)`,
  ],
]

describe('a stage, look by look', () => {
  test.each(STORIES)('%s', (_, story) => {
    const lines = story.trim().split('\n')
    expect(told(lines.map((line) => line.split('->')[0] ?? '')).join('\n')).toBe(
      lines.map((line) => line.split('->')[1]?.trim()).join('\n'),
    )
  })

  test('whatever is seen, a stage never ends well before its time or without enough good requests', () => {
    for (const at of [0, 1, 599]) {
      const { decision } = decide(RULES, beginStage(10, 0), lookOf('2/2 0 | 600 0 40 | 5400 0 40'), at * 1000)
      expect(decision.action).toBe('watch')
    }
  })
})

describe('the rules', () => {
  test('as they are, are none to complain about', () => {
    expect(ruleFaults(RULES)).toEqual([])
  })

  test.each<[Partial<Rules>, string]>([
    [{ stages: [] }, 'there is no stage'],
    [{ stages: [30, 10] }, 'the stages 30, 10 do not rise'],
    [{ stages: [10, 100] }, 'a stage is a whole number from 1 to 99, not 100'],
    [{ stages: [0.5] }, 'a stage is a whole number from 1 to 99, not 0.5'],
    [{ stageMs: 0 }, 'a stage and the time between looks must be longer than nothing'],
    [{ requestsMin: 0 }, 'a verdict needs at least one request and one look'],
  ])('%o: %s', (change, why) => {
    expect(ruleFaults({ ...RULES, ...change })).toEqual([why])
  })
})

/** What is decided at each look, as `watch: why`. */
function told(lines: readonly string[]): string[] {
  let state = beginStage(10, 0)
  return lines.map((line) => {
    const [at = '', ...rest] = line.trim().split('s ')
    const { decision, state: after } = decide(RULES, state, lookOf(rest.join('s ')), Number(at) * 1000)
    state = after
    return `${decision.action}: ${decision.reason}`
  })
}

function lookOf(text: string): Look {
  const [pods = '', canary = '', stable = ''] = text.split('|').map((part) => part.trim())
  const [ready, wanted, restarts] = pods.split(/[ /]+/).map(Number)
  return {
    pods: pods === '-' ? null : { ready: ready as number, wanted: wanted as number, restarts: restarts as number },
    canary: figuresOf(canary),
    stable: figuresOf(stable),
  }
}

function figuresOf(text: string): Figures | null {
  if (text === '-') return null
  const [requests, errors, p95Ms] = text.split(' ').filter(Boolean).map(Number) as [number, number, number]
  return { requests, errors, p95Ms }
}
