// The metric that the calculation service is scaled by is made of one that the engine has, and is called what the autoscaler asks for.
import { beforeAll, describe, expect, test } from 'vitest'
import { createMetrics } from '../../server/metrics.ts'
import { adapterRules, questionFor } from './custom-metric.ts'
import { BUILD_TIMEOUT_MS, buildEverything, fileObjects, one, overlay, withoutKubectl } from './manifests.ts'

const registry = createMetrics({ service: 'calculation-service', processMetrics: false }).registry

/** Names of series and labels in a query that the engine does not have; `namespace` and `pod` come from the scraper. */
function unknownWords(query: string): string[] {
  const [series = ''] = /\w+_total/.exec(query) ?? []
  const metric = registry.getSingleMetric(series)
  if (metric === undefined) return [series]
  const own = (metric as unknown as { labelNames: readonly string[] }).labelNames
  const labels = [...query.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label ?? '')
  return labels.filter((label) => ![...own, 'service', 'namespace', 'pod'].includes(label))
}

describe('the custom metric', () => {
  const [rule, ...others] = adapterRules()

  test('is one rule, of a series and labels that the engine has', () => {
    expect(others).toEqual([])
    expect(unknownWords(rule!.seriesQuery)).toEqual([])
    expect(unknownWords(questionFor(rule!, 'borrow-rate-engine-prod', ['a', 'b']))).toEqual([])
    expect(rule!.resources.overrides).toEqual({ namespace: { resource: 'namespace' }, pod: { resource: 'pod' } })
    expect(new RegExp(rule!.name.matches).test(rule!.seriesQuery.split('{')[0]!)).toBe(true)
  })

  test('has KEDA ask for the same', () => {
    const [scaled] = fileObjects('components/keda/scaled-object.yaml')
    const { triggers } = scaled!.spec as {
      triggers: { type: string; metadata: { query?: string; threshold?: string } }[]
    }
    const { query = '', threshold } = triggers.find(({ type }) => type === 'prometheus')!.metadata
    expect(unknownWords(query)).toEqual([])
    expect(query).toContain(rule!.seriesQuery.split('{')[0])
    expect(threshold).toBe('200')
  })

  test.each([
    ['a series', 'sum(rate(http_quests_total{pod="a"}[2m]))', ['http_quests_total']],
    ['a label', 'sum(rate(internal_calls_total{operator="a"}[2m]))', ['operator']],
  ])('that the engine does not have, by %s, is noticed', (_, query, words) => {
    expect(unknownWords(query)).toEqual(words)
  })

  describe.skipIf(withoutKubectl())('and the autoscaler', () => {
    beforeAll(buildEverything, BUILD_TIMEOUT_MS)

    test('ask for it by one name', () => {
      const { metrics } = one(overlay('prod'), 'HorizontalPodAutoscaler', 'calculation-service-hpa').spec as {
        metrics: { type: string; pods?: { metric: { name: string }; target: unknown } }[]
      }
      const pods = metrics.find(({ type }) => type === 'Pods')?.pods
      expect(pods?.metric.name).toBe(rule!.name.as)
      expect(pods?.target).toEqual({ type: 'AverageValue', averageValue: '200' })
    })

    test('is worth as many pods as the autoscaler’s formula says, within its bounds', () => {
      const { minReplicas, maxReplicas } = one(overlay('prod'), 'HorizontalPodAutoscaler', 'calculation-service-hpa')
        .spec as { minReplicas: number; maxReplicas: number }
      // ceil(pods * figure of a pod / target), which is what all are asked for by what one should be.
      const desired = (perSecond: number) => Math.min(Math.max(Math.ceil(perSecond / 200), minReplicas), maxReplicas)
      expect([0, 500, 601, 1000, 4000, 9000].map(desired)).toEqual([3, 3, 4, 5, 20, 20])
    })
  })
})
