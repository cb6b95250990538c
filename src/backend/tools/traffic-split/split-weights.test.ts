import { describe, expect, test } from 'vitest'
import {
  type Route,
  rulesWith,
  SplitRefused,
  STABLE_SERVICE,
  type TrafficSplit,
  weightsOf,
  weightsText,
  weightsWithoutSplit,
} from './split-weights.ts'

const [STABLE, CANARY] = ['api-gateway-stable', 'api-gateway-canary']

function route(stable = 100, canary = 0): Route {
  const matches = [{ path: { type: 'PathPrefix', value: '/' } }]
  return {
    metadata: {
      name: 'api-gateway',
      namespace: 'prod',
      resourceVersion: '7',
      annotations: { [STABLE_SERVICE]: STABLE },
    },
    spec: {
      rules: [
        {
          matches,
          backendRefs: [
            { name: STABLE, port: 8000, weight: stable },
            { name: CANARY, port: 8000, weight: canary },
          ],
        },
      ],
    },
  }
}

function split(...backends: unknown[]): TrafficSplit {
  const metadata = { name: 'api-gateway-split', namespace: 'prod', uid: 'u' }
  return { metadata, spec: { service: 'api-gateway', backends } }
}

describe('the weights of a split', () => {
  test('are those it names', () => {
    const weights = weightsOf(split({ service: STABLE, weight: 90 }, { service: CANARY, weight: 10 }), route())
    expect(weightsText(weights)).toBe('api-gateway-stable 90, api-gateway-canary 10')
  })

  test('give nothing to a service that it does not name', () => {
    expect(weightsText(weightsOf(split({ service: STABLE, weight: 100 }), route()))).toBe(
      'api-gateway-stable 100, api-gateway-canary 0',
    )
  })

  test.each([
    ['no backends', [], 'spec.backends is empty'],
    [
      'weights that do not add up',
      [
        { service: STABLE, weight: 90 },
        { service: CANARY, weight: 1 },
      ],
      'the weights add up to 91, not to 100: api-gateway-stable 90, api-gateway-canary 1',
    ],
    [
      'a negative weight',
      [
        { service: STABLE, weight: 110 },
        { service: CANARY, weight: -10 },
      ],
      'the weight of api-gateway-stable is 110: it must be a whole number from 0 to 100; the weight of api-gateway-canary is -10: it must be a whole number from 0 to 100',
    ],
    ['a fraction', [{ service: STABLE, weight: 99.5 }], 'the weight of api-gateway-stable is 99.5'],
    ['a weight in words', [{ service: STABLE, weight: '100' }], 'the weight of api-gateway-stable is "100"'],
    ['a service without a name', [{ weight: 100 }], 'spec.backends[0].service is not a name'],
    [
      'a service twice',
      [
        { service: STABLE, weight: 50 },
        { service: STABLE, weight: 50 },
      ],
      'api-gateway-stable is named twice',
    ],
    [
      'a service that the route does not know',
      [
        { service: STABLE, weight: 90 },
        { service: 'api-gateway-kanary', weight: 10 },
      ],
      'the HTTPRoute api-gateway does not know api-gateway-kanary; it knows api-gateway-stable, api-gateway-canary',
    ],
    [
      'more services than there may be',
      Array.from({ length: 17 }, (_, at) => ({ service: `s${at}`, weight: 1 })),
      'more than 16',
    ],
  ])('are refused: %s', (_, backends, why) => {
    expect(() => weightsOf(split(...backends), route())).toThrow(SplitRefused)
    expect(() => weightsOf(split(...backends), route())).toThrow(why)
  })
})

describe('without a split', () => {
  test('the stable service has everything', () => {
    expect(weightsText(weightsWithoutSplit(route(70, 30)))).toBe('api-gateway-stable 100, api-gateway-canary 0')
  })

  test('a route whose annotation names no backend of it is left alone', () => {
    const { spec, metadata } = route()
    const other = { metadata: { ...metadata, annotations: { [STABLE_SERVICE]: 'gateway' } }, spec: spec! }
    expect(() => weightsWithoutSplit(other)).toThrow('which is no backend of the HTTPRoute')
  })
})

describe('the rules of a route', () => {
  test('differ in weights alone', () => {
    const rules = rulesWith(
      new Map([
        [STABLE, 70],
        [CANARY, 30],
      ]),
      route(),
    )
    expect(rules).toEqual(route(70, 30).spec?.rules)
  })

  test('are not written when they have the weights already', () => {
    expect(
      rulesWith(
        new Map([
          [STABLE, 70],
          [CANARY, 30],
        ]),
        route(70, 30),
      ),
    ).toBeNull()
  })

  test('a backend without a weight counts as 1, as the Gateway API says', () => {
    const { metadata } = route()
    const bare = { metadata, spec: { rules: [{ backendRefs: [{ name: STABLE }] }] } }
    expect(rulesWith(new Map([[STABLE, 1]]), bare)).toBeNull()
    expect(rulesWith(new Map([[STABLE, 100]]), bare)).toEqual([{ backendRefs: [{ name: STABLE, weight: 100 }] }])
  })
})
