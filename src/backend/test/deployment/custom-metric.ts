// The rule by which requests a second become a metric of pods, as the adapter of custom metrics reads it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { PROJECT_ROOT } from '../tidy/tree.ts'

export const ADAPTER_VALUES = 'infrastructure/monitoring/prometheus-adapter-values.yaml'

export interface AdapterRule {
  readonly seriesQuery: string
  readonly name: { readonly matches: string; readonly as: string }
  readonly resources: { readonly overrides: Readonly<Record<string, { readonly resource: string }>> }
  readonly metricsQuery: string
}

export function adapterRules(): readonly AdapterRule[] {
  const values = parse(readFileSync(join(PROJECT_ROOT, ADAPTER_VALUES), 'utf8')) as { rules: { custom: AdapterRule[] } }
  return values.rules.custom
}

/** What the adapter asks Prometheus when an autoscaler asks it for the metric of these pods. */
export function questionFor(rule: AdapterRule, namespace: string, pods: readonly string[]): string {
  const [series = ''] = rule.seriesQuery.split('{')
  return rule.metricsQuery
    .replaceAll('<<.Series>>', series)
    .replaceAll('<<.LabelMatchers>>', `namespace="${namespace}",pod=~"${pods.join('|')}"`)
    .replaceAll('<<.GroupBy>>', 'pod')
}
