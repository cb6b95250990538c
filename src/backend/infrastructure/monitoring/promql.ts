// What a query asks for, and what is wrong with it, read with Prometheus' own grammar.
import { parser } from '@prometheus-io/lezer-promql'
import { labelsOf, SCRAPE_LABELS } from './known-metrics.ts'

/** Made by recording rules, with the labels that are left. */
export type Recorded = Readonly<Record<string, readonly string[]>>

interface Node {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** What cannot be read, and what nobody shows: series, and labels in a selector or a grouping. */
export function queryFaults(query: string, recorded: Recorded): string[] {
  const nodes: Node[] = []
  parser.parse(query).iterate({ enter: ({ name, from, to }) => void nodes.push({ name, from, to }) })
  const text = ({ from, to }: Node) => query.slice(from, to)
  const broken = nodes.find(({ name }) => name === '⚠')
  if (broken !== undefined) return [`it cannot be read from "${query.slice(broken.from, broken.from + 30)}" on`]
  const within = (outer: Node, name: string) =>
    nodes.filter((node) => node.name === name && node.from >= outer.from && node.to <= outer.to)
  const known = new Set<string>()
  const faults: string[] = []
  for (const selector of nodes.filter(({ name }) => name === 'VectorSelector')) {
    const [identifier] = within(selector, 'Identifier')
    const series = identifier === undefined ? '' : text(identifier)
    const labels = recorded[series] ?? labelsOf(series)
    if (labels === null) {
      faults.push(`nobody shows ${series || 'a series without a name'}`)
      continue
    }
    for (const label of labels) known.add(label)
    for (const label of within(selector, 'LabelName').map(text)) {
      if (!labels.includes(label)) faults.push(`${series} has no label ${label}`)
    }
  }
  for (const grouping of nodes.filter(({ name }) => name === 'GroupingLabels')) {
    for (const label of within(grouping, 'LabelName').map(text)) {
      if (!known.has(label) && !SCRAPE_LABELS.includes(label)) faults.push(`no series of it has the label ${label}`)
    }
  }
  return faults
}

/** The labels of a recorded series: those that its outermost `by` leaves. */
export function recordedLabels(expr: string): readonly string[] {
  const by = /\bby \(([^)]*)\)/.exec(expr)?.[1] ?? ''
  const labels = by.split(',').map((label) => label.trim())
  return expr.startsWith('histogram_quantile(') ? labels.filter((label) => label !== 'le') : labels
}
